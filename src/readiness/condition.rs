//! Conditions, told to people.

use crate::object::{Condition, Truth, quoted};

/// What the condition says, for people.
pub(super) fn described(condition: &Condition<'_>) -> String {
    let truth = match condition.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
        Truth::Other => "neither true nor false",
    };
    let says = if condition.message.is_empty() {
        condition.reason
    } else {
        condition.message
    };
    if says.is_empty() {
        format!("`{}` is {truth}", condition.kind)
    } else {
        format!("`{}` is {truth}: {}", condition.kind, quoted(says, 300))
    }
}
