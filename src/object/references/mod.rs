//! What refers to what: names in an object, and selectors that find pods.

mod configuration;
mod creators;
mod declared;
mod graph;
mod hosts;
mod idle;
mod made;
mod mention;
mod named;
mod pods;
mod ports;
mod provisions;
mod selector;
mod table;
mod walk;

pub(crate) use configuration::configuration_read_at_start;
pub(crate) use graph::References;
pub(crate) use idle::{IdleSelector, idle_selectors};
pub(crate) use made::Keys;
pub(crate) use mention::{Mention, MentionedPart, mentions};
pub(crate) use named::{autoscaled, made_secret, scale_target};
pub(crate) use ports::unmet_port_names;
pub(crate) use provisions::{MayMake, Provision, Provisions};
pub(crate) use selector::{nearly_selects, selects};
pub(crate) use table::{Bearing, Weight};
