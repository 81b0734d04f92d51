//! What every rule gets to see: the object, what is around it, and how much failing is tolerated.

use serde_json::Value;

use super::{budget::Budget, surroundings::Surroundings};
use crate::object::ManifestView;

/// What a rule judges: an object, what is around it, and how much failing is tolerated.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) object: &'a Value,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) budget: Budget,
}

impl<'a> Case<'a> {
    /// What the object says as every object does.
    pub(super) fn view(&self) -> ManifestView<'a> {
        ManifestView(self.object)
    }
}
