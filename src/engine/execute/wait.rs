//! Waiting for objects: judges them when something has happened; requests nothing.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;

use crate::engine::{
    events::Emitter,
    execute::logs::FollowedLogs,
    execute::policy::OnFault,
    watch::cache::{Changes, ResourceCache},
};
use crate::{
    cluster::{Cluster, Resource},
    event::EventKind,
    object::{HasKind as _, ManifestView, ObjectId, field::is_present, runs_to_completion},
    plan::PhaseId,
    readiness::{Budget, State, Verdict},
    release::{StepId, Work},
};

/// How long an object may be on its way before its pods and events are watched as well.
const PATIENCE: Duration = Duration::from_secs(3);

/// How often verdicts that depend on the time are looked at again; nothing is requested for it.
pub(crate) const TICK: Duration = Duration::from_millis(500);

/// What a step waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum WaitFor {
    /// Objects are ready.
    Ready,
    /// Objects are gone.
    Gone,
}

/// Objects that a step waits for.
pub(crate) struct Wait {
    /// The step that it ends; `None` where it is waited for once more.
    pub(crate) step: Option<StepId>,
    pub(crate) phase: PhaseId,
    pub(crate) until: WaitFor,
    bounds: WaitBounds,
    pub(crate) objects: Vec<WaitTarget>,
    since: Instant,
    asked_children: bool,
}

/// How a wait is bounded.
#[derive(Clone, Copy)]
pub(crate) struct WaitBounds {
    /// Time limit; where the wait goes on after a fault, what is not as it should be then is given up.
    pub(crate) limit: Option<Duration>,
    /// How much failing is tolerated.
    pub(crate) budget: Budget,
    /// What is done where something fails.
    pub(crate) on_fault: OnFault,
}

impl Default for WaitBounds {
    fn default() -> Self {
        Self {
            limit: None,
            budget: Budget::default(),
            on_fault: OnFault::Stop,
        }
    }
}

/// One object that is waited for.
pub(crate) struct WaitTarget {
    pub(crate) id: ObjectId,
    /// The kind that it is watched as.
    resource: Option<Resource>,
    /// Objects of the same wait without which it may fail while it starts.
    soft_dependencies: Vec<ObjectId>,
    /// Its budget begins anew once these are ready.
    patience: Patience,
    /// Whether it has failed by the budget of its phase, whatever it leans on.
    has_failed_alone: bool,
    /// The verdict that was told last.
    pub(crate) told: Option<Verdict>,
    /// Since when it is not there.
    gone_since: Option<Instant>,
    /// It is not waited for any longer, although it is not as it should be.
    pub(crate) given_up: bool,
}

/// How much of what an object fails in is put down to what it leans on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// Nothing: the budget of its phase counts.
    Usual,
    /// Everything, because what it leans on is not ready.
    Boundless,
    /// What was before this moment, at which its containers had been restarted so often: then what
    /// it leans on was ready.
    Since(Timestamp, u32),
}

/// An object for which it is useless to wait.
pub(crate) struct FailedWait {
    pub(crate) phase: PhaseId,
    pub(crate) id: ObjectId,
    pub(crate) until: WaitFor,
    pub(crate) verdict: Verdict,
}

/// Waits for objects: judges them when something has happened, and tells of every new verdict.
/// Nothing is requested for it.
pub(crate) struct Waiter {
    pub(crate) cache: ResourceCache,
    pub(crate) waits: Vec<Wait>,
    pub(crate) departures: Departures,
    emitter: Emitter,
    /// The time from when an event was read to the verdict that came of it, for each new verdict.
    delays: Vec<Duration>,
    /// What Pods that run to completion write, where that is told.
    logs: Option<FollowedLogs>,
    /// Jobs and Pods that were seen to have done their work and that may be removed then.
    completed: Vec<ObjectId>,
}

/// What is to go.
#[derive(Default)]
pub(crate) struct Departures {
    /// What stays all the same: it is not waited for.
    pub(crate) left: HashSet<ObjectId>,
    /// Hooks that have succeeded and go for that: whoever waits for one finds it as it should be.
    pub(crate) discarded: HashSet<ObjectId>,
    /// The uid of each: what has its name afterwards is another object.
    uids: HashMap<ObjectId, String>,
}

impl WaitFor {
    /// What `work` waits for, with the objects; `None` where it writes.
    pub(crate) fn of(work: &Work) -> Option<(Self, &[ObjectId])> {
        match work {
            Work::AwaitReady { objects, .. } => Some((Self::Ready, objects)),
            Work::AwaitGone { objects, .. } => Some((Self::Gone, objects)),
            _ => None,
        }
    }

