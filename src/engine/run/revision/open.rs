//! Takes the snapshot and stores the revision, before the first write.

use std::sync::Arc;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    execute::write::Resources,
    observe::storage_versions,
    plan::selection::Selection,
    run::context::Run,
    run::execution::Baseline,
    run::kept::{kept, record},
    run::revision::packed::{PackedRevision, StoredRevision, read_deployed},
    run::revision::quota::check_quota,
};
use crate::{
    cluster::{Cluster, RequestError},
    event::RunOutcome,
    object::{ChartChange, Hook, ManifestView, ObjectId},
    release::{ChangeLog, Changes, Head, Program, Records, Revision, Snapshot, StoreError},
};

/// A revision whose head is stored: from now on it counts, and what is written can be taken back.
pub(crate) struct OpenRevision {
    pub(crate) head: Head,
    /// What was there before it, and before the interrupted ones that it goes on from.
    pub(crate) baseline: Baseline,
    /// What was remembered of objects before the first of them.
    pub(crate) base: Records,
}

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
        traces = unsettled.carried_on();
        base = unsettled.records.clone();
    }
    let stored_as = take(run, program, &mut snapshot)
        .await
        .map_err(|source| store.unread(source))?;
    let deployed = read_deployed(run).await?;
    let packed = PackedRevision::pack(run, &deployed, program, &snapshot, &traces);
    check_quota(run, program.writes(), &packed).await?;
    store.prepare().await?;
    let mut head = store
        .create(revision(run, program, packed.write(store).await?))
        .await?;
    let retained = run.pruning.retained.iter().map(|(id, _)| id);
    record(store, &mut head, kept(retained)).await?;
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

/// The oldest format whose programs do with the revision what it means: those before hooks would bring
/// what is only run at a rollback, and delete the release without what is run for that.
fn format(run: &Run<'_>, program: &Program) -> u32 {
    let is_of_rollback = |hook: &Hook| hook.is_run_at(ChartChange::Rollback);
    let mut objects = run.desired.objects.values();
    let has_hooks = !run.desired.hooks.is_empty()
        || program.discarded().next().is_some()
        || objects.any(|it| it.hook().is_some_and(is_of_rollback));
    if has_hooks {
        Revision::FORMAT_WITH_HOOKS
    } else {
        Revision::FORMAT_WITHOUT_HOOKS
    }
}

fn revision(run: &Run<'_>, program: &Program, stored: StoredRevision) -> Revision {
    let newest = run.history.newest().map(|head| &head.revision);
    let unsettled = newest.filter(|_| run.history.unsettled.is_some());
    let deployed = run.history.deployed();
    let (terms, origin) = (&run.options, &run.metadata);
    let (partial, objects) = match run.options.selection {
        // What a deletion runs is gone when it ends.
        Selection::All if origin.by.operation.only_removes() => (false, 0),
        Selection::All => (false, run.desired.objects.len()),
        Selection::Only(_) => (true, run.desired.objects.len()),
        Selection::Nothing => {
            deployed.map_or((false, 0), |deployed| (deployed.partial, deployed.objects))
        }
    };
    Revision {
        format: format(run, program),
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
        failure: None,
        partial,
        phases: stored.phases,
        readiness: run.desired.readiness.clone(),
        objects,
        changes: Changes::default(),
        access: origin.access.clone(),
        program: stored.program,
        hooks: stored.hooks,
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
        renamed_to: None,
        renamed_from: None,
        incomplete: false,
        rollback: None,
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
            .buffer_unordered(Cluster::PARALLEL)
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
        .filter(|there| !ManifestView(there).is_terminating());
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
