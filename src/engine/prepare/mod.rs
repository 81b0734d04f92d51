//! Everything that happens before the first write: observe → decide → check, once before the
//! question and once more under the lock.

pub(super) mod access;
pub(super) mod ask;
mod attempt;
mod autoscalers;
mod brought;
pub(super) mod checks;
mod choose;
mod claims;
pub(super) mod context;
mod decide;
pub(super) mod deploy;
pub(super) mod difference;
mod dry_run;
mod exclusive;
mod nearness;
mod observed;
mod owners;
pub(super) mod part;
mod permissions;
pub(super) mod prepared;
mod provisions;
pub(super) mod recheck;
mod recreate;
mod references;
pub(super) mod removal;
pub(super) mod render;
pub(super) mod request;
mod requirements;
pub(super) mod revert;
mod room;
pub(super) mod secrets;
pub(super) mod settle;
pub(super) mod target;
mod tools;
pub(super) mod unprovided;
pub(super) mod unsettled;
