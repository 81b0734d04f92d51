//! The rollback of a revision that was not finished: planned anew from what is there, executed,
//! verified.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;

use crate::engine::{
    events::Emitter,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Control, Limits, OnFault, StopReason},
    execute::write::{Resources, WriteContext},
    observe::claims::claims_in,
    observe::objects::{Observation, observe},
    observe::storage_versions,
    observe::unconfirmed_writes::{self, Evidence},
    phase_plan::PhasePlan,
    plan::irreversible::{exclude_irreversible, exclude_unserved},
    plan::rollback::{RollbackInput, RollbackPlan, plan_rollback},
    run::execution::{execute as execute_program, rules},
    run::outcome::RollbackError,
    run::verify::verify,
    watch::cache::ResourceCache,
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    error::ExitCode,
    event::{EventKind, Proof, RunOutcome},
    object::ObjectId,
    plan::{PhaseId, ReadinessRule, ReleaseId},
    release::{
        Author, ChangeLog, Head, JournalEntry, ObjectRecord, Program, Records, RollbackRecord,
        Snapshot, Store,
    },
};

/// What a way back starts from: a revision that was not finished, and all that is known of what it
/// did.
pub(crate) struct Journey<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: &'a Cluster,
    pub(crate) served: &'a Served,
    pub(crate) store: &'a Store,
    pub(crate) release: &'a ReleaseId,
    /// The phases of the revision, with their time limits.
    pub(crate) phases: Vec<PhasePlan>,
    /// What the plan says about when objects are ready.
    pub(crate) rules: Vec<ReadinessRule>,
    /// The phase that each object belongs to.
    pub(crate) phase_of: HashMap<ObjectId, PhaseId>,
    /// What the revision was going to do.
    pub(crate) program: &'a Program,
    pub(crate) snapshot: &'a Snapshot,
    /// What its journal tells.
    pub(crate) traces: ChangeLog,
    /// Objects that may have been written although the journal does not know of it; `None`: any of
    /// those that the revision was going to write, where its process is gone.
    pub(crate) unconfirmed: Option<BTreeSet<ObjectId>>,
    /// What is remembered of objects.
    pub(crate) records: &'a Records,
    /// Objects that are to be left as they are.
    pub(crate) manual: Vec<ObjectId>,
    /// What runs once and is to be run again.
    pub(crate) rerun: Vec<ObjectId>,
    pub(crate) limits: Limits,
    /// Who goes back.
    pub(crate) by: Author,
}

impl Journey<'_> {
    /// The same with a phase, the last one, for objects that belong to none of the others: one that
    /// has left the plan, for example.
    pub(crate) fn with_others(mut self) -> Self {
        let known: HashSet<&PhaseId> = self.phases.iter().map(|phase| &phase.id).collect();
        self.phase_of.retain(|_, phase| known.contains(phase));
        if !known.contains(&PhaseId::Unassigned) {
            let longest = self
                .phases
                .iter()
                .map(|phase| phase.timeout)
                .max()
                .unwrap_or(self.limits.timeout);
            self.phases
                .push(PhasePlan::of(PhaseId::Unassigned, longest));
        }
        self
    }

    /// The phase that `id` is put back in.
    pub(crate) fn phase_of(&self, id: &ObjectId) -> &PhaseId {
        self.phase_of.get(id).unwrap_or(&PhaseId::Unassigned)
    }
}

/// What a way back came to.
pub(crate) struct RollbackResult {
    /// `RolledBack`; `Failed` where something differs; `RollingBack` where it did not come to its
    /// end.
    pub(crate) outcome: RunOutcome,
    proof: Proof,
    /// What was created again, with the uid that it has now.
    recreated: HashMap<ObjectId, String>,
}

impl RollbackResult {
    fn stopped() -> Self {
        Self {
            outcome: RunOutcome::RollingBack,
            proof: Proof::default(),
            recreated: HashMap::new(),
        }
    }

    /// The exit code; `interrupted`: a signal was the reason for going back.
    pub(crate) fn exit(&self, interrupted: bool) -> ExitCode {
        match self.outcome {
            RunOutcome::RolledBack if interrupted => ExitCode::Interrupted,
            RunOutcome::RolledBack => ExitCode::Failed,
            _ => ExitCode::Changed,
        }
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
            .filter_map(|remark| records.get(&remark.object));
        kept.map(|record| ObjectRecord {
            kept: true,
            ..record.clone()
        })
        .collect()
    }
}

