//! What a run tells of itself.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::engine::{
    diagnose::explain,
    events::Emitter,
    execute::executor::Executor,
    execute::policy::{OnFault, StopReason},
    run::context::Run,
    run::execution::{Execution, ExecutionPlan},
    run::remaining::remaining,
    watch::access::access_points,
    watch::cache::ResourceCache,
};
use crate::{
    cluster::Cluster,
    error::ExitCode,
    event::{EventKind, PhaseSummary, Purpose, RunOutcome},
    object::ObjectId,
    release::StoreError,
};

/// Tells why a run stopped and returns it in one sentence. `broken`: why its journal could not be
/// written.
pub(crate) async fn report_failure(
    stop: &StopReason,
    broken: Option<&StoreError>,
    cluster: &Cluster,
    cache: &mut ResourceCache,
    emitter: &Emitter,
) -> String {
    let diagnosis = explain(stop, broken, cluster, cache).await;
    let cause = match &diagnosis.phase {
        Some(phase) => format!("phase `{phase}` failed: {}", diagnosis.summary),
        None => diagnosis.summary.clone(),
    };
    emitter.emit(EventKind::FailureExplained { diagnosis });
    cause
}

/// Tells what of `faults` is still there although it was to go, and returns it in one sentence.
pub(crate) fn report_remaining(
    faults: Vec<(ObjectId, String)>,
    cluster: &Cluster,
    cache: &ResourceCache,
    emitter: &Emitter,
) -> String {
    let diagnosis = remaining(faults, cache, cluster);
    let cause = diagnosis.summary.clone();
    emitter.emit(EventKind::FailureExplained { diagnosis });
    cause
}

pub(crate) fn run_started(run: &Run<'_>, revision: u64, plan: &ExecutionPlan) -> EventKind {
    let cluster = run.target.cluster;
    let limit = SignedDuration::try_from(run.options.limits.timeout).unwrap_or(SignedDuration::MAX);
    EventKind::RunStarted {
        release: run.desired.release.clone(),
        revision,
        context: cluster.context().to_owned(),
        server: cluster.server().to_owned(),
        phases: plan
            .phases
            .iter()
            .map(|phase| PhaseSummary {
                name: phase.id.clone(),
                objects: phase.objects,
            })
            .collect(),
        writes: plan.program.writes(),
        purpose: purpose(run),
        deadline: Timestamp::now() + limit,
    }
}

fn purpose(run: &Run<'_>) -> Purpose {
    match run.options.delete_timeout {
        // Both only remove; which it is was asked for by the command's name.
        Some(_) if run.metadata.by.command == "prune" => Purpose::Prune,
        Some(_) => Purpose::TakeDown,
        None if run.metadata.back_to.is_some() => Purpose::BringBack,
        None => Purpose::Deploy,
    }
}

pub(crate) fn run_finished(
    run: &Run<'_>,
    executor: &mut Executor<'_>,
    outcome: RunOutcome,
    exit: ExitCode,
    started: Instant,
) -> EventKind {
    let access = match outcome {
        RunOutcome::Succeeded => {
            access_points(&run.metadata.access, run.desired, executor.cache_mut())
        }
        _ => Vec::new(),
    };
    let (phases, requests, verdicts) = (
        executor.timings(),
        run.target.cluster.counts(),
        executor.delays(),
    );
    EventKind::RunFinished {
        outcome,
        exit,
        took: started.elapsed(),
        phases,
        requests,
        verdicts,
        access,
    }
}

/// Tells of what did not go although it was no longer wanted, and why. Where the run goes on with
/// everything else, what did not succeed is the cause of its failure, and told as such.
pub(crate) fn report_retained(execution: &mut Execution<'_>, on_fault: OnFault, emitter: &Emitter) {
    let told = match on_fault {
        OnFault::Stop => std::mem::take(&mut execution.executor.faults),
        OnFault::GoOn => Vec::new(),
    };
    let faults = told
        .into_iter()
        .map(|(object, what)| format!("{object} {what}"));
    let kept = execution.journal.left().into_iter();
    let kept = kept.map(|(object, why)| format!("{object} is kept: {why}"));
    faults
        .chain(kept)
        .for_each(|text| emitter.emit(EventKind::Noted { text }));
}
