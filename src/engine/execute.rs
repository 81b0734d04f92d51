use std::{
    collections::{BinaryHeap, HashMap},
    future::Future,
    pin::Pin,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{
    emit::Emitter,
    hub::Hub,
    wanted::Wanted,
    write::{Writer, Written},
};
use crate::{
    cluster::{RequestError, Resource},
    event::{EventKind, PhaseOutcome, PhaseTiming, WriteResult},
    object::ObjectId,
    readiness::{State, Verdict},
    release::{Program, Records, StepId, Work},
};

/// What bounds an execution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Writes that are under way at once.
    pub(crate) parallel: usize,
    /// Time limit of the run.
    pub(crate) timeout: Duration,
}

/// How an execution is watched and stopped.
pub(super) struct Control {
    pub(super) emitter: Emitter,
    pub(super) limits: Limits,
    pub(super) interrupt: CancellationToken,
}

/// Why an execution stopped early.
#[derive(Debug)]
pub(super) enum Stop {
    /// An object could not be written.
    Refused { phase: String, object: ObjectId, error: RequestError },
    /// Objects cannot become ready.
    Failed { phase: String, objects: Vec<(ObjectId, Verdict)> },
    /// The time of a phase, or of the whole run, was up.
    TimedOut { phase: String, after: Duration, whole_run: bool, objects: Vec<(ObjectId, Verdict)> },
    /// A signal asked to stop.
    Interrupted,
}

/// Runs a program: the only place that writes.
pub(super) struct Executor<'a> {
    program: &'a Program,
    writer: Writer<'a>,
    hub: Hub,
    emitter: Emitter,
    limits: Limits,
    interrupt: CancellationToken,
    phases: Vec<PhaseRun>,
    /// For each step: how many steps it still waits for.
    waiting_for: Vec<usize>,
    /// For each step: the steps that come after it.
    followers: Vec<Vec<StepId>>,
    ready: BinaryHeap<(u32, std::cmp::Reverse<StepId>)>,
    done: usize,
    waits: Vec<Wait>,
    /// Writes that were sent and not answered: what became of them is not known.
    pub(super) unanswered: usize,
    /// What the objects' writes left, for the records of the revision.
    pub(super) records: Records,
}

/// One phase while it runs.
struct PhaseRun {
    timing: PhaseTiming,
    timeout: Duration,
    started: Option<Instant>,
}

/// Objects that a step waits for, with the verdict that was last told.
struct Wait {
    step: StepId,
    since: Instant,
    objects: Vec<(ObjectId, Option<Verdict>)>,
    asked_children: bool,
}

type InFlight<'a> = FuturesUnordered<Pin<Box<dyn Future<Output = (StepId, ObjectId, Result<Written, RequestError>)> + 'a>>>;

/// How long an object may be on its way before its pods and events are watched as well.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long writes that are under way may take to be answered once the run has stopped.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// How often verdicts that depend on the time are looked at again; nothing is requested for it.
const TICK: Duration = Duration::from_millis(500);

impl<'a> Executor<'a> {
    pub(super) fn new(wanted: &'a Wanted, program: &'a Program, writer: Writer<'a>, hub: Hub, control: Control, records: Records) -> Self {
        let Control { emitter, limits, interrupt } = control;
        let mut followers = vec![Vec::new(); program.steps.len()];
        for (id, step) in program.steps.iter().enumerate() {
            for before in &step.after {
                followers[*before].push(id);
            }
        }
        let waiting_for: Vec<usize> = program.steps.iter().map(|step| step.after.len()).collect();
        let ready = program
            .steps
            .iter()
            .enumerate()
            .filter(|(id, _)| waiting_for[*id] == 0)
            .map(|(id, step)| (step.priority, std::cmp::Reverse(id)))
            .collect();
        let phases = phase_runs(wanted, program);
        Self {
            program,
            writer,
            hub,
            emitter,
            limits,
            interrupt,
            phases,
            waiting_for,
            followers,
            ready,
            done: 0,
            waits: Vec::new(),
            unanswered: 0,
            records,
        }
    }

    /// The phases of the program with what has become of them.
    pub(super) fn timings(&self) -> Vec<PhaseTiming> {
        self.phases.iter().map(|phase| phase.timing.clone()).collect()
    }

    /// What the watches know.
    pub(super) fn hub_mut(&mut self) -> &mut Hub {
        &mut self.hub
    }

    /// Waits for the answers to writes that are under way, but not for ever: whoever pressed Ctrl-C because the server hangs waits too.
    async fn await_answers(&mut self, in_flight: &mut InFlight<'a>) {
        let until = Instant::now() + ANSWERS_WITHIN;
        while let Ok(Some((step, id, written))) = timeout_at(until, in_flight.next()).await {
            if let Ok(written) = written {
                self.note_written(step, &id, written);
            }
        }
        self.unanswered = in_flight.len();
    }

