//! Runs that only remove: taking a release down, and removing what nobody remembers.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::engine::{
    events::Emitter,
    execute::executor::Executor,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Control, OnFault, StopReason},
    phase_plan::PhasePlan,
    plan::removal::{plan_removal, removal_phases},
    run::assemble::{Ground, writer},
    run::events::{as_recorded, report_failure, run_finished},
    run::lifecycle::{Ending, Run, RunError},
    run::revision::close_revision,
    run::revision::{OpenRevision, open_revision},
    watch::cache::ResourceCache,
};
use crate::{
    cluster::Cluster,
    error::ExitCode,
    event::{Diagnosis, EventKind, ObjectDiagnosis, PhaseSummary, Purpose, RunOutcome},
    object::ObjectId,
    release::StoreError,
};

/// Removes what `run` says has to go, the last phase first, and waits in each phase for at most
/// `patience` until it is gone. Returns the exit code.
///
/// It is a revision like every other, with a snapshot, so that it can be taken back. What cannot be
/// removed does not stop the rest, and nothing is put back by itself: at the end it is said what is
/// still there and what holds it.
pub(crate) async fn remove_all(
    run: Run<'_>,
    patience: Duration,
    emitter: &Emitter,
    stops: &CancelSignals,
) -> Result<ExitCode, RunError> {
    let started = Instant::now();
    let (removals, phases) = (&run.pruning.removals, &run.wanted.phases);
    let plans = removal_phases(removals, phases, patience);
    let program = plan_removal(removals, phases);
    let began = open_revision(&run, &program)
        .await
        .map_err(RunError::NotStarted)?;
    emitter.emit(started_event(&run, &began, &plans));
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
    let interrupt = stops.interrupt.clone();
    let control = Control {
        emitter: emitter.clone(),
        limits: run.terms.limits,
        interrupt,
        fenced,
        on_fault: OnFault::GoOn,
    };
    let cache = ResourceCache::new(run.cluster.clone(), run.served, None, &run.observation.live);
    let mut executor = Executor::new(
        &program,
        plans,
        writer(&run, &ground, notes.clone()),
        cache,
        control,
    );
    let result = executor.run().await;
    for (object, why) in notes.left() {
        emitter.emit(EventKind::Noted {
            text: format!("{object} is kept: {why}"),
        });
    }
    let (head, closed) = notes.close().await;
    let untouched = notes.is_empty() && executor.unanswered == 0 && traces.is_empty();
    let stop = result.as_ref().err();
    let (outcome, exit, cause) = conclusion(
        &run,
        stop,
        closed.as_ref().err(),
        untouched,
        &mut executor,
        emitter,
    )
    .await;
    let timings = executor.timings();
    let ending = Ending {
        outcome,
        cause,
        timings,
        entries: notes.entries(),
        returned: None,
    };
    let recorded = match (closed, &result) {
        (Err(error), Ok(())) => Err(error),
        (_, Err(StopReason::Fenced)) => Ok(()),
        _ => close_revision(&run, head, &base, ending, emitter).await,
    };
    let (outcome, exit) = as_recorded(&recorded, outcome, exit);
    emitter.emit(run_finished(&run, &mut executor, outcome, exit, started));
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// How it ended, with the exit code and the cause. `broken`: why the journal could not be written.
/// `untouched`: nothing was written.
async fn conclusion(
    run: &Run<'_>,
    stop: Option<&StopReason>,
    broken: Option<&StoreError>,
    untouched: bool,
    executor: &mut Executor<'_>,
    emitter: &Emitter,
) -> (RunOutcome, ExitCode, Option<String>) {
    let faults = std::mem::take(&mut executor.faults);
    match stop {
        None if faults.is_empty() => (RunOutcome::Succeeded, ExitCode::Done, None),
        None => {
            let diagnosis = remains(faults, executor.cache_mut(), run.cluster);
            let cause = diagnosis.summary.clone();
            emitter.emit(EventKind::FailureExplained { diagnosis });
            (RunOutcome::Failed, ExitCode::Changed, Some(cause))
        }
        Some(stop) => {
            let cause =
                report_failure(stop, broken, run.cluster, executor.cache_mut(), emitter).await;
            match stop {
                StopReason::Interrupted if untouched => {
                    (RunOutcome::RolledBack, ExitCode::Interrupted, Some(cause))
                }
                StopReason::Interrupted => {
                    (RunOutcome::Interrupted, ExitCode::Changed, Some(cause))
                }
                _ => (RunOutcome::Failed, ExitCode::Changed, Some(cause)),
            }
        }
    }
}

fn started_event(run: &Run<'_>, began: &OpenRevision, plans: &[PhasePlan]) -> EventKind {
    EventKind::RunStarted {
        release: run.wanted.release.clone(),
        revision: began.head.revision.number,
        context: run.cluster.context().to_owned(),
        server: run.cluster.server().to_owned(),
        phases: plans
            .iter()
            .map(|plan| PhaseSummary {
                name: plan.id.clone(),
                objects: plan.objects,
            })
            .collect(),
        writes: run.pruning.removals.len(),
        // Both only remove; which it is was asked for by the command's name.
        purpose: if run.origin.by.command == "prune" {
            Purpose::Prune
        } else {
            Purpose::TakeDown
        },
        deadline: Timestamp::now()
            + SignedDuration::try_from(run.terms.limits.timeout).unwrap_or(SignedDuration::MAX),
    }
}

/// What is still there although it was to go, what holds it, and the commands that show more.
fn remains(faults: Vec<(ObjectId, String)>, cache: &ResourceCache, cluster: &Cluster) -> Diagnosis {
    let mut by_object: BTreeMap<ObjectId, String> = BTreeMap::new();
    for (id, what) in faults {
        by_object.entry(id).or_insert(what);
    }
    let named =
        by_object.iter().map(
            |(id, what)| match cache.object(id).and_then(|there| held(there)) {
                Some(held) => (id.clone(), held),
                None => (id.clone(), what.clone()),
            },
        );
    let objects: Vec<ObjectDiagnosis> = named
        .map(|(object, cause)| {
            let verdict = cache.judge(&object, Timestamp::now());
            ObjectDiagnosis {
                object,
                verdict,
                pod: None,
                container: None,
                cause: Some(cause),
                log: Vec::new(),
            }
        })
        .collect();
    let names = objects
        .iter()
        .map(|diagnosed| diagnosed.object.to_string())
        .collect::<Vec<_>>();
    let summary = match names.as_slice() {
        [name] => format!("{name} is still there"),
        names => format!(
            "{} objects are still there: {}",
            names.len(),
            names.join(", ")
        ),
    };
    let more = by_object
        .keys()
        .map(|id| look_command(id, cluster.kubectl()))
        .collect();
    Diagnosis {
        summary,
        objects,
        more,
        ..Diagnosis::default()
    }
}

/// What holds an object that is being deleted: finalizers, and what the namespace controller says
/// of a namespace.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/>
fn held(there: &Value) -> Option<String> {
    there.pointer("/metadata/deletionTimestamp")?;
    let finalizers = there
        .pointer("/metadata/finalizers")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let finalizers: Vec<&str> = finalizers.filter_map(Value::as_str).collect();
    let conditions = there
        .pointer("/status/conditions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let stuck = conditions
        .filter(|condition| condition["status"] == "True")
        .filter_map(|condition| condition["message"].as_str());
    let stuck: Vec<&str> = stuck.filter(|_| there["kind"] == "Namespace").collect();
    match (stuck.as_slice(), finalizers.as_slice()) {
        ([], []) => None,
        ([], finalizers) => Some(format!(
            "it is being deleted, and waits for its finalizers: {}",
            finalizers.join(", ")
        )),
        (stuck, _) => Some(format!(
            "it is being deleted, and cannot be completed: {}",
            stuck.join("; ")
        )),
    }
}

/// The command that shows all of `id`.
fn look_command(id: &ObjectId, kubectl: &str) -> String {
    let kind = id.kind.to_lowercase();
    let kind = if id.group.is_empty() {
        kind
    } else {
        format!("{kind}.{}", id.group)
    };
    let namespace = id
        .namespace
        .as_ref()
        .map(|namespace| format!(" -n {namespace}"))
        .unwrap_or_default();
    format!("{kubectl} get {kind} {}{namespace} -o yaml", id.name)
}
