//! Runs programs: the only place that writes.

pub(super) mod executor;
pub(super) mod journal;
mod logs;
pub(super) mod phases;
pub(super) mod policy;
mod queue;
pub(super) mod wait;
pub(super) mod write;
