use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use tokio_util::sync::CancellationToken;

use super::{
    access::access_points,
    begin::{Began, begin},
    emit::Emitter,
    execute::{Control, Executor, Limits, OnFault, Stop},
    explain::explain,
    finish::finish,
    hub::Hub,
    look::Look,
    notes::Notes,
    past::Before,
    phases::PhasePlan,
    planner::{Changes, Decision, PRUNE, Selection, has_label, program},
    prune::Pruning,
    removal::Removal,
    rollback::{Journey, Returned, go_back},
    wanted::Wanted,
    write::{Materials, Resources, Writer},
};
use crate::{
    cluster::{Cluster, Served},
    error::ExitCode,
    event::{EventKind, PhaseSummary, PhaseTiming, Purpose, RunOutcome},
    object::RollbackMark,
    plan::{OnFailure, ReadinessRule},
    readiness::Rules,
    release::{Author, Guard, Ledger, PlanSource, Program, Records, Snapshot, Store, StoreError, Traces},
};

/// Everything that a run needs to know. Nothing has been written yet.
pub(crate) struct Run<'a> {
    /// The connection; its writes end with the lock.
    pub(crate) cluster: &'a Cluster,
    /// What it serves.
    pub(crate) served: &'a Served,
    /// What is wanted.
    pub(crate) wanted: &'a Wanted,
    /// What has to be done with each object of the selected phases.
    pub(crate) decisions: &'a [Decision],
    /// What becomes of what is no longer wanted.
    pub(crate) pruning: &'a Pruning,
    /// What was seen, under the lock where anything is going to be written.
    pub(crate) look: &'a Look,
    /// Which phases are run.
    pub(crate) selection: &'a Selection,
    /// What was before.
    pub(crate) before: &'a Before,
    /// Bounds.
    pub(crate) limits: Limits,
    /// Time limit of the way back.
    pub(crate) timeout_rollback: Duration,
    /// Whether a failure is rolled back, as far as the phases say so.
    pub(crate) rolls_back: bool,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
    /// Where revisions are kept.
    pub(crate) store: &'a Store,
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

/// What stops a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stops {
    /// The first SIGINT, SIGTERM or SIGHUP.
    pub(crate) interrupt: CancellationToken,
    /// The second one.
    pub(crate) at_once: CancellationToken,
    /// The lock was lost.
    pub(crate) lock_lost: CancellationToken,
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

/// Carries out `run`: stores the revision with its snapshot, executes the program, rolls back where that fails, and stores how it ended.
/// Returns the exit code.
///
/// A program without writes only waits until everything is ready, and stores nothing. Where the revision before did not succeed and
/// everything is ready now, it stores one all the same: else the release would be called failed although what was wrong has mended itself.
pub(crate) async fn carry_out(run: Run<'_>, emitter: &Emitter, stops: &Stops) -> Result<ExitCode, RunError> {
    let started = Instant::now();
    let Run { wanted, decisions, selection, .. } = run;
    let changes =
        Changes { wanted, decisions, removals: &run.pruning.removals, live: &run.look.live, records: &run.before.records, selection };
    let program = program(&changes);
    let began = match program.writes() {
        0 => None,
        _ => Some(begin(&run, &program).await.map_err(RunError::NotStarted)?),
    };
    let number = began.as_ref().map(|began| &began.head).or(run.before.newest()).map_or(0, |head| head.revision.number);
    emitter.emit(run_started(&run, number, program.writes()));
    match began {
        Some(began) => write(&run, &program, began, emitter, stops, started).await,
        None => wait(&run, &program, emitter, stops, started).await,
    }
}

