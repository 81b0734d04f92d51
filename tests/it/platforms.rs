//! Every platform of this repository, in all of its environments, by the same rules: the figures of
//! its document on what `deployctl render` prints, that the set is consistent in itself, that the
//! network lets through what is needed and nothing else, and that it comes up and goes back on a
//! real API server. What is particular to a platform stands in `tests/platforms/PLATFORM.yaml`.

mod autoscaling;
mod configuration;
mod contexts;
mod coverage;
mod data;
mod deploy;
mod fields;
mod figures;
mod makers;
mod names;
mod network;
mod platform;
mod pods;
pub(crate) mod quantity;
mod queries;
pub(crate) mod quota;
mod references;
mod rendered;
mod rules;
mod selectors;
mod texts;
mod workload;
mod workloads;

pub(crate) use platform::{Platform, platform, platforms};
pub(crate) use rendered::{Rendered, entries, items, short_title, text, title};
pub(crate) use workload::Workload;
