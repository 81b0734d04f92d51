//! How runs end: one table of outcomes and exit codes, and why a rollback did not come to its end.

use std::collections::HashMap;

use crate::engine::{
    diagnose::{fence, with_causes},
    execute::policy::StopReason,
};
use crate::{
    cluster::{Cluster, RequestError},
    error::ExitCode,
    event::{PhaseTiming, Proof, RunOutcome},
    object::ObjectId,
    release::{JournalEntry, ObjectRecord, Records, StoreError},
};

/// Why a way back did not come to its end.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RollbackError {
    /// A second signal.
    #[error("it was stopped")]
    Stopped,
    /// Nothing may be written any more.
    #[error("{0}")]
    Fenced(String),
    /// What was done could not be noted.
    #[error("{}", with_causes(.0))]
    NotStored(#[from] StoreError),
    /// What is there could not be read.
    #[error("{}", with_causes(.0))]
    NotRead(#[from] RequestError),
}

impl RollbackError {
    /// Why an execution that ended with `stop` did, where `journal` is how writing its journal
    /// ended.
    pub(crate) async fn of(
        stop: &StopReason,
        journal: Result<(), StoreError>,
        cluster: &Cluster,
    ) -> Self {
        match (stop, journal) {
            (StopReason::Fenced, journal) => {
                Self::Fenced(fence(journal.as_ref().err(), cluster).await)
            }
            (_, Err(error)) => Self::NotStored(error),
            (_, Ok(())) => Self::Stopped,
        }
    }

    /// What is said of it.
    pub(crate) fn message(&self) -> String {
        format!("the rollback was interrupted: {self}")
    }
}

/// What is said of a rollback that was not started, because `error` kept it from being recorded.
pub(crate) async fn not_started(error: &StoreError, cluster: &Cluster) -> String {
    let why = if error.is_lock_lost() {
        fence(None, cluster).await
    } else {
        with_causes(error)
    };
    format!("the rollback was not started: {why}")
}

/// What a rollback came to.
pub(crate) struct RollbackResult {
    /// `RolledBack`; `Failed` where something differs; `RollingBack` where it did not come to its
    /// end.
    pub(crate) outcome: RunOutcome,
    proof: Proof,
    /// What was created again, with the uid that it has now.
    recreated: HashMap<ObjectId, String>,
}

impl RollbackResult {
    /// A rollback that came to its end, and what it was found to have reached.
    pub(crate) fn proved(proof: Proof, recreated: HashMap<ObjectId, String>) -> Self {
        let outcome = if proof.differences.is_empty() {
            RunOutcome::RolledBack
        } else {
            RunOutcome::Failed
        };
        Self {
            outcome,
            proof,
            recreated,
        }
    }

    /// A rollback that did not come to its end.
    pub(crate) fn stopped() -> Self {
        Self {
            outcome: RunOutcome::RollingBack,
            proof: Proof::default(),
            recreated: HashMap::new(),
        }
    }

    /// Whether it came to its end. One that did not is found by its journal.
    pub(crate) fn is_complete(&self) -> bool {
        self.outcome != RunOutcome::RollingBack
    }

    /// What is remembered of objects: what was remembered `base`, before the run, and what of
    /// `records` is kept.
    pub(crate) fn records(&self, base: &Records, records: &Records) -> Records {
        let mut after = base.clone();
        self.recreated
            .iter()
            .for_each(|(id, uid)| after.recreate(id, uid));
        self.kept(records)
            .into_iter()
            .for_each(|record| after.insert(record));
        after
    }

    /// Of `records`, those of objects that are kept although they were not there before.
    fn kept(&self, records: &Records) -> Vec<ObjectRecord> {
        let kept = self
            .proof
            .kept
            .iter()
            .filter_map(|note| records.get(&note.object));
        kept.map(|record| ObjectRecord {
            kept: true,
            ..record.clone()
        })
        .collect()
    }
}

/// Why a run is rolled back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RollbackReason {
    /// It failed.
    Failed,
    /// A signal stopped it.
    Interrupted,
    /// Somebody asked for it.
    Asked,
}

impl RollbackReason {
    /// Why a run is rolled back that `stop` ended.
    pub(crate) fn of(stop: &StopReason) -> Self {
        match stop {
            StopReason::Interrupted => Self::Interrupted,
            _ => Self::Failed,
        }
    }
}

/// The exit code of a rollback that came to `outcome`.
pub(crate) fn rolled_back(outcome: RunOutcome, reason: RollbackReason) -> ExitCode {
    match (outcome, reason) {
        (RunOutcome::RolledBack, RollbackReason::Asked) => ExitCode::Done,
        (RunOutcome::RolledBack, RollbackReason::Interrupted) => ExitCode::Interrupted,
        (RunOutcome::RolledBack, RollbackReason::Failed) => ExitCode::Failed,
        _ => ExitCode::Changed,
    }
}

/// What a run that stopped early, and is not rolled back, has written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    /// It had nothing to write.
    NothingToWrite,
    /// It was stopped before its first write.
    Nothing,
    /// Something, or that is not known.
    Something,
}

impl Written {
    pub(crate) fn of(is_untouched: bool) -> Self {
        if is_untouched {
            Self::Nothing
        } else {
            Self::Something
        }
    }
}

/// The outcome and exit code of a run that `stop` ended and that is not rolled back.
pub(crate) fn not_rolled_back(stop: &StopReason, written: Written) -> (RunOutcome, ExitCode) {
    let interrupted = matches!(stop, StopReason::Interrupted);
    match (written, interrupted) {
        (Written::NothingToWrite, true) => (RunOutcome::Interrupted, ExitCode::Interrupted),
        (Written::NothingToWrite, false) => (RunOutcome::Failed, ExitCode::Failed),
        (Written::Nothing, true) => (RunOutcome::RolledBack, ExitCode::Interrupted),
        (Written::Nothing, false) => (RunOutcome::RolledBack, ExitCode::Failed),
        (Written::Something, true) => (RunOutcome::Interrupted, ExitCode::Changed),
        (Written::Something, false) => (RunOutcome::Failed, ExitCode::Changed),
    }
}

/// How a run ended that ended with `outcome` and `exit`, as far as others can know: what could not
/// be stored is not known to the next run.
pub(crate) fn as_recorded(
    recorded: &Result<(), StoreError>,
    outcome: RunOutcome,
    exit: ExitCode,
) -> (RunOutcome, ExitCode) {
    match recorded {
        Ok(()) => (outcome, exit),
        Err(_) => (RunOutcome::Interrupted, ExitCode::Changed),
    }
}

/// How a run ended.
pub(crate) struct Ending {
    pub(crate) outcome: RunOutcome,
    pub(crate) cause: Option<String>,
    pub(crate) timings: Vec<PhaseTiming>,
    pub(crate) entries: Vec<JournalEntry>,
    /// What its rollback came to, where it was rolled back.
    pub(crate) rollback: Option<RollbackResult>,
}
