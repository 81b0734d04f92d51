//! What `managedFields` tell of how an object was written: when by us, and whether again from a
//! snapshot.

use jiff::Timestamp;
use serde_json::Value;

/// When `manager` applied `object`, by the API server's clock.
pub(crate) fn applied_at(object: &Value, manager: &str) -> Option<Timestamp> {
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)?;
    let ours = entries
        .iter()
        .find(|entry| entry["manager"] == manager && entry["operation"] == "Apply")?;
    ours["time"].as_str()?.parse().ok()
}

/// Whether `object` was created again from a snapshot: then it has an owner from before its own
/// creation, or, where that was interrupted, it was written by `manager` otherwise than by apply.
pub(crate) fn is_recreated(object: &Value, manager: &str) -> bool {
    let created = object
        .pointer("/metadata/creationTimestamp")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let entries = object
        .pointer("/metadata/managedFields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    // Times of the API server are all written alike (RFC 3339, UTC), so that they sort as text.
    let posted = |entry: &Value| {
        entry["manager"] == manager
            && entry["operation"] == "Update"
            && entry.get("subresource").is_none()
    };
    entries
        .into_iter()
        .any(|entry| entry["time"].as_str().is_some_and(|time| time < created) || posted(entry))
}