/// Waits until everything is ready; nothing has to be written.
async fn wait(run: &Run<'_>, program: &Program, emitter: &Emitter, stops: &Stops, started: Instant) -> Result<ExitCode, RunError> {
    let (snapshot, traces) = (Snapshot::default(), Traces::default());
    let ground = Ground { snapshot: &snapshot, traces: &traces, stored_as: Resources::new() };
    let mut executor = executor(run, program, &ground, Notes::default(), control(run, emitter, stops, CancellationToken::new()));
    let result = executor.run().await;
    let cause = match &result {
        Ok(()) => None,
        Err(stop) => Some(tell_cause(stop, run.cluster, executor.hub_mut(), emitter).await),
    };
    let mended = result.is_ok() && run.before.newest().is_some_and(|newest| newest.revision.outcome != RunOutcome::Succeeded);
    let mut recorded = Ok(());
    if mended {
        let unchanged = Ending { outcome: RunOutcome::Succeeded, cause, timings: executor.timings(), entries: Vec::new(), returned: None };
        recorded = match begin(run, program).await {
            Ok(began) => finish(run, began.head, &began.base, unchanged).await,
            Err(error) => Err(error),
        };
    }
    let (outcome, exit) = match result {
        Ok(()) => (RunOutcome::Succeeded, ExitCode::Done),
        Err(Stop::Interrupted) => (RunOutcome::Interrupted, ExitCode::Interrupted),
        Err(_) => (RunOutcome::Failed, ExitCode::Failed),
    };
    emitter.emit(run_finished(run, &mut executor, outcome, exit, started));
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// How a run ended.
pub(super) struct Ending {
    pub(super) outcome: RunOutcome,
    pub(super) cause: Option<String>,
    pub(super) timings: Vec<PhaseTiming>,
    pub(super) entries: Vec<crate::release::JournalEntry>,
    pub(super) returned: Option<Returned>,
}

/// What a program stands on.
pub(super) struct Ground<'a> {
    pub(super) snapshot: &'a Snapshot,
    pub(super) traces: &'a Traces,
    pub(super) stored_as: Resources,
}

/// Executes a program that writes, rolls back where it fails, and stores how it ended.
async fn write(
    run: &Run<'_>,
    program: &Program,
    began: Began,
    emitter: &Emitter,
    stops: &Stops,
    started: Instant,
) -> Result<ExitCode, RunError> {
    let Began { head, snapshot, traces, base, stored_as } = began;
    let ledger = Ledger::open(run.store.clone(), head);
    let fenced = either(&stops.lock_lost, ledger.broken());
    let notes = Notes::stored_in(ledger);
    let ground = Ground { snapshot: &snapshot, traces: &traces, stored_as };
    let mut executor = executor(run, program, &ground, notes.clone(), control(run, emitter, stops, fenced));
    let result = executor.run().await;
    tell_left(&mut executor, &notes, emitter);
    let cause = match &result {
        Ok(()) => None,
        Err(stop) => Some(tell_cause(stop, run.cluster, executor.hub_mut(), emitter).await),
    };
    let mut ending =
        Ending { outcome: RunOutcome::Succeeded, cause, timings: executor.timings(), entries: notes.entries(), returned: None };
    let finished = |exit, outcome, executor: &mut Executor<'_>| run_finished(run, executor, outcome, exit, started);
    let answers_missing = executor.unanswered > 0 || result.as_ref().is_err_and(may_be_done);
    let (mut head, closed) = notes.take_ledger().expect("the journal is open").close().await;
    if let (Err(error), true) = (closed, result.is_ok()) {
        emitter.emit(finished(ExitCode::Changed, RunOutcome::Interrupted, &mut executor));
        return Err(RunError::NotRecorded(error));
    }
    let exit = match &result {
        Ok(()) => ExitCode::Done,
        Err(stop) if rolls_back(run, stop) => {
            let mut done = traces.clone();
            ending.entries.iter().for_each(|entry| done.add(entry));
            let mut records = run.before.records.clone();
            records.replay(&ending.entries);
            let journey = Journey { answers_missing, ..journey(run, program, &snapshot, done, &records) };
            let cause = ending.cause.clone().unwrap_or_default();
            let returned = go_back(&journey, &mut head, cause, emitter, stops).await;
            let exit = returned.exit(matches!(stop, Stop::Interrupted));
            ending.outcome = returned.outcome;
            ending.returned = Some(returned);
            exit
        }
        Err(stop) => {
            let untouched = ending.entries.is_empty() && executor.unanswered == 0 && traces.is_empty();
            let (outcome, exit) = left_as_it_is(stop, untouched);
            ending.outcome = outcome;
            exit
        }
    };
    let outcome = ending.outcome;
    let is_over = !matches!(result, Err(Stop::Fenced)) && outcome != RunOutcome::RollingBack;
    let recorded = if is_over { finish(run, head, &base, ending).await } else { Ok(()) };
    emitter.emit(finished(exit, outcome, &mut executor));
    recorded.map(|()| exit).map_err(RunError::NotRecorded)
}

