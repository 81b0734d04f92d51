//! Takes the snapshot and stores the revision, before the first write.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    desired::DesiredObject, execute::write::Resources, observe::storage_versions,
    plan::decide::Selection, run::context::Run, run::execution::Baseline,
};
use crate::{
    cluster::RequestError,
    event::RunOutcome,
    object::ObjectId,
    plan::PhaseSettings,
    release::{
        ChangeLog, Changes, Head, PhaseRecord, Program, Records, Revision, Snapshot, StoreError,
    },
};

/// A revision whose head is stored: from now on it counts, and what is written can be taken back.
pub(crate) struct OpenRevision {
    pub(crate) head: Head,
    /// What was there before it, and before the interrupted ones that it goes on from.
    pub(crate) baseline: Baseline,
    /// What was remembered of objects before the first of them.
    pub(crate) base: Records,
}

/// Reads of the snapshot that are under way at once.
const PARALLEL: usize = 16;

/// Takes the snapshot, stores it with what is wanted and the program, and then the head that
/// commits them. Nothing is stored where there is no room for all of it.
pub(crate) async fn open_revision(
    run: &Run<'_>,
    program: &Program,
) -> Result<OpenRevision, StoreError> {
    let store = run.target.store;
    let mut snapshot = Snapshot::default();
    let mut traces = ChangeLog::default();
    let mut base = run.history.records.clone();
    if let Some(unsettled) = &run.history.unsettled {
        snapshot = unsettled.snapshot.clone();
        traces = unsettled.traces.clone();
        base = unsettled.records.clone();
    }
    let stored_as = take(run, program, &mut snapshot)
        .await
        .map_err(|source| store.unread(source))?;
    super::quota::check(run, program, &snapshot, &traces).await?;
    store.prepare().await?;
    let stored = stored(run, program, &snapshot, &traces).await?;
    let head = store.create(revision(run, stored)).await?;
    Ok(OpenRevision {
        head,
        baseline: Baseline {
            snapshot,
            traces,
            stored_as,
        },
        base,
    })
}

/// What a revision is made of, each stored in chunks.
struct Stored {
    phases: Vec<PhaseRecord>,
    program: Vec<String>,
    snapshot: Vec<String>,
    traces: Vec<String>,
    records: Vec<String>,
}

async fn stored(
    run: &Run<'_>,
    program: &Program,
    snapshot: &Snapshot,
    traces: &ChangeLog,
) -> Result<Stored, StoreError> {
    let store = run.target.store;
    let (phases, program, snapshot, traces, records) = tokio::try_join!(
        try_join_all(
            run.desired
                .phases
                .iter()
                .map(|phase| phase_record(run, phase))
        ),
        store.write_chunks(program),
        store.write_chunks(snapshot),
        async {
            if traces.is_empty() {
                Ok(Vec::new())
            } else {
                store.write_chunks(traces).await
            }
        },
        known_records(run),
    )?;
    Ok(Stored {
        phases,
        program,
        snapshot,
        traces,
        records,
    })
}

fn revision(run: &Run<'_>, stored: Stored) -> Revision {
    let newest = run.history.newest().map(|head| &head.revision);
    let unsettled = newest.filter(|_| run.history.unsettled.is_some());
    let deployed = run.history.deployed();
    let (terms, origin) = (&run.options, &run.metadata);
    let (partial, objects) = match run.options.selection {
        Selection::All => (false, run.desired.objects.len()),
        Selection::Only(_) => (true, run.desired.objects.len()),
        Selection::Nothing => {
            deployed.map_or((false, 0), |deployed| (deployed.partial, deployed.objects))
        }
    };
    Revision {
        format: Revision::FORMAT,
        number: newest.map_or(1, |newest| newest.number + 1),
        release: run.desired.release.clone(),
        by: origin.by.clone(),
        source: origin.source.clone(),
        back_to: origin.back_to,
        continues: unsettled.map(|newest| newest.number),
        taken_over: None,
        context: run.target.cluster.context().to_owned(),
        guard: origin.guard.clone(),
        started: Timestamp::now(),
        finished: None,
        outcome: RunOutcome::Running,
        cause: None,
        partial,
        phases: stored.phases,
        readiness: run.desired.readiness.clone(),
        objects,
        changes: Changes::default(),
        access: origin.access.clone(),
        program: stored.program,
        snapshot: stored.snapshot,
        traces: stored.traces,
        // Until the run ends, what was remembered before is what the journal is added to.
        base: unsettled.map_or_else(
            || stored.records.clone(),
            |unsettled| unsettled.base.clone(),
        ),
        records: stored.records,
        timeout: terms.limits.timeout,
        timeout_rollback: terms.timeout_rollback,
        rollback: None,
    }
}