    /// Runs every step, or stops at the first that fails, is out of time, or is interrupted.
    ///
    /// Writes that are under way when it stops are waited for, so that what happened is known.
    pub(super) async fn run(&mut self) -> Result<(), Stop> {
        let deadline = Instant::now() + self.limits.timeout;
        let writer = self.writer.clone();
        let mut in_flight: InFlight<'a> = FuturesUnordered::new();
        let result = self.steps(&writer, &mut in_flight, deadline).await;
        self.await_answers(&mut in_flight).await;
        if let Err(stop) = &result {
            self.close_phases(stop);
        }
        result
    }

    async fn steps(&mut self, writer: &Writer<'a>, in_flight: &mut InFlight<'a>, deadline: Instant) -> Result<(), Stop> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // A signal may have come while a question was answered or the revision was stored.
            if self.interrupt.is_cancelled() {
                return Err(Stop::Interrupted);
            }
            self.start_steps(writer, in_flight).await?;
            if self.done == self.program.steps.len() {
                return Ok(());
            }
            tokio::select! {
                () = self.interrupt.cancelled() => return Err(Stop::Interrupted),
                Some((step, id, written)) = in_flight.next() => match written {
                    Ok(written) => {
                        self.note_written(step, &id, written);
                        self.finish(step);
                    }
                    Err(error) => return Err(Stop::Refused { phase: self.program.steps[step].phase.clone(), object: id, error }),
                },
                () = self.hub.changed() => self.look_at_waits().await?,
                _ = tick.tick() => {
                    self.look_at_waits().await?;
                    self.check_time(deadline)?;
                }
            }
        }
    }

    /// Starts every step whose predecessors are done, as far as the bound on parallel writes allows.
    async fn start_steps(&mut self, writer: &Writer<'a>, in_flight: &mut InFlight<'a>) -> Result<(), Stop> {
        while let Some((_, std::cmp::Reverse(step))) = self.ready.peek().copied() {
            let program: &'a Program = self.program;
            match &program.steps[step].work {
                Work::Apply { .. } if in_flight.len() >= self.limits.parallel => return Ok(()),
                Work::Apply { object, force } => {
                    self.ready.pop();
                    self.start_phase(&program.steps[step].phase);
                    let writer = writer.clone();
                    in_flight.push(Box::pin(async move { (step, object.clone(), writer.apply(object, *force).await) }));
                }
                Work::AwaitReady { objects, .. } => {
                    self.ready.pop();
                    self.start_phase(&program.steps[step].phase);
                    self.waits.push(Wait {
                        step,
                        since: Instant::now(),
                        objects: objects.iter().map(|id| (id.clone(), None)).collect(),
                        asked_children: false,
                    });
                    self.look_at_waits().await?;
                }
            }
        }
        Ok(())
    }

    fn start_phase(&mut self, name: &str) {
        let Some(phase) = self.phases.iter_mut().find(|phase| phase.timing.name == name) else { return };
        if phase.started.is_none() {
            phase.started = Some(Instant::now());
            self.emitter.emit(EventKind::PhaseStarted { phase: name.to_owned(), objects: phase.timing.objects, timeout: phase.timeout });
        }
    }

    fn note_written(&mut self, step: StepId, id: &ObjectId, written: Written) {
        let phase = self.program.steps[step].phase.clone();
        if let Some(run) = self.phases.iter_mut().find(|run| run.timing.name == phase) {
            match written.result {
                WriteResult::Created => run.timing.created += 1,
                WriteResult::Changed => run.timing.changed += 1,
                WriteResult::Unchanged => run.timing.unchanged += 1,
            }
        }
        if let Some(record) = written.record {
            self.records.insert(record);
        }
        self.hub.written(id, written.object);
        let verdict = self.hub.judge(id, Timestamp::now());
        if !verdict.passes()
            && let Some(resource) = self.writer.resource(id)
        {
            let resource = resource.clone();
            self.hub.follow(id, &resource);
        }
        self.emitter.emit(EventKind::ObjectWritten { phase, object: id.clone(), result: written.result, took: written.took });
    }

    fn finish(&mut self, step: StepId) {
        self.done += 1;
        for follower in std::mem::take(&mut self.followers[step]) {
            self.waiting_for[follower] -= 1;
            if self.waiting_for[follower] == 0 {
                self.ready.push((self.program.steps[follower].priority, std::cmp::Reverse(follower)));
            }
        }
    }

    /// Judges what is waited for. Steps whose objects have all passed are done; an object that failed stops the run.
    async fn look_at_waits(&mut self) -> Result<(), Stop> {
        let now = Timestamp::now();
        let mut waits = std::mem::take(&mut self.waits);
        let mut failed = Vec::new();
        for wait in &mut waits {
            let phase = &self.program.steps[wait.step].phase;
            let slow = !wait.asked_children && wait.since.elapsed() >= PATIENCE;
            let mut ask_children = Vec::new();
            for (id, told) in &mut wait.objects {
                if told.as_ref().is_some_and(Verdict::passes) && !self.hub.is_followed(id) {
                    continue;
                }
                let verdict = self.hub.judge(id, now);
                if !verdict.passes() {
                    if let Some(resource) = self.writer.resource(id) {
                        self.hub.follow(id, resource);
                    }
                    if slow || id.kind == "PersistentVolumeClaim" {
                        ask_children.push(id.clone());
                    }
                }
                if told.as_ref() != Some(&verdict) {
                    let from = told.as_ref().map(|told| told.state);
                    self.emitter.emit(EventKind::VerdictChanged { phase: phase.clone(), object: id.clone(), from, to: verdict.clone() });
                    *told = Some(verdict.clone());
                }
                if verdict.state == State::Failed {
                    failed.push((phase.clone(), id.clone(), verdict));
                }
            }
            wait.asked_children |= slow;
            for id in ask_children {
                self.hub.follow_children(&id).await;
            }
        }
        let (over, waits): (Vec<Wait>, Vec<Wait>) = waits.into_iter().partition(Wait::is_over);
        self.waits = waits;
        if let Some((phase, _, _)) = failed.first() {
            let phase = phase.clone();
            return Err(Stop::Failed { phase, objects: failed.into_iter().map(|(_, id, verdict)| (id, verdict)).collect() });
        }
        for wait in over {
            self.end_wait(&wait);
        }
        Ok(())
    }

    fn end_wait(&mut self, wait: &Wait) {
        let step = &self.program.steps[wait.step];
        if matches!(step.work, Work::AwaitReady { ends_phase: true, .. }) {
            self.end_phase(&step.phase, PhaseOutcome::Ready);
        }
        self.finish(wait.step);
    }

    fn end_phase(&mut self, name: &str, outcome: PhaseOutcome) {
        let Some(phase) = self.phases.iter_mut().find(|phase| phase.timing.name == name) else { return };
        let Some(started) = phase.started else { return };
        if phase.timing.outcome.is_some() {
            return;
        }
        phase.timing.took = started.elapsed();
        phase.timing.outcome = Some(outcome);
        self.emitter.emit(EventKind::PhaseFinished { phase: name.to_owned(), outcome, took: phase.timing.took });
    }

    /// Stops the run where the time of a phase that runs, or of the whole run, is up.
    fn check_time(&self, deadline: Instant) -> Result<(), Stop> {
        let running = self.phases.iter().filter(|phase| phase.timing.outcome.is_none() && phase.started.is_some());
        let whole_run = Instant::now() >= deadline;
        for phase in running {
            let up = phase.started.is_some_and(|started| started.elapsed() >= phase.timeout);
            if up || whole_run {
                let name = phase.timing.name.clone();
                let after = if whole_run { self.limits.timeout } else { phase.timeout };
                return Err(Stop::TimedOut { objects: self.not_ready(&name), phase: name, after, whole_run });
            }
        }
        Ok(())
    }

    fn not_ready(&self, phase: &str) -> Vec<(ObjectId, Verdict)> {
        let waits = self.waits.iter().filter(|wait| self.program.steps[wait.step].phase == phase);
        let objects = waits.flat_map(|wait| &wait.objects);
        objects.filter_map(|(id, told)| told.clone().filter(|verdict| !verdict.passes()).map(|verdict| (id.clone(), verdict))).collect()
    }

    /// Says of every phase that was running how it ended.
    fn close_phases(&mut self, stop: &Stop) {
        let names: Vec<String> = self.phases.iter().map(|phase| phase.timing.name.clone()).collect();
        for name in names {
            let outcome = match stop {
                Stop::Refused { phase, .. } | Stop::Failed { phase, .. } if *phase == name => PhaseOutcome::Failed,
                Stop::TimedOut { phase, .. } if *phase == name => PhaseOutcome::TimedOut,
                _ => PhaseOutcome::Interrupted,
            };
            self.end_phase(&name, outcome);
        }
    }
}