/// Puts everything that a run has touched back to its snapshot, and proves it by another look. Says
/// in `head` how it went; the caller stores that.
pub(crate) async fn go_back(
    journey: &Journey<'_>,
    head: &mut Head,
    cause: String,
    emitter: &Emitter,
    stops: &CancelSignals,
) -> RollbackResult {
    head.revision.outcome = RunOutcome::RollingBack;
    head.revision.cause = Some(cause.clone());
    head.revision.rollback = Some(RollbackRecord {
        by: journey.by.clone(),
        started: Timestamp::now(),
        finished: None,
        proof: None,
    });
    let travelled = match journey.store.update(head).await {
        Ok(()) => execute_rollback(journey, head, cause, emitter, stops).await,
        Err(error) => Err(error.into()),
    };
    match travelled {
        Ok((proof, recreated)) => {
            emitter.emit(EventKind::RollbackProved {
                proof: proof.clone(),
            });
            if let Some(rollback) = &mut head.revision.rollback {
                rollback.finished = Some(Timestamp::now());
                rollback.proof = Some(proof.clone());
            }
            let outcome = if proof.differences.is_empty() {
                RunOutcome::RolledBack
            } else {
                RunOutcome::Failed
            };
            RollbackResult {
                outcome,
                proof,
                recreated,
            }
        }
        Err(halt) => {
            emitter.emit(EventKind::Noted {
                text: halt.message(),
            });
            RollbackResult::stopped()
        }
    }
}

/// What a look before the way back brought, and the way that was planned from it.
pub(crate) struct RollbackPreview {
    readable: Vec<(ObjectId, Resource)>,
    stored_as: Resources,
    seen: Observation,
    done: ChangeLog,
    pub(crate) back: RollbackPlan,
}

/// Looks at all that was touched, works out what was done although nobody saw it, and plans the way
/// back.
pub(crate) async fn survey(journey: &Journey<'_>) -> Result<RollbackPreview, RequestError> {
    let ids: BTreeSet<&ObjectId> = journey
        .program
        .written()
        .chain(journey.traces.iter().map(|(id, _)| id))
        .collect();
    let mut stored_as =
        storage_versions::stored_as(journey.cluster, journey.served, ids.iter().copied()).await?;
    storage_versions::add_defined(
        &mut stored_as,
        journey.cluster,
        journey.served,
        &ids,
        journey.snapshot,
    )
    .await?;
    let readable: Vec<(ObjectId, Resource)> = stored_as
        .iter()
        .map(|(id, resource)| (id.clone(), resource.clone()))
        .collect();
    let seen = observe(journey.cluster, journey.release, &readable).await?;
    let mut done = journey.traces.clone();
    let manager = journey.release.field_manager();
    let may_be_unseen = |id: &ObjectId| {
        journey
            .unconfirmed
            .as_ref()
            .is_none_or(|unconfirmed| unconfirmed.contains(id))
    };
    unconfirmed_writes::complete(
        &mut done,
        may_be_unseen,
        &Evidence {
            program: journey.program,
            snapshot: journey.snapshot,
            live: &seen.live,
            records: journey.records,
            manager: &manager,
        },
    );
    let mut irreversible = exclude_irreversible(&mut done, journey.snapshot, &seen.live);
    irreversible.extend(exclude_unserved(&mut done, journey.snapshot, &stored_as));
    let mut back = plan(journey, &done, &seen).await?;
    back.irreversible.extend(irreversible);
    Ok(RollbackPreview {
        readable,
        stored_as,
        seen,
        done,
        back,
    })
}

