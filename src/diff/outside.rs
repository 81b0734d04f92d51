//! What others changed since the release wrote it, apart from what the release itself is about to
//! change.

use jiff::Timestamp;
use serde_json::Value;

use super::compare::{FieldChange, View};
use crate::{
    object::ObjectId,
    ownership::{OutsideChange, Path, changed_outside},
};

/// A field of the release's that somebody else has changed. Where its value is secret, something else
/// stands for that.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutsideField {
    /// The field, with what it is changed from and to.
    pub(crate) field: FieldChange,
    /// What the release wrote, where that is neither.
    pub(crate) was: Option<Value>,
    /// The manager that holds it now; `None` where that cannot be told.
    pub(crate) by: Option<String>,
    /// When that manager wrote last.
    pub(crate) at: Option<Timestamp>,
}

/// What others have changed in the object `id` since `manager` had `sent` it: from what was sent to what
/// is there now.
pub(crate) fn drifted(
    view: &View<'_>,
    id: &ObjectId,
    (live, sent): (&Value, &Value),
    manager: &str,
) -> Vec<OutsideField> {
    let mut found = Vec::new();
    for change in changed_outside(live, sent, manager) {
        let before = with(live, &change.path, change.sent.as_ref());
        let fields = view.compare(id, Some(&before), Some(live)).fields;
        found.extend(fields.into_iter().map(|field| OutsideField {
            field,
            was: None,
            by: change.by.clone(),
            at: change.at,
        }));
    }
    found
}

/// What others have changed of the object `id` since `manager` had `sent` it and the API server would
/// change to what is in `after`; and `live` as it is once that is done: what remains between the two is
/// what the release itself changes.
pub(crate) fn apart(
    view: &View<'_>,
    id: &ObjectId,
    (live, sent, after): (&Value, &Value, &Value),
    manager: &str,
) -> (Vec<OutsideField>, Value) {
    let mut left = live.clone();
    let mut found = Vec::new();
    for change in changed_outside(live, sent, manager) {
        let then = change.path.get(after);
        if then == change.path.get(live) {
            continue;
        }
        left = with(&left, &change.path, then);
        let put_back = with(live, &change.path, then);
        let fields = view.compare(id, Some(live), Some(&put_back)).fields;
        let was = was(view, id, live, &change).filter(|_| then != change.sent.as_ref());
        found.extend(fields.into_iter().map(|field| OutsideField {
            field,
            was: was.clone(),
            by: change.by.clone(),
            at: change.at,
        }));
    }
    (found, left)
}

/// What was sent where `change` is, without secret values.
fn was(view: &View<'_>, id: &ObjectId, live: &Value, change: &OutsideChange) -> Option<Value> {
    let before = with(live, &change.path, change.sent.as_ref());
    let mut fields = view
        .compare(id, Some(&before), Some(live))
        .fields
        .into_iter();
    fields.next()?.before
}

/// `object` with `value` at `path`.
fn with(object: &Value, path: &Path, value: Option<&Value>) -> Value {
    let mut object = object.clone();
    match value {
        Some(value) => drop(path.put(&mut object, value.clone())),
        None => path.remove(&mut object),
    }
    object
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::diff::Masker;

    #[test]
    fn what_others_changed_is_told_apart_from_what_the_release_changes() {
        let live = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "managedFields": [
                {"manager": "deployctl.shop.dev", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {"f:spec": {"f:image": {}}}},
                {"manager": "kubectl-edit", "operation": "Update", "apiVersion": "apps/v1", "time": "2026-01-02T00:00:00Z", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ]},
            "spec": {"replicas": 5, "image": "web:1"},
        });
        let (sent, mut after) = (
            json!({"spec": {"replicas": 2, "image": "web:1"}}),
            live.clone(),
        );
        after["spec"] = json!({"replicas": 2, "image": "web:2"});
        let masker = Masker::default();
        let view = View {
            masker: &masker,
            label: "",
            sources: &BTreeMap::new(),
        };
        let id = ObjectId::of(&live).expect("an object");
        let (outside, left) = apart(&view, &id, (&live, &sent, &after), "deployctl.shop.dev");
        let [outside] = outside.as_slice() else {
            panic!("{outside:?}")
        };
        assert_eq!(outside.by.as_deref(), Some("kubectl-edit"));
        assert_eq!(
            outside.field,
            FieldChange {
                path: "spec.replicas".to_owned(),
                before: Some(json!(5)),
                after: Some(json!(2))
            }
        );
        assert_eq!(outside.was, None);
        let drifted = drifted(&view, &id, (&live, &sent), "deployctl.shop.dev");
        assert_eq!(drifted[0].field.before, Some(json!(2)));
        let own = view.compare(&id, Some(&left), Some(&after)).fields;
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].path, "spec.image");
    }
}
