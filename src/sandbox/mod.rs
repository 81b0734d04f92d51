//! The sandbox: a throw-away Kubernetes control plane on this machine.
//!
//! etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real programs, built
//! from the embedded `programs/go.mod`; kwok plays the kubelets by the stages in `stages/`. One
//! supervisor process per sandbox holds them all, so that nothing is left behind when it goes.

mod api;
mod bootstrap;
mod cache;
mod certificates;
mod control_plane;
mod crds;
mod error;
mod follow;
mod home;
mod install;
mod job_results;
mod kubeconfig;
mod kubelet;
mod launch;
mod manage;
mod message;
mod metrics;
mod operators;
mod ports;
mod processes;
mod programs;
mod run;
mod servers;
mod stages;
mod start;
mod starting;
mod supervisor;
mod webhooks;

pub(crate) use cache::Cache;
pub(crate) use error::SandboxError;
pub(crate) use home::Summary;
pub(crate) use install::{InstallOutcome, InstallProgress, install};
pub(crate) use launch::become_program;
pub(crate) use manage::{StopOutcome, list, stop};
pub(crate) use run::{Ended, run};
pub(crate) use start::{StartOptions, StartOutcome, StartProgress, start};
pub(crate) use supervisor::supervise;
