//! deployctl replaces the `deploy.sh` beside a folder of Kubernetes manifests.
//!
//! A plan file names sources, phases, secrets and environments; `deployctl up` executes the
//! phases in order by server-side apply and waits until everything in them is truly ready.
//! `docs/architecture.md` says what lives where and what may depend on what.

pub mod cli;
mod cluster;
mod diagnosis;
mod diff;
mod engine;
mod error;
mod event;
mod finding;
mod object;
mod ownership;
mod phase;
mod plan;
mod preflight;
mod process;
mod readiness;
mod release;
mod report;
mod sandbox;
mod secret;
mod source;