/// The chunks of what is remembered of objects now. Where the revision before has ended these are
/// its own.
async fn known_records(run: &Run<'_>) -> Result<Vec<String>, StoreError> {
    match run.history.newest() {
        Some(newest) if newest.revision.finished.is_some() => Ok(newest.revision.records.clone()),
        Some(_) => {
            run.target
                .store
                .write_chunks(&run.history.records.sorted())
                .await
        }
        None => Ok(Vec::new()),
    }
}

/// Adds what the program is going to touch to `snapshot`, and returns the version in which each of
/// it is stored.
async fn take(
    run: &Run<'_>,
    program: &Program,
    snapshot: &mut Snapshot,
) -> Result<Resources, RequestError> {
    let ids: Vec<&ObjectId> = program.written().collect();
    let stored_as =
        storage_versions::stored_as(run.target.cluster, run.target.served, ids.iter().copied())
            .await?;
    let seen: Vec<(ObjectId, Option<Arc<Value>>)> =
        stream::iter(ids.into_iter().filter(|id| !snapshot.knows(id)))
            .map(|id| seen_as_stored(run, id, &stored_as))
            .buffer_unordered(PARALLEL)
            .try_collect()
            .await?;
    for (id, object) in seen {
        snapshot.note(id, object);
    }
    Ok(stored_as)
}

async fn seen_as_stored(
    run: &Run<'_>,
    id: &ObjectId,
    stored_as: &Resources,
) -> Result<(ObjectId, Option<Arc<Value>>), RequestError> {
    // What is on its way out is not brought back.
    let there = run
        .observation
        .live
        .object(id)
        .filter(|there| there.pointer("/metadata/deletionTimestamp").is_none());
    let Some(there) = there else {
        return Ok((id.clone(), None));
    };
    let fingerprint = there.get("apiVersion").and_then(Value::as_str);
    match stored_as
        .get(id)
        .filter(|resource| fingerprint != Some(resource.api_version().as_str()))
    {
        None => Ok((id.clone(), Some(Arc::clone(there)))),
        Some(resource) => {
            let object = run
                .target
                .cluster
                .get(resource, id.namespace.as_deref(), &id.name)
                .await?;
            Ok((id.clone(), object.map(Arc::new)))
        }
    }
}

/// The record of a phase that is not run: as it is deployed. `None` where it is run, or was never
/// deployed.
pub(crate) fn carried<'a>(run: &Run<'a>, phase: &PhaseSettings) -> Option<&'a PhaseRecord> {
    let deployed = run
        .history
        .deployed()
        .filter(|_| !run.options.selection.holds_declared(&phase.name))?;
    deployed
        .phases
        .iter()
        .find(|known| known.name == phase.name)
}

/// What is wanted in `phase`.
pub(crate) fn objects_of<'a>(run: &Run<'a>, phase: &PhaseSettings) -> Vec<&'a DesiredObject> {
    run.desired
        .objects
        .values()
        .filter(|object| object.phase.is_declared_as(&phase.name))
        .collect()
}

async fn phase_record(run: &Run<'_>, phase: &PhaseSettings) -> Result<PhaseRecord, StoreError> {
    if let Some(carried) = carried(run, phase) {
        return Ok(carried.clone());
    }
    let objects = objects_of(run, phase);
    let wanted = if objects.is_empty() {
        Vec::new()
    } else {
        run.target.store.write_chunks(&objects).await?
    };
    Ok(PhaseRecord {
        name: phase.name.clone(),
        after: phase.after.clone(),
        objects: objects.len(),
        timeout: phase.timeout,
        failure_budget: phase.failure_budget,
        on_failure: phase.on_failure,
        wanted,
        outcome: None,
        took: std::time::Duration::ZERO,
    })
}
