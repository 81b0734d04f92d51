//! How an execution is bounded and stopped, and why it stopped.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::engine::events::Emitter;
use crate::{cluster::RequestError, object::ObjectId, plan::PhaseId, readiness::Verdict};

/// What bounds an execution.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Writes that are under way at once.
    pub(crate) parallel: usize,
    /// Time limit of the run.
    pub(crate) timeout: Duration,
}

/// What an execution does where a step fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnFault {
    /// It stops: on the way forward nothing is built on what failed.
    Stop,
    /// It goes on with everything else and says at the end what failed: on the way back as much as
    /// possible is put back.
    GoOn,
}

/// How an execution is watched and stopped.
pub(crate) struct Control {
    pub(crate) emitter: Emitter,
    pub(crate) limits: Limits,
    /// A signal asked to stop.
    pub(crate) interrupt: CancellationToken,
    /// The lock was lost, or the journal cannot be written: nothing may be written any more.
    pub(crate) fenced: CancellationToken,
    pub(crate) on_fault: OnFault,
}

/// Why an execution stopped early.
#[derive(Debug)]
pub(crate) enum StopReason {
    /// An object could not be written.
    Refused {
        phase: PhaseId,
        object: ObjectId,
        error: RequestError,
    },
    /// Objects cannot become ready.
    Failed {
        phase: PhaseId,
        objects: Vec<(ObjectId, Verdict)>,
        /// What else was waited for and was not ready.
        open: Vec<(ObjectId, Verdict)>,
    },
    /// The time of a phase, or of the whole run, was up.
    TimedOut {
        phase: PhaseId,
        after: Duration,
        whole_run: bool,
        objects: Vec<(ObjectId, Verdict)>,
    },
    /// A signal asked to stop.
    Interrupted,
    /// The lock was lost, or the journal cannot be written.
    Fenced,
}

impl StopReason {
    /// The phase that ended it.
    pub(crate) fn phase(&self) -> Option<&PhaseId> {
        match self {
            Self::Refused { phase, .. }
            | Self::Failed { phase, .. }
            | Self::TimedOut { phase, .. } => Some(phase),
            Self::Interrupted | Self::Fenced => None,
        }
    }
}

/// What stops a run.
#[derive(Debug, Clone, Default)]
pub(crate) struct CancelSignals {
    /// The first SIGINT, SIGTERM or SIGHUP.
    pub(crate) interrupt: CancellationToken,
    /// The second one.
    pub(crate) at_once: CancellationToken,
    /// The lock was lost.
    pub(crate) lock_lost: CancellationToken,
}
