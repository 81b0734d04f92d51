//! The rollback of a revision that was not finished: planned anew from what is there, executed,
//! verified.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    events::Emitter,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Control, OnFault, StopReason},
    execute::write::{Kinds, Resources, WriteContext},
    observe::claims::{observe_claims, observe_claims_if_permitted},
    observe::objects::{Observation, observe},
    observe::storage_versions,
    observe::undefined::note_undefined,
    phase_plan::PhasePlan,
    plan::irreversible::{exclude_irreversible, exclude_unserved},
    plan::rollback::{RollbackInput, RollbackPlan, plan_rollback},
    run::came_late::came_late,
    run::context::RunTarget,
    run::execution::{execute as execute_program, rules},
    run::kept::{concluded, kept, record},
    run::outcome::{RollbackError, RollbackResult, not_started},
    run::rollback_context::{KnownWrites, RollbackContext},
    run::taken_along::{Looks, taken_along},
    run::verify::{Executed, verify},
    run::verify_claims::verify_claims,
    watch::cache::ResourceCache,
};
use crate::{
    cluster::{Live, RequestError, Resource, Seen, Served},
    event::{EventKind, ObjectNote, Proof, RunOutcome},
    object::{HasKind as _, ObjectId},
    plan::PhaseId,
    release::{ChangeLog, Head, JournalEntry, RollbackRecord, Snapshot},
};

/// Puts everything that a revision has touched back to its snapshot, and proves it by another look.
/// Says in `head` how it went; the caller stores that. `None` where it could not be started, which
/// is told: then nothing was put back.
pub(crate) async fn roll_back(
    context: &RollbackContext<'_>,
    head: &mut Head,
    cause: String,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Option<RollbackResult> {
    head.revision.outcome = RunOutcome::RollingBack;
    head.revision.cause = Some(cause.clone());
    head.revision.rollback = Some(RollbackRecord {
        by: context.by.clone(),
        started: Timestamp::now(),
        finished: None,
        proof: None,
    });
    if let Err(error) = context.target.store.update(head).await {
        emitter.emit(EventKind::Noted {
            text: not_started(&error, context.target.cluster).await,
        });
        return None;
    }
    Some(
        match execute_rollback(context, head, cause, emitter, signals).await {
            Ok((proof, recreated)) => {
                emitter.emit(EventKind::RollbackProved {
                    proof: proof.clone(),
                });
                if let Some(rollback) = &mut head.revision.rollback {
                    rollback.finished = Some(Timestamp::now());
                    rollback.proof = Some(proof.clone());
                }
                RollbackResult::proved(proof, recreated)
            }
            Err(error) => {
                emitter.emit(EventKind::Noted {
                    text: error.message(),
                });
                RollbackResult::stopped()
            }
        },
    )
}

/// What everything is read and compared as at one moment: definitions change while a run waits, and
/// by its rollback.
struct Versions<'a> {
    served: Served,
    stored_as: Resources,
    /// What was there before, as it can be compared with what is there now.
    snapshot: Cow<'a, Snapshot>,
    /// What nobody can compare.
    unknown: Vec<ObjectNote>,
}

impl<'a> Versions<'a> {
    /// Those of now; what was served `before` counts where the server does not say what is.
    async fn of_now(
        context: &'a RollbackContext<'_>,
        before: &Served,
    ) -> Result<Self, RequestError> {
        let (cluster, writes) = (context.target.cluster, &context.writes);
        let served = cluster.discover_again().await;
        let served = served.unwrap_or_else(|_| before.clone());
        let stored_as =
            storage_versions::served_now(cluster, &served, &writes.ids(), writes.snapshot).await?;
        let (snapshot, unknown) =
            storage_versions::translated(cluster, &served, &stored_as, writes.snapshot).await?;
        Ok(Self {
            served,
            stored_as,
            snapshot,
            unknown,
        })
    }