    /// Whether an object of which `verdict` is the last word is as it should be.
    pub(crate) fn is_met_by(self, verdict: &Verdict) -> bool {
        match self {
            Self::Ready => verdict.passes(),
            Self::Gone => verdict.is_absent(),
        }
    }

    /// What is to be said of an object that did not become as it should be.
    pub(crate) fn fault(self, verdict: &Verdict) -> String {
        match self {
            Self::Ready => format!("is not ready: {}", verdict.message),
            Self::Gone => format!("is still there: {}", verdict.message),
        }
    }
}

impl Wait {
    /// A wait that begins now.
    pub(crate) fn new(
        step: Option<StepId>,
        phase: &PhaseId,
        until: WaitFor,
        objects: Vec<WaitTarget>,
    ) -> Self {
        Self {
            step,
            phase: phase.clone(),
            until,
            bounds: WaitBounds::default(),
            objects,
            since: Instant::now(),
            asked_children: false,
        }
    }

    /// The same wait, bounded as `bounds` say.
    pub(crate) fn within(self, bounds: WaitBounds) -> Self {
        Self { bounds, ..self }
    }

    /// The same wait, whose step has ended already. Each budget begins anew at `now`, with as many
    /// restarts as `restarts` says that there were.
    pub(crate) fn once_more(mut self, now: Timestamp, restarts: impl Fn(&ObjectId) -> u32) -> Self {
        for waited in &mut self.objects {
            waited.patience = Patience::Since(now, restarts(&waited.id));
        }
        Self { step: None, ..self }
    }

    /// Its time limit, where it has lasted that long.
    pub(crate) fn out_of_time(&self) -> Option<Duration> {
        self.bounds.limit.filter(|limit| self.has_lasted(*limit))
    }

    /// Whether nothing is waited for any longer.
    pub(crate) fn is_over(&self) -> bool {
        self.objects
            .iter()
            .all(|waited| waited.given_up || waited.is_met(self.until))
    }

    /// Every object with the last word on it.
    pub(crate) fn verdicts(&self) -> impl Iterator<Item = (ObjectId, Verdict)> {
        self.objects
            .iter()
            .filter_map(|waited| Some((waited.id.clone(), waited.told.clone()?)))
    }

    /// The objects that are not as they should be.
    pub(crate) fn not_met(&self) -> impl Iterator<Item = (ObjectId, Verdict)> {
        self.verdicts()
            .filter(|(_, verdict)| !self.until.is_met_by(verdict))
    }

    /// Gives up everything that is not as it should be, and returns it.
    pub(crate) fn give_up(&mut self) -> Vec<FailedWait> {
        let (phase, until) = (self.phase.clone(), self.until);
        let open = self
            .objects
            .iter_mut()
            .filter(|waited| !waited.given_up && waited.told.is_some() && !waited.is_met(until));
        open.filter_map(|waited| {
            waited.given_up = true;
            Some(FailedWait {
                phase: phase.clone(),
                id: waited.id.clone(),
                until,
                verdict: waited.told.clone()?,
            })
        })
        .collect()
    }

    /// Whether something that `waited` leans on is neither ready nor has failed itself. What fails
    /// only because of others counts as not ready; two that lean on each other and both fail excuse
    /// nobody.
    fn excuses(&self, waited: &WaitTarget) -> bool {
        let leaned_on = self
            .objects
            .iter()
            .filter(|other| waited.soft_dependencies.contains(&other.id));
        let mut open = leaned_on.filter(|other| !other.given_up && !other.is_met(self.until));
        open.any(|other| !other.has_failed_alone)
    }

    /// The budget of an object: what it failed in while it waited for others does not count.
    fn budget_of(&self, index: usize) -> Budget {
        match self.objects[index].patience {
            Patience::Since(moment, restarts) => self.bounds.budget.anew(restarts, moment),
            Patience::Usual | Patience::Boundless => self.bounds.budget,
        }
    }

    /// The objects that have not been there for so long.
    pub(crate) fn gone_for(&self, time: Duration) -> impl Iterator<Item = &ObjectId> {
        let is_gone = move |waited: &&WaitTarget| {
            waited
                .gone_since
                .is_some_and(|since| since.elapsed() >= time)
        };
        self.objects.iter().filter(is_gone).map(|waited| &waited.id)
    }

