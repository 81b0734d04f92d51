//! The phases of an execution: their time limits, and what has become of them.

use std::time::Duration;

use tokio::time::Instant;

use crate::engine::{events::Emitter, phase_plan::PhasePlan};
use crate::{
    event::{EventKind, PhaseOutcome, PhaseTiming, WriteResult},
    plan::PhaseId,
    readiness::Budget,
};

/// The phases of an execution and what has become of them.
pub(crate) struct PhaseRuns {
    phases: Vec<PhaseRun>,
    emitter: Emitter,
}

struct PhaseRun {
    timing: PhaseTiming,
    timeout: Duration,
    budget: Budget,
    is_decisive: bool,
    started: Option<Instant>,
}

impl PhaseRuns {
    pub(crate) fn new(plans: Vec<PhasePlan>, emitter: Emitter) -> Self {
        let phases = plans.into_iter().map(|plan| {
            let PhasePlan {
                id,
                timeout,
                budget,
                objects,
                unchanged,
                is_decisive,
            } = plan;
            let timing = PhaseTiming {
                name: id,
                outcome: None,
                objects,
                created: 0,
                changed: 0,
                unchanged,
                deleted: 0,
                took: Duration::ZERO,
            };
            PhaseRun {
                timing,
                timeout,
                budget,
                is_decisive,
                started: None,
            }
        });
        Self {
            phases: phases.collect(),
            emitter,
        }
    }

    /// The phases with what has become of them.
    pub(crate) fn timings(&self) -> Vec<PhaseTiming> {
        self.phases
            .iter()
            .map(|phase| phase.timing.clone())
            .collect()
    }

    /// Time limit of `id`; none where it is no phase of the execution.
    pub(crate) fn timeout(&self, id: &PhaseId) -> Option<Duration> {
        self.phases
            .iter()
            .find(|phase| phase.timing.name == *id)
            .map(|phase| phase.timeout)
    }

    /// How much failing is tolerated in `id`; the usual where it is no phase of the execution.
    pub(crate) fn budget(&self, id: &PhaseId) -> Budget {
        self.phases
            .iter()
            .find(|phase| phase.timing.name == *id)
            .map_or_else(Budget::default, |phase| phase.budget)
    }

    /// Whether what fails in `id` ends the run in any case.
    pub(crate) fn is_decisive(&self, id: &PhaseId) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| phase.timing.name == *id && phase.is_decisive)
    }

    /// Whether what fails in any phase ends the run in any case.
    pub(crate) fn has_decisive(&self) -> bool {
        self.phases.iter().any(|phase| phase.is_decisive)
    }

    /// Whether `id` has started.
    pub(crate) fn has_started(&self, id: &PhaseId) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| phase.timing.name == *id && phase.started.is_some())
    }

    /// Says that `id` starts, where it has not.
    pub(crate) fn start(&mut self, id: &PhaseId) {
        let Some(phase) = self
            .phases
            .iter_mut()
            .find(|phase| phase.timing.name == *id)
        else {
            return;
        };
        if phase.started.is_none() {
            phase.started = Some(Instant::now());
            self.emitter.emit(EventKind::PhaseStarted {
                phase: id.clone(),
                objects: phase.timing.objects,
                timeout: phase.timeout,
            });
        }
    }

    /// Counts one write in `id`.
    pub(crate) fn count(&mut self, id: &PhaseId, result: WriteResult) {
        let Some(phase) = self
            .phases
            .iter_mut()
            .find(|phase| phase.timing.name == *id)
        else {
            return;
        };
        match result {
            WriteResult::Created => phase.timing.created += 1,
            WriteResult::Changed | WriteResult::Restored => phase.timing.changed += 1,
            WriteResult::Unchanged | WriteResult::Kept => phase.timing.unchanged += 1,
            WriteResult::Deleted | WriteResult::GivenUp => phase.timing.deleted += 1,
        }
    }

    /// Says that `id` ended, where it runs.
    pub(crate) fn end(&mut self, id: &PhaseId, outcome: PhaseOutcome) {
        let Some(phase) = self
            .phases
            .iter_mut()
            .find(|phase| phase.timing.name == *id)
        else {
            return;
        };
        let Some(started) = phase.started.filter(|_| phase.timing.outcome.is_none()) else {
            return;
        };
        phase.timing.took = started.elapsed();
        phase.timing.outcome = Some(outcome);
        self.emitter.emit(EventKind::PhaseFinished {
            phase: id.clone(),
            outcome,
            took: phase.timing.took,
        });
    }

    /// Takes back that `id` has ended, since something in it did not last.
    pub(crate) fn reopen(&mut self, id: &PhaseId) {
        let mut phases = self.phases.iter_mut();
        if let Some(phase) = phases.find(|phase| phase.timing.name == *id) {
            phase.timing.outcome = None;
        }
    }

    /// Says of every phase that runs how it ended.
    pub(crate) fn end_all(&mut self, outcome_of: impl Fn(&PhaseId) -> PhaseOutcome) {
        let ids: Vec<PhaseId> = self
            .phases
            .iter()
            .map(|phase| phase.timing.name.clone())
            .collect();
        for id in ids {
            self.end(&id, outcome_of(&id));
        }
    }

    /// The phases that run, each with its time limit and whether that is up.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&PhaseId, Duration, bool)> {
        let running = self
            .phases
            .iter()
            .filter(|phase| phase.timing.outcome.is_none());
        running.filter_map(|phase| {
            Some((
                &phase.timing.name,
                phase.timeout,
                phase.started?.elapsed() >= phase.timeout,
            ))
        })
    }
}