    /// All that is looked at, `claims` too, each as it is read.
    fn readable(&self, writes: &KnownWrites<'_>, claims: &[ObjectId]) -> Vec<(ObjectId, Resource)> {
        let own = self.stored_as.iter();
        let mut readable: Vec<(ObjectId, Resource)> = own
            .map(|(id, resource)| (id.clone(), resource.clone()))
            .collect();
        readable.extend(bystanders(
            writes,
            &writes.ids(),
            &self.stored_as,
            &self.served,
        ));
        if let Some(resource) = self.served.exact("v1", "PersistentVolumeClaim") {
            readable.extend(claims.iter().map(|id| (id.clone(), resource.clone())));
        }
        readable
    }
}

/// What was observed before a rollback, and the rollback that was planned from it.
pub(crate) struct RollbackPreview<'a> {
    versions: Versions<'a>,
    observation: Observation,
    changes: ChangeLog,
    pub(crate) plan: RollbackPlan,
}

/// Observes all that was touched, works out what was done although nobody saw it, and plans the
/// rollback. Nothing is written.
pub(crate) async fn preview_rollback<'a>(
    context: &'a RollbackContext<'_>,
) -> Result<RollbackPreview<'a>, RequestError> {
    let RunTarget {
        cluster, served, ..
    } = context.target;
    let writes = &context.writes;
    let versions = Versions::of_now(context, served).await?;
    let snapshot = &versions.snapshot;
    let readable = versions.readable(writes, &[]);
    let mut observation = observe(cluster, context.release, &readable).await?;
    let mut changes = writes.complete(
        snapshot,
        &observation.live,
        &context.release.field_manager(),
    );
    for note in &versions.unknown {
        changes.remove(&note.object);
    }
    let lost = writes.ids().into_iter();
    let lost = lost_definitions(lost, &observation.live, |id| snapshot.object(id));
    let touched = changes.iter().map(|(id, _)| id);
    note_undefined(cluster, touched, &lost, &mut observation.live).await?;
    let mut irreversible = exclude_irreversible(&mut changes, snapshot, &observation.live);
    irreversible.extend(exclude_unserved(
        &mut changes,
        snapshot,
        &versions.stored_as,
        &observation.live,
    ));
    look_at_claims(context, &versions, &changes, &mut observation).await?;
    let mut plan = plan(context, snapshot, &changes, &observation);
    plan.irreversible.extend(irreversible);
    plan.unknown.extend(versions.unknown.iter().cloned());
    Ok(RollbackPreview {
        versions,
        observation,
        changes,
        plan,
    })
}

/// The definitions among `ids` that are not there in `live`, each as it was `before`.
fn lost_definitions<'a>(
    ids: impl Iterator<Item = &'a ObjectId>,
    live: &Live,
    before: impl Fn(&ObjectId) -> Option<&'a Arc<Value>>,
) -> Vec<&'a Value> {
    let lost = ids.filter(|id| id.is_definition() && matches!(live.seen(id), Seen::Absent));
    lost.filter_map(|id| before(id).map(AsRef::as_ref))
        .collect()
}

/// Objects of the release that the run was not to touch, each as it is read. What the run has
/// created may have been made their owner since, and goes.
///
/// Workloads, and what holds others, are not handed over.
fn bystanders(
    writes: &KnownWrites<'_>,
    ids: &BTreeSet<&ObjectId>,
    stored_as: &Resources,
    served: &Served,
) -> Vec<(ObjectId, Resource)> {
    if ids.iter().all(|id| writes.snapshot.object(id).is_some()) {
        return Vec::new();
    }
    let read_as = |id: &ObjectId| {
        let mut alike = stored_as
            .iter()
            .filter(|(known, _)| known.group_and_kind() == id.group_and_kind());
        let alike = alike.next().map(|(_, resource)| resource);
        alike.or_else(|| served.preferred(&id.group, &id.kind))
    };
    let others = writes.records.phases().map(|(id, _)| id);
    let others = others.filter(|id| {
        let is_workload = matches!(id.group.as_str(), "apps" | "batch");
        !ids.contains(id) && !is_workload && !id.is_pod() && !id.is_container()
    });
    let readable = others.filter_map(|id| Some((id.clone(), read_as(&id)?.clone())));
    readable.collect()
}

