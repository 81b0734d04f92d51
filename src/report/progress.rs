//! What the events so far say about a run: the state that all views of it are made of.

use std::{cmp::Reverse, collections::HashSet, time::Duration};

use indexmap::IndexMap;
use jiff::Timestamp;

use super::units::tally;
use crate::{
    event::{Event, EventKind, PhaseOutcome, Purpose, WriteResult},
    object::ObjectId,
    plan::{PhaseId, ReleaseId},
    readiness::{State, Verdict},
};

/// What the events so far say about a run.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// The run as it was announced.
    pub(super) run: Option<Run>,
    /// Whether what was done is being taken back.
    pub(super) goes_back: bool,
    /// The phases that have started, in the order of their start.
    pub(super) phases: IndexMap<PhaseId, PhaseProgress>,
}

/// A run as it was announced.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// The release.
    pub(super) release: ReleaseId,
    /// The revision's number; 0 where nothing was ever deployed.
    pub(super) revision: u64,
    /// Context of the kubeconfig and address of the API server.
    pub(super) place: (String, String),
    /// Number of objects in its phases.
    pub(super) objects: usize,
    /// How many objects it writes.
    pub(super) writes: usize,
    /// What it is for.
    pub(super) purpose: Purpose,
}

impl Run {
    /// Whether all that it does is to remove objects.
    pub(super) fn removes(&self) -> bool {
        matches!(self.purpose, Purpose::TakeDown | Purpose::Prune)
    }
}

/// How far a phase has come.
#[derive(Debug)]
pub(super) struct PhaseProgress {
    /// Number of objects in it.
    pub(super) objects: usize,
    /// When it started.
    pub(super) started: Timestamp,
    /// How long it may take.
    pub(super) timeout: Duration,
    /// What was written in it.
    pub(super) writes: Writes,
    /// How it ended; `None` while it runs.
    pub(super) outcome: Option<PhaseOutcome>,
    /// Whether something in it was ever found not to be ready.
    pub(super) waited: bool,
    ready: HashSet<ObjectId>,
    waiting: IndexMap<ObjectId, Waiting>,
}

/// What was written in a phase.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// How many objects were created.
    pub(super) created: usize,
    /// How many objects were changed.
    pub(super) changed: usize,
    /// How many objects were put back.
    restored: usize,
    /// What was deleted, or is being deleted.
    deleted: HashSet<ObjectId>,
    /// How many objects were given up.
    given_up: usize,
}

/// An object that is not ready.
#[derive(Debug)]
pub(super) struct Waiting {
    /// Since when it is waited for.
    pub(super) since: Timestamp,
    /// The last verdict; `None` where it was only written so far.
    pub(super) verdict: Option<Verdict>,
}

impl Run {
    /// The run that `event` tells of; `None` where it tells of something else.
    fn started(event: &EventKind) -> Option<Self> {
        let EventKind::RunStarted {
            release,
            revision,
            context,
            server,
            phases,
            writes,
            purpose,
            ..
        } = event
        else {
            return None;
        };
        Some(Self {
            release: release.clone(),
            revision: *revision,
            place: (context.clone(), server.clone()),
            objects: phases.iter().map(|phase| phase.objects).sum(),
            writes: *writes,
            purpose: *purpose,
        })
    }
}

