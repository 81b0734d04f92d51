//! What is deleted of hooks where a run ends with one that has failed, and nothing is taken back.

use std::collections::BTreeSet;

use crate::engine::{
    events::Emitter,
    execute::policy::{CancelSignals, OnFault, StopReason},
    plan::hook_steps::plan_cleanup,
    run::context::Run,
    run::events::report_retained,
    run::execution::{Baseline, Execution, ExecutionPlan, execute_run},
    run::outcome::Ending,
};
use crate::{object::ObjectId, release::Head};

/// Deletes the hooks that go where `stop` has ended `execution`, as their policies say, and adds to
/// `ending` and `head` what was done.
pub(crate) async fn clean_up(
    run: &Run<'_>,
    (stop, execution): (&StopReason, &Execution<'_>),
    baseline: &Baseline,
    (ending, head): (&mut Ending, &mut Head),
    (emitter, signals): (&Emitter, &CancelSignals),
) {
    let failed: BTreeSet<ObjectId> = match stop {
        StopReason::Failed { objects, .. } | StopReason::TimedOut { objects, .. } => {
            objects.iter().map(|(id, _)| id.clone()).collect()
        }
        _ => return,
    };
    let mut done = baseline.traces.clone();
    done.extend(&ending.entries);
    let is_done = |id: &ObjectId| execution.executor.has_succeeded(id);
    let program = plan_cleanup(run.desired, &done, &failed, is_done);
    if program.steps.is_empty() {
        return;
    }
    let plan = ExecutionPlan::of_cleanup(program);
    let stored = Some(head.clone());
    let mut cleanup = execute_run(run, &plan, baseline, stored, emitter, signals).await;
    report_retained(&mut cleanup, OnFault::Stop, emitter);
    ending.entries.extend(cleanup.journal.entries());
    if let Some((stored, _)) = cleanup.closed {
        *head = stored;
    }
}
