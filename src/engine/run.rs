use std::time::Instant;

use futures::future::try_join_all;
use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::{
    access::access_points,
    emit::Emitter,
    execute::{Control, Executor, Limits, Resources, Stop},
    explain::explain,
    hub::Hub,
    look::Look,
    planner::{Decision, Selection, program},
    wanted::Wanted,
    write::Writer,
};
use crate::{
    cluster::{Cluster, Served},
    error::ExitCode,
    event::{EventKind, PhaseSummary, PhaseTiming, RunOutcome},
    release::{Author, Changes, PhaseRecord, Program, Records, Revision, Store, StoreError},
};

/// Everything that a run needs to know. Nothing has been written yet.
pub(crate) struct Run<'a> {
    /// The connection.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// What is wanted.
    pub(crate) wanted: &'a Wanted,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: &'a [Decision],
    /// What was seen.
    pub(crate) look: &'a Look,
    /// Which phases are run.
    pub(crate) selection: &'a Selection,
    /// The revision before.
    pub(crate) previous: Option<&'a Revision>,
    /// What the revision before left.
    pub(crate) records: Records,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
    /// Namespace that revisions are kept in.
    pub(crate) state_namespace: &'a str,
    /// Who runs it.
    pub(crate) by: Author,
    /// The plan's `open`: name and how to reach it.
    pub(crate) access: IndexMap<String, String>,
}

