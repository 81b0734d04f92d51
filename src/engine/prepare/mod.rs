//! Everything that happens before the first write: what has to be done is worked out and checked.

pub(super) mod autoscalers;
pub(super) mod dry_run;
pub(super) mod permissions;
pub(super) mod render;
pub(super) mod target;
pub(super) mod unsettled;