    /// Whether it began so long ago.
    fn has_lasted(&self, time: Duration) -> bool {
        self.since.elapsed() >= time
    }
}

impl WaitTarget {
    /// An object of which nothing was told yet. Without those that it leans on it may fail while it
    /// starts.
    pub(crate) fn new(
        id: ObjectId,
        resource: Option<Resource>,
        soft_dependencies: &[ObjectId],
    ) -> Self {
        Self {
            id,
            resource,
            soft_dependencies: soft_dependencies.to_vec(),
            patience: Patience::Usual,
            has_failed_alone: false,
            told: None,
            gone_since: None,
            given_up: false,
        }
    }

    fn is_met(&self, until: WaitFor) -> bool {
        self.told.as_ref().is_some_and(|told| until.is_met_by(told))
    }
}

impl Waiter {
    pub(crate) fn new(cache: ResourceCache, emitter: Emitter) -> Self {
        Self {
            cache,
            waits: Vec::new(),
            departures: Departures::default(),
            emitter,
            delays: Vec::new(),
            logs: None,
            completed: Vec::new(),
        }
    }

    /// The same waiter, which waits until `objects` of these uids are gone. Of others it is the uid
    /// that they have when the wait for them begins.
    pub(crate) fn outlasting(mut self, objects: HashMap<ObjectId, String>) -> Self {
        self.departures.uids = objects;
        self
    }

    /// The same waiter, which tells what Pods that run to completion write.
    pub(crate) fn telling_logs(self, cluster: Cluster) -> Self {
        let logs = FollowedLogs::new(cluster, self.emitter.clone());
        Self {
            logs: Some(logs),
            ..self
        }
    }

    /// Waits until what Pods have written is told, for a moment.
    pub(crate) async fn end_logs(&mut self) {
        if let Some(logs) = &mut self.logs {
            logs.end().await;
        }
    }

    /// Follows what `waited` writes, where it is a Pod that runs to completion and has not done so
    /// before.
    fn follow_logs(&mut self, waited: &WaitTarget, phase: &PhaseId, met: bool) {
        let is_new = !met || waited.told.is_some();
        let pod = self.cache.object(&waited.id).cloned();
        let pod = pod.filter(|pod| is_new && runs_to_completion(pod));
        if let (Some(logs), Some(pod)) = (&mut self.logs, pod) {
            logs.follow(phase, &waited.id, &pod);
        }
    }

    /// The time from when an event was read to the verdict that came of it, for each new verdict,
    /// in no order.
    pub(crate) fn delays(&self) -> &[Duration] {
        &self.delays
    }

    /// Begins to wait, and looks at what is known already.
    pub(crate) async fn begin(&mut self, mut wait: Wait) -> Vec<FailedWait> {
        if wait.until == WaitFor::Gone {
            self.note_going(&wait);
        }
        let hopeless = self.look_at(&mut wait, None).await;
        self.waits.push(wait);
        hopeless
    }

    fn note_going(&mut self, wait: &Wait) {
        for WaitTarget { id, .. } in &wait.objects {
            let Some(there) = self.cache.object(id).map(|there| ManifestView(there)) else {
                continue;
            };
            let Some(uid) = there.uid() else { continue };
            let known = self.departures.uids.entry(id.clone());
            let known = known.or_insert_with(|| uid.to_owned());
            // A hook goes twice: what was there of it, and what the run has made of it.
            if there.is_terminating() && self.departures.discarded.contains(id) {
                uid.clone_into(known);
            }
        }
    }

    /// Whether what is there under the name of `id` is another object than the one that is to go:
    /// the control plane, operators and others make again what they miss.
    fn is_made_again(&self, id: &ObjectId) -> bool {
        let there = self.cache.object(id);
        let uid = there.and_then(|there| ManifestView(there).uid());
        let going = self.departures.uids.get(id).map(String::as_str);
        going.is_some() && uid.is_some() && uid != going
    }

    /// Looks at everything that `news` concerns, or at all where none are given, and returns what
    /// it is useless to wait for.
    pub(crate) async fn examine(&mut self, news: Option<&Changes>) -> Vec<FailedWait> {
        let mut hopeless = Vec::new();
        let mut waits = std::mem::take(&mut self.waits);
        for wait in &mut waits {
            hopeless.extend(self.look_at(wait, news).await);
        }
        self.waits = waits;
        hopeless
    }

