//! Runs a program: starts each step once those before it are done, within the bounds of its policy.

mod confirm;

use std::{
    collections::{BTreeSet, HashMap},
    future::Future,
    pin::Pin,
    time::Duration,
};

use futures::{StreamExt as _, stream::FuturesUnordered};
use jiff::Timestamp;
use tokio::time::{Instant, timeout_at};

use crate::engine::{
    execute::phases::PhaseRuns,
    execute::policy::{Control, OnFault, StopReason},
    execute::queue::StepQueue,
    execute::wait::{FailedWait, TICK, Wait, WaitBounds, WaitFor, WaitTarget, Waiter},
    execute::write::{Writer, Written},
    phase_plan::PhasePlan,
    watch::cache::{Changes, ResourceCache},
};
use crate::{
    cluster::RequestError,
    event::{EventKind, PhaseOutcome, PhaseTiming, VerdictDelays, WriteResult},
    object::{HasKind as _, ManifestView, ObjectId},
    plan::PhaseId,
    readiness::Verdict,
    release::{Program, StepId, Work},
};

/// Runs a program: the only place that writes.
pub(crate) struct Executor<'a> {
    program: &'a Program,
    writer: Writer<'a>,
    waiter: Waiter,
    control: Control,
    phases: PhaseRuns,
    queue: StepQueue<'a>,
    answers: Answers,
    /// What did not succeed, where the execution goes on all the same.
    pub(crate) faults: Vec<(ObjectId, String)>,
}

/// What is known of the answers to writes that were begun.
#[derive(Default)]
struct Answers {
    /// Writes that ended without an answer, and may have been done.
    unanswered: usize,
    /// Steps whose writes were begun and are not known to have succeeded.
    open: BTreeSet<StepId>,
    /// What was stored, by which step, and when it was last known to be there.
    stored: HashMap<ObjectId, (StepId, Instant)>,
}

type InFlight<'a> =
    FuturesUnordered<Pin<Box<dyn Future<Output = (StepId, Result<Written, RequestError>)> + 'a>>>;

/// How long writes that are under way may take to be answered once the run has stopped.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

impl<'a> Executor<'a> {
    pub(crate) fn new(
        program: &'a Program,
        phases: Vec<PhasePlan>,
        writer: Writer<'a>,
        cache: ResourceCache,
        control: Control,
    ) -> Self {
        let phases = PhaseRuns::new(phases, control.emitter.clone());
        let going = going(program, &cache);
        let waiter = Waiter::new(cache, control.emitter.clone());
        let waiter = waiter.outlasting(going);
        let waiter = if control.on_fault == OnFault::Stop || phases.has_decisive() {
            waiter.telling_logs(writer.cluster().clone())
        } else {
            waiter
        };
        Self {
            program,
            writer,
            waiter,
            control,
            phases,
            queue: StepQueue::new(program),
            answers: Answers::default(),
            faults: Vec::new(),
        }
    }

    /// What is done where something fails in `phase`.
    fn on_fault(&self, phase: &PhaseId) -> OnFault {
        if self.phases.is_decisive(phase) {
            OnFault::Stop
        } else {
            self.control.on_fault
        }
    }

    /// The phases of the program with what has become of them.
    pub(crate) fn timings(&self) -> Vec<PhaseTiming> {
        self.phases.timings()
    }

    /// Whether `id` is there, and as it should be.
    pub(crate) fn has_succeeded(&self, id: &ObjectId) -> bool {
        let cache = &self.waiter.cache;
        let passes = || cache.judge(id, Timestamp::now()).passes();
        cache.object(id).is_some() && (self.waiter.is_done(id) || passes())
    }

    /// How long verdicts took.
    pub(crate) fn delays(&self) -> VerdictDelays {
        VerdictDelays::of(self.waiter.delays())
    }

    /// What the watches know.
    pub(crate) fn cache_mut(&mut self) -> &mut ResourceCache {
        &mut self.waiter.cache
    }

    /// Runs every step, or stops at the first that fails, is out of time, or is interrupted.
    ///
    /// Writes that are under way when it stops are waited for, so that what happened is known.
    pub(crate) async fn run(&mut self) -> Result<(), StopReason> {
        let deadline = Instant::now() + self.control.limits.timeout;
        let writer = self.writer.clone();
        let mut in_flight: InFlight<'a> = FuturesUnordered::new();
        let result = self.steps(&writer, &mut in_flight, deadline).await;
        self.await_answers(&mut in_flight).await;
        if matches!(result, Ok(()) | Err(StopReason::Failed { .. })) {
            self.waiter.end_logs().await;
        }
        if let Err(stop) = &result {
            // It may have been called ready before.
            if let Some(phase) = stop.phase() {
                self.phases.reopen(phase);
            }
            self.phases.end_all(|phase| outcome_of(phase, stop));
        }
        result
    }

