//! How an object of one release becomes one of another: its label, and whose its fields are.

use serde_json::{Value, json};

use super::{
    entries::{Entry, entries, same_version},
    fields::Fields,
    path::Path,
};
use crate::object::{ManifestView, field::part};

/// The marks of a release on its objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ReleaseMarks {
    /// The field manager that applies them.
    pub(crate) manager: String,
    /// The key of the label that they carry.
    pub(crate) label: String,
}

/// How the marks of one release give way to those of another.
///
/// Two writes: one changes the label, and the API server takes its writer for who holds it; the
/// other one says whose it is. Where only the first was done, another attempt finds the label as it
/// is to be and does the second.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Remarking {
    /// The marks that objects have.
    pub(crate) from: ReleaseMarks,
    /// The marks that they get.
    pub(crate) to: ReleaseMarks,
}

impl Remarking {
    /// Whether `live` has the marks of either release.
    pub(crate) fn concerns(&self, live: &Value) -> bool {
        let is_marked = |entry: Entry<'_>| {
            entry.is_applied_by(&self.from.manager)
                || entry.is_applied_by(&self.to.manager)
                || entry.is_half_way_of(&self.to.manager)
        };
        entries(live).any(is_marked)
    }

    /// The JSON patch that changes the label of `live`; `None` where it is changed.
    pub(crate) fn label_patch(&self, live: &Value) -> Option<Value> {
        let labels = part(live, "/metadata/labels");
        let has = |label: &str| labels.is_some_and(|labels| labels.get(label).is_some());
        let (from, to) = (&self.from.label, &self.to.label);
        if has(to) && !has(from) {
            return None;
        }
        let at = |label: &str| {
            format!(
                "/metadata/labels/{}",
                label.replace('~', "~0").replace('/', "~1")
            )
        };
        let mut operations = vec![same_version(live)];
        if labels.is_none() {
            operations.push(json!({"op": "add", "path": "/metadata/labels", "value": {}}));
        }
        operations.push(json!({"op": "add", "path": at(to), "value": ""}));
        if has(from) {
            operations.push(json!({"op": "remove", "path": at(from)}));
        }
        Some(operations.into())
    }

    /// The `managedFields` of `live`, whose label is changed, afterwards; `None` where they are so.
    pub(crate) fn owners(&self, live: &Value) -> Option<Value> {
        let is_applied_by = |manager: &str| entries(live).any(|entry| entry.is_applied_by(manager));
        let from_is_there = is_applied_by(&self.from.manager);
        if is_applied_by(&self.to.manager) && !from_is_there {
            return None;
        }
        // Who held nothing but the label has no entry any more once that is gone.
        let blank = Entry::blank(&self.from.manager, ManifestView(live).api_version());
        let lost = (!from_is_there).then(|| Entry::of(&blank));
        let owners = entries(live).chain(lost);
        Some(owners.filter_map(|entry| self.owner(&entry)).collect())
    }

    /// `live`, which has got the new marks, as it was with the old ones.
    pub(crate) fn undone(&self, live: &Value) -> Value {
        let back = Self {
            from: self.to.clone(),
            to: self.from.clone(),
        };
        let mut object = live.clone();
        let labels = object.pointer_mut("/metadata/labels");
        if let Some(labels) = labels.and_then(Value::as_object_mut) {
            let value = labels.remove(&back.from.label).unwrap_or_default();
            labels.insert(back.to.label.clone(), value);
        }
        if let Some(owners) = back.owners(&object) {
            object["metadata"]["managedFields"] = owners;
        }
        object
    }

    /// What becomes of `entry`; `None` where nothing is left of it.
    fn owner(&self, entry: &Entry<'_>) -> Option<Value> {
        let label = |label: &str| Path::of_fields(&["metadata", "labels", label]);
        let (from, to) = (label(&self.from.label), label(&self.to.label));
        if entry.is_applied_by(&self.from.manager) {
            let held = entry.fields().iter().filter(|path| **path != from);
            let fields: Fields = held.cloned().chain([to]).collect();
            let mut owner = entry.with_fields(fields).to_value();
            owner["manager"] = self.to.manager.as_str().into();
            return Some(owner);
        }
        if entry.is_half_way_of(&self.to.manager) {
            let held = entry.fields().iter().filter(|path| **path != to);
            let fields: Fields = held.cloned().collect();
            return (!fields.is_empty()).then(|| entry.with_fields(fields).to_value());
        }
        Some(entry.to_value())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remarking() -> Remarking {
        let marks = |release: &str| ReleaseMarks {
            manager: format!("deployctl.{release}"),
            label: format!("deployctl.dev/{release}"),
        };
        Remarking {
            from: marks("shop.default"),
            to: marks("shop.prod"),
        }
    }

    fn object(label: &str, managers: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {
            "name": "a", "resourceVersion": "7", "labels": {label: "", "app": "a"}, "managedFields": managers,
        }})
    }

    fn applied(release: &str, labels: &Value) -> Value {
        json!({"manager": format!("deployctl.{release}"), "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:data": {"f:a": {}}, "f:metadata": {"f:labels": labels}}})
    }

    #[test]
    fn label_and_owner_change_in_two_writes() {
        let others = json!({"manager": "kubectl", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:app": {}}}}});
        let before = object(
            "deployctl.dev/shop.default",
            &json!([
                applied("shop.default", &json!({"f:deployctl.dev/shop.default": {}})),
                others
            ]),
        );
        let remarking = remarking();
        assert!(remarking.concerns(&before));
        let patch = remarking.label_patch(&before).expect("it is to be changed");
        assert_eq!(
            patch.as_array().map(|operations| &operations[1..]),
            Some(
                &[
                    json!({"op": "add", "path": "/metadata/labels/deployctl.dev~1shop.prod", "value": ""}),
                    json!({"op": "remove", "path": "/metadata/labels/deployctl.dev~1shop.default"}),
                ][..]
            )
        );
        // As the API server stores it.
        let half_way = json!({"manager": "deployctl.shop.prod", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:deployctl.dev/shop.prod": {}}}}});
        let relabelled = object(
            "deployctl.dev/shop.prod",
            &json!([
                json!({"manager": "deployctl.shop.default", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:data": {"f:a": {}}}}),
                others,
                half_way
            ]),
        );
        assert_eq!(remarking.label_patch(&relabelled), None);
        let owners = remarking.owners(&relabelled);
        let wanted = applied("shop.prod", &json!({"f:deployctl.dev/shop.prod": {}}));
        assert_eq!(owners, Some(json!([wanted, others])));
        let done = object("deployctl.dev/shop.prod", &json!([wanted, others]));
        assert_eq!(remarking.owners(&done), None);
        assert!(remarking.concerns(&done));
        assert_eq!(remarking.undone(&done), before);
    }

    #[test]
    fn what_held_nothing_but_the_label_does_so_again() {
        let half_way = json!({"manager": "deployctl.shop.prod", "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:deployctl.dev/shop.prod": {}}}}});
        let relabelled = object("deployctl.dev/shop.prod", &json!([half_way]));
        assert!(remarking().concerns(&relabelled));
        let entry = json!({"manager": "deployctl.shop.prod", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:metadata": {"f:labels": {"f:deployctl.dev/shop.prod": {}}}}});
        assert_eq!(remarking().owners(&relabelled), Some(json!([entry])));
    }

    #[test]
    fn what_is_nobodys_release_is_left_alone() {
        let object = object(
            "app",
            &json!([{"manager": "kubectl", "operation": "Update"}]),
        );
        assert!(!remarking().concerns(&object));
    }
}