    /// Takes out the Jobs and Pods that were seen, since it was asked last, to have done their work,
    /// and that may be removed then.
    pub(crate) fn take_completed(&mut self) -> Vec<ObjectId> {
        std::mem::take(&mut self.completed)
    }

    /// Takes out the waits that are over.
    pub(crate) fn take_over(&mut self) -> Vec<Wait> {
        self.waits.extract_if(.., |wait| wait.is_over()).collect()
    }

    async fn look_at(&mut self, wait: &mut Wait, news: Option<&Changes>) -> Vec<FailedWait> {
        let now = Timestamp::now();
        let slow = !wait.asked_children && wait.has_lasted(PATIENCE);
        let goes_on = wait.bounds.on_fault == OnFault::GoOn;
        let up = goes_on && wait.out_of_time().is_some();
        let mut hopeless = Vec::new();
        let mut ask_children = Vec::new();
        for index in 0..wait.objects.len() {
            if !self.is_to_be_judged(wait, index, news) {
                continue;
            }
            let verdict = self.verdict(wait, index, now);
            let met = wait.until.is_met_by(&verdict);
            if met && !wait.objects[index].is_met(wait.until) {
                self.note_completed(&wait.objects[index]);
            }
            let (phase, until) = (wait.phase.clone(), wait.until);
            let waited = &mut wait.objects[index];
            let gone_since = || waited.gone_since.unwrap_or_else(Instant::now);
            waited.gone_since = verdict.is_absent().then(gone_since);
            if !met {
                self.follow(waited);
                if until == WaitFor::Ready && (slow || waited.id.is_claim()) {
                    ask_children.push(waited.id.clone());
                }
            }
            if until == WaitFor::Ready {
                self.follow_logs(waited, &phase, met);
            }
            self.tell(waited, &phase, &verdict, news);
            let failed = until == WaitFor::Ready && verdict.state == State::Failed;
            if failed || (up && !met) {
                waited.given_up = goes_on;
                hopeless.push(FailedWait {
                    phase,
                    id: waited.id.clone(),
                    until,
                    verdict,
                });
            }
        }
        // News concern some objects only; what is slow is asked about when all are looked at.
        if news.is_none() {
            wait.asked_children |= slow;
        }
        for id in ask_children {
            self.cache.follow_children(&id).await;
        }
        hopeless
    }

    /// Whether the verdict about an object may be another one than before. What was to go and stays
    /// is given up.
    fn is_to_be_judged(&self, wait: &mut Wait, index: usize, news: Option<&Changes>) -> bool {
        let until = wait.until;
        let waited = &mut wait.objects[index];
        waited.given_up |= until == WaitFor::Gone && self.departures.left.contains(&waited.id);
        let object = self.cache.object(&waited.id).map(AsRef::as_ref);
        let unheard_of = || news.is_some_and(|news| !news.concerns(&waited.id, object));
        let settled = waited.is_met(until) && !self.cache.is_followed(&waited.id);
        !(waited.given_up || settled || (waited.told.is_some() && unheard_of()))
    }

    /// The verdict about an object, within the budget that it has now, and the time that a rule
    /// gives it.
    fn verdict(&self, wait: &mut Wait, index: usize, now: Timestamp) -> Verdict {
        let id = wait.objects[index].id.clone();
        if wait.until == WaitFor::Ready && self.is_done(&id) {
            return Verdict::ready("it is complete");
        }
        if wait.until == WaitFor::Gone && self.is_made_again(&id) {
            return Verdict::made_again();
        }
        let verdict = self.cache.judge_within(&id, now, wait.budget_of(index));
        wait.objects[index].has_failed_alone = verdict.state == State::Failed;
        let verdict =
            if wait.until == WaitFor::Ready && !wait.objects[index].soft_dependencies.is_empty() {
                self.with_patience(wait, index, verdict, now)
            } else {
                verdict
            };
        let late = |limit: &Duration| {
            wait.until == WaitFor::Ready && !verdict.passes() && wait.has_lasted(*limit)
        };
        match self.cache.time_for(&id).filter(late) {
            Some(limit) if verdict.state != State::Failed => Verdict::new(
                State::Failed,
                "NotInTime",
                format!(
                    "not ready within {} s: {}",
                    limit.as_secs(),
                    verdict.message
                ),
            ),
            _ => verdict,
        }
    }

    /// Whether `id` has done its work, so that it may be gone.
    pub(crate) fn is_done(&self, id: &ObjectId) -> bool {
        self.cache.completed(id).is_some() || self.departures.discarded.contains(id)
    }

