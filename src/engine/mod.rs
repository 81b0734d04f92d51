//! The planners and the executor. Emits events, prints nothing.

mod desired;
mod diagnose;
mod events;
mod execute;
mod observe;
mod plan;
mod prepare;
mod run;
mod status;
mod watch;

pub(crate) use desired::{Wanted, WantedObject};
pub(crate) use events::Emitter;
pub(crate) use execute::executor::Limits;
pub(crate) use observe::history::Before;
pub(crate) use observe::objects::{Look, as_seen, look};
pub(crate) use observe::orphans::{Known, Orphans, give_up_foreign, orphans};
pub(crate) use plan::config_restart::{carry_on, restart};
pub(crate) use plan::deploy::{ChangeAction, Decision, Selection, decide};
pub(crate) use plan::prune::{
    Candidate, Leaving, Pruning, leave, look_at_claims, unwanted, written,
};
pub(crate) use plan::removal::{HowToGo, Removal};
pub(crate) use plan::revert::{Intention, Left};
pub(crate) use plan::volume_expansion::{expand_claims, keep_sizes, look_at_growing_claims};
pub(crate) use prepare::autoscalers::leave_replicas;
pub(crate) use prepare::dry_run::{brought, dry_runs};
pub(crate) use prepare::permissions::Rights;
pub(crate) use run::down::remove_all;
pub(crate) use run::lifecycle::{Origin, Run, RunError, Stops, Terms, carry_out};
pub(crate) use run::unfinished::{Ground, Preview, Unfinished};
pub(crate) use status::access::address;
pub(crate) use status::await_objects::{Awaited, Awaiting, await_objects};
pub(crate) use status::drift::Drift;
pub(crate) use status::overview::{ObjectOverview, Overview};
