//! What refers to what: names in an object, and selectors that find pods.

mod graph;
mod named;
mod selector;

pub(crate) use graph::References;
pub(crate) use named::scale_target;
