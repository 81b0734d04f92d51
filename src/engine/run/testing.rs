//! The tests that charts have, run by hand: no revision tells of them.

use std::time::Duration;

use crate::engine::{
    events::Emitter,
    execute::policy::{CancelSignals, StopReason},
    run::cleanup::clean_up,
    run::context::Run,
    run::events::{RunEvents, RunReport, RunStart, purpose, report_failure},
    run::execution::{Baseline, ExecutionPlan, execute_run},
};
use crate::{error::ExitCode, event::RunOutcome};

/// Runs the tests that `run` wants, within `timeout`, and returns the exit code: done where all of
/// them have succeeded.
pub(crate) async fn run_tests(
    run: Run<'_>,
    timeout: Duration,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> ExitCode {
    let cluster = run.target.cluster;
    let events = RunEvents::begin(cluster, emitter);
    let plan = ExecutionPlan::of_tests(&run, timeout);
    let newest = run.history.newest();
    events.start(&RunStart {
        release: &run.desired.release,
        revision: newest.map_or(0, |head| head.revision.number),
        phases: &plan.phases,
        writes: plan.program.writes(),
        purpose: purpose(run.metadata.by.operation),
        timeout,
    });
    let baseline = Baseline::default();
    let mut execution = execute_run(&run, &plan, &baseline, None, emitter, signals).await;
    let executor = &mut execution.executor;
    let (outcome, exit) = match &execution.result {
        Ok(()) => (RunOutcome::Succeeded, ExitCode::Done),
        Err(stop) => {
            report_failure(stop, None, cluster, executor.cache_mut(), emitter).await;
            match stop {
                StopReason::Interrupted => (RunOutcome::Interrupted, ExitCode::Interrupted),
                _ => (RunOutcome::Failed, ExitCode::Failed),
            }
        }
    };
    if let Err(stop) = &execution.result {
        let (stopped, context) = ((stop, &execution), (emitter, signals));
        clean_up(&run, stopped, &baseline, None, context).await;
    }
    let report = RunReport {
        phases: execution.executor.timings(),
        verdicts: execution.executor.delays(),
        ..RunReport::default()
    };
    events.end(outcome, exit, report);
    exit
}
