//! The content of Secrets of type `kubernetes.io/dockerconfigjson`.
//! <https://kubernetes.io/docs/concepts/configuration/secret/#docker-config-secrets>

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use super::{rejection::Rejection, value::SecretBytes};

/// The only key of such a Secret.
pub(super) const KEY: &str = ".dockerconfigjson";
/// The keys that it is composed from; `email` may be added.
pub(super) const NEEDED: [&str; 3] = ["registry", "username", "password"];

/// The content composed from its parts; `None` where one is not text.
pub(super) fn compose(
    registry: &SecretBytes,
    username: &SecretBytes,
    password: &SecretBytes,
    email: Option<&SecretBytes>,
) -> Option<SecretBytes> {
    let (username, password) = (username.expose_text()?, password.expose_text()?);
    let mut entry = json!({
        "username": username,
        "password": password,
        "auth": STANDARD.encode(format!("{username}:{password}")),
    });
    if let Some(email) = email {
        entry["email"] = json!(email.expose_text()?);
    }
    let config = json!({"auths": {registry.expose_text()?: entry}});
    Some(SecretBytes::new(config.to_string().into_bytes()))
}

/// The parts that `content` was composed from; none where it names no registry or several.
pub(super) fn parts(content: &SecretBytes) -> HashMap<&'static str, SecretBytes> {
    let config: Value = serde_json::from_slice(content.expose()).unwrap_or_default();
    let Some(auths) = config
        .get("auths")
        .and_then(Value::as_object)
        .filter(|auths| auths.len() == 1)
    else {
        return HashMap::new();
    };
    let mut parts = HashMap::new();
    for (registry, entry) in auths {
        parts.insert("registry", SecretBytes::from(registry.as_str()));
        for key in ["username", "password", "email"] {
            if let Some(text) = entry.get(key).and_then(Value::as_str) {
                parts.insert(key, SecretBytes::from(text));
            }
        }
    }
    parts
}

/// Checks that the kubelet could read `content`.
pub(super) fn check(content: &SecretBytes) -> Result<(), Rejection> {
    let config: Option<Value> = serde_json::from_slice(content.expose()).ok();
    let auths = config.as_ref().and_then(|config| config.get("auths"));
    if auths.is_some_and(Value::is_object) {
        Ok(())
    } else {
        Err(Rejection::NotDockerConfig)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_composed_can_be_taken_apart_again() {
        let [registry, username, password, email] =
            ["registry.test", "robot", "pa:ss\"word", "a@b.test"].map(SecretBytes::from);
        let content = compose(&registry, &username, &password, Some(&email)).expect("text");
        assert_eq!(check(&content), Ok(()));
        let config: Value = serde_json::from_slice(content.expose()).expect("JSON");
        assert_eq!(
            config["auths"]["registry.test"]["auth"],
            STANDARD.encode("robot:pa:ss\"word")
        );
        let parts = parts(&content);
        assert_eq!(parts.len(), 4);
        assert!(
            parts["password"] == password
                && parts["registry"] == registry
                && parts["email"] == email
        );
        assert!(
            !super::parts(&compose(&registry, &username, &password, None).expect("text"))
                .contains_key("email")
        );
    }

    #[test]
    fn anything_else_is_refused() {
        for wrong in ["", "hunter2", "{}", r#"{"auths": []}"#] {
            assert_eq!(
                check(&SecretBytes::from(wrong)),
                Err(Rejection::NotDockerConfig)
            );
            assert!(parts(&SecretBytes::from(wrong)).is_empty());
        }
    }
}
