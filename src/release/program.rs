//! The steps of a revision and what each comes after, stored before the first one runs.

use serde::{Deserialize, Serialize};

use crate::{
    object::{HasKind as _, ObjectId},
    ownership::Path,
    plan::PhaseId,
};

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
    pub(crate) phase: PhaseId,
    /// Steps that must be done before it starts.
    pub(crate) after: Vec<StepId>,
    /// Of the steps that could start, the one with the highest priority does.
    pub(crate) priority: u32,
    /// What it does.
    pub(crate) work: Work,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub(crate) enum Work {
    /// Applies an object as wanted.
    Apply {
        object: ObjectId,
        /// Fields that somebody changed at a terminal are taken over.
        force: bool,
        /// Fields that nobody wants and that contradict what is wanted: they are taken away.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        cleared: Vec<Path>,
    },
    /// Makes a claim larger, up to what its StatefulSet asks for now.
    Expand { object: ObjectId, size: String },
    /// Puts an object back that is there, to what the snapshot says of it.
    Restore { object: ObjectId },
    /// Creates an object again, as the snapshot holds it.
    Recreate { object: ObjectId },
    /// Deletes an object, where it still has this uid.
    Delete {
        object: ObjectId,
        uid: String,
        /// What becomes of what belongs to it.
        belongings: Belongings,
        /// It is left where anything of others is in it: a Namespace, a CustomResourceDefinition.
        if_empty: bool,
    },
    /// Deletes what the run has made of a hook that has succeeded.
    Discard { object: ObjectId },
    /// Takes our mark off an object that others hold too.
    GiveUp { object: ObjectId },
    /// Has those pods of a workload replaced that started at this time or later: they have read
    /// what was put back since.
    RestartPods {
        object: ObjectId,
        since: jiff::Timestamp,
    },
    /// Waits until objects are ready. `ends_phase`: with it the phase is done.
    AwaitReady {
        objects: Vec<ObjectId>,
        ends_phase: bool,
    },
    /// Waits until objects are gone. `ends_phase`: with it the phase is done. `required`: what
    /// comes after needs them gone, so that the run fails where they stay.
    AwaitGone {
        objects: Vec<ObjectId>,
        ends_phase: bool,
        required: bool,
    },
}

/// What becomes of what belongs to an object that is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Belongings {
    /// It goes too.
    Go,
    /// It stays, for the successor of the object.
    Stay,
    /// The pods of a StatefulSet go; its claims stay, also where it says that they go with it.
    ClaimsStay,
    /// What it made goes; what it has only taken over stays: what is older than it, or of the
    /// release.
    TakenOverStays,
}

impl Work {
    /// The object that it writes; `None` where it only waits.
    pub(crate) fn writes(&self) -> Option<&ObjectId> {
        match self {
            Work::Apply { object, .. }
            | Work::Expand { object, .. }
            | Work::Restore { object }
            | Work::Recreate { object }
            | Work::Delete { object, .. }
            | Work::Discard { object }
            | Work::GiveUp { object }
            | Work::RestartPods { object, .. } => Some(object),
            Work::AwaitReady { .. } | Work::AwaitGone { .. } => None,
        }
    }
}

impl Program {
    /// Adds a step and returns its id.
    pub(crate) fn push(
        &mut self,
        phase: &PhaseId,
        after: Vec<StepId>,
        priority: u32,
        work: Work,
    ) -> StepId {
        self.steps.push(Step {
            phase: phase.clone(),
            after,
            priority,
            work,
        });
        self.steps.len() - 1
    }

    /// The objects that the program writes; one that is written in two steps comes twice.
    pub(crate) fn written(&self) -> impl Iterator<Item = &ObjectId> {
        self.steps.iter().filter_map(|step| step.work.writes())
    }

    /// The hooks that go once they have succeeded.
    pub(crate) fn discarded(&self) -> impl Iterator<Item = &ObjectId> {
        self.steps.iter().filter_map(|step| match &step.work {
            Work::Discard { object } => Some(object),
            _ => None,
        })
    }

    /// Whether the program deletes `id`.
    pub(crate) fn deletes(&self, id: &ObjectId) -> bool {
        self.steps.iter().any(|step| match &step.work {
            Work::Delete { object, .. } | Work::Discard { object } => object == id,
            _ => false,
        })
    }

    /// The uid of the object `id` that the program deletes; `None` where it deletes none.
    pub(crate) fn deleted_uid(&self, id: &ObjectId) -> Option<&str> {
        self.steps.iter().find_map(|step| match &step.work {
            Work::Delete { object, uid, .. } if object == id => Some(uid.as_str()),
            _ => None,
        })
    }

    /// The webhook configurations that are written or removed before everything else, because they
    /// refused what comes after.
    pub(crate) fn repaired_first(&self) -> impl Iterator<Item = &ObjectId> {
        let first = self.steps.iter().filter(|step| step.after.is_empty());
        first
            .filter_map(|step| step.work.writes())
            .filter(|id| id.is_webhook_configuration())
    }

    /// The Secrets that go unless a claim that stays may need them.
    pub(crate) fn conditional_secrets(&self) -> impl Iterator<Item = &ObjectId> {
        self.steps.iter().filter_map(|step| match &step.work {
            Work::Delete {
                object,
                if_empty: true,
                ..
            } if object.is_secret() => Some(object),
            _ => None,
        })
    }

    /// How many writes the program has.
    pub(crate) fn writes(&self) -> usize {
        self.written().count()
    }
}