/// Why a run could not be recorded. What it did is told by its events.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RunError {
    /// Nothing was written.
    #[error("the revision could not be stored, so nothing was changed")]
    NotStarted(#[source] StoreError),
    /// The run ended, but how it ended could not be stored.
    #[error("the run ended, but its outcome could not be stored")]
    NotRecorded(#[source] StoreError),
}

/// Carries out `run`: stores the revision, executes the program, stores the outcome. Returns the exit code.
///
/// A program without writes only waits until everything is ready, and stores nothing. Where the revision before did not succeed and
/// everything is ready now, it stores one all the same: else the release would be called failed although what was wrong has mended itself.
pub(crate) async fn carry_out(run: Run<'_>, emitter: &Emitter, interrupt: &CancellationToken) -> Result<ExitCode, RunError> {
    let started = Instant::now();
    let program = program(run.wanted, run.decisions, run.selection);
    let store = Store::new(run.cluster, run.served, run.state_namespace, &run.wanted.release);
    let mut stored = None;
    if program.writes() > 0 {
        stored = Some(begin(&run, &store, &program).await.map_err(RunError::NotStarted)?);
    }
    emitter.emit(run_started(&run, stored.as_ref().map(|(revision, _)| revision), program.writes()));

    let mut executor = executor(&run, &program, emitter, interrupt);
    let result = executor.run().await;
    let timings = executor.timings();
    let cause = match &result {
        Ok(()) => None,
        Err(stop) => {
            let diagnosis = explain(stop, run.cluster, executor.hub_mut()).await;
            let cause = match &diagnosis.phase {
                Some(phase) => format!("phase `{phase}` failed: {}", diagnosis.summary),
                None => diagnosis.summary.clone(),
            };
            emitter.emit(EventKind::FailureExplained { diagnosis });
            Some(cause)
        }
    };
    let outcome = outcome(&result);
    let mended = outcome == RunOutcome::Succeeded && run.previous.is_some_and(|previous| previous.outcome != RunOutcome::Succeeded);
    if stored.is_none() && mended {
        stored = Some(begin(&run, &store, &program).await.map_err(RunError::NotRecorded)?);
    }
    let mut recorded = Ok(());
    if let Some((revision, stored_as)) = stored {
        recorded = finish(&run, &store, revision, &stored_as, &executor.records, &timings, outcome, cause).await;
    }
    let exit = exit_code(&result, &timings, executor.unanswered);
    let access = if result.is_ok() { access_points(&run.access, run.wanted, executor.hub_mut()) } else { Vec::new() };
    let requests = run.cluster.counts();
    emitter.emit(EventKind::RunFinished { outcome, exit, took: started.elapsed(), phases: timings, requests, access });
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

fn executor<'a>(run: &Run<'a>, program: &'a Program, emitter: &Emitter, interrupt: &CancellationToken) -> Executor<'a> {
    let resources: Resources =
        run.wanted.objects.iter().filter_map(|(id, object)| Some((id.clone(), run.wanted.resource(&object.object, run.served)?))).collect();
    let writer = Writer::new(run.cluster, run.wanted, &run.look.live, resources, run.force_conflicts);
    let hub = Hub::new(run.cluster.clone(), run.wanted.release.label(), run.look);
    let control = Control { emitter: emitter.clone(), limits: run.limits, interrupt: interrupt.clone() };
    Executor::new(run.wanted, program, writer, hub, control, run.records.clone())
}

/// Stores what is wanted and the program, then the head that commits them.
async fn begin(run: &Run<'_>, store: &Store<'_>, program: &Program) -> Result<(Revision, String), StoreError> {
    store.prepare().await?;
    let phases = try_join_all(run.wanted.phases.iter().map(|phase| phase_record(run, store, &phase.name, &phase.after))).await?;
    let revision = Revision {
        format: Revision::FORMAT,
        number: run.previous.map_or(1, |previous| previous.number + 1),
        release: run.wanted.release.clone(),
        by: run.by.clone(),
        context: run.cluster.context().to_owned(),
        started: Timestamp::now(),
        finished: None,
        outcome: RunOutcome::Running,
        cause: None,
        partial: *run.selection != Selection::All,
        phases,
        objects: run.wanted.objects.len(),
        changes: Changes::default(),
        access: run.access.clone(),
        program: store.write_chunks(program).await?,
        // Until the run ends, what the revision before left is the last that is known.
        records: run.previous.map(|previous| previous.records.clone()).unwrap_or_default(),
    };
    let stored_as = store.create(&revision).await?;
    Ok((revision, stored_as))
}

async fn phase_record(run: &Run<'_>, store: &Store<'_>, name: &str, after: &[String]) -> Result<PhaseRecord, StoreError> {
    let before = run.previous.and_then(|previous| previous.phases.iter().find(|phase| phase.name == name));
    if let Some(carried) = before.filter(|_| !run.selection.holds(name)) {
        return Ok(carried.clone());
    }
    let objects: Vec<&Value> =
        run.wanted.objects.values().filter(|object| object.phase == name).map(|object| object.sent.as_ref()).collect();
    let wanted = if objects.is_empty() { Vec::new() } else { store.write_chunks(&objects).await? };
    Ok(PhaseRecord {
        name: name.to_owned(),
        after: after.to_vec(),
        objects: objects.len(),
        wanted,
        outcome: None,
        took: std::time::Duration::ZERO,
    })
}

fn run_started(run: &Run<'_>, revision: Option<&Revision>, writes: usize) -> EventKind {
    let phases = run.wanted.phases.iter().filter(|phase| run.selection.holds(&phase.name));
    let summaries = phases.map(|phase| PhaseSummary {
        name: phase.name.clone(),
        objects: run.wanted.objects.values().filter(|object| object.phase == phase.name).count(),
    });
    EventKind::RunStarted {
        release: run.wanted.release.clone(),
        revision: revision.or(run.previous).map_or(0, |revision| revision.number),
        context: run.cluster.context().to_owned(),
        server: run.cluster.server().to_owned(),
        phases: summaries.filter(|summary| summary.objects > 0).collect(),
        writes,
        deadline: Timestamp::now() + SignedDuration::try_from(run.limits.timeout).unwrap_or(SignedDuration::MAX),
    }
}

fn outcome(result: &Result<(), Stop>) -> RunOutcome {
    match result {
        Ok(()) => RunOutcome::Succeeded,
        Err(Stop::Interrupted) => RunOutcome::Interrupted,
        Err(_) => RunOutcome::Failed,
    }
}

/// Stores how the run ended and what it left.
#[expect(clippy::too_many_arguments, reason = "the parts of one record, each made elsewhere")]
async fn finish(
    run: &Run<'_>,
    store: &Store<'_>,
    mut revision: Revision,
    stored_as: &str,
    records: &Records,
    timings: &[PhaseTiming],
    outcome: RunOutcome,
    cause: Option<String>,
) -> Result<(), StoreError> {
    for timing in timings {
        revision.changes.created += timing.created;
        revision.changes.changed += timing.changed;
        revision.changes.unchanged += timing.unchanged;
        if let Some(phase) = revision.phases.iter_mut().find(|phase| phase.name == timing.name) {
            phase.outcome = timing.outcome;
            phase.took = timing.took;
        }
    }
    // What is no longer wanted is not remembered, except of phases that were not run.
    let kept: Vec<_> = records
        .sorted()
        .into_iter()
        .filter(|record| run.wanted.objects.contains_key(&record.id) || !run.selection.holds(&record.phase))
        .collect();
    revision.records = store.write_chunks(&kept).await?;
    revision.finished = Some(Timestamp::now());
    revision.outcome = outcome;
    revision.cause = cause;
    store.update(&revision, stored_as).await.map(|_| ())
}

/// The exit code; a write that was not answered may have been done.
fn exit_code(result: &Result<(), Stop>, timings: &[PhaseTiming], unanswered: usize) -> ExitCode {
    let touched = unanswered > 0 || timings.iter().any(|timing| timing.created + timing.changed > 0);
    match result {
        Ok(()) => ExitCode::Done,
        Err(_) if touched => ExitCode::Changed,
        Err(Stop::Interrupted) => ExitCode::Interrupted,
        Err(_) => ExitCode::Failed,
    }
}
