//! The lock of a release: a Lease that one run at a time holds and keeps alive.

mod acquire;
mod error;
mod found;
mod heartbeat;
mod held;
mod holder;
mod holder_observation;
mod labels;
mod lease;
mod lease_claim;
mod lease_state;
mod notice;
mod process;

pub(crate) use acquire::{Lock, LockOptions};
pub(crate) use error::LockError;
pub(crate) use found::{Found, Removal};
pub(crate) use held::Held;
pub(crate) use holder::Holder;
pub(super) use labels::PART;
pub(super) use lease::resource;
pub(crate) use notice::LockNotice;
pub(crate) use process::Presence;
