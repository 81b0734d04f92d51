//! A phase as an execution needs it: planned before, watched while it runs.

use std::time::Duration;

use crate::{
    plan::{PhaseId, PhaseSettings},
    readiness::Budget,
    release::PhaseRecord,
};

/// A phase as an execution needs it.
#[derive(Debug, Clone)]
pub(crate) struct PhasePlan {
    /// Name.
    pub(crate) id: PhaseId,
    /// Time limit.
    pub(crate) timeout: Duration,
    /// How much failing is tolerated in it.
    pub(crate) budget: Budget,
    /// Number of objects in it.
    pub(crate) objects: usize,
    /// How many of them are left alone.
    pub(crate) unchanged: usize,
    /// Whether what fails in it ends the run, also one that goes on after any other failure.
    pub(crate) is_decisive: bool,
}

impl PhasePlan {
    /// A phase of a revision; its objects are not counted yet.
    pub(crate) fn recorded(record: &PhaseRecord) -> Self {
        Self {
            budget: record.failure_budget.into(),
            ..Self::of(PhaseId::declared(&record.name), record.timeout)
        }
    }

    /// A phase of a plan; its objects are not counted yet.
    pub(crate) fn planned(settings: &PhaseSettings) -> Self {
        Self {
            budget: settings.failure_budget.into(),
            ..Self::of(settings.id(), settings.timeout)
        }
    }

    /// A phase whose objects are not counted yet.
    pub(crate) fn of(id: PhaseId, timeout: Duration) -> Self {
        Self {
            id,
            timeout,
            budget: Budget::default(),
            objects: 0,
            unchanged: 0,
            is_decisive: false,
        }
    }
}
