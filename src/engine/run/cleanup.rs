//! What is deleted of hooks where a run ends with one that has failed, and nothing is taken back.

use std::collections::BTreeSet;

use crate::engine::{
    events::Emitter,
    execute::policy::{CancelSignals, OnFault, StopReason},
    plan::hook_steps::plan_cleanup,
    run::context::Run,
    run::events::report_retained,
    run::execution::{Baseline, Execution, ExecutionPlan, execute_run},
};
use crate::{
    object::ObjectId,
    release::{Head, JournalEntry},
};

/// What was deleted after a run.
pub(crate) struct Cleaned {
    pub(crate) entries: Vec<JournalEntry>,
    /// The head as it is stored then, where there is one.
    pub(crate) head: Option<Head>,
}

/// Deletes the hooks that go where `stop` has ended `execution`, as their policies say; `None` where
/// none do. Where there is a `head`, that is told in its journal.
pub(crate) async fn clean_up(
    run: &Run<'_>,
    (stop, execution): (&StopReason, &Execution<'_>),
    baseline: &Baseline,
    head: Option<Head>,
    (emitter, signals): (&Emitter, &CancelSignals),
) -> Option<Cleaned> {
    let failed: BTreeSet<ObjectId> = match stop {
        StopReason::Failed { objects, .. } | StopReason::TimedOut { objects, .. } => {
            objects.iter().map(|(id, _)| id.clone()).collect()
        }
        _ => return None,
    };
    let mut done = baseline.traces.clone();
    done.extend(&execution.journal.entries());
    let is_done = |id: &ObjectId| execution.executor.has_succeeded(id);
    let program = plan_cleanup(
        run.desired,
        (&done, &run.observation.live),
        &failed,
        is_done,
    );
    if program.steps.is_empty() {
        return None;
    }
    let plan = ExecutionPlan::of_cleanup(program);
    let mut cleanup = execute_run(run, &plan, baseline, head, emitter, signals).await;
    report_retained(&mut cleanup, OnFault::Stop, emitter);
    Some(Cleaned {
        entries: cleanup.journal.entries(),
        head: cleanup.closed.map(|(stored, _)| stored),
    })
}
