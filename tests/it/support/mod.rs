//! What integration tests share: one sandbox for all of them, the built program, kubectl, and small
//! releases to deploy.

mod cluster;
mod deployctl;
mod helm;
mod kinds;
mod programs;
mod upstream;

pub(crate) mod api;
pub(crate) mod audit;
pub(crate) mod charts;
pub(crate) mod dump;
pub(crate) mod manifests;
pub(crate) mod platform;
pub(crate) mod project;
pub(crate) mod proxy;
pub(crate) mod pty;
pub(crate) mod refusal;
pub(crate) mod running;
pub(crate) mod user;

pub(crate) use cluster::{
    Sandbox, apply, apply_as, create_as, established, eventually, get, kubectl, list, namespace,
    sandbox, state_namespace, try_kubectl,
};
pub(crate) use deployctl::{Deployctl, Outcome, PROGRAM};
pub(crate) use helm::Helm;
