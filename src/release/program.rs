use serde::{Deserialize, Serialize};

use crate::object::ObjectId;

/// Number of a step in its program, from 0.
pub(crate) type StepId = usize;

/// The ordered steps that a planner has made; stored before the first one runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Program {
    /// The steps; a step's id is its index.
    pub(crate) steps: Vec<Step>,
}

/// One step of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// The phase that it belongs to.
    pub(crate) phase: String,
    /// Steps that must be done before it starts.
    pub(crate) after: Vec<StepId>,
    /// Of the steps that could start, the one with the highest priority does.
    pub(crate) priority: u32,
    /// What it does.
    pub(crate) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
pub(crate) enum Work {
    /// Applies an object as wanted; `force`: also fields that somebody changed at a terminal.
    Apply { object: ObjectId, force: bool },
    /// Waits until objects are ready. `ends_phase`: with it the phase is done.
    AwaitReady { objects: Vec<ObjectId>, ends_phase: bool },
}

impl Program {
    /// Adds a step and returns its id.
    pub(crate) fn push(&mut self, phase: &str, after: Vec<StepId>, priority: u32, work: Work) -> StepId {
        self.steps.push(Step { phase: phase.to_owned(), after, priority, work });
        self.steps.len() - 1
    }

    /// How many objects the program writes.
    pub(crate) fn writes(&self) -> usize {
        self.steps.iter().filter(|step| matches!(step.work, Work::Apply { .. })).count()
    }
}
