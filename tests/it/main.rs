//! Tests that drive the built program as a user would, against the real control plane of a sandbox.

mod ai_imutis;
mod architecture;
mod plan;
mod readiness;
mod sandbox;
mod secret;
mod support;
mod up;
