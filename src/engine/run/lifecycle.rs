use std::time::{Duration, Instant};

use indexmap::IndexMap;
use tokio_util::sync::CancellationToken;

use crate::engine::{
    desired::DesiredState,
    events::Emitter,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Limits, StopReason},
    execute::write::Resources,
    observe::history::ReleaseHistory,
    observe::objects::Observation,
    phase_plan::PhasePlan,
    plan::decide::{Decision, Selection},
    plan::deploy::{DeployInput, plan_deploy},
    plan::prune::PrunePlan,
    run::assemble::{Ground, control, executor},
    run::events::{as_recorded, report_failure, report_retained, run_finished, run_started},
    run::revision::close_revision,
    run::revision::{OpenRevision, open_revision},
    run::rollback::{Journey, RollbackResult, go_back},
};
use crate::{
    cluster::{Cluster, Served},
    error::ExitCode,
    event::{PhaseTiming, RunOutcome},
    object::RollbackMark,
    plan::{OnFailure, PhaseId},
    release::{
        Author, ChangeLog, Guard, JournalEntry, PlanSource, Program, Records, Snapshot, Store,
        StoreError,
    },
};

/// Everything that a run needs to know. Nothing has been written yet.
pub(crate) struct Run<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// What is wanted.
    pub(crate) wanted: &'a DesiredState,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: &'a [Decision],
    /// What becomes of what is no longer wanted.
    pub(crate) pruning: &'a PrunePlan,
    /// What was seen, under the lock where anything is going to be written.
    pub(crate) observation: &'a Observation,
    /// Which phases are run.
    pub(crate) selection: &'a Selection,
    /// What was before.
    pub(crate) before: &'a ReleaseHistory,
    /// Where revisions are kept.
    pub(crate) store: &'a Store,
    /// How it is run.
    pub(crate) terms: RunOptions,
    /// What its revision says of it.
    pub(crate) origin: RevisionMetadata,
}

/// How a run is carried out.
#[derive(Clone, Copy)]
pub(crate) struct RunOptions {
    /// Bounds.
    pub(crate) limits: Limits,
    /// Time limit of the way back.
    pub(crate) timeout_rollback: Duration,
    /// Whether a failure is rolled back, as far as the phases say so.
    pub(crate) rolls_back: bool,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
}

