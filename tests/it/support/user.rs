//! Users of the shared sandbox with rights of their own.

use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Deployctl, Sandbox, api::Api, namespace, sandbox};

/// A user with rights of their own, who is found in the audit log by name: a `ServiceAccount`, and
/// a kubeconfig with its token.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) kubeconfig: PathBuf,
    /// Where the API server writes what the user asks.
    pub(crate) audit_log: PathBuf,
    _folder: TempDir,
}

impl User {
    /// A user who may do everything.
    pub(crate) fn administrator() -> Self {
        let user = Self::without_rights();
        let binding = user.name.replace(':', "-");
        bind(
            Api::shared(),
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            (&binding, "ClusterRole", "cluster-admin"),
            &user.name,
        );
        user
    }

    /// A user called `name` who may do everything in a sandbox of a test's own.
    pub(crate) fn administrator_of(sandbox: &Sandbox, api: &Api, name: &str) -> Self {
        let accounts = "/api/v1/namespaces/default/serviceaccounts";
        api.create(accounts, &json!({"metadata": {"name": name}}));
        let token = api.create(
            &format!("{accounts}/{name}/token"),
            &json!({"spec": {"expirationSeconds": 24 * 60 * 60}}),
        );
        let token = token["status"]["token"].as_str().expect("there is a token");
        let own = format!("system:serviceaccount:default:{name}");
        bind(
            api,
            "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
            (name, "ClusterRole", "cluster-admin"),
            &own,
        );
        Self::with_token_of(sandbox, &own, token)
    }

    /// A user who may do everything inside of `namespace`, and nothing elsewhere.
    pub(crate) fn confined_to(namespace: &str) -> Self {
        Self::with_verbs(namespace, &["*"])
    }

    /// A user who may do `verbs` to everything inside of `namespace`, and nothing elsewhere.
    pub(crate) fn with_verbs(namespace: &str, verbs: &[&str]) -> Self {
        Self::with_role(
            namespace,
            &json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": verbs}]),
        )
    }

    /// A user who may do what `rules` say inside of `namespace`, and nothing elsewhere.
    pub(crate) fn with_role(namespace: &str, rules: &Value) -> Self {
        let user = Self::without_rights();
        let roles = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}");
        let role = json!({"metadata": {"name": "some"}, "rules": rules});
        Api::shared().create(&format!("{roles}/roles"), &role);
        bind(
            Api::shared(),
            &format!("{roles}/rolebindings"),
            ("some", "Role", "some"),
            &user.name,
        );
        user
    }

    /// A user who may do what `rules` say, in the whole cluster.
    pub(crate) fn with_rules(rules: &Value) -> Self {
        let user = Self::without_rights();
        let name = user.name.replace(':', "-");
        let roles = "/apis/rbac.authorization.k8s.io/v1";
        let role = json!({"metadata": {"name": name}, "rules": rules});
        Api::shared().create(&format!("{roles}/clusterroles"), &role);
        bind(
            Api::shared(),
            &format!("{roles}/clusterrolebindings"),
            (&name, "ClusterRole", &name),
            &user.name,
        );
        user
    }

    /// A user who may do nothing.
    pub(crate) fn without_rights() -> Self {
        let namespace = namespace("user");
        let token = Api::shared().create(
            &format!("/api/v1/namespaces/{namespace}/serviceaccounts/default/token"),
            &json!({"spec": {"expirationSeconds": 24 * 60 * 60}}),
        );
        let token = token["status"]["token"].as_str().expect("there is a token");
        Self::with_token(&format!("system:serviceaccount:{namespace}:default"), token)
    }

    /// Whoever shows `token`.
    pub(crate) fn with_token(name: &str, token: &str) -> Self {
        Self::with_token_of(sandbox(), name, token)
    }

    fn with_token_of(sandbox: &Sandbox, name: &str, token: &str) -> Self {
        let text = fs::read_to_string(&sandbox.kubeconfig).unwrap();
        let mut config: Value = serde_json::from_str(&text).unwrap();
        let context = config["current-context"].clone();
        for user in config["users"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .filter(|user| user["name"] == context)
        {
            user["user"] = json!({"token": token});
        }
        let folder = tempfile::tempdir().unwrap();
        let kubeconfig = folder.path().join("kubeconfig");
        fs::write(&kubeconfig, config.to_string()).unwrap();
        Self {
            name: name.to_owned(),
            kubeconfig,
            audit_log: sandbox.audit_log.clone(),
            _folder: folder,
        }
    }

    /// `run` as this user.
    pub(crate) fn runs(&self, run: Deployctl) -> Deployctl {
        run.env("KUBECONFIG", self.kubeconfig.as_os_str())
    }
}

/// Creates the binding `name` of a role, by its kind and name, to `user`.
fn bind(api: &Api, path: &str, (name, kind, role): (&str, &str, &str), user: &str) {
    let subject = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user});
    let role = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role});
    let binding = json!({"metadata": {"name": name}, "subjects": [subject], "roleRef": role});
    api.create(path, &binding);
}
