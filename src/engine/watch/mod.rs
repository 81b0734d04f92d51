//! What the watches bring, joined in memory: readiness costs no requests of its own.

pub(super) mod access;
mod bindings;
pub(super) mod cache;
pub(super) mod objects;
pub(super) mod related;
pub(super) mod status_subresources;
mod watches;
