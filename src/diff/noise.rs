//! What of an object is no part of what anybody wants: the API server's book-keeping, and ours.

use serde_json::{Map, Value};

use crate::object::{CONFIG_DIGEST, is_filled_in_annotation};

/// What the API server itself writes into `metadata`; who manages what is needed to compare, and taken
/// out later.
const METADATA: [&str; 7] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// A copy of the whole object that `kubectl apply` leaves behind.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `object` without what nobody wants of it: what the API server counts and names, `status` unless
/// `keeps_status`, annotations of controllers, the copy that kubectl leaves, `label`, by which we find
/// it, and the digest by which we restart pods.
pub(super) fn without_noise(object: &Value, label: &str, keeps_status: bool) -> Value {
    let mut object = object.clone();
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    if !keeps_status {
        fields.remove("status");
    }
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        metadata.retain(|name, _| !METADATA.contains(&name.as_str()));
        retain(metadata, "labels", |name| name != label);
        retain(metadata, "annotations", |name| {
            name != LAST_APPLIED && !is_filled_in_annotation(name)
        });
    }
    let template = object.pointer_mut("/spec/template/metadata");
    if let Some(Value::Object(metadata)) = template {
        // The API server writes it into every template.
        if metadata.get("creationTimestamp") == Some(&Value::Null) {
            metadata.remove("creationTimestamp");
        }
        retain(metadata, "annotations", |name| name != CONFIG_DIGEST);
    }
    object
}

/// Takes the keys of the map `name` that are not `wanted`, and the map where none is left.
fn retain(metadata: &mut Map<String, Value>, name: &str, wanted: impl Fn(&str) -> bool) {
    let Some(Value::Object(entries)) = metadata.get_mut(name) else {
        return;
    };
    entries.retain(|key, _| wanted(key));
    if entries.is_empty() {
        metadata.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::without_noise;

    #[test]
    fn book_keeping_goes_and_everything_else_stays() {
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {
                "name": "web", "uid": "u", "resourceVersion": "7", "generation": 2, "creationTimestamp": "now",
                "labels": {"deployctl.dev/shop.dev": ""},
                "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": "{}",
                    "deployment.kubernetes.io/revision": "3", "example.org/note": "mine",
                },
            },
            "spec": {"replicas": 1, "template": {"metadata": {"creationTimestamp": null, "annotations": {"deployctl.dev/config-digest": "d"}}}},
            "status": {"replicas": 1},
        });
        assert_eq!(
            without_noise(&object, "deployctl.dev/shop.dev", false),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "web", "annotations": {"example.org/note": "mine"}},
                "spec": {"replicas": 1, "template": {"metadata": {}}},
            })
        );
        assert_eq!(
            without_noise(&object, "", true)["status"],
            json!({"replicas": 1})
        );
    }
}
