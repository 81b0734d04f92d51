//! What `managedFields` tell of how an object was written: when by us, and whether again from a
//! snapshot.

use jiff::Timestamp;
use serde_json::Value;

use super::entries::entries;
use crate::object::field::text;

/// When `manager` applied `object`, by the API server's clock.
pub(crate) fn applied_at(object: &Value, manager: &str) -> Option<Timestamp> {
    let ours = entries(object).find(|entry| entry.manager() == manager && entry.is_apply())?;
    ours.time()?.parse().ok()
}

/// When anybody wrote `object` last, by the API server's clock.
pub(crate) fn last_written(object: &Value) -> Option<Timestamp> {
    let times = entries(object).filter_map(|entry| entry.time()?.parse().ok());
    times.max()
}

/// Whether `object` was created again from a snapshot: then it has an owner from before its own
/// creation, or, where that was interrupted, it was written by `manager` otherwise than by apply.
pub(crate) fn is_recreated(object: &Value, manager: &str) -> bool {
    // Times of the API server are all written alike (RFC 3339, UTC), so that they sort as text.
    let created = text(object, "/metadata/creationTimestamp").unwrap_or_default();
    entries(object).any(|entry| {
        entry.time().is_some_and(|time| time < created) || entry.is_half_way_of(manager)
    })
}
