//! A newest revision that has neither succeeded nor was rolled back, and what rolling it back needs.

use std::collections::HashMap;

use crate::engine::{
    desired::DesiredObject,
    events::Emitter,
    execute::policy::Limits,
    observe::history::{ReleaseHistory, UnsettledRevision, began},
    phase_plan::PhasePlan,
    plan::rollback::RollbackPhases,
    run::context::RunTarget,
    run::outcome::RollbackResult,
    run::revision::conclude,
    run::rollback::preview_rollback,
    run::rollback_context::{KnownWrites, RollbackContext, rules_of, with_limits_of},
};
use crate::{
    cluster::RequestError,
    event::{ObjectNote, RunOutcome},
    object::ObjectId,
    plan::PhaseId,
    release::{Author, Head, Revision, Store, StoreError},
};

/// A newest revision that has neither succeeded nor was rolled back, and all that going back from
/// it needs: nothing of it is in files.
pub(crate) struct PendingRollback<'a> {
    before: &'a ReleaseHistory,
    newest: &'a Head,
    unsettled: &'a UnsettledRevision,
    /// What it wanted, and the interrupted ones that it went on from: of two, the newer one counts.
    wanted: HashMap<ObjectId, DesiredObject>,
}

/// What rolling back would do.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    /// Objects that are put back or created again, each with its phase.
    pub(crate) restored: Vec<(ObjectId, PhaseId)>,
    /// Objects that are deleted.
    pub(crate) removed: Vec<(ObjectId, PhaseId)>,
    /// What was created and is kept, and why.
    pub(crate) kept: Vec<ObjectNote>,
    /// What cannot or may not be put back, and why.
    pub(crate) stays: Vec<ObjectNote>,
    /// What others did to objects since, and is left to them.
    pub(crate) by_others: Vec<ObjectNote>,
}

/// How it is rolled back.
pub(crate) struct RollbackOptions {
    /// Writes that are under way at once.
    pub(crate) parallel: usize,
    /// Who rolls it back.
    pub(crate) by: Author,
}

impl<'a> PendingRollback<'a> {
    /// Reads what is left to be known of the newest revision of `before`; `None` where that is
    /// settled.
    pub(crate) async fn read(
        before: &'a ReleaseHistory,
        store: &Store,
    ) -> Result<Option<Self>, StoreError> {
        let (Some(newest), Some(unsettled)) = (before.newest(), &before.unsettled) else {
            return Ok(None);
        };
        let mut wanted = HashMap::new();
        for head in continued(&before.heads) {
            for phase in &head.revision.phases {
                let objects: Vec<DesiredObject> = store.read(&phase.wanted).await?;
                wanted.extend(
                    objects
                        .into_iter()
                        .map(|object| (object.object.id.clone(), object)),
                );
            }
        }
        Ok(Some(Self {
            before,
            newest,
            unsettled,
            wanted,
        }))
    }

    /// What rolling it back would do. Nothing is written.
    pub(crate) async fn preview(
        &self,
        target: RunTarget<'_>,
        options: &RollbackOptions,
    ) -> Result<Preview, RequestError> {
        let context = self.context(target, options);
        let plan = preview_rollback(&context).await?.plan;
        let with_phase = |ids: Vec<ObjectId>| {
            ids.into_iter()
                .map(|id| (id.clone(), context.phases.of(&id).to_owned()))
                .collect()
        };
        Ok(Preview {
            restored: with_phase(plan.restored),
            removed: with_phase(plan.removed),
            kept: plan.retained,
            stays: plan.irreversible,
            by_others: plan.by_others,
        })
    }

    /// The revision.
    pub(crate) fn revision(&self) -> &'a Revision {
        &self.newest.revision
    }

    /// Why it is rolled back.
    pub(super) fn cause(&self) -> String {
        let revision = self.revision();
        revision
            .cause
            .clone()
            .unwrap_or_else(|| match revision.outcome {
                RunOutcome::Succeeded => format!("revision {} is taken back", revision.number),
                _ => format!("revision {} was not finished", revision.number),
            })
    }

    /// Its head while it is rolled back: from now on the journal counts again. Where the rollback
    /// ends half-way, what it did is found there.
    pub(super) fn reopened(&self) -> Head {
        let mut head = self.newest.clone();
        head.revision.finished = None;
        head
    }

    /// What its rollback starts from.
    pub(super) fn context<'b>(
        &'b self,
        target: RunTarget<'b>,
        options: &RollbackOptions,
    ) -> RollbackContext<'b> {
        let revision = self.revision();
        let remembered = self
            .unsettled
            .records
            .phases()
            .chain(self.before.records.phases());
        let wanted = self.wanted.iter();
        let phase_of = wanted.map(|(id, object)| (id.clone(), object.phase.clone()));
        let timeout = revision.timeout_rollback;
        let marks = self.wanted.iter();
        let good = self.before.succeeded();
        let phases = revision.phases.iter().map(PhasePlan::recorded);
        RollbackContext {
            target,
            release: &revision.release,
            phases: RollbackPhases::new(
                with_limits_of(good, phases),
                remembered.chain(phase_of).collect(),
                timeout,
            )
            .ending_with(self.unsettled.program.repaired_first()),
            rules: rules_of(good, &revision.readiness),
            marks: marks
                .map(|(id, object)| (id.clone(), object.marks.rollback))
                .collect(),
            writes: KnownWrites {
                program: &self.unsettled.program,
                snapshot: &self.unsettled.snapshot,
                changes: self.unsettled.traces.clone(),
                told: self.unsettled.told.clone(),
                unconfirmed: None,
                records: &self.before.records,
                began: began(revision, &self.before.heads),
            },
            limits: Limits {
                parallel: options.parallel,
                timeout,
            },
            by: options.by.clone(),
        }
    }

    /// Stores in `head` what its rollback came to. One that did not come to its end is found by its
    /// journal.
    pub(super) async fn close(
        &self,
        store: &Store,
        mut head: Head,
        result: &RollbackResult,
        emitter: &Emitter,
    ) -> Result<(), StoreError> {
        if !result.is_complete() {
            return Ok(());
        }
        let records = match result.outcome {
            RunOutcome::RolledBack => result.records(&self.unsettled.records, &self.before.records),
            _ => store.records(&head).await?,
        };
        head.revision.outcome = result.outcome;
        head.revision.cause = Some(self.cause());
        let older = &self.before.heads[..self.before.heads.len().saturating_sub(1)];
        conclude(store, older, head, &records, emitter).await
    }
}

/// The newest revision and those that it went on from, oldest first.
fn continued(heads: &[Head]) -> Vec<&Head> {
    let mut chain: Vec<&Head> = heads.last().into_iter().collect();
    while let Some(number) = chain.last().and_then(|head| head.revision.continues) {
        match heads.iter().find(|head| head.revision.number == number) {
            Some(head) => chain.push(head),
            None => break,
        }
    }
    chain.reverse();
    chain
}