    /// `verdict`, or a milder one as long as what the object leans on is not ready; once that is
    /// ready, its budget begins anew.
    fn with_patience(
        &self,
        wait: &mut Wait,
        index: usize,
        verdict: Verdict,
        now: Timestamp,
    ) -> Verdict {
        let id = wait.objects[index].id.clone();
        let excused = wait.excuses(&wait.objects[index]);
        let patience = match (excused, wait.objects[index].patience) {
            (true, _) if verdict.state == State::Failed => Patience::Boundless,
            (false, Patience::Boundless) => Patience::Since(now, self.cache.restarts(&id, now)),
            (_, patience) => patience,
        };
        let changed = std::mem::replace(&mut wait.objects[index].patience, patience) != patience;
        if verdict.state != State::Failed || !(changed || excused) {
            return verdict;
        }
        let budget = if excused {
            Budget::BOUNDLESS
        } else {
            wait.budget_of(index)
        };
        self.cache.judge_within(&id, now, budget)
    }

    /// Notes a Job that has done its work and removes itself, or a Pod, which the
    /// [garbage collector](https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-garbage-collection)
    /// may remove: where it is gone, it must not be run again.
    fn note_completed(&mut self, waited: &WaitTarget) {
        let completed = self.cache.completed(&waited.id);
        let may_go = |done: &Value| {
            runs_to_completion(done) || is_present(done, "/spec/ttlSecondsAfterFinished")
        };
        if completed.is_some_and(|done| may_go(done)) {
            self.completed.push(waited.id.clone());
        }
    }

    fn follow(&mut self, waited: &WaitTarget) {
        if let Some(resource) = &waited.resource {
            self.cache.follow(&waited.id, resource);
        }
    }

    fn tell(
        &mut self,
        waited: &mut WaitTarget,
        phase: &PhaseId,
        verdict: &Verdict,
        news: Option<&Changes>,
    ) {
        if waited.told.as_ref() == Some(verdict) {
            return;
        }
        self.delays.extend(
            news.and_then(|news| news.since)
                .map(|since| since.elapsed()),
        );
        let from = waited.told.as_ref().map(|told| told.state);
        let (phase, object, to) = (phase.clone(), waited.id.clone(), verdict.clone());
        self.emitter.emit(EventKind::VerdictChanged {
            phase,
            object,
            from,
            to,
        });
        waited.told = Some(verdict.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> ObjectId {
        ObjectId {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: None,
            name: name.to_owned(),
        }
    }

    fn waited(
        name: &str,
        soft_dependencies: &[&str],
        state: State,
        has_failed_alone: bool,
    ) -> WaitTarget {
        let soft_dependencies: Vec<ObjectId> =
            soft_dependencies.iter().map(|name| id(name)).collect();
        let told = Some(Verdict::new(state, "", ""));
        WaitTarget {
            has_failed_alone,
            told,
            ..WaitTarget::new(id(name), None, &soft_dependencies)
        }
    }

    fn wait(objects: Vec<WaitTarget>) -> Wait {
        Wait::new(Some(0), &PhaseId::declared("apps"), WaitFor::Ready, objects)
    }

    #[test]
    fn what_is_leaned_on_excuses_as_long_as_it_is_on_its_way() {
        for (state, excused) in [
            (State::InProgress, true),
            (State::Missing, true),
            (State::Ready, false),
        ] {
            let wait = wait(vec![
                waited("web", &["database"], State::Failed, true),
                waited("database", &[], state, false),
            ]);
            assert_eq!(wait.excuses(&wait.objects[0]), excused, "{state}");
        }
    }

    #[test]
    fn two_that_lean_on_each_other_and_both_fail_excuse_nobody() {
        let wait = wait(vec![
            waited("web", &["worker"], State::InProgress, true),
            waited("worker", &["web"], State::InProgress, true),
            waited("other", &[], State::InProgress, false),
        ]);
        assert!(!wait.excuses(&wait.objects[0]) && !wait.excuses(&wait.objects[1]));
    }

    #[test]
    fn a_budget_begins_anew_when_the_excuse_ends() {
        let mut wait = wait(vec![waited("web", &["database"], State::InProgress, false)]);
        let moment = Timestamp::UNIX_EPOCH;
        wait.objects[0].patience = Patience::Since(moment, 5);
        assert_eq!(wait.budget_of(0), Budget::default().anew(5, moment));
    }
}