/// Tells of what did not go although it was no longer wanted, and why.
fn tell_left(executor: &mut Executor<'_>, notes: &Notes, emitter: &Emitter) {
    let faults = executor.faults.drain(..).map(|(object, what)| format!("{object} {what}"));
    let kept = notes.left().into_iter().map(|(object, why)| format!("{object} is kept: {why}"));
    faults.chain(kept).for_each(|text| emitter.emit(EventKind::Noted { text }));
}

/// How a run that `stop` ended, and that is not rolled back, is called. `untouched`: nothing was written.
fn left_as_it_is(stop: &Stop, untouched: bool) -> (RunOutcome, ExitCode) {
    let interrupted = matches!(stop, Stop::Interrupted);
    match (untouched, interrupted) {
        (true, true) => (RunOutcome::RolledBack, ExitCode::Interrupted),
        (true, false) => (RunOutcome::RolledBack, ExitCode::Failed),
        (false, true) => (RunOutcome::Interrupted, ExitCode::Changed),
        (false, false) => (RunOutcome::Failed, ExitCode::Changed),
    }
}

fn journey<'a>(run: &Run<'a>, program: &'a Program, snapshot: &'a Snapshot, traces: Traces, records: &'a Records) -> Journey<'a> {
    let plans = run.wanted.phases.iter().map(PhasePlan::planned);
    let wanted = run.wanted.objects.iter().map(|(id, object)| (id.clone(), object.phase.clone()));
    let removed = run.pruning.removals.iter().map(|removal| (removal.id.clone(), removal.phase.clone()));
    let marked = |mark| {
        let marked = run.wanted.objects.iter().filter(move |(_, object)| object.marks.rollback == mark);
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
        answers_missing: true,
        records,
        manual: marked(RollbackMark::Manual),
        rerun: marked(RollbackMark::Rerun),
        limits: Limits { timeout: run.timeout_rollback, ..run.limits },
        by: run.by.clone(),
    }
}

/// Whether the write at which the run stopped may have been done all the same: only a refusal says that it was not.
fn may_be_done(stop: &Stop) -> bool {
    matches!(stop, Stop::Refused { error, .. } if !error.code().is_some_and(|code| (400..500).contains(&code)))
}

/// Whether what was done is rolled back after `stop`.
fn rolls_back(run: &Run<'_>, stop: &Stop) -> bool {
    let on_failure = |phase: &String| run.wanted.phases.iter().find(|known| known.name == *phase).map(|phase| phase.on_failure);
    match stop {
        // Whoever has the release now decides what becomes of it.
        Stop::Fenced => false,
        Stop::Interrupted => run.rolls_back,
        Stop::Refused { phase, .. } | Stop::Failed { phase, .. } | Stop::TimedOut { phase, .. } => {
            run.rolls_back && on_failure(phase) != Some(OnFailure::Stop)
        }
    }
}

/// A token that is cancelled when one of two is.
pub(super) fn either(one: &CancellationToken, other: &CancellationToken) -> CancellationToken {
    let token = one.child_token();
    let (child, other) = (token.clone(), other.clone());
    tokio::spawn(async move {
        other.cancelled().await;
        child.cancel();
    });
    token
}

fn control(run: &Run<'_>, emitter: &Emitter, stops: &Stops, fenced: CancellationToken) -> Control {
    Control { emitter: emitter.clone(), limits: run.limits, interrupt: stops.interrupt.clone(), fenced, on_fault: OnFault::Stop }
}

fn executor<'a>(run: &Run<'a>, program: &'a Program, ground: &Ground<'a>, notes: Notes, control: Control) -> Executor<'a> {
    // What goes with the data of a StatefulSet does not carry our label.
    let label = run.wanted.release.label();
    let is_labelled = |removal: &Removal| run.look.live.object(&removal.id).is_none_or(|there| has_label(there, &label));
    let all_labelled = run.pruning.removals.iter().all(is_labelled);
    let hub = Hub::new(run.cluster.clone(), run.served, all_labelled.then_some(label), run.look)
        .judging_by(rules(&run.wanted.readiness, &control.emitter));
    Executor::new(program, phase_plans(run, program), writer(run, ground, notes), hub, control)
}

/// The rules of a plan. One that this version of the program cannot read, which another one has stored, is told and left out: readiness
/// is judged by the built-in rules then.
pub(super) fn rules(written: &[ReadinessRule], emitter: &Emitter) -> Rules {
    Rules::compile(written).unwrap_or_else(|problem| {
        let text = format!("the plan's rules for readiness cannot be read, and the built-in ones judge instead: {problem}");
        emitter.emit(EventKind::Noted { text });
        Rules::default()
    })
}