impl Progress {
    /// Takes in one event.
    pub(super) fn observe(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { .. } => self.run = Run::started(&event.kind),
            EventKind::RollbackStarted { .. } => {
                self.goes_back = true;
                self.phases.clear();
            }
            EventKind::PhaseStarted {
                phase,
                objects,
                timeout,
            } => {
                self.phases.insert(
                    phase.clone(),
                    PhaseProgress::new(*objects, event.at, *timeout),
                );
            }
            EventKind::ObjectWritten {
                phase,
                object,
                result,
                ..
            } => {
                if let Some(phase) = self.phases.get_mut(phase) {
                    phase.written(object, *result, event.at);
                }
            }
            EventKind::VerdictChanged {
                phase, object, to, ..
            } => {
                if let Some(phase) = self.phases.get_mut(phase) {
                    phase.judged(object, to, event.at);
                }
            }
            EventKind::PhaseFinished { phase, outcome, .. } => {
                if let Some(phase) = self.phases.get_mut(phase) {
                    phase.outcome = Some(*outcome);
                }
            }
            _ => {}
        }
    }

    /// Whether the run was announced as one that writes nothing.
    pub(super) fn is_unchanged(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.writes == 0)
    }

    /// Whether something had to be waited for.
    pub(super) fn waited(&self) -> bool {
        self.phases.values().any(|phase| phase.waited)
    }

    /// The phases that run at this moment.
    pub(super) fn running(&self) -> impl Iterator<Item = (&PhaseId, &PhaseProgress)> {
        self.phases
            .iter()
            .filter(|(_, phase)| phase.outcome.is_none())
    }
}

impl PhaseProgress {
    fn new(objects: usize, started: Timestamp, timeout: Duration) -> Self {
        Self {
            objects,
            started,
            timeout,
            writes: Writes::default(),
            outcome: None,
            waited: false,
            ready: HashSet::new(),
            waiting: IndexMap::new(),
        }
    }

    fn written(&mut self, object: &ObjectId, result: WriteResult, at: Timestamp) {
        self.writes.add(object, result);
        if !self.ready.contains(object) && !self.waiting.contains_key(object) {
            self.waiting.insert(
                object.clone(),
                Waiting {
                    since: at,
                    verdict: None,
                },
            );
        }
    }

    fn judged(&mut self, object: &ObjectId, verdict: &Verdict, at: Timestamp) {
        let is_gone = verdict.is_absent() && self.writes.deleted.contains(object);
        if verdict.passes() || is_gone {
            self.waiting.swap_remove(object);
            self.ready.insert(object.clone());
            return;
        }
        self.waited = true;
        self.ready.remove(object);
        let waiting = self.waiting.entry(object.clone()).or_insert(Waiting {
            since: at,
            verdict: None,
        });
        waiting.verdict = Some(verdict.clone());
    }

    /// `3 created, 1 changed`: what was written; empty where nothing was.
    pub(super) fn tally(&self) -> String {
        self.writes.tally()
    }

    /// How many objects are ready.
    pub(super) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The objects that are not ready: failed ones first, then those that are waited for longest.
    pub(super) fn slowest(&self) -> Vec<(&ObjectId, &Waiting)> {
        let mut slowest: Vec<_> = self.waiting.iter().collect();
        slowest.sort_by_key(|(object, waiting)| {
            (
                Reverse(waiting.state() == Some(State::Failed)),
                waiting.since,
                *object,
            )
        });
        slowest
    }
}

impl Writes {
    fn add(&mut self, object: &ObjectId, result: WriteResult) {
        match result {
            WriteResult::Created => self.created += 1,
            WriteResult::Changed => self.changed += 1,
            WriteResult::Restored => self.restored += 1,
            WriteResult::GivenUp => self.given_up += 1,
            WriteResult::Deleted => {
                self.deleted.insert(object.clone());
            }
            WriteResult::Unchanged | WriteResult::Kept => {}
        }
    }

    fn tally(&self) -> String {
        let written = [
            (self.created, "created"),
            (self.changed, "changed"),
            (self.restored, "restored"),
            (self.deleted.len(), "deleted"),
            (self.given_up, "released"),
        ];
        tally(&written)
    }
}

impl Waiting {
    /// The last verdict's state.
    pub(super) fn state(&self) -> Option<State> {
        self.verdict.as_ref().map(|verdict| verdict.state)
    }
}

/// What a verdict says to people: its message, with the reason before it where it failed, and the
/// reason where there is no message.
pub(super) fn explanation(verdict: &Verdict) -> String {
    let Verdict {
        state,
        reason,
        message,
    } = verdict;
    if message.is_empty() {
        reason.to_string()
    } else if *state == State::Failed && !reason.is_empty() && !message.contains(reason.as_ref()) {
        format!("{reason}: {message}")
    } else {
        message.clone()
    }
}
