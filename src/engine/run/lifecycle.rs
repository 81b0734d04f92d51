//! One life of a run: its revision opened, its program executed, rolled back where that fails, and
//! its outcome stored. Deploying, going back to an earlier revision and removing are all of this.

use std::{collections::BTreeSet, time::Instant};

use crate::engine::{
    events::Emitter,
    execute::policy::{CancelSignals, Limits, OnFault, StopReason},
    phase_plan::PhasePlan,
    run::context::{Run, RunError},
    run::events::{report_failure, report_remaining, report_retained, run_finished, run_started},
    run::execution::{Baseline, Execution, ExecutionPlan, execute_run},
    run::outcome::{Ending, Written, as_recorded, not_rolled_back},
    run::revision::close_revision,
    run::revision::{OpenRevision, open_revision},
    run::rollback::{Journey, RollbackResult, go_back},
};
use crate::{
    error::ExitCode,
    event::RunOutcome,
    object::{ObjectId, RollbackMark},
    plan::{OnFailure, PhaseId},
    release::{ChangeLog, Head, Program, Records, Snapshot, StoreError},
};

/// Carries out `run`: stores the revision with its snapshot, executes the program, rolls back where
/// that fails, and stores how it ended. Returns the exit code.
///
/// A program without writes only waits until everything is ready, and stores nothing. Where the
/// revision before did not succeed and everything is ready now, it stores one all the same: else
/// the release would be called failed although what was wrong has mended itself.
pub(crate) async fn carry_out(
    run: Run<'_>,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Result<ExitCode, RunError> {
    let started = Instant::now();
    let plan = ExecutionPlan::of(&run);
    let opened = if plan.program.writes() == 0 && run.options.delete_timeout.is_none() {
        None
    } else {
        let opened = open_revision(&run, &plan.program).await;
        Some(opened.map_err(RunError::NotStarted)?)
    };
    let head = opened.as_ref().map(|opened| &opened.head);
    let number = head
        .or(run.history.newest())
        .map(|head| head.revision.number);
    emitter.emit(run_started(&run, number.unwrap_or_default(), &plan));
    let nothing = Baseline::default();
    let baseline = opened.as_ref().map_or(&nothing, |opened| &opened.baseline);
    let head = head.cloned();
    let mut execution = execute_run(&run, &plan, baseline, head, emitter, signals).await;
    let ended = match &opened {
        Some(opened) => end_writing(&run, &plan, opened, &mut execution, emitter, signals).await,
        None => end_confirming(&run, &plan, &mut execution, emitter).await,
    };
    let (outcome, exit) = as_recorded(&ended.recorded, ended.outcome, ended.exit);
    let executor = &mut execution.executor;
    emitter.emit(run_finished(&run, executor, outcome, exit, started));
    ended.recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// How a run ended, and whether that is stored.
struct Ended {
    outcome: RunOutcome,
    exit: ExitCode,
    recorded: Result<(), StoreError>,
}

/// Ends a run that had nothing to write and only waited until everything is ready.
async fn end_confirming(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    execution: &mut Execution<'_>,
    emitter: &Emitter,
) -> Ended {
    report_cause(run, plan, execution, None, emitter).await;
    let Err(stop) = &execution.result else {
        return Ended {
            outcome: RunOutcome::Succeeded,
            exit: ExitCode::Done,
            recorded: record_recovery(run, plan, execution, emitter).await,
        };
    };
    let (outcome, exit) = not_rolled_back(stop, Written::NothingToWrite);
    Ended {
        outcome,
        exit,
        recorded: Ok(()),
    }
}

/// Stores a revision although nothing was written, where the one before did not succeed.
async fn record_recovery(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    execution: &Execution<'_>,
    emitter: &Emitter,
) -> Result<(), StoreError> {
    let newest = run.history.newest();
    if newest.is_none_or(|newest| newest.revision.outcome == RunOutcome::Succeeded) {
        return Ok(());
    }
    let ending = Ending {
        outcome: RunOutcome::Succeeded,
        cause: None,
        timings: execution.executor.timings(),
        entries: Vec::new(),
        returned: None,
    };
    let opened = open_revision(run, &plan.program).await?;
    close_revision(run, opened.head, &opened.base, ending, emitter).await
}

/// Ends a run that wrote: rolls back what has to be, and stores the outcome.
async fn end_writing(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    opened: &OpenRevision,
    execution: &mut Execution<'_>,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Ended {
    let (mut head, closed) = match execution.closed.take() {
        Some(closed) => closed,
        None => (opened.head.clone(), Ok(())),
    };
    report_retained(execution, plan.on_fault, emitter);
    let cause = report_cause(run, plan, execution, closed.as_ref().err(), emitter).await;
    let mut ending = Ending {
        outcome: RunOutcome::Succeeded,
        cause,
        timings: execution.executor.timings(),
        entries: execution.journal.entries(),
        returned: None,
    };
    let exit = match &execution.result {
        Ok(()) if ending.cause.is_none() => ExitCode::Done,
        Ok(()) => {
            ending.outcome = RunOutcome::Failed;
            ExitCode::Changed
        }
        Err(stop) if rolls_back(run, stop) => {
            let unconfirmed = execution.executor.unconfirmed();
            let returned = roll_back_run(
                run,
                plan,
                opened,
                (&ending, unconfirmed),
                &mut head,
                (emitter, signals),
            )
            .await;
            let exit = returned.exit(matches!(stop, StopReason::Interrupted));
            ending.outcome = returned.outcome;
            ending.returned = Some(returned);
            exit
        }
        Err(stop) => {
            let is_untouched = execution.is_untouched() && opened.baseline.traces.is_empty();
            let (outcome, exit) = not_rolled_back(stop, Written::of(is_untouched));
            ending.outcome = outcome;
            exit
        }
    };
    let outcome = ending.outcome;
    let is_fenced = matches!(execution.result, Err(StopReason::Fenced));
    let recorded = match (closed, &execution.result) {
        (Err(error), Ok(())) => Err(error),
        _ if is_fenced || outcome == RunOutcome::RollingBack => Ok(()),
        _ => close_revision(run, head, &opened.base, ending, emitter).await,
    };
    Ended {
        outcome,
        exit,
        recorded,
    }
}

/// Tells why the run stopped, or what is still there that was to go; returns it in one sentence.
/// `broken`: why the journal could not be written.
async fn report_cause(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    execution: &mut Execution<'_>,
    broken: Option<&StoreError>,
    emitter: &Emitter,
) -> Option<String> {
    let cluster = run.target.cluster;
    let executor = &mut execution.executor;
    match &execution.result {
        Err(stop) => {
            let cache = executor.cache_mut();
            Some(report_failure(stop, broken, cluster, cache, emitter).await)
        }
        Ok(()) if plan.on_fault == OnFault::GoOn && !executor.faults.is_empty() => {
            let faults = std::mem::take(&mut executor.faults);
            Some(report_remaining(
                faults,
                cluster,
                executor.cache_mut(),
                emitter,
            ))
        }
        Ok(()) => None,
    }
}

/// Puts back what `run` has done. What it did is in the change log of the interrupted runs that it
/// went on from, and in the entries of its own journal.
async fn roll_back_run(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    opened: &OpenRevision,
    (ending, unconfirmed): (&Ending, BTreeSet<ObjectId>),
    head: &mut Head,
    (emitter, signals): (&Emitter, &CancelSignals),
) -> RollbackResult {
    let mut done = opened.baseline.traces.clone();
    done.extend(&ending.entries);
    let mut records = run.history.records.clone();
    records.replay(&ending.entries);
    let journey = Journey {
        unconfirmed: Some(unconfirmed),
        ..journey(
            run,
            &plan.program,
            &opened.baseline.snapshot,
            done,
            &records,
        )
    };
    let cause = ending.cause.clone().unwrap_or_default();
    go_back(&journey, head, cause, emitter, signals).await
}

fn journey<'a>(
    run: &Run<'a>,
    program: &'a Program,
    snapshot: &'a Snapshot,
    traces: ChangeLog,
    records: &'a Records,
) -> Journey<'a> {
    let plans = run.desired.phases.iter().map(PhasePlan::planned);
    let wanted = run
        .desired
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
            .desired
            .objects
            .iter()
            .filter(move |(_, object)| object.marks.rollback == mark);
        marked.map(|(id, _)| id.clone()).collect()
    };
    Journey {
        cluster: run.target.cluster,
        served: run.target.served,
        store: run.target.store,
        release: &run.desired.release,
        phases: plans.collect(),
        rules: run.desired.readiness.clone(),
        phase_of: records.phases().chain(removed).chain(wanted).collect(),
        program,
        snapshot,
        traces,
        unconfirmed: None,
        records,
        manual: marked(RollbackMark::Manual),
        rerun: marked(RollbackMark::Rerun),
        limits: Limits {
            timeout: run.options.timeout_rollback,
            ..run.options.limits
        },
        by: run.metadata.by.clone(),
    }
    .with_others()
}

/// Whether what was done is rolled back after `stop`.
fn rolls_back(run: &Run<'_>, stop: &StopReason) -> bool {
    let on_failure = |phase: &PhaseId| {
        run.desired
            .phases
            .iter()
            .find(|known| phase.is_declared_as(&known.name))
            .map(|phase| phase.on_failure)
    };
    match stop {
        // Whoever has the release now decides what becomes of it.
        StopReason::Fenced => false,
        StopReason::Interrupted => run.options.rolls_back,
        StopReason::Refused { phase, .. }
        | StopReason::Failed { phase, .. }
        | StopReason::TimedOut { phase, .. } => {
            run.options.rolls_back && on_failure(phase) != Some(OnFailure::Stop)
        }
    }
}
