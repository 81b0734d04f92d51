use std::{fs, path::PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Deployctl, apply, kubectl, namespace, sandbox};

/// A user with rights of their own, who is found in the audit log by name: a `ServiceAccount`, and
/// a kubeconfig with its token.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) kubeconfig: PathBuf,
    _folder: TempDir,
}

impl User {
    /// A user who may do everything.
    pub(crate) fn administrator() -> Self {
        let user = Self::without_rights();
        let binding = user.name.replace(':', "-");
        kubectl(&[
            "create",
            "clusterrolebinding",
            &binding,
            "--clusterrole=cluster-admin",
            &format!("--user={}", user.name),
        ]);
        user
    }

    /// A user who may do everything inside of `namespace`, and nothing elsewhere.
    pub(crate) fn confined_to(namespace: &str) -> Self {
        Self::with_verbs(namespace, "'*'")
    }

    /// A user who may do `verbs` to everything inside of `namespace`, and nothing elsewhere.
    pub(crate) fn with_verbs(namespace: &str, verbs: &str) -> Self {
        let user = Self::without_rights();
        let role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: some}\nrules: [{apiGroups: ['*'], resources: ['*'], verbs: ";
        apply(namespace, &format!("{role}[{verbs}]}}]\n"));
        kubectl(&[
            "create",
            "rolebinding",
            "some",
            "--role=some",
            &format!("--user={}", user.name),
            "--namespace",
            namespace,
        ]);
        user
    }

    /// A user who may do nothing.
    pub(crate) fn without_rights() -> Self {
        let namespace = namespace("user");
        let token = kubectl(&[
            "create",
            "token",
            "default",
            "--namespace",
            &namespace,
            "--duration=24h",
        ]);
        Self::with_token(
            &format!("system:serviceaccount:{namespace}:default"),
            token.trim(),
        )
    }

    /// Whoever shows `token`.
    pub(crate) fn with_token(name: &str, token: &str) -> Self {
        let text = fs::read_to_string(&sandbox().kubeconfig).unwrap();
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
            _folder: folder,
        }
    }

    /// `run` as this user.
    pub(crate) fn runs(&self, run: Deployctl) -> Deployctl {
        run.env("KUBECONFIG", self.kubeconfig.as_os_str())
    }
}
