//! Tests that drive the built program as a user would, against the real control plane of a sandbox.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on says where it stopped"
)]

mod ai_imutis;
mod architecture;
mod configurations;
mod diff;
mod down;
mod dump;
mod history;
mod immutable;
mod kill_points;
mod lock;
mod manifests;
mod network;
mod ownership;
mod plan;
mod platforms;
mod prune;
mod readiness;
mod readme;
mod rename;
mod restart;
mod rollback;
mod safety;
mod sandbox;
mod secret;
mod sequences;
mod sources;
mod support;
mod terminal;
mod up;
mod wait;
