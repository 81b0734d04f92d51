//! A look at a live object or a manifest of any kind: what all of them have. What lies in the rest
//! of one is read with the functions of [`field`](super::field).

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{
    condition::Condition,
    field::{integer, is_true, list, map, text, texts, time},
    id::group_of,
    kind::{HasKind, modern},
};

/// What every object has: kind, metadata, owners, conditions. Read when it is asked for, so that it
/// costs nothing to make.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ManifestView<'a>(pub(crate) &'a Value);

/// One entry of `metadata.ownerReferences`. What it does not say is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner<'a> {
    /// `apiVersion` of the owner.
    pub(crate) api_version: &'a str,
    /// Kind of the owner.
    pub(crate) kind: &'a str,
    /// Name of the owner, which is in the same namespace or in none.
    pub(crate) name: &'a str,
    /// uid of the owner.
    pub(crate) uid: &'a str,
    /// Whether the owner made the object, and makes it again where it is gone.
    pub(crate) is_controller: bool,
}

impl<'a> Owner<'a> {
    fn of(reference: &'a Value) -> Self {
        let said = |path| text(reference, path).unwrap_or_default();
        Self {
            api_version: said("/apiVersion"),
            kind: said("/kind"),
            name: said("/name"),
            uid: said("/uid"),
            is_controller: is_true(reference, "/controller"),
        }
    }
}

impl<'a> ManifestView<'a> {
    /// `apiVersion`, for example `apps/v1`; empty where there is none.
    pub(crate) fn api_version(self) -> &'a str {
        text(self.0, "/apiVersion").unwrap_or_default()
    }

    /// API group as `apiVersion` says it; empty for the core group, and where there is none.
    pub(crate) fn group(self) -> &'a str {
        group_of(self.api_version())
    }

    /// API version without its group, for example `v1`; empty where there is none.
    pub(crate) fn version(self) -> &'a str {
        self.api_version().rsplit('/').next().unwrap_or_default()
    }

    /// `kind`; empty where there is none.
    pub(crate) fn kind(self) -> &'a str {
        text(self.0, "/kind").unwrap_or_default()
    }

    /// `metadata.name`; empty where there is none.
    pub(crate) fn name(self) -> &'a str {
        text(self.0, "/metadata/name").unwrap_or_default()
    }

    /// `metadata.namespace`; `None` where the object belongs to the cluster as a whole.
    pub(crate) fn namespace(self) -> Option<&'a str> {
        text(self.0, "/metadata/namespace")
    }

    /// `metadata.uid`, which no other object has or will have; `None` in a manifest.
    pub(crate) fn uid(self) -> Option<&'a str> {
        text(self.0, "/metadata/uid")
    }

    /// `metadata.resourceVersion`, which is another after each write; `None` in a manifest.
    pub(crate) fn resource_version(self) -> Option<&'a str> {
        text(self.0, "/metadata/resourceVersion")
    }

    /// `metadata.generation`, which the API server counts up with each change of what is wanted.
    pub(crate) fn generation(self) -> Option<i64> {
        integer(self.0, "/metadata/generation")
    }

    /// `metadata.creationTimestamp`, to the second.
    pub(crate) fn created(self) -> Option<Timestamp> {
        time(self.0, "/metadata/creationTimestamp")
    }

    /// `metadata.deletionTimestamp`, to the second; `None` where it is not being deleted.
    pub(crate) fn deleted(self) -> Option<Timestamp> {
        time(self.0, "/metadata/deletionTimestamp")
    }

    /// Whether it is being deleted.
    pub(crate) fn is_terminating(self) -> bool {
        text(self.0, "/metadata/deletionTimestamp").is_some()
    }

    /// What holds the object as long as it is being deleted: `metadata.finalizers`.
    pub(crate) fn finalizers(self) -> impl Iterator<Item = &'a str> {
        texts(self.0, "/metadata/finalizers")
    }

    /// `metadata.labels`.
    pub(crate) fn labels(self) -> Option<&'a Map<String, Value>> {
        map(self.0, "/metadata/labels")
    }

    /// The value of the label `key`.
    pub(crate) fn label(self, key: &str) -> Option<&'a str> {
        self.labels()?.get(key)?.as_str()
    }

    /// The value of the annotation `key`.
    pub(crate) fn annotation(self, key: &str) -> Option<&'a str> {
        map(self.0, "/metadata/annotations")?.get(key)?.as_str()
    }

    /// The objects that it belongs to. It goes when all of them are gone.
    /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/owners-dependents/>
    pub(crate) fn owners(self) -> impl Iterator<Item = Owner<'a>> {
        list(self.0, "/metadata/ownerReferences")
            .iter()
            .map(Owner::of)
    }

    /// Whether `owner` is one of its owners.
    pub(crate) fn belongs_to(self, owner: &Value) -> bool {
        let uid = ManifestView(owner).uid();
        self.owners().any(|reference| Some(reference.uid) == uid)
    }

    /// The owner that made it; `None` for what somebody wrote.
    pub(crate) fn controller(self) -> Option<Owner<'a>> {
        self.owners().find(|owner| owner.is_controller)
    }

    /// `status.conditions`.
    pub(crate) fn conditions(self) -> impl Iterator<Item = Condition<'a>> {
        list(self.0, "/status/conditions")
            .iter()
            .filter_map(Condition::of)
    }

    /// The condition of this type, if the object has one.
    pub(crate) fn condition(self, kind: &str) -> Option<Condition<'a>> {
        self.conditions().find(|condition| condition.kind == kind)
    }
}

