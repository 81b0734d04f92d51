//! Everything that is known before the first write.

use std::collections::BTreeSet;

use crate::engine::{
    desired::DesiredState,
    observe::history::ReleaseHistory,
    observe::objects::Observation,
    plan::decide::{ChangeAction, Decision},
    plan::prune::PrunePlan,
};
use crate::{event::RunOutcome, object::ObjectId, plan::Skipped, secret::Known};

/// What is wanted, what is there, and what has to be done about it.
pub(crate) struct Prepared {
    /// What is wanted.
    pub(crate) desired: DesiredState,
    /// What is there.
    pub(crate) observation: Observation,
    /// What the revisions before left.
    pub(crate) history: ReleaseHistory,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: Vec<Decision>,
    /// What becomes of what is no longer wanted.
    pub(crate) pruning: PrunePlan,
    /// Wanted objects that stay as they are, whatever they are like.
    pub(crate) retained: BTreeSet<ObjectId>,
    /// Parts of the plan that conditions leave out, and why.
    pub(crate) skipped: Vec<Skipped>,
    /// The values of declared Secrets.
    pub(crate) secrets: ResolvedSecrets,
}

/// The values of declared Secrets.
#[derive(Default)]
pub(crate) struct ResolvedSecrets {
    /// `NAME/KEY` and where the value comes from.
    pub(crate) sources: Vec<(String, String)>,
    /// The values.
    pub(crate) known: Known,
    /// The Secrets that the plan declares, part of the run or not; `None` where there is no plan.
    pub(crate) declared: Option<BTreeSet<ObjectId>>,
}

impl Prepared {
    /// What was observed; nothing is decided yet.
    pub(crate) fn observed(
        desired: DesiredState,
        observation: Observation,
        history: ReleaseHistory,
    ) -> Self {
        Self {
            desired,
            observation,
            history,
            decisions: Vec::new(),
            pruning: PrunePlan::default(),
            retained: BTreeSet::new(),
            skipped: Vec::new(),
            secrets: ResolvedSecrets::default(),
        }
    }

    /// How many objects would be written.
    pub(crate) fn writes(&self) -> usize {
        let changed = self
            .decisions
            .iter()
            .filter(|decision| decision.action != ChangeAction::Keep);
        changed.count() + self.pruning.removals.len()
    }

    /// Whether a revision has to be stored, which needs the lock: something is written, or the
    /// newest one did not succeed, and what is wanted may be there all the same; or something is kept
    /// from now on, which is remembered.
    pub(crate) fn needs_revision(&self) -> bool {
        let is_recorded = self
            .history
            .newest()
            .is_none_or(|newest| newest.revision.outcome == RunOutcome::Succeeded);
        self.writes() > 0 || !is_recorded || self.pruning.keeps_more_than(&self.history.records)
    }

    /// The objects that are to be deleted although they were there before the release; those that the
    /// control plane makes by itself in each namespace do not count.
    pub(crate) fn deletes_found(&self) -> impl Iterator<Item = &ObjectId> {
        let removals = self.pruning.removals.iter();
        let deleted = removals.filter(|removal| removal.is_deletion());
        let ids = deleted.map(|removal| &removal.id);
        ids.filter(|id| self.was_found(id) && !id.is_made_by_the_system())
    }

    /// Whether `id` was there before the release.
    pub(crate) fn was_found(&self, id: &ObjectId) -> bool {
        let record = self.history.records.get(id);
        record.is_some_and(|record| record.found)
    }

    /// Whether data goes.
    pub(crate) fn deletes_data(&self) -> bool {
        self.pruning.data().next().is_some()
    }
}
