//! What a run tells of itself.

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};

use crate::engine::{
    diagnose::explain, events::Emitter, execute::executor::Executor,
    execute::journal::JournalWriter, execute::policy::StopReason, run::lifecycle::Run,
    watch::access::access_points, watch::cache::ResourceCache,
};
use crate::{
    cluster::Cluster,
    error::ExitCode,
    event::{EventKind, PhaseSummary, Purpose, RunOutcome},
    plan::PhaseId,
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

/// How a run ended that ended with `outcome` and `exit`, as far as others can know: what could not
/// be stored is not known to the next run.
pub(crate) fn as_recorded(
    recorded: &Result<(), StoreError>,
    outcome: RunOutcome,
    exit: ExitCode,
) -> (RunOutcome, ExitCode) {
    match recorded {
        Ok(()) => (outcome, exit),
        Err(_) => (RunOutcome::Interrupted, ExitCode::Changed),
    }
}

pub(crate) fn run_started(run: &Run<'_>, revision: u64, writes: usize) -> EventKind {
    let phases = run
        .wanted
        .phases
        .iter()
        .filter(|phase| run.selection.holds_declared(&phase.name));
    let summaries = phases.map(|phase| PhaseSummary {
        name: phase.id(),
        objects: run
            .wanted
            .objects
            .values()
            .filter(|object| object.phase.is_declared_as(&phase.name))
            .count(),
    });
    let prune = PhaseSummary {
        name: PhaseId::Prune,
        objects: run.pruning.removals.len(),
    };
    EventKind::RunStarted {
        release: run.wanted.release.clone(),
        revision,
        context: run.cluster.context().to_owned(),
        server: run.cluster.server().to_owned(),
        phases: summaries
            .chain([prune])
            .filter(|summary| summary.objects > 0)
            .collect(),
        writes,
        purpose: if run.origin.back_to.is_some() {
            Purpose::BringBack
        } else {
            Purpose::Deploy
        },
        deadline: Timestamp::now()
            + SignedDuration::try_from(run.terms.limits.timeout).unwrap_or(SignedDuration::MAX),
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
            access_points(&run.origin.access, run.wanted, executor.cache_mut())
        }
        _ => Vec::new(),
    };
    let (phases, requests, verdicts) =
        (executor.timings(), run.cluster.counts(), executor.delays());
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

/// Tells of what did not go although it was no longer wanted, and why.
pub(crate) fn report_retained(
    executor: &mut Executor<'_>,
    notes: &JournalWriter,
    emitter: &Emitter,
) {
    let faults = executor
        .faults
        .drain(..)
        .map(|(object, what)| format!("{object} {what}"));
    let kept = notes
        .left()
        .into_iter()
        .map(|(object, why)| format!("{object} is kept: {why}"));
    faults
        .chain(kept)
        .for_each(|text| emitter.emit(EventKind::Noted { text }));
}
