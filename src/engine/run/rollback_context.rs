//! What the rollback of a revision starts from: all that is known of what it did, and how it is put
//! back.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use jiff::Timestamp;

use crate::engine::{
    execute::policy::Limits,
    observe::unconfirmed_writes::{self, Evidence},
    phase_plan::PhasePlan,
    plan::rollback::{RollbackMarks, RollbackPhases},
    run::context::{Run, RunTarget},
};
use crate::{
    cluster::Live,
    object::ObjectId,
    plan::{PhaseId, ReadinessRule, ReleaseId},
    release::{Author, ChangeLog, Program, Records, Revision, Snapshot},
};

/// What a rollback starts from: a revision that was not finished, and all that is known of what it
/// did.
pub(crate) struct RollbackContext<'a> {
    /// Where it happens.
    pub(crate) target: RunTarget<'a>,
    /// The release.
    pub(crate) release: &'a ReleaseId,
    /// The phases of the revision.
    pub(crate) phases: RollbackPhases,
    /// What the plans say about when objects are ready.
    pub(crate) rules: Vec<ReadinessRule>,
    /// What it says about how they are put back.
    pub(crate) marks: RollbackMarks,
    /// What the revision did.
    pub(crate) writes: KnownWrites<'a>,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Who goes back.
    pub(crate) by: Author,
}

/// What is known of the writes of a revision.
pub(crate) struct KnownWrites<'a> {
    /// What it was going to do.
    pub(crate) program: &'a Program,
    /// What was there before.
    pub(crate) snapshot: &'a Snapshot,
    /// What is known of what it did.
    pub(crate) changes: ChangeLog,
    /// What is stored of that.
    pub(crate) told: ChangeLog,
    /// Objects that may have been written although the journal does not know of it; `None`: any of
    /// those that it was going to write, where its process is gone.
    pub(crate) unconfirmed: Option<BTreeSet<ObjectId>>,
    /// What is remembered of objects.
    pub(crate) records: &'a Records,
    /// When it began, or the first of those did that it went on from.
    pub(crate) began: Timestamp,
}

impl KnownWrites<'_> {
    /// The objects that may have been written.
    pub(crate) fn ids(&self) -> BTreeSet<&ObjectId> {
        let journalled = self.changes.iter().map(|(id, _)| id);
        self.program.written().chain(journalled).collect()
    }

    /// What was done, also where nobody saw it answered: as far as `live`, what is there now, tells,
    /// compared with `snapshot`, what was there before in the versions of now.
    pub(crate) fn complete(&self, snapshot: &Snapshot, live: &Live, manager: &str) -> ChangeLog {
        let mut changes = self.changes.clone();
        let may_be_unseen = |id: &ObjectId| {
            let unconfirmed = self.unconfirmed.as_ref();
            unconfirmed.is_none_or(|unconfirmed| unconfirmed.contains(id))
        };
        unconfirmed_writes::complete(
            &mut changes,
            may_be_unseen,
            &Evidence {
                program: self.program,
                snapshot,
                live,
                records: self.records,
                manager,
            },
        );
        changes
    }
}

impl<'a> RollbackContext<'a> {
    /// The rollback of `run`, which did `writes`.
    pub(crate) fn of_run(run: &Run<'a>, writes: KnownWrites<'a>) -> Self {
        let desired = run.desired;
        let wanted = desired
            .objects
            .iter()
            .map(|(id, object)| (id.clone(), object.phase.clone()));
        let removals = run.pruning.removals.iter();
        let removed = removals.map(|removal| (removal.id.clone(), removal.phase.clone()));
        let by_object = writes.records.phases().chain(removed).chain(wanted);
        let good = run.history.succeeded();
        let phases = with_limits_of(good, desired.phases.iter().map(PhasePlan::planned));
        let timeout = run.options.timeout_rollback;
        let marks = desired.objects.iter();
        Self {
            target: run.target,
            release: &desired.release,
            phases: RollbackPhases::new(phases, by_object.collect(), timeout)
                .ending_with(writes.program.repaired_first()),
            rules: rules_of(good, &desired.readiness),
            marks: marks
                .map(|(id, object)| (id.clone(), object.marks.rollback))
                .collect(),
            writes,
            limits: Limits {
                timeout,
                ..run.options.limits
            },
            by: run.metadata.by.clone(),
        }
    }
}

/// `phases` of what is rolled back, none with less time than in `good`, the revision that was good
/// last: a limit that what failed has brought along was never tried on what is gone back to.
pub(super) fn with_limits_of(
    good: Option<&Revision>,
    phases: impl Iterator<Item = PhasePlan>,
) -> Vec<PhasePlan> {
    let before: HashMap<PhaseId, Duration> = good
        .into_iter()
        .flat_map(|revision| &revision.phases)
        .map(|phase| (PhaseId::declared(&phase.name), phase.timeout))
        .collect();
    let at_least = |phase: PhasePlan| PhasePlan {
        timeout: before
            .get(&phase.id)
            .map_or(phase.timeout, |limit| phase.timeout.max(*limit)),
        ..phase
    };
    phases.map(at_least).collect()
}

/// The rules of `good`, the revision that was good last, whose objects were ready by them; where
/// there is none, `rules`, those of what is rolled back.
pub(super) fn rules_of(good: Option<&Revision>, rules: &[ReadinessRule]) -> Vec<ReadinessRule> {
    good.map_or(rules, |revision| &revision.readiness).to_vec()
}