    /// Waits for the answers to writes that are under way, but not for ever: whoever pressed Ctrl-C
    /// because the server hangs waits too.
    async fn await_answers(&mut self, in_flight: &mut InFlight<'a>) {
        let until = Instant::now() + ANSWERS_WITHIN;
        while let Ok(Some((step, written))) = timeout_at(until, in_flight.next()).await {
            match written {
                Ok(written) => self.note_written(step, written),
                Err(error) => self.note_unanswered(&error),
            }
        }
        self.answers.unanswered += in_flight.len();
    }

    /// Objects whose writes were begun and are not known to have succeeded: each may have been
    /// changed, wholly or in part.
    pub(crate) fn unconfirmed(&self) -> BTreeSet<ObjectId> {
        self.answers
            .open
            .iter()
            .filter_map(|step| self.program.steps[*step].work.writes().cloned())
            .collect()
    }

    /// Whether every write that was begun was answered.
    pub(crate) fn is_answered(&self) -> bool {
        self.answers.unanswered == 0
    }

    /// Counts a write that ended with `error` and may have been done all the same.
    fn note_unanswered(&mut self, error: &RequestError) {
        self.answers.unanswered += usize::from(error.may_be_done());
    }

    async fn steps(
        &mut self,
        writer: &Writer<'a>,
        in_flight: &mut InFlight<'a>,
        deadline: Instant,
    ) -> Result<(), StopReason> {
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let (interrupt, fenced) = (self.control.interrupt.clone(), self.control.fenced.clone());
        loop {
            // A signal may have come while a question was answered or the revision was stored.
            if interrupt.is_cancelled() {
                return Err(StopReason::Interrupted);
            }
            self.confirm_before_prune(deadline).await?;
            self.start_steps(writer, in_flight).await?;
            if self.queue.is_done() {
                return self.confirm(deadline).await;
            }
            tokio::select! {
                () = interrupt.cancelled() => return Err(StopReason::Interrupted),
                () = fenced.cancelled() => return Err(StopReason::Fenced),
                Some((step, written)) = in_flight.next() => self.take_answer(step, written)?,
                news = self.waiter.cache.changed() => self.examine_waits(Some(&news)).await?,
                _ = tick.tick() => {
                    self.examine_waits(None).await?;
                    self.check_time(deadline)?;
                }
            }
        }
    }

    /// Makes sure that everything lasts before the first object that is no longer wanted goes: what
    /// has fallen by then would bring it back.
    async fn confirm_before_prune(&mut self, deadline: Instant) -> Result<(), StopReason> {
        let next = self.queue.next().map(|step| &self.program.steps[step]);
        if next.is_some_and(|step| step.phase == PhaseId::Prune)
            && !self.phases.has_started(&PhaseId::Prune)
        {
            self.confirm(deadline).await?;
        }
        Ok(())
    }

    fn take_answer(
        &mut self,
        step: StepId,
        written: Result<Written, RequestError>,
    ) -> Result<(), StopReason> {
        if let Err(error) = &written {
            self.note_unanswered(error);
        }
        match written {
            Ok(written) => self.note_written(step, written),
            Err(RequestError::LockLost { .. }) => return Err(StopReason::Fenced),
            Err(error) => {
                let Some(object) = self.program.steps[step].work.writes().cloned() else {
                    return Ok(());
                };
                let phase = &self.program.steps[step].phase;
                if self.on_fault(phase) == OnFault::Stop {
                    return Err(StopReason::Refused {
                        phase: phase.clone(),
                        object,
                        error,
                    });
                }
                // What could not be deleted is not waited for.
                self.waiter.departures.left.insert(object.clone());
                self.faults.push((object, error.to_string()));
            }
        }
        self.queue.finish(step);
        Ok(())
    }

    /// Starts every step whose predecessors are done, as far as the bound on parallel writes
    /// allows.
    async fn start_steps(
        &mut self,
        writer: &Writer<'a>,
        in_flight: &mut InFlight<'a>,
    ) -> Result<(), StopReason> {
        while let Some(step) = self.queue.next() {
            let program: &'a Program = self.program;
            let work = &program.steps[step].work;
            if work.writes().is_some() && in_flight.len() >= self.control.limits.parallel {
                return Ok(());
            }
            self.queue.start_next();
            self.phases.start(&program.steps[step].phase);
            if let Some((until, objects)) = WaitFor::of(work) {
                let wait = self.wait(step, until, objects);
                let hopeless = self.waiter.begin(wait).await;
                self.give_up(hopeless)?;
                self.end_waits();
            } else {
                if let Work::Discard { object } = work {
                    self.waiter.departures.discarded.insert(object.clone());
                }
                let writer = writer.clone();
                self.answers.open.insert(step);
                in_flight.push(Box::pin(async move { (step, writer.perform(work).await) }));
            }
        }
        Ok(())
    }