fn plan(
    context: &RollbackContext<'_>,
    snapshot: &Snapshot,
    changes: &ChangeLog,
    observation: &Observation,
) -> RollbackPlan {
    plan_rollback(&RollbackInput {
        manager: &context.release.field_manager(),
        phases: &context.phases,
        marks: &context.marks,
        snapshot,
        changes,
        live: &observation.live,
        records: context.writes.records,
        began: context.writes.began,
    })
}

/// Adds to `observation` the claims in every namespace in which a Secret was created, which may be
/// what their data is opened with, or a StatefulSet was touched, which makes some.
async fn look_at_claims(
    context: &RollbackContext<'_>,
    versions: &Versions<'_>,
    changes: &ChangeLog,
    observation: &mut Observation,
) -> Result<(), RequestError> {
    let (cluster, served) = (context.target.cluster, &versions.served);
    let snapshot = &versions.snapshot;
    let touched = changes.iter().map(|(id, _)| id);
    let made_or_makes =
        touched.filter(|id| snapshot.object(id).is_none() || id.is_like_stateful_set());
    let (secrets, others): (Vec<&ObjectId>, Vec<&ObjectId>) =
        made_or_makes.partition(|id| id.is_secret());
    let of_secrets: Vec<_> = secrets.iter().map(|id| &id.namespace).collect();
    let is_new = |id: &&ObjectId| !of_secrets.contains(&&id.namespace);
    let others = others.iter().copied().filter(is_new);
    observe_claims(cluster, served, secrets.iter().copied(), observation).await?;
    observe_claims_if_permitted(cluster, served, others, observation).await
}

/// Rolls back, and proves it. Returns also what was created again, with the uid that it has now.
async fn execute_rollback(
    context: &RollbackContext<'_>,
    head: &mut Head,
    cause: String,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Result<(Proof, HashMap<ObjectId, String>), RollbackError> {
    let preview = preview_rollback(context).await?;
    emitter.emit(EventKind::RollbackStarted {
        cause,
        objects: preview.plan.restored.len() + preview.plan.removed.len(),
        deletes: preview.plan.removed.len(),
        timeout: context.limits.timeout,
    });
    let (mut executed, entries) = execute(context, head, &preview, emitter, signals).await?;
    let (versions, now) = look_again(context, &preview).await?;
    let RollbackPreview {
        mut changes,
        plan,
        observation,
        ..
    } = preview;
    let manager = &context.release.field_manager();
    let snapshot = &versions.snapshot;
    let looks = Looks {
        snapshot,
        before: &observation.live,
        now: &now.live,
        manager,
    };
    let faults = &mut executed.faults;
    faults.extend(taken_along(&plan, &changes, &looks));
    faults.extend(came_late(&context.writes.ids(), &looks));
    faults.extend(incomparable(&plan, versions.unknown));
    let mut proof = verify(&plan, snapshot, &changes, &now.live, manager, executed);
    let began = context.writes.began;
    verify_claims(&mut proof, &plan, &looks, began);
    changes.extend(&entries);
    let recreated = changes
        .iter()
        .filter_map(|(id, done)| Some((id.clone(), done.recreated.clone()?)));
    Ok((proof, recreated.collect()))
}

/// Looks again at everything after what `preview` planned was done, in the versions of then: putting
/// a definition back changes them.
async fn look_again<'a>(
    context: &'a RollbackContext<'_>,
    preview: &RollbackPreview<'_>,
) -> Result<(Versions<'a>, Observation), RequestError> {
    let cluster = context.target.cluster;
    let versions = Versions::of_now(context, &preview.versions.served).await?;
    let RollbackPlan {
        removed, claims, ..
    } = &preview.plan;
    let readable = versions.readable(&context.writes, claims);
    let mut now = observe(cluster, context.release, &readable).await?;
    let before = &preview.observation.live;
    let lost = lost_definitions(removed.iter(), &now.live, |id| before.object(id));
    note_undefined(cluster, removed.iter(), &lost, &mut now.live).await?;
    // StatefulSets may have made more of them until they were gone, or as they were.
    let sets = removed.iter().chain(&preview.plan.restored);
    let sets = sets.filter(|id| id.is_like_stateful_set());
    observe_claims_if_permitted(cluster, &versions.served, sets, &mut now).await?;
    Ok((versions, now))
}

