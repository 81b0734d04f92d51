//! What a run is given: what is wanted, what was seen, how it is run, and what its revision says.

use std::time::Duration;

use indexmap::IndexMap;

use crate::engine::{
    desired::DesiredState, execute::policy::Limits, observe::history::ReleaseHistory,
    observe::objects::Observation, plan::decide::Decision, plan::prune::PrunePlan,
    plan::selection::Selection,
};
use crate::{
    cluster::{Cluster, Served},
    release::{Author, Guard, PlanSource, Store, StoreError},
};

/// Everything that a run needs to know. Nothing has been written yet.
pub(crate) struct Run<'a> {
    /// Where it happens.
    pub(crate) target: RunTarget<'a>,
    /// What is wanted.
    pub(crate) desired: &'a DesiredState,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: &'a [Decision],
    /// What becomes of what is no longer wanted.
    pub(crate) pruning: &'a PrunePlan,
    /// What was seen, under the lock where anything is going to be written.
    pub(crate) observation: &'a Observation,
    /// What was before.
    pub(crate) history: &'a ReleaseHistory,
    /// How it is run.
    pub(crate) options: RunOptions<'a>,
    /// What its revision says of it.
    pub(crate) metadata: RevisionMetadata,
}

/// Where a run happens.
#[derive(Clone, Copy)]
pub(crate) struct RunTarget<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// Where revisions are kept.
    pub(crate) store: &'a Store,
}

/// How a run is carried out.
#[derive(Clone, Copy)]
pub(crate) struct RunOptions<'a> {
    /// Which part of what is wanted is run.
    pub(crate) selection: &'a Selection,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Time limit of the way back.
    pub(crate) timeout_rollback: Duration,
    /// Whether a failure is rolled back, as far as the phases say so.
    pub(crate) rolls_back: bool,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
    /// Where it only removes: how long it waits in each phase until everything is gone.
    pub(crate) delete_timeout: Option<Duration>,
}

/// Who makes a revision, of what, and what later commands are to know of the release.
pub(crate) struct RevisionMetadata {
    /// Who runs it.
    pub(crate) by: Author,
    /// The plan that it is made from.
    pub(crate) source: Option<PlanSource>,
    /// The revision that it goes back to.
    pub(crate) back_to: Option<u64>,
    /// Where and how the release may be changed.
    pub(crate) guard: Guard,
    /// The plan's `open`: name and how to reach it.
    pub(crate) access: IndexMap<String, String>,
}

/// Why a run could not be recorded. What it did is told by its events.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// Nothing was written.
    #[error("the revision could not be stored, so nothing was changed")]
    NotStarted(#[source] StoreError),
    /// The run ended, but how it ended could not be stored.
    #[error("the run ended, but its outcome could not be stored")]
    NotRecorded(#[source] StoreError),
}
