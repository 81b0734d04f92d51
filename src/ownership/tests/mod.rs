//! Restoration and proof, over what a real API server has answered.

mod proof;
mod properties;
pub(super) mod recorded;
mod restoration;
mod server;