/// What was put back and is `unknown` since, as it is served in versions that nobody can compare.
fn incomparable(
    plan: &RollbackPlan,
    unknown: Vec<ObjectNote>,
) -> impl Iterator<Item = (ObjectId, String)> {
    let put_back = unknown
        .into_iter()
        .filter(|note| plan.restored.contains(&note.object));
    put_back.map(|note| (note.object, note.what))
}

/// Executes the plan; returns what it said of itself, and what was done.
async fn execute(
    context: &RollbackContext<'_>,
    head: &mut Head,
    preview: &RollbackPreview<'_>,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Result<(Executed, Vec<JournalEntry>), RollbackError> {
    let RunTarget { cluster, store, .. } = context.target;
    let served = &preview.versions.served;
    let retained = preview.plan.retained.iter().map(|note| &note.object);
    let concluded = concluded(&context.writes.told, &preview.changes);
    record(store, head, concluded.chain(kept(retained))).await?;
    let (journal, fenced) = JournalWriter::open(store, head.clone(), signals);
    let control = Control {
        emitter: emitter.clone(),
        limits: context.limits,
        interrupt: signals.at_once.clone(),
        fenced,
        on_fault: OnFault::GoOn,
    };
    let cache = ResourceCache::new(cluster.clone(), served, None, &preview.observation.live)
        .judging_by(rules(&context.rules, emitter));
    let phases = phases(context, &preview.plan);
    let writing = write_context(context, preview, journal);
    let program = &preview.plan.program;
    let execution = execute_program(program, phases, writing, cache, control).await;
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
        Err(stop) => return Err(RollbackError::of(&stop, closed, cluster).await),
    }
    closed?;
    let journal = execution.journal;
    let left = journal.left();
    let entries = journal.entries();
    let recreated = entries.iter().filter_map(|entry| match entry {
        JournalEntry::Recreated { object, uid } => Some((object.clone(), uid.clone())),
        _ => None,
    });
    let executed = Executed {
        faults,
        left,
        recreated: recreated.collect(),
    };
    Ok((executed, entries))
}

/// What is needed to write what is rolled back.
fn write_context<'a>(
    context: &'a RollbackContext<'_>,
    preview: &'a RollbackPreview<'_>,
    journal: JournalWriter,
) -> WriteContext<'a> {
    WriteContext {
        cluster: context.target.cluster.clone(),
        kinds: Kinds {
            served: &preview.versions.served,
            resources: preview.versions.stored_as.clone(),
            stored_as: Resources::new(),
        },
        release: context.release,
        apply: None,
        live: &preview.observation.live,
        snapshot: &preview.versions.snapshot,
        changes: &preview.changes,
        journal,
    }
}

/// The phases that the rollback leads through, with what is done in each.
fn phases(context: &RollbackContext<'_>, plan: &RollbackPlan) -> Vec<PhasePlan> {
    let touched = |phase: &PhaseId| {
        let ids = plan.restored.iter().chain(&plan.removed);
        ids.filter(|id| context.phases.of(id) == phase).count()
    };
    let phases = context.phases.plans().iter().map(|phase| PhasePlan {
        objects: touched(&phase.id),
        ..phase.clone()
    });
    phases.filter(|phase| phase.objects > 0).collect()
}
