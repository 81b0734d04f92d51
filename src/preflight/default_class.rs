//! Claims that name no storage class where the cluster has no default one.

use serde_json::Value;

use super::Finding;
use crate::{
    finding::Check,
    object::{
        HasKind as _, ManifestView, Object,
        field::{is_present, list},
    },
};

/// The annotations by which a class is the default one; the second is the older.
/// <https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass>
const DEFAULT: [&str; 2] = [
    "storageclass.kubernetes.io/is-default-class",
    "storageclass.beta.kubernetes.io/is-default-class",
];

/// Whether claims of `object` leave the class to the cluster.
pub(crate) fn leaves_class_open(object: &Object) -> bool {
    let is_open = |claim: &Value| {
        claim
            .pointer("/spec/storageClassName")
            .is_none_or(Value::is_null)
            && !is_present(claim, "/spec/volumeName")
            && ManifestView(claim)
                .annotation("volume.beta.kubernetes.io/storage-class")
                .is_none()
    };
    if object.id.is_claim() {
        return is_open(&object.body);
    }
    object.id.is_like_stateful_set()
        && list(&object.body, "/spec/volumeClaimTemplates")
            .iter()
            .any(is_open)
}

/// Whether `class` is the default one.
pub(crate) fn is_default_class(class: &Value) -> bool {
    let view = ManifestView(class);
    DEFAULT
        .iter()
        .any(|key| view.annotation(key) == Some("true"))
}

/// That `object` leaves the class of a claim open, in a cluster without a default one. A volume
/// without a class may be there for it.
pub(crate) fn no_default_class(object: &Object) -> Finding {
    let message = "its claim names no `storageClassName`, and the cluster has no default StorageClass: it waits until there is one, or a volume without a class";
    Finding::of(Check::NoDefaultClass, message)
        .about(object)
        .remedy("name a class: `kubectl get storageclasses` lists them")
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::{ObjectId, Origin};

    fn object(body: Value) -> Object {
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: String::new(),
            body: Arc::new(body),
            origin: Origin {
                file: Path::new("a.yaml").into(),
                line: 1,
            },
        }
    }

    #[test]
    fn only_what_says_nothing_leaves_it_open() {
        let claim = |spec: Value| {
            object(
                json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"}, "spec": spec}),
            )
        };
        assert!(leaves_class_open(&claim(json!({}))));
        for spec in [
            json!({"storageClassName": ""}),
            json!({"storageClassName": "fast"}),
            json!({"volumeName": "v"}),
        ] {
            assert!(!leaves_class_open(&claim(spec.clone())), "{spec}");
        }
        let set = |class: Value| {
            object(
                json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "a"}, "spec": {"volumeClaimTemplates": [{"spec": {"storageClassName": class}}]}}),
            )
        };
        assert!(leaves_class_open(&set(Value::Null)) && !leaves_class_open(&set("fast".into())));
        let class = |value: &str| json!({"metadata": {"annotations": {"storageclass.kubernetes.io/is-default-class": value}}});
        assert!(is_default_class(&class("true")) && !is_default_class(&class("false")));
    }
}