    fn note_written(&mut self, step: StepId, written: Written) {
        let Written {
            object: id,
            result,
            stored,
            took,
        } = written;
        self.answers.open.remove(&step);
        let phase = self.program.steps[step].phase.clone();
        self.phases.count(&phase, result);
        if result == WriteResult::Kept {
            self.keep_secrets_of(&id);
            self.waiter.departures.left.insert(id.clone());
        }
        if let Some(stored) = stored {
            let known = (step, Instant::now());
            self.answers.stored.insert(id.clone(), known);
            self.waiter.cache.written(&id, stored);
        } else {
            self.answers.stored.remove(&id);
            self.waiter.cache.removed(&id);
        }
        if !self.waiter.cache.judge(&id, Timestamp::now()).passes()
            && let Some(resource) = self.writer.resource(&id)
        {
            self.waiter.cache.follow(&id, resource);
        }
        self.control.emitter.emit(EventKind::ObjectWritten {
            phase,
            object: id,
            result,
            took,
        });
    }

    /// Remembers that Secrets stay which a claim may need that is left, be this run killed.
    fn keep_secrets_of(&self, claim: &ObjectId) {
        let secrets = self.program.conditional_secrets();
        let needed = |id: &&ObjectId| claim.is_claim() && id.namespace == claim.namespace;
        secrets
            .filter(needed)
            .for_each(|secret| self.writer.note_kept(secret));
    }

    fn wait(&self, step: StepId, until: WaitFor, objects: &[ObjectId]) -> Wait {
        let phase = &self.program.steps[step].phase;
        let waited = |id: &ObjectId| {
            WaitTarget::new(
                id.clone(),
                self.writer.resource(id).cloned(),
                self.writer.soft_dependencies(id),
            )
        };
        let objects = objects.iter().map(waited).collect();
        let wait = Wait::new(Some(step), phase, until, objects);
        wait.within(WaitBounds {
            limit: self.phases.timeout(phase),
            budget: self.phases.budget(phase),
            on_fault: self.on_fault(phase),
        })
    }

    /// Looks at what is waited for. Steps whose objects are all as they should be are done; an
    /// object that failed stops the run.
    async fn examine_waits(&mut self, news: Option<&Changes>) -> Result<(), StopReason> {
        let hopeless = self.waiter.examine(news).await;
        self.give_up(hopeless)?;
        self.end_waits();
        Ok(())
    }

    /// Stops where it is useless to wait for something; on the way back it is noted.
    fn give_up(&mut self, hopeless: Vec<FailedWait>) -> Result<(), StopReason> {
        let (tolerated, decisive): (Vec<FailedWait>, Vec<FailedWait>) = hopeless
            .into_iter()
            .partition(|it| self.on_fault(&it.phase) == OnFault::GoOn);
        self.faults.extend(
            tolerated
                .into_iter()
                .map(|it| (it.id, it.until.fault(&it.verdict))),
        );
        let Some(phase) = decisive.first().map(|first| first.phase.clone()) else {
            return Ok(());
        };
        let objects: Vec<_> = decisive.into_iter().map(|it| (it.id, it.verdict)).collect();
        let open = self.open_beside(&objects);
        Err(StopReason::Failed {
            phase,
            objects,
            open,
        })
    }

    fn end_waits(&mut self) {
        for job in self.waiter.take_completed() {
            self.writer.note_completed(&job);
        }
        for wait in self.waiter.take_over() {
            self.end_wait(&wait);
        }
    }

