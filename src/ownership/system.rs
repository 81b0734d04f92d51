//! What the system writes by itself, so that it is never compared and never put back.

use serde_json::Value;

use super::{
    entries::{Entry, entries},
    path::{Element, Path},
};
use crate::object::{
    ManifestView, field::is_present, filled_in_annotations, is_built_in_group,
    is_filled_in_annotation,
};

/// What the API server itself writes into `metadata`.
/// <https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/object-meta/>
const METADATA: [&str; 8] = [
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "managedFields",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// Whether `status` of `states`, all of one object, is a field like any other: somebody holds it
/// without the subresource of that name, which a kind has or has not. Entries of built-in kinds were
/// written without it before Kubernetes 1.22, and others stay from before a definition got it: that
/// anybody writes by way of it says that it is there.
pub(super) fn has_ordinary_status(states: &[&Value]) -> bool {
    let holds = |entry: &Entry<'_>| {
        entry.subresource().is_empty()
            && entry
                .fields_v1()
                .is_some_and(|fields| is_present(fields, "/f:status"))
    };
    let all = || states.iter().flat_map(|object| entries(object));
    let is_built_in = |object: &&Value| is_built_in_group(ManifestView(object).group());
    !states.iter().any(is_built_in)
        && all().any(|entry| holds(&entry))
        && !all().any(|entry| entry.subresource() == "status")
}

/// Whether the system writes what is at `path`, so that it is never put back and never compared:
/// `status`, unless it is `ordinary_status`, what the API server counts and names, and the
/// annotations of its controllers.
pub(super) fn is_of_system(path: &Path, ordinary_status: bool) -> bool {
    let names: Vec<&str> = path
        .elements()
        .iter()
        .map_while(field_name)
        .take(3)
        .collect();
    match names.as_slice() {
        // In which version an object is read is no part of it.
        ["apiVersion"] => true,
        ["status", ..] => !ordinary_status,
        ["metadata", "annotations", name, ..] => is_filled_in_annotation(name),
        ["metadata", name, ..] => METADATA.contains(name),
        _ => false,
    }
}

fn field_name(element: &Element) -> Option<&str> {
    match element {
        Element::Field(name) => Some(name),
        _ => None,
    }
}

/// Removes from `object` all that the system writes, `managedFields` apart.
pub(super) fn remove_system_fields(object: &mut Value) {
    let metadata = METADATA
        .iter()
        .filter(|name| **name != "managedFields")
        .map(|name| Path::of_fields(&["metadata", name]));
    let annotations =
        filled_in_annotations().map(|name| Path::of_fields(&["metadata", "annotations", name]));
    let status = (!has_ordinary_status(&[&*object])).then(|| Path::of_fields(&["status"]));
    for path in metadata.chain(annotations).chain(status) {
        path.remove(object);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::ownership::changed_paths;

    #[test]
    fn a_status_that_somebody_writes_as_a_subresource_is_no_field_like_any_other() {
        let fields = json!({"f:status": {"f:position": {}}});
        let plain = json!({"manager": "us", "operation": "Update", "apiVersion": "example.org/v1", "fieldsV1": fields});
        let mut written = plain.clone();
        written["subresource"] = "status".into();
        let object = |api_version: &str, position: &str, entries: &[&Value]| {
            json!({"apiVersion": api_version, "kind": "Switch",
                "metadata": {"name": "main", "managedFields": entries}, "status": {"position": position}})
        };
        let differs = |before: &Value, after: &Value| !changed_paths(before, after).is_empty();
        let of = |position: &str, entries: &[&Value]| object("example.org/v1", position, entries);
        assert!(differs(&of("on", &[&plain]), &of("off", &[&plain])));
        // The entry is one of before the definition had the subresource.
        let both = [&plain, &written];
        assert!(!differs(&of("on", &both), &of("off", &both)));
        assert!(!differs(&of("on", &[&plain]), &of("off", &both)));
        let built_in = |position| object("apps/v1", position, &[&plain]);
        assert!(!differs(&built_in("on"), &built_in("off")));
    }
}
