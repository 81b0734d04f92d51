//! What refers to what: names in an object, and selectors that find pods.

mod configuration;
mod declared;
mod graph;
mod hosts;
mod idle;
mod named;
mod pods;
mod selector;

pub(crate) use configuration::configuration_read_at_start;
pub(crate) use graph::References;
pub(crate) use idle::{IdleSelector, idle_selectors};
pub(crate) use named::{autoscaled, made_secret, scale_target};
pub(crate) use selector::{nearly_selects, selects};
