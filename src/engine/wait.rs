use tokio::time::Instant;

use crate::{
    object::ObjectId,
    readiness::Verdict,
    release::{StepId, Work},
};

/// What a step waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum WaitFor {
    /// Objects are ready.
    Ready,
    /// Objects are gone.
    Gone,
}

/// Objects that a step waits for.
pub(super) struct Wait {
    pub(super) step: StepId,
    pub(super) until: WaitFor,
    pub(super) since: Instant,
    pub(super) objects: Vec<Waited>,
    pub(super) asked_children: bool,
}

/// One object that is waited for.
pub(super) struct Waited {
    pub(super) id: ObjectId,
    /// The verdict that was told last.
    pub(super) told: Option<Verdict>,
    /// It is not waited for any longer, although it is not as it should be.
    pub(super) given_up: bool,
}

impl WaitFor {
    /// What `work` waits for, with the objects; `None` where it writes.
    pub(super) fn of(work: &Work) -> Option<(Self, &[ObjectId])> {
        match work {
            Work::AwaitReady { objects, .. } => Some((Self::Ready, objects)),
            Work::AwaitGone { objects, .. } => Some((Self::Gone, objects)),
            _ => None,
        }
    }

    /// Whether an object of which `verdict` is the last word is as it should be.
    pub(super) fn is_met_by(&self, verdict: &Verdict) -> bool {
        match self {
            Self::Ready => verdict.passes(),
            Self::Gone => verdict.is_absent(),
        }
    }

    /// What is to be said of an object that did not become as it should be.
    pub(super) fn fault(&self, verdict: &Verdict) -> String {
        match self {
            Self::Ready => format!("is not ready: {}", verdict.message),
            Self::Gone => format!("is still there: {}", verdict.message),
        }
    }
}

impl Wait {
    pub(super) fn new(step: StepId, (wait_for, objects): (WaitFor, &[ObjectId])) -> Self {
        let objects = objects.iter().map(|id| Waited { id: id.clone(), told: None, given_up: false });
        Self { step, until: wait_for, since: Instant::now(), objects: objects.collect(), asked_children: false }
    }

    /// Whether nothing is waited for any longer.
    pub(super) fn is_over(&self) -> bool {
        self.objects.iter().all(|waited| waited.given_up || waited.told.as_ref().is_some_and(|told| self.until.is_met_by(told)))
    }

    /// The objects that are not as they should be.
    pub(super) fn not_met(&self) -> impl Iterator<Item = (ObjectId, Verdict)> {
        let told = self.objects.iter().filter_map(|waited| Some((waited.id.clone(), waited.told.clone()?)));
        told.filter(|(_, verdict)| !self.until.is_met_by(verdict))
    }
}
