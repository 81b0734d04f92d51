//! What the API server does to content and owners, as far as putting back needs it.

use serde_json::{Value, json};

use crate::ownership::{
    entries::{Entry, entries},
    fields::Fields,
    path::{Element, Path},
    restore::Restoration,
};

/// One edit of a write: the value to store at a path, or `None` to remove what is there.
pub(super) type Edit = (Path, Option<Value>);

/// Stores `edits` as `manager`: what it changes is its own then, and no longer anybody else's.
pub(super) fn write(object: &mut Value, manager: &str, operation: &str, edits: &[Edit]) {
    let before = object.clone();
    let new = json!({
        "manager": manager, "operation": operation, "apiVersion": object["apiVersion"],
        "time": "2026-01-02T00:00:00Z", "fieldsV1": {},
    });
    let mut all: Vec<Entry<'_>> = entries(&before).collect();
    let writes = |entry: &Entry<'_>| {
        entry.manager() == manager
            && entry.is_apply() == (operation == "Apply")
            && entry.subresource().is_empty()
    };
    if !all.iter().any(&writes) {
        all.push(Entry::of(&new));
    }
    for (path, value) in edits
        .iter()
        .filter(|(path, value)| path.get(object) != value.as_ref())
        .cloned()
        .collect::<Vec<_>>()
    {
        match &value {
            Some(value) => assert!(path.put(object, value.clone()), "{path} has a place"),
            None => path.remove(object),
        }
        for entry in &mut all {
            let left = entry
                .fields()
                .iter()
                .filter(|held| !held.is_within(&path))
                .cloned();
            let written = value
                .iter()
                .flat_map(|value| leaves(&path, value))
                .filter(|_| writes(entry));
            *entry = entry.with_fields(left.chain(written).collect::<Fields>());
        }
    }
    all.retain(|entry| !entry.fields().is_empty());
    object["metadata"]["managedFields"] = all.iter().map(Entry::to_value).collect();
}

/// What a write of `value` to `path` makes its writer hold.
fn leaves(path: &Path, value: &Value) -> Vec<Path> {
    let is_item = matches!(path.split_last(), Some((_, Element::Item(_))));
    match value {
        Value::Object(fields) if is_item => fields
            .keys()
            .map(|name| path.field(name))
            .chain([path.clone()])
            .collect(),
        _ => vec![path.clone()],
    }
}

/// The PUT and the JSON patch of a restoration, as the API server answers them (tried with 1.36.3).
pub(super) fn put_back(live: &Value, restoration: &Restoration) -> Value {
    let mut object = restoration.body.clone();
    let owners = if restoration.owners_differ {
        restoration.managed_fields.clone()
    } else {
        live["metadata"]["managedFields"].clone()
    };
    object["metadata"]["managedFields"] = owners;
    object
}

/// The object without what the system counts, its owners in one order: what must be as before.
pub(super) fn comparable(object: &Value) -> Value {
    let mut object = object.clone();
    for name in ["resourceVersion", "generation"] {
        Path::of_fields(&["metadata", name]).remove(&mut object);
    }
    Path::of_fields(&[
        "metadata",
        "annotations",
        "deployment.kubernetes.io/revision",
    ])
    .remove(&mut object);
    Path::of_fields(&["status"]).remove(&mut object);
    if let Some(owners) = object["metadata"]["managedFields"].as_array_mut() {
        owners.retain(|entry| entry["subresource"] != "status");
        owners.sort_by_key(Value::to_string);
    }
    object
}