impl Wait {
    fn is_over(&self) -> bool {
        self.objects.iter().all(|(_, told)| told.as_ref().is_some_and(Verdict::passes))
    }
}

/// The phases that the program holds steps of and that have objects, not yet started.
fn phase_runs(wanted: &Wanted, program: &Program) -> Vec<PhaseRun> {
    let mut writes: HashMap<&str, usize> = HashMap::new();
    for step in program.steps.iter().filter(|step| matches!(step.work, Work::Apply { .. })) {
        *writes.entry(&step.phase).or_default() += 1;
    }
    let of_program = wanted.phases.iter().filter(|phase| program.steps.iter().any(|step| step.phase == phase.name));
    let of_program = of_program.map(|phase| (phase, wanted.objects.values().filter(|object| object.phase == phase.name).count()));
    of_program
        .filter(|(_, objects)| *objects > 0)
        .map(|(phase, objects)| {
            let unchanged = objects - writes.get(phase.name.as_str()).copied().unwrap_or_default();
            let timing =
                PhaseTiming { name: phase.name.clone(), outcome: None, objects, created: 0, changed: 0, unchanged, took: Duration::ZERO };
            PhaseRun { timing, timeout: phase.timeout, started: None }
        })
        .collect()
}

/// Resources by object, as the planner found them.
pub(super) type Resources = HashMap<ObjectId, Resource>;
