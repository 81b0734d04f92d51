//! `up`, `status` and `list` against the real control plane, as a user drives them.

mod audit;
mod autoscaling;
mod bad_input;
mod definitions;
mod environments;
mod failure;
mod fresh;
mod interrupt;
mod list;
mod manifests;
mod phases;
mod platform;
mod project;
mod readiness;
mod repair;
mod selection;
mod status;
mod unchanged;
mod user;