/// Who makes a revision, of what, and what later commands are to know of the release.
pub(crate) struct RevisionMetadata {
    /// Who runs it.
    pub(crate) by: Author,
    /// The plan that it is made from.
    pub(crate) source: Option<PlanSource>,
    /// The revision that it goes back to.
    pub(crate) back_to: Option<u64>,
    /// Where and how the release may be changed.
    pub(crate) guard: Guard,
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

/// Carries out `run`: stores the revision with its snapshot, executes the program, rolls back where
/// that fails, and stores how it ended. Returns the exit code.
///
/// A program without writes only waits until everything is ready, and stores nothing. Where the
/// revision before did not succeed and everything is ready now, it stores one all the same: else
/// the release would be called failed although what was wrong has mended itself.
pub(crate) async fn carry_out(
    run: Run<'_>,
    emitter: &Emitter,
    stops: &CancelSignals,
) -> Result<ExitCode, RunError> {
    let started = Instant::now();
    let Run {
        wanted,
        decisions,
        selection,
        ..
    } = run;
    let changes = DeployInput {
        wanted,
        decisions,
        removals: &run.pruning.removals,
        live: &run.observation.live,
        records: &run.before.records,
        selection,
    };
    let program = plan_deploy(&changes);
    let began = match program.writes() {
        0 => None,
        _ => Some(
            open_revision(&run, &program)
                .await
                .map_err(RunError::NotStarted)?,
        ),
    };
    let number = began
        .as_ref()
        .map(|began| &began.head)
        .or(run.before.newest())
        .map_or(0, |head| head.revision.number);
    emitter.emit(run_started(&run, number, program.writes()));
    match began {
        Some(began) => write(&run, &program, began, emitter, stops, started).await,
        None => wait(&run, &program, emitter, stops, started).await,
    }
}

/// Waits until everything is ready; nothing has to be written.
async fn wait(
    run: &Run<'_>,
    program: &Program,
    emitter: &Emitter,
    stops: &CancelSignals,
    started: Instant,
) -> Result<ExitCode, RunError> {
    let (snapshot, traces) = (Snapshot::default(), ChangeLog::default());
    let ground = Ground {
        snapshot: &snapshot,
        traces: &traces,
        stored_as: Resources::new(),
    };
    let mut executor = executor(
        run,
        program,
        &ground,
        JournalWriter::default(),
        control(run, emitter, stops, CancellationToken::new()),
    );
    let result = executor.run().await;
    let cause = match &result {
        Ok(()) => None,
        Err(stop) => {
            Some(report_failure(stop, None, run.cluster, executor.cache_mut(), emitter).await)
        }
    };
    let mended = result.is_ok()
        && run
            .before
            .newest()
            .is_some_and(|newest| newest.revision.outcome != RunOutcome::Succeeded);
    let mut recorded = Ok(());
    if mended {
        let unchanged = Ending {
            outcome: RunOutcome::Succeeded,
            cause,
            timings: executor.timings(),
            entries: Vec::new(),
            returned: None,
        };
        recorded = match open_revision(run, program).await {
            Ok(began) => close_revision(run, began.head, &began.base, unchanged, emitter).await,
            Err(error) => Err(error),
        };
    }
    let (outcome, exit) = match result {
        Ok(()) => (RunOutcome::Succeeded, ExitCode::Done),
        Err(StopReason::Interrupted) => (RunOutcome::Interrupted, ExitCode::Interrupted),
        Err(_) => (RunOutcome::Failed, ExitCode::Failed),
    };
    let (outcome, exit) = as_recorded(&recorded, outcome, exit);
    emitter.emit(run_finished(run, &mut executor, outcome, exit, started));
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// How a run ended.
pub(crate) struct Ending {
    pub(crate) outcome: RunOutcome,
    pub(crate) cause: Option<String>,
    pub(crate) timings: Vec<PhaseTiming>,
    pub(crate) entries: Vec<JournalEntry>,
    pub(crate) returned: Option<RollbackResult>,
}

/// Executes a program that writes, rolls back where it fails, and stores how it ended.
async fn write(
    run: &Run<'_>,
    program: &Program,
    began: OpenRevision,
    emitter: &Emitter,
    stops: &CancelSignals,
    started: Instant,
) -> Result<ExitCode, RunError> {
    let OpenRevision {
        head,
        snapshot,
        traces,
        base,
        stored_as,
    } = began;
    let (notes, fenced) = JournalWriter::open(run.store, head, stops);
    let ground = Ground {
        snapshot: &snapshot,
        traces: &traces,
        stored_as,
    };
    let mut executor = executor(
        run,
        program,
        &ground,
        notes.clone(),
        control(run, emitter, stops, fenced),
    );
    let result = executor.run().await;
    let (mut head, closed) = notes.close().await;
    report_retained(&mut executor, &notes, emitter);
    let cause = match &result {
        Ok(()) => None,
        Err(stop) => Some(
            report_failure(
                stop,
                closed.as_ref().err(),
                run.cluster,
                executor.cache_mut(),
                emitter,
            )
            .await,
        ),
    };
    let mut ending = Ending {
        outcome: RunOutcome::Succeeded,
        cause,
        timings: executor.timings(),
        entries: notes.entries(),
        returned: None,
    };
    let exit = match &result {
        Ok(()) => ExitCode::Done,
        Err(stop) if rolls_back(run, stop) => {
            let mut done = traces.clone();
            done.extend(&ending.entries);
            let mut records = run.before.records.clone();
            records.replay(&ending.entries);
            let journey = Journey {
                unconfirmed: Some(executor.unconfirmed()),
                ..journey(run, program, &snapshot, done, &records)
            };
            let cause = ending.cause.clone().unwrap_or_default();
            let returned = go_back(&journey, &mut head, cause, emitter, stops).await;
            let exit = returned.exit(matches!(stop, StopReason::Interrupted));
            ending.outcome = returned.outcome;
            ending.returned = Some(returned);
            exit
        }
        Err(stop) => {
            let untouched = notes.is_empty() && executor.unanswered == 0 && traces.is_empty();
            let (outcome, exit) = left_as_it_is(stop, untouched);
            ending.outcome = outcome;
            exit
        }
    };
    let outcome = ending.outcome;
    let is_over = !matches!(result, Err(StopReason::Fenced)) && outcome != RunOutcome::RollingBack;
    let recorded = match (closed, &result) {
        (Err(error), Ok(())) => Err(error),
        _ if is_over => close_revision(run, head, &base, ending, emitter).await,
        _ => Ok(()),
    };
    let (outcome, exit) = as_recorded(&recorded, outcome, exit);
    emitter.emit(run_finished(run, &mut executor, outcome, exit, started));
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// How a run that `stop` ended, and that is not rolled back, is called. `untouched`: nothing was
/// written.
fn left_as_it_is(stop: &StopReason, untouched: bool) -> (RunOutcome, ExitCode) {
    let interrupted = matches!(stop, StopReason::Interrupted);
    match (untouched, interrupted) {
        (true, true) => (RunOutcome::RolledBack, ExitCode::Interrupted),
        (true, false) => (RunOutcome::RolledBack, ExitCode::Failed),
        (false, true) => (RunOutcome::Interrupted, ExitCode::Changed),
        (false, false) => (RunOutcome::Failed, ExitCode::Changed),
    }
}

fn journey<'a>(
    run: &Run<'a>,
    program: &'a Program,
    snapshot: &'a Snapshot,
    traces: ChangeLog,
    records: &'a Records,
) -> Journey<'a> {
    let plans = run.wanted.phases.iter().map(PhasePlan::planned);
    let wanted = run
        .wanted
        .objects
        .iter()
        .map(|(id, object)| (id.clone(), object.phase.clone()));
    let removed = run
        .pruning
        .removals
        .iter()
        .map(|removal| (removal.id.clone(), removal.phase.clone()));
    let marked = |mark| {
        let marked = run
            .wanted
            .objects
            .iter()
            .filter(move |(_, object)| object.marks.rollback == mark);
        marked.map(|(id, _)| id.clone()).collect()
    };
    Journey {
        cluster: run.cluster,
        served: run.served,
        store: run.store,
        release: &run.wanted.release,
        phases: plans.collect(),
        rules: run.wanted.readiness.clone(),
        phase_of: records.phases().chain(removed).chain(wanted).collect(),
        program,
        snapshot,
        traces,
        unconfirmed: None,
        records,
        manual: marked(RollbackMark::Manual),
        rerun: marked(RollbackMark::Rerun),
        limits: Limits {
            timeout: run.terms.timeout_rollback,
            ..run.terms.limits
        },
        by: run.origin.by.clone(),
    }
    .with_others()
}

/// Whether what was done is rolled back after `stop`.
fn rolls_back(run: &Run<'_>, stop: &StopReason) -> bool {
    let on_failure = |phase: &PhaseId| {
        run.wanted
            .phases
            .iter()
            .find(|known| phase.is_declared_as(&known.name))
            .map(|phase| phase.on_failure)
    };
    match stop {
        // Whoever has the release now decides what becomes of it.
        StopReason::Fenced => false,
        StopReason::Interrupted => run.terms.rolls_back,
        StopReason::Refused { phase, .. }
        | StopReason::Failed { phase, .. }
        | StopReason::TimedOut { phase, .. } => {
            run.terms.rolls_back && on_failure(phase) != Some(OnFailure::Stop)
        }
    }
}
