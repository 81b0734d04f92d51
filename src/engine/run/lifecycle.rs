//! One life of a run: its revision opened, its program executed, rolled back where that fails, and
//! its outcome stored. Deploying, going back to an earlier revision and removing are all of this,
//! and so is the rollback of a run that was left half-way.

use std::collections::BTreeSet;

use crate::engine::{
    events::Emitter,
    execute::policy::{CancelSignals, OnFault, StopReason},
    observe::history::began,
    run::cleanup::clean_up,
    run::context::{Run, RunError, RunTarget},
    run::events::{
        Cause, RunEvents, RunReport, RunStart, purpose, report_failed_hook, report_failure,
        report_remaining, report_retained,
    },
    run::execution::{Baseline, Execution, ExecutionPlan, execute_run},
    run::idle::tell_idle,
    run::outcome::{
        Ending, RollbackReason, RollbackResult, Written, as_recorded, not_rolled_back, rolled_back,
    },
    run::pending_rollback::{PendingRollback, RollbackOptions},
    run::revision::{OpenRevision, close_revision, open_revision},
    run::rollback::roll_back,
    run::rollback_context::{KnownWrites, RollbackContext},
    watch::access::access_points,
};
use crate::{
    error::ExitCode,
    event::{Purpose, RunOutcome},
    object::ObjectId,
    plan::{OnFailure, PhaseId},
    release::{Head, StoreError},
};

/// Carries out `run`: stores the revision with its snapshot, executes the program, rolls back where
/// that fails, and stores how it ended. Returns the exit code.
///
/// A program without writes only waits until everything is ready, and stores nothing. Where the
/// revision before did not succeed and everything is ready now, it stores one all the same: else
/// the release would be called failed although what was wrong has mended itself. So it does where
/// something is kept that is not wanted any more, for `status` to know.
pub(crate) async fn carry_out(
    run: Run<'_>,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Result<ExitCode, RunError> {
    let events = RunEvents::begin(run.target.cluster, emitter);
    let plan = ExecutionPlan::of(&run);
    let opened = if plan.program.writes() == 0 && run.options.delete_timeout.is_none() {
        None
    } else {
        let opened = open_revision(&run, &plan.program).await;
        Some(opened.map_err(RunError::NotStarted)?)
    };
    let head = opened.as_ref().map(|opened| &opened.head);
    let newest = head.or(run.history.newest());
    events.start(&RunStart {
        release: &run.desired.release,
        revision: newest.map_or(0, |head| head.revision.number),
        phases: &plan.phases,
        writes: plan.program.writes(),
        purpose: purpose(run.metadata.by.operation),
        timeout: run.options.limits.timeout,
    });
    let nothing = Baseline::default();
    let baseline = opened.as_ref().map_or(&nothing, |opened| &opened.baseline);
    let head = head.cloned();
    let mut execution = execute_run(&run, &plan, baseline, head, emitter, signals).await;
    let ended = match &opened {
        Some(opened) => end_writing(&run, &plan, opened, &mut execution, emitter, signals).await,
        None => end_confirming(&run, &plan, &mut execution, emitter).await,
    };
    let idle = match ended.outcome {
        RunOutcome::Succeeded => tell_idle(&run, purpose(run.metadata.by.operation), emitter).await,
        _ => Vec::new(),
    };
    finish(events, ended, |outcome| {
        report(&run, &mut execution, outcome, &idle)
    })
}