/// Goes the way, and proves it. Returns also what was created again, with the uid that it has now.
async fn execute_rollback(
    journey: &Journey<'_>,
    head: &mut Head,
    cause: String,
    emitter: &Emitter,
    stops: &CancelSignals,
) -> Result<(Proof, HashMap<ObjectId, String>), RollbackError> {
    let preview = survey(journey).await?;
    emitter.emit(EventKind::RollbackStarted {
        cause,
        objects: preview.back.restored.len() + preview.back.removed.len(),
        deletes: preview.back.removed.len(),
        timeout: journey.limits.timeout,
    });
    let (faults, entries) = execute(journey, head, &preview, emitter, stops).await?;
    let now = observe(journey.cluster, journey.release, &preview.readable).await?;
    let RollbackPreview { mut done, back, .. } = preview;
    let proof = verify(
        &back,
        journey.snapshot,
        &done,
        &now.live,
        &journey.release.field_manager(),
        faults,
    );
    done.extend(&entries);
    let recreated = done
        .iter()
        .filter_map(|(id, trace)| Some((id.clone(), trace.recreated.clone()?)));
    Ok((proof, recreated.collect()))
}

async fn plan(
    journey: &Journey<'_>,
    done: &ChangeLog,
    seen: &Observation,
) -> Result<RollbackPlan, RequestError> {
    let claims = claims(journey, done).await?;
    Ok(plan_rollback(&RollbackInput {
        manager: &journey.release.field_manager(),
        phases: &journey.phases,
        phase_of: &|id| journey.phase_of(id),
        snapshot: journey.snapshot,
        changes: done,
        live: &seen.live,
        claims: &claims,
        records: journey.records,
        manual: &journey.manual,
        rerun: &journey.rerun,
    }))
}

/// The claims in every namespace in which a Secret was created: it may be what their data is opened
/// with.
async fn claims(journey: &Journey<'_>, done: &ChangeLog) -> Result<Vec<ObjectId>, RequestError> {
    let created = done
        .iter()
        .filter(|(id, _)| id.kind == "Secret" && journey.snapshot.object(id).is_none());
    let namespaces: BTreeSet<&String> = created
        .filter_map(|(id, _)| id.namespace.as_ref())
        .collect();
    claims_in(journey.cluster, journey.served, namespaces).await
}

/// Executes the way back; returns what did not succeed, and what was done.
async fn execute(
    journey: &Journey<'_>,
    head: &mut Head,
    preview: &RollbackPreview,
    emitter: &Emitter,
    stops: &CancelSignals,
) -> Result<(Vec<(ObjectId, String)>, Vec<JournalEntry>), RollbackError> {
    let (notes, fenced) = JournalWriter::open(journey.store, head.clone(), stops);
    let context = WriteContext {
        cluster: journey.cluster.clone(),
        served: journey.served,
        release: journey.release,
        wanted: None,
        live: &preview.seen.live,
        snapshot: journey.snapshot,
        traces: &preview.done,
        base: None,
        resources: preview.stored_as.clone(),
        stored_as: Resources::new(),
        force_conflicts: true,
        notes,
    };
    let control = Control {
        emitter: emitter.clone(),
        limits: journey.limits,
        interrupt: stops.at_once.clone(),
        fenced,
        on_fault: OnFault::GoOn,
    };
    let live = &preview.seen.live;
    let cache = ResourceCache::new(journey.cluster.clone(), journey.served, None, live)
        .judging_by(rules(&journey.rules, emitter));
    let back = &preview.back;
    let phases = plans(journey, back);
    let execution = execute_program(&back.program, phases, context, cache, control).await;
    let mut faults = execution.executor.faults;
    let mut closed = Ok(());
    if let Some((stored, journal)) = execution.closed {
        *head = stored;
        closed = journal;
    }
    match execution.result {
        Ok(()) => {}
        Err(StopReason::TimedOut { objects, .. }) => {
            faults.extend(objects.into_iter().map(|(id, verdict)| {
                (id, format!("is not as it was in time: {}", verdict.message))
            }));
        }
        Err(stop) => return Err(RollbackError::of(&stop, closed, journey.cluster)),
    }
    closed?;
    Ok((faults, execution.journal.entries()))
}

/// The phases that the way back leads through, with what is done in each.
fn plans(journey: &Journey<'_>, back: &RollbackPlan) -> Vec<PhasePlan> {
    let touched = |phase: &PhaseId| {
        let ids = back.restored.iter().chain(&back.removed);
        ids.filter(|id| journey.phase_of(id) == phase).count()
    };
    let plans = journey.phases.iter().map(|plan| PhasePlan {
        objects: touched(&plan.id),
        ..plan.clone()
    });
    plans.filter(|plan| plan.objects > 0).collect()
}
