//! What is there now, for those who look and do not change anything.

pub(super) mod await_objects;
pub(super) mod drift;
pub(super) mod outside;
pub(super) mod overview;
mod unfinished;