/// Takes `metadata.managedFields` out of `object`: who owns which field is half of its size, and
/// `ownership` alone asks for it.
pub(crate) fn strip_managed_fields(object: &mut Value) {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
}

impl HasKind for ManifestView<'_> {
    fn group_and_kind(&self) -> (&str, &str) {
        modern(self.group(), self.kind())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {
                "name": "api-1", "namespace": "shop", "uid": "p", "resourceVersion": "7", "generation": 2,
                "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": "2026-01-01T01:00:00Z",
                "labels": {"app": "api"}, "annotations": {"a/b": "c"}, "finalizers": ["x/y"],
                "ownerReferences": [
                    {"apiVersion": "v1", "kind": "Node", "name": "one", "uid": "n"},
                    {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "api", "uid": "r", "controller": true},
                ],
            },
            "status": {"conditions": [{"type": "Ready", "status": "False", "reason": "Down"}, {"status": "True"}]},
        })
    }

    #[test]
    fn a_whole_object_says_everything() {
        let pod = pod();
        let view = ManifestView(&pod);
        assert_eq!(
            (view.api_version(), view.group(), view.kind()),
            ("v1", "", "Pod")
        );
        assert_eq!((view.name(), view.namespace()), ("api-1", Some("shop")));
        assert_eq!(
            (view.uid(), view.resource_version()),
            (Some("p"), Some("7"))
        );
        assert_eq!(view.generation(), Some(2));
        assert_eq!(view.created(), "2026-01-01T00:00:00Z".parse().ok());
        assert!(view.is_terminating());
        assert_eq!(view.finalizers().collect::<Vec<_>>(), ["x/y"]);
        assert_eq!((view.label("app"), view.label("b")), (Some("api"), None));
        assert_eq!(view.annotation("a/b"), Some("c"));
        let uids: Vec<&str> = view.owners().map(|owner| owner.uid).collect();
        assert_eq!(uids, ["n", "r"]);
        assert_eq!(
            view.controller(),
            Some(Owner {
                api_version: "apps/v1",
                kind: "ReplicaSet",
                name: "api",
                uid: "r",
                is_controller: true
            })
        );
        assert_eq!(view.conditions().count(), 1);
        assert!(
            view.condition("Ready")
                .is_some_and(|ready| ready.is_false())
        );
        assert!(view.condition("Absent").is_none());
    }

    #[test]
    fn a_partial_object_says_nothing_wrong() {
        for object in [
            Value::Null,
            json!({"metadata": null, "status": 1}),
            json!({"metadata": {"name": 1, "uid": "", "deletionTimestamp": null, "ownerReferences": {}, "labels": []}}),
        ] {
            let view = ManifestView(&object);
            assert_eq!(
                (view.kind(), view.name(), view.uid()),
                ("", "", None),
                "{object}"
            );
            assert!(
                !view.is_terminating() && view.labels().is_none(),
                "{object}"
            );
            assert!(view.owners().next().is_none() && view.conditions().next().is_none());
        }
    }
}