    fn end_wait(&mut self, wait: &Wait) {
        // What is waited for once more has ended its step already.
        let Some(id) = wait.step else { return };
        let step = &self.program.steps[id];
        let refused = |id: &ObjectId| self.faults.iter().any(|(fault, _)| fault == id);
        let failed = wait
            .objects
            .iter()
            .any(|waited| self.waiter.departures.left.contains(&waited.id) && refused(&waited.id));
        let in_time = wait
            .objects
            .iter()
            .all(|waited| !waited.given_up || self.waiter.departures.left.contains(&waited.id));
        match step.work {
            Work::AwaitReady {
                ends_phase: true, ..
            }
            | Work::AwaitGone {
                ends_phase: true, ..
            } if failed => {
                self.phases.end(&step.phase, PhaseOutcome::Failed);
            }
            Work::AwaitReady {
                ends_phase: true, ..
            } if in_time => self.phases.end(&step.phase, PhaseOutcome::Ready),
            Work::AwaitGone {
                ends_phase: true, ..
            } if in_time => self.phases.end(&step.phase, PhaseOutcome::Gone),
            Work::AwaitReady {
                ends_phase: true, ..
            }
            | Work::AwaitGone {
                ends_phase: true, ..
            } => {
                self.phases.end(&step.phase, PhaseOutcome::TimedOut);
            }
            _ => {}
        }
        self.queue.finish(id);
    }

    /// Stops the run where the time of a phase that runs, or of the whole run, is up.
    fn check_time(&mut self, deadline: Instant) -> Result<(), StopReason> {
        let whole_run = Instant::now() >= deadline;
        let Some((phase, limit)) = self
            .phases
            .running()
            .find(|(id, _, up)| whole_run || (*up && self.on_fault(id) == OnFault::Stop))
            .map(|(id, limit, _)| (id.clone(), limit))
        else {
            return Ok(());
        };
        if self.give_up_gone(&phase) {
            return Ok(());
        }
        let after = if whole_run {
            self.control.limits.timeout
        } else {
            limit
        };
        Err(StopReason::TimedOut {
            objects: self.not_met(&phase),
            phase,
            after,
            whole_run,
        })
    }

    /// Where all that `phase` still waits for is that deleted objects are gone, and nothing needs
    /// them gone, the wait ends: what is wanted was reached, and they are on their way. Returns
    /// whether that was so.
    fn give_up_gone(&mut self, phase: &PhaseId) -> bool {
        let steps = &self.program.steps;
        let optional = |wait: &Wait| {
            wait.step.is_some_and(|step| {
                matches!(
                    steps[step].work,
                    Work::AwaitGone {
                        required: false,
                        ..
                    }
                )
            })
        };
        let of_phase: Vec<&mut Wait> = self
            .waiter
            .waits
            .iter_mut()
            .filter(|wait| wait.phase == *phase)
            .collect();
        if of_phase.is_empty() || !of_phase.iter().all(|wait| optional(wait)) {
            return false;
        }
        for wait in of_phase {
            self.faults.extend(
                wait.give_up()
                    .into_iter()
                    .map(|it| (it.id, it.until.fault(&it.verdict))),
            );
        }
        true
    }

    /// What is waited for to become ready beside `failed`, also in phases that run side by side.
    pub(super) fn open_beside(&self, failed: &[(ObjectId, Verdict)]) -> Vec<(ObjectId, Verdict)> {
        let waits = self.waiter.waits.iter();
        let mut open: Vec<(ObjectId, Verdict)> = waits
            .filter(|wait| wait.until == WaitFor::Ready)
            .flat_map(Wait::not_met)
            .filter(|(id, _)| !failed.iter().any(|(failed, _)| failed == id))
            .collect();
        open.sort_by(|(left, _), (right, _)| left.cmp(right));
        open.dedup_by(|(left, _), (right, _)| left == right);
        open
    }

    fn not_met(&self, phase: &PhaseId) -> Vec<(ObjectId, Verdict)> {
        self.waiter
            .waits
            .iter()
            .filter(|wait| wait.phase == *phase)
            .flat_map(Wait::not_met)
            .collect()
    }
}

/// The uids of what `program` waits for to be gone: of what it deletes, and of what is going already.
fn going(program: &Program, cache: &ResourceCache) -> HashMap<ObjectId, String> {
    let awaited = program.steps.iter().filter_map(|step| match &step.work {
        Work::AwaitGone { objects, .. } => Some(objects),
        _ => None,
    });
    let uid = |id: &ObjectId| {
        let there = cache.object(id);
        let uid = there.and_then(|there| ManifestView(there).uid());
        program.deleted_uid(id).or(uid).map(str::to_owned)
    };
    let awaited = awaited.flatten();
    awaited
        .filter_map(|id| Some((id.clone(), uid(id)?)))
        .collect()
}

fn outcome_of(id: &PhaseId, stop: &StopReason) -> PhaseOutcome {
    match stop {
        StopReason::TimedOut { phase, .. } if phase == id => PhaseOutcome::TimedOut,
        stop if stop.phase() == Some(id) => PhaseOutcome::Failed,
        _ => PhaseOutcome::Interrupted,
    }
}
