//! The rules of the built-in kinds.

pub(super) mod autoscaling;
pub(super) mod claim;
pub(super) mod cluster;
pub(super) mod daemon_set;
pub(super) mod deployment;
pub(super) mod job;
pub(super) mod network;
pub(super) mod pod;
pub(super) mod replica_set;
pub(super) mod stateful_set;
