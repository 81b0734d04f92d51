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

pub(crate) use desired::{DesiredObject, DesiredState};
pub(crate) use events::Emitter;
pub(crate) use execute::executor::Limits;
pub(crate) use observe::history::ReleaseHistory;
pub(crate) use observe::objects::{Observation, fingerprint, observe};
pub(crate) use observe::orphans::{KnownObjects, Orphans, give_up_foreign, orphans};
pub(crate) use plan::config_restart::{preserve_restart_annotation, restart};
pub(crate) use plan::deploy::{ChangeAction, Decision, Selection, decide};
pub(crate) use plan::prune::{
    PruneCandidate, PruneInput, PrunePlan, look_at_claims, plan_prune, unwanted, written,
};
pub(crate) use plan::removal::{Removal, RemovalMode};
pub(crate) use plan::revert::{Retained, StoredDesiredState};
pub(crate) use plan::volume_expansion::{expand_claims, keep_sizes, look_at_growing_claims};
pub(crate) use prepare::autoscalers::leave_replicas;
pub(crate) use prepare::dry_run::{brought, dry_runs};
pub(crate) use prepare::permissions::RequiredPermissions;
pub(crate) use prepare::render::Rendering;
pub(crate) use prepare::target::{RollbackTarget, choose_target, others};
pub(crate) use prepare::unsettled::{check_phases, forward, refused};
pub(crate) use run::down::remove_all;
pub(crate) use run::lifecycle::{
    CancelSignals, RevisionMetadata, Run, RunError, RunOptions, carry_out,
};
pub(crate) use run::unfinished::{Ground, PendingRollback, Preview};
pub(crate) use status::await_objects::{Awaited, Awaiting, await_objects};
pub(crate) use status::drift::Drift;
pub(crate) use status::overview::{ObjectOverview, Overview};
pub(crate) use watch::access::address;
