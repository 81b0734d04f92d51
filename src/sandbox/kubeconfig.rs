//! The kubeconfig of a sandbox.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A user of the sandbox who shows a token.
pub(super) struct User {
    pub(super) name: &'static str,
    pub(super) groups: &'static str,
    pub(super) token: String,
}

impl User {
    /// A line of the API server's `--token-auth-file`
    /// (<https://kubernetes.io/docs/reference/access-authn-authz/authentication/#static-token-file>).
    pub(super) fn token_line(&self) -> String {
        let name = self.name;
        format!("{},{name},{name},\"{}\"\n", self.token, self.groups)
    }
}

/// A kubeconfig with one context per user; the first one is current. JSON is YAML too.
pub(super) fn kubeconfig(server: &str, authority: &str, contexts: &[(String, &User)]) -> String {
    let cluster = contexts
        .first()
        .map(|(name, _)| name.clone())
        .unwrap_or_default();
    let context = |(name, _): &(String, &User)| json!({"name": name, "context": {"cluster": cluster, "user": name}});
    let user =
        |(name, user): &(String, &User)| json!({"name": name, "user": {"token": user.token}});
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": STANDARD.encode(authority)}}],
        "users": contexts.iter().map(user).collect::<Vec<Value>>(),
        "contexts": contexts.iter().map(context).collect::<Vec<Value>>(),
        "current-context": cluster,
    });
    format!("{config:#}\n")
}
