//! What a run tells of itself.

use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::engine::{
    diagnose::explain,
    events::Emitter,
    execute::policy::{OnFault, StopReason},
    phase_plan::PhasePlan,
    run::execution::Execution,
    run::remaining::remaining,
    watch::cache::ResourceCache,
};
use crate::{
    cluster::Cluster,
    error::ExitCode,
    event::{
        AccessPoint, Diagnosis, EventKind, PhaseSummary, PhaseTiming, Purpose, RunOutcome,
        VerdictDelays,
    },
    object::ObjectId,
    plan::{PhaseId, ReleaseId},
    release::{Operation, StoreError, stored_failure},
};

/// Why a run failed, as it is stored.
pub(crate) struct Cause {
    /// In one sentence.
    pub(crate) sentence: String,
    /// What was found out of it.
    pub(crate) failure: Option<Diagnosis>,
}

/// Tells why a run stopped and returns it. `broken`: why its journal could not be
/// written.
pub(crate) async fn report_failure(
    stop: &StopReason,
    broken: Option<&StoreError>,
    cluster: &Cluster,
    cache: &mut ResourceCache,
    emitter: &Emitter,
) -> Cause {
    let diagnosis = explain(stop, broken, cluster, cache).await;
    let sentence = match &diagnosis.phase {
        Some(phase) => format!("phase `{phase}` failed: {}", diagnosis.summary),
        None => diagnosis.summary.clone(),
    };
    tell(sentence, diagnosis, emitter)
}

fn tell(sentence: String, diagnosis: Diagnosis, emitter: &Emitter) -> Cause {
    let failure = stored_failure(&diagnosis);
    emitter.emit(EventKind::FailureExplained { diagnosis });
    Cause { sentence, failure }
}

/// Tells how to go on where a hook before or after a deletion has stopped it.
pub(crate) fn report_failed_hook(stop: &StopReason, release: &ReleaseId, emitter: &Emitter) {
    let done = match stop.phase() {
        Some(PhaseId::PreDelete) => "before anything else was deleted",
        Some(PhaseId::PostDelete) => "once all but namespaces and definitions was deleted",
        _ => return,
    };
    let ReleaseId { plan, environment } = release;
    let text = format!(
        "a hook of a chart has failed {done}; `deployctl down {plan} --env {environment} --no-hooks` continues without hooks"
    );
    emitter.emit(EventKind::Noted { text });
}

/// Tells what of `faults` is still there although it was to go, and returns it.
pub(crate) fn report_remaining(
    faults: Vec<(ObjectId, String)>,
    cluster: &Cluster,
    cache: &ResourceCache,
    emitter: &Emitter,
) -> Cause {
    let diagnosis = remaining(faults, cache, cluster);
    tell(diagnosis.summary.clone(), diagnosis, emitter)
}

/// One life of a run as it is told: that it starts, and that it has ended.
pub(crate) struct RunEvents<'a> {
    cluster: &'a Cluster,
    emitter: &'a Emitter,
    since: Instant,
}

/// What is told of a run when it starts.
pub(crate) struct RunStart<'a> {
    pub(crate) release: &'a ReleaseId,
    pub(crate) revision: u64,
    pub(crate) phases: &'a [PhasePlan],
    /// How many writes it is going to do.
    pub(crate) writes: usize,
    pub(crate) purpose: Purpose,
    pub(crate) timeout: Duration,
}

/// What is told of a run when it has ended, beside how it did.
#[derive(Default)]
pub(crate) struct RunReport {
    pub(crate) phases: Vec<PhaseTiming>,
    pub(crate) verdicts: VerdictDelays,
    pub(crate) access: Vec<AccessPoint>,
}

impl<'a> RunEvents<'a> {
    /// A run that begins now.
    pub(crate) fn begin(cluster: &'a Cluster, emitter: &'a Emitter) -> Self {
        Self {
            cluster,
            emitter,
            since: Instant::now(),
        }
    }

    /// Tells that it starts.
    pub(crate) fn start(&self, start: &RunStart<'_>) {
        let limit = SignedDuration::try_from(start.timeout).unwrap_or(SignedDuration::MAX);
        let phases = start.phases.iter().map(|phase| PhaseSummary {
            name: phase.id.clone(),
            objects: phase.objects,
        });
        self.emitter.emit(EventKind::RunStarted {
            release: start.release.clone(),
            revision: start.revision,
            context: self.cluster.context().to_owned(),
            server: self.cluster.server().to_owned(),
            phases: phases.collect(),
            writes: start.writes,
            purpose: start.purpose,
            deadline: Timestamp::now() + limit,
        });
    }

    /// Tells that it has ended.
    pub(crate) fn end(self, outcome: RunOutcome, exit: ExitCode, report: RunReport) {
        let RunReport {
            phases,
            verdicts,
            access,
        } = report;
        self.emitter.emit(EventKind::RunFinished {
            outcome,
            exit,
            took: self.since.elapsed(),
            phases,
            requests: self.cluster.counts(),
            verdicts,
            access,
        });
    }
}

/// What a run that does `operation` is for.
pub(crate) fn purpose(operation: Operation) -> Purpose {
    match operation {
        Operation::Deploy | Operation::Rename => Purpose::Deploy,
        Operation::Rollback => Purpose::BringBack,
        Operation::Remove => Purpose::TakeDown,
        Operation::PruneOrphans => Purpose::Prune,
        Operation::Verify => Purpose::Verify,
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
    let kept = kept.map(|(object, left)| format!("{object} is kept: {}", left.why));
    faults
        .chain(kept)
        .for_each(|text| emitter.emit(EventKind::Noted { text }));
}
