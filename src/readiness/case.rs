//! What every rule gets to see: the object, what is around it, and how much failing is tolerated.

use serde_json::Value;

use super::{budget::Budget, surroundings::Surroundings};

/// What a rule judges: an object, what is around it, and how much failing is tolerated.
pub(super) struct Case<'a> {
    pub(super) object: &'a Value,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) budget: Budget,
}