/// Rolls `pending` back, a revision whose process is gone or that failed and was left: puts
/// everything back that it and those that it went on from have touched, and stores how that ended.
/// Returns the exit code: done where everything is as it was.
///
/// Only under the lock, and once nobody else can write the revision any more.
pub(crate) async fn roll_back_pending(
    pending: &PendingRollback<'_>,
    target: RunTarget<'_>,
    options: &RollbackOptions,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Result<ExitCode, RunError> {
    let events = RunEvents::begin(target.cluster, emitter);
    let context = pending.context(target, options);
    events.start(&RunStart {
        release: context.release,
        revision: pending.revision().number,
        phases: &[],
        writes: context.writes.program.writes(),
        purpose: Purpose::PutBack,
        timeout: context.limits.timeout,
    });
    let mut head = pending.reopened();
    let ended = match roll_back(&context, &mut head, pending.cause(), emitter, signals).await {
        Some(result) => Ended {
            outcome: result.outcome,
            exit: rolled_back(result.outcome, RollbackReason::Asked),
            recorded: pending.close(target.store, head, &result, emitter).await,
        },
        None => Ended {
            outcome: RunOutcome::Interrupted,
            exit: ExitCode::Changed,
            recorded: Ok(()),
        },
    };
    finish(events, ended, |_| RunReport::default())
}

/// How a run ended, and whether that is stored.
struct Ended {
    outcome: RunOutcome,
    exit: ExitCode,
    recorded: Result<(), StoreError>,
}

/// Tells that a run has ended, with what `report` says of it, and returns its exit code.
fn finish(
    events: RunEvents<'_>,
    ended: Ended,
    report: impl FnOnce(RunOutcome) -> RunReport,
) -> Result<ExitCode, RunError> {
    let (outcome, exit) = as_recorded(&ended.recorded, ended.outcome, ended.exit);
    events.end(outcome, exit, report(outcome));
    ended.recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// What is told of `run` at its end.
fn report(
    run: &Run<'_>,
    execution: &mut Execution<'_>,
    outcome: RunOutcome,
    idle: &[ObjectId],
) -> RunReport {
    let executor = &mut execution.executor;
    let access = match outcome {
        RunOutcome::Succeeded => {
            let open = &run.metadata.access;
            access_points(open, run.desired, executor.cache_mut(), idle)
        }
        _ => Vec::new(),
    };
    RunReport {
        phases: executor.timings(),
        verdicts: executor.delays(),
        access,
    }
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

/// Stores a revision although nothing was written, where the one before did not succeed, or where
/// something is kept from now on although it is not wanted any more.
async fn record_recovery(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    execution: &Execution<'_>,
    emitter: &Emitter,
) -> Result<(), StoreError> {
    let newest = run.history.newest();
    let is_good = newest.is_none_or(|newest| newest.revision.outcome == RunOutcome::Succeeded);
    if is_good && !run.pruning.keeps_more_than(&run.history.records) {
        return Ok(());
    }
    let ending = Ending {
        outcome: RunOutcome::Succeeded,
        cause: None,
        timings: execution.executor.timings(),
        entries: Vec::new(),
        rollback: None,
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
    let (sentence, failure) =
        cause.map_or((None, None), |cause| (Some(cause.sentence), cause.failure));
    head.revision.failure = failure;
    let mut ending = Ending {
        outcome: RunOutcome::Succeeded,
        cause: sentence,
        timings: execution.executor.timings(),
        entries: execution.journal.entries(),
        rollback: None,
    };
    let exit = match &execution.result {
        Ok(()) if ending.cause.is_none() => ExitCode::Done,
        Ok(()) => {
            ending.outcome = RunOutcome::Failed;
            ExitCode::Changed
        }
        Err(stop) if rolls_back(run, stop) => {
            let failed = Failed {
                run,
                plan,
                opened,
                unconfirmed: execution.executor.unconfirmed(),
            };
            failed
                .end(stop, &mut ending, &mut head, emitter, signals)
                .await
        }
        Err(stop) => {
            let is_untouched = execution.is_untouched() && opened.baseline.traces.is_empty();
            let (outcome, exit) = not_rolled_back(stop, Written::of(is_untouched));
            ending.outcome = outcome;
            let (stopped, stored) = ((stop, &*execution), Some(head.clone()));
            let context = (emitter, signals);
            let cleaned = clean_up(run, stopped, &opened.baseline, stored, context).await;
            if let Some(cleaned) = cleaned {
                ending.entries.extend(cleaned.entries);
                head = cleaned.head.unwrap_or(head);
            }
            exit
        }
    };
    let outcome = ending.outcome;
    let recorded = match (closed, &execution.result) {
        (Err(error), Ok(())) => Err(error),
        (_, Err(stop)) if stays_open(run, stop, &ending) => Ok(()),
        _ => close_revision(run, head, &opened.base, ending, emitter).await,
    };
    Ended {
        outcome,
        exit,
        recorded,
    }
}

/// Tells why the run stopped, or what is still there that was to go; returns it.
/// `broken`: why the journal could not be written.
async fn report_cause(
    run: &Run<'_>,
    plan: &ExecutionPlan,
    execution: &mut Execution<'_>,
    broken: Option<&StoreError>,
    emitter: &Emitter,
) -> Option<Cause> {
    let cluster = run.target.cluster;
    let executor = &mut execution.executor;
    match &execution.result {
        Err(stop) => {
            let cache = executor.cache_mut();
            let cause = report_failure(stop, broken, cluster, cache, emitter).await;
            report_failed_hook(stop, &run.desired.release, emitter);
            Some(cause)
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

/// Whether the revision of a run that `stop` ended is left as it is stored, as that of an
/// interrupted one: nothing may be written any more, or its rollback has not come to its end. The
/// next command goes on from its journal.
fn stays_open(run: &Run<'_>, stop: &StopReason, ending: &Ending) -> bool {
    let is_rolled_back = || {
        let rollback = ending.rollback.as_ref();
        rollback.is_some_and(RollbackResult::is_complete)
    };
    matches!(stop, StopReason::Fenced) || rolls_back(run, stop) && !is_rolled_back()
}

/// A run that stopped early and is to be rolled back.
struct Failed<'a> {
    run: &'a Run<'a>,
    plan: &'a ExecutionPlan,
    opened: &'a OpenRevision,
    /// Objects that it may have written, which is not known.
    unconfirmed: BTreeSet<ObjectId>,
}

impl Failed<'_> {
    /// Rolls back what `stop` ended, and says in `ending` what came of it; returns the exit code.
    async fn end(
        self,
        stop: &StopReason,
        ending: &mut Ending,
        head: &mut Head,
        emitter: &Emitter,
        signals: &CancelSignals,
    ) -> ExitCode {
        ending.rollback = self.roll_back(ending, head, emitter, signals).await;
        let (outcome, exit) = match &ending.rollback {
            Some(result) => {
                let exit = rolled_back(result.outcome, RollbackReason::of(stop));
                (result.outcome, exit)
            }
            None => not_rolled_back(stop, Written::Something),
        };
        ending.outcome = outcome;
        exit
    }

    /// Puts back what it has done. That is in the change log of the interrupted runs that it went on
    /// from, and in the entries of its own journal.
    async fn roll_back(
        self,
        ending: &Ending,
        head: &mut Head,
        emitter: &Emitter,
        signals: &CancelSignals,
    ) -> Option<RollbackResult> {
        let entries = &ending.entries;
        let mut changes = self.opened.baseline.traces.clone();
        changes.extend(entries);
        let mut records = self.run.history.records.clone();
        records.replay(entries);
        let context = RollbackContext::of_run(
            self.run,
            KnownWrites {
                program: &self.plan.program,
                snapshot: &self.opened.baseline.snapshot,
                told: changes.clone(),
                changes,
                unconfirmed: Some(self.unconfirmed),
                records: &records,
                began: began(&head.revision, &self.run.history.heads),
            },
        );
        let cause = ending.cause.clone().unwrap_or_default();
        roll_back(&context, head, cause, emitter, signals).await
    }
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
