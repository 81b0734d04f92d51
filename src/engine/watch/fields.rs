//! What is read of every object that a watch brings.

use serde_json::Value;

pub(super) fn kind_of(object: &Value) -> &str {
    text(object, "/kind")
}

pub(super) fn uid_of(object: &Value) -> &str {
    text(object, "/metadata/uid")
}

pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
