//! The planners and the executor. Emits events, prints nothing.

mod desired;
mod diagnose;
mod events;
mod execute;
mod observe;
mod phase_plan;
mod plan;
mod prepare;
mod run;
mod status;
mod watch;

pub(crate) use desired::DesiredState;
pub(crate) use events::Emitter;
pub(crate) use execute::policy::{CancelSignals, Limits};
pub(crate) use observe::desired_state::read_desired_state;
pub(crate) use observe::history::{ReleaseHistory, is_deployed};
pub(crate) use plan::decide::{ChangeAction, Decision};
pub(crate) use plan::prune::PrunePlan;
pub(crate) use plan::selection::{Part, Selection};
pub(crate) use plan::steps::RemovalMode;
pub(crate) use prepare::access::access;
pub(crate) use prepare::ask::Ask;
pub(crate) use prepare::checks::check_deletions;
pub(crate) use prepare::context::{PrepareContext, PrepareError};
pub(crate) use prepare::deploy::prepare_deploy;
pub(crate) use prepare::difference::{
    ObjectDifference, ReleaseDifference, differences, masker, open_keys,
};
pub(crate) use prepare::part::check_part;
pub(crate) use prepare::prepared::Prepared;
pub(crate) use prepare::recheck::{Rechecked, recheck};
pub(crate) use prepare::removal::{
    DeletionHooks, PreparedOrphans, prepare_orphans, prepare_removal, prepare_tests,
    recheck_orphans, recheck_removal, without_hooks,
};
pub(crate) use prepare::render::Rendering;
pub(crate) use prepare::request::Request;
pub(crate) use prepare::revert::{Revert, prepare_revert};
pub(crate) use prepare::secrets::{Declarations, GivenSecrets};
pub(crate) use prepare::settle::settle;
pub(crate) use prepare::target::{RollbackTarget, choose_target, standing};
pub(crate) use prepare::unprovided::unprovided;
pub(crate) use prepare::unsettled::forward;
pub(crate) use run::context::{RevisionMetadata, Run, RunError, RunOptions, RunTarget};
pub(crate) use run::lifecycle::{carry_out, roll_back_pending};
pub(crate) use run::pending_rollback::{PendingRollback, Preview, RollbackOptions};
pub(crate) use run::rename::{Rename, RenameError, Renamed};
pub(crate) use run::testing::run_tests;
pub(crate) use status::await_objects::{Awaited, Awaiting, await_objects};
pub(crate) use status::drift::Drift;
pub(crate) use status::outside::{OutsideChanges, OutsideObject, outside};
pub(crate) use status::overview::{ObjectOverview, Overview};
pub(crate) use watch::access::address;
