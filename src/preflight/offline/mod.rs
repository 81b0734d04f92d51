//! What the manifests alone show, without a cluster: one file per check, each a pure function of the
//! objects and their plan.

mod api_versions;
mod autoscalers;
mod declared;
mod floating_images;
mod guessable;
mod idle;
mod limits;
mod owner_references;
mod placeholder_words;
mod placeholders;
mod probe_ports;
mod run;
mod selectors;
mod shared_claims;
mod wanted;

pub(crate) use run::{offline, offline_before_a_cluster};
pub(crate) use wanted::Wanted;
