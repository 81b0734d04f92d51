//! What refers to what: names in an object, and selectors that find pods.

mod configuration;
mod declared;
mod graph;
mod hosts;
mod named;
mod selector;

pub(crate) use configuration::configuration_read_at_start;
pub(crate) use graph::References;
pub(crate) use named::scale_target;
