//! A constraint that the plan file's schema has in several places.

use serde_json::{Value, json};

/// A constraint of JSON Schema: exactly one of `keys` is there.
pub(super) fn exactly_one(keys: &[&str]) -> Value {
    keys.iter().map(|key| json!({"required": [key]})).collect()
}
