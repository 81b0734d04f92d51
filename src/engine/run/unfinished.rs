//! A newest revision that has neither succeeded nor was rolled back, and going back from it.

use std::{collections::HashMap, time::Instant};

use jiff::{SignedDuration, Timestamp};

use crate::engine::{
    desired::DesiredObject,
    events::Emitter,
    execute::policy::{CancelSignals, Limits},
    observe::history::{ReleaseHistory, UnsettledRevision},
    phase_plan::PhasePlan,
    run::context::RunError,
    run::outcome::as_recorded,
    run::revision::conclude,
    run::rollback::{Journey, go_back, survey},
};
use crate::{
    cluster::{Cluster, RequestError, Served},
    error::ExitCode,
    event::{EventKind, ObjectNote, Purpose, RunOutcome, VerdictDelays},
    object::{ObjectId, RollbackMark},
    plan::PhaseId,
    release::{Author, Head, Records, Store, StoreError},
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

/// What going back would do.
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

/// Where the way back leads through.
pub(crate) struct Ground<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// Where revisions are kept.
    pub(crate) store: &'a Store,
    /// Writes that are under way at once.
    pub(crate) parallel: usize,
    /// Who goes back.
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

    /// What going back would do. Nothing is written.
    pub(crate) async fn preview(&self, ground: &Ground<'_>) -> Result<Preview, RequestError> {
        let journey = self.journey(ground);
        let back = survey(&journey).await?.back;
        let with_phase = |ids: Vec<ObjectId>| {
            ids.into_iter()
                .map(|id| (id.clone(), journey.phase_of(&id).to_owned()))
                .collect()
        };
        Ok(Preview {
            restored: with_phase(back.restored),
            removed: with_phase(back.removed),
            kept: back.retained,
            stays: back.irreversible,
            by_others: back.by_others,
        })
    }

    /// Puts everything back that the revision and those that it went on from have touched, and
    /// stores how that ended. Returns the exit code: done where everything is as it was.
    ///
    /// Only under the lock, and once nobody else can write the revision any more.
    pub(crate) async fn go_back(
        &self,
        ground: &Ground<'_>,
        emitter: &Emitter,
        stops: &CancelSignals,
    ) -> Result<ExitCode, RunError> {
        let started = Instant::now();
        let journey = self.journey(ground);
        let mut head = self.newest.clone();
        // From now on the journal counts again: where this ends half-way, what it did is found
        // there.
        head.revision.finished = None;
        emitter.emit(self.run_started(ground, journey.limits));
        let returned = go_back(&journey, &mut head, self.cause(), emitter, stops).await;
        let outcome = returned.outcome;
        let recorded = match outcome {
            RunOutcome::RollingBack => Ok(()),
            RunOutcome::RolledBack => {
                let records = returned.records(&self.unsettled.records, &self.before.records);
                self.conclude(ground.store, head, &records, outcome, emitter)
                    .await
            }
            _ => match ground.store.records(&head).await {
                Ok(records) => {
                    self.conclude(ground.store, head, &records, outcome, emitter)
                        .await
                }
                Err(error) => Err(error),
            },
        };
        let exit = if outcome == RunOutcome::RolledBack {
            ExitCode::Done
        } else {
            ExitCode::Changed
        };
        let (outcome, exit) = as_recorded(&recorded, outcome, exit);
        emitter.emit(EventKind::RunFinished {
            outcome,
            exit,
            took: started.elapsed(),
            phases: Vec::new(),
            requests: ground.cluster.counts(),
            verdicts: VerdictDelays::default(),
            access: Vec::new(),
        });
        recorded.map(|()| exit).map_err(RunError::NotRecorded)
    }

    fn run_started(&self, ground: &Ground<'_>, limits: Limits) -> EventKind {
        let revision = &self.newest.revision;
        EventKind::RunStarted {
            release: revision.release.clone(),
            revision: revision.number,
            context: ground.cluster.context().to_owned(),
            server: ground.cluster.server().to_owned(),
            phases: Vec::new(),
            writes: self.unsettled.program.writes(),
            purpose: Purpose::PutBack,
            deadline: Timestamp::now()
                + SignedDuration::try_from(limits.timeout).unwrap_or(SignedDuration::MAX),
        }
    }

    async fn conclude(
        &self,
        store: &Store,
        mut head: Head,
        records: &Records,
        outcome: RunOutcome,
        emitter: &Emitter,
    ) -> Result<(), StoreError> {
        head.revision.outcome = outcome;
        head.revision.cause = Some(self.cause());
        let older = &self.before.heads[..self.before.heads.len().saturating_sub(1)];
        conclude(store, older, head, records, emitter).await
    }

    /// Why it is gone back from.
    fn cause(&self) -> String {
        let revision = &self.newest.revision;
        revision
            .cause
            .clone()
            .unwrap_or_else(|| format!("revision {} was not finished", revision.number))
    }

    fn journey<'b>(&'b self, ground: &Ground<'b>) -> Journey<'b> {
        let revision = &self.newest.revision;
        let marked = |mark| {
            self.wanted
                .iter()
                .filter(move |(_, object)| object.marks.rollback == mark)
                .map(|(id, _)| id.clone())
                .collect()
        };
        let remembered = self
            .unsettled
            .records
            .phases()
            .chain(self.before.records.phases());
        let wanted = self
            .wanted
            .iter()
            .map(|(id, object)| (id.clone(), object.phase.clone()));
        Journey {
            cluster: ground.cluster,
            served: ground.served,
            store: ground.store,
            release: &revision.release,
            phases: revision.phases.iter().map(PhasePlan::recorded).collect(),
            rules: revision.readiness.clone(),
            phase_of: remembered.chain(wanted).collect(),
            program: &self.unsettled.program,
            snapshot: &self.unsettled.snapshot,
            traces: self.unsettled.traces.clone(),
            unconfirmed: None,
            records: &self.before.records,
            manual: marked(RollbackMark::Manual),
            rerun: marked(RollbackMark::Rerun),
            limits: Limits {
                parallel: ground.parallel,
                timeout: revision.timeout_rollback,
            },
            by: ground.by.clone(),
        }
        .with_others()
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
