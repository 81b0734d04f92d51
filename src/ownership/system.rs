//! What the system writes by itself, so that it is never compared and never put back.

use serde_json::Value;

use super::path::{Element, Path};
use crate::object::{filled_in_annotations, is_filled_in_annotation};

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

/// Whether the system writes what is at `path`, so that it is never put back and never compared:
/// `status`, what the API server counts and names, and the annotations of its controllers.
pub(super) fn is_of_system(path: &Path) -> bool {
    let names: Vec<&str> = path
        .elements()
        .iter()
        .map_while(field_name)
        .take(3)
        .collect();
    match names.as_slice() {
        // In which version an object is read is no part of it.
        ["apiVersion"] | ["status", ..] => true,
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
    for path in metadata
        .chain(annotations)
        .chain([Path::of_fields(&["status"])])
    {
        path.remove(object);
    }
}
