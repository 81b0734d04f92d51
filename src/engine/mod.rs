//! The planners and the executor. Emits events, prints nothing.

mod access;
mod emit;
mod execute;
mod explain;
mod hub;
mod look;
mod overview;
mod planner;
mod probe;
mod run;
mod wanted;
mod write;

pub(crate) use access::address;
pub(crate) use emit::Emitter;
pub(crate) use execute::Limits;
pub(crate) use look::{Look, look};
pub(crate) use overview::{ObjectOverview, Overview};
pub(crate) use planner::{ChangeAction, Decision, Selection, decide};
pub(crate) use probe::{brought, dry_runs, refused_writes};
pub(crate) use run::{Run, RunError, carry_out};
pub(crate) use wanted::{Wanted, WantedObject};