/// Whoever writes for `run`.
pub(super) fn writer<'a>(run: &Run<'a>, ground: &Ground<'a>, notes: Notes) -> Writer<'a> {
    let mut resources: Resources =
        run.wanted.objects.iter().filter_map(|(id, object)| Some((id.clone(), run.wanted.resource(&object.object, run.served)?))).collect();
    for removal in &run.pruning.removals {
        if let Some(resource) = run.served.preferred(&removal.id.group, &removal.id.kind) {
            resources.insert(removal.id.clone(), resource.clone());
        }
    }
    Writer::new(Materials {
        cluster: run.cluster.clone(),
        served: run.served,
        release: &run.wanted.release,
        wanted: Some(run.wanted),
        live: &run.look.live,
        snapshot: ground.snapshot,
        traces: ground.traces,
        resources,
        stored_as: ground.stored_as.clone(),
        force_conflicts: run.force_conflicts,
        notes,
    })
}

/// The phases that the program has steps of.
fn phase_plans(run: &Run<'_>, program: &Program) -> Vec<PhasePlan> {
    let mut writes: HashMap<&str, usize> = HashMap::new();
    for step in program.steps.iter().filter(|step| matches!(step.work, crate::release::Work::Apply { .. })) {
        *writes.entry(&step.phase).or_default() += 1;
    }
    let phases = run.wanted.phases.iter().filter(|phase| run.selection.holds(&phase.name)).map(|phase| {
        let objects = run.wanted.objects.values().filter(|object| object.phase == phase.name).count();
        let unchanged = objects - writes.get(phase.name.as_str()).copied().unwrap_or_default();
        PhasePlan { objects, unchanged, ..PhasePlan::planned(phase) }
    });
    let prune = PhasePlan { objects: run.pruning.removals.len(), ..PhasePlan::of(PRUNE, PRUNE_TIMEOUT) };
    phases.chain([prune]).filter(|phase| phase.objects > 0).collect()
}

/// How long what is no longer wanted may take to go, before the run ends and says that it is still there.
const PRUNE_TIMEOUT: Duration = Duration::from_mins(2);

/// Tells why a run stopped and returns it in one sentence.
pub(super) async fn tell_cause(stop: &Stop, cluster: &Cluster, hub: &mut Hub, emitter: &Emitter) -> String {
    let diagnosis = explain(stop, cluster, hub).await;
    let cause = match &diagnosis.phase {
        Some(phase) => format!("phase `{phase}` failed: {}", diagnosis.summary),
        None => diagnosis.summary.clone(),
    };
    emitter.emit(EventKind::FailureExplained { diagnosis });
    cause
}

fn run_started(run: &Run<'_>, revision: u64, writes: usize) -> EventKind {
    let phases = run.wanted.phases.iter().filter(|phase| run.selection.holds(&phase.name));
    let summaries = phases.map(|phase| PhaseSummary {
        name: phase.name.clone(),
        objects: run.wanted.objects.values().filter(|object| object.phase == phase.name).count(),
    });
    let prune = PhaseSummary { name: PRUNE.to_owned(), objects: run.pruning.removals.len() };
    EventKind::RunStarted {
        release: run.wanted.release.clone(),
        revision,
        context: run.cluster.context().to_owned(),
        server: run.cluster.server().to_owned(),
        phases: summaries.chain([prune]).filter(|summary| summary.objects > 0).collect(),
        writes,
        purpose: if run.back_to.is_some() { Purpose::BringBack } else { Purpose::Deploy },
        deadline: Timestamp::now() + SignedDuration::try_from(run.limits.timeout).unwrap_or(SignedDuration::MAX),
    }
}

pub(super) fn run_finished(run: &Run<'_>, executor: &mut Executor<'_>, outcome: RunOutcome, exit: ExitCode, started: Instant) -> EventKind {
    let access = match outcome {
        RunOutcome::Succeeded => access_points(&run.access, run.wanted, executor.hub_mut()),
        _ => Vec::new(),
    };
    let (phases, requests, verdicts) = (executor.timings(), run.cluster.counts(), executor.delays());
    EventKind::RunFinished { outcome, exit, took: started.elapsed(), phases, requests, verdicts, access }
}
