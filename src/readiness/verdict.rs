//! The answer about one live object, and the one that counts of several.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

/// The answer about one live object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// As wanted and working.
    Ready,
    /// On its way.
    InProgress,
    /// Will not become ready by itself.
    Failed,
    /// Not working because its manifest says so.
    Suspended,
    /// Being deleted.
    Terminating,
    /// Not in the cluster.
    Missing,
    /// Cannot be judged.
    Unknown,
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            State::Ready => "ready",
            State::InProgress => "in-progress",
            State::Failed => "failed",
            State::Suspended => "suspended",
            State::Terminating => "terminating",
            State::Missing => "missing",
            State::Unknown => "unknown",
        })
    }
}

/// The reason of a verdict `suspended` with which no phase passes.
const WAITING: &str = "Waiting";

/// The reason of the verdict about an object that is not in the cluster.
const NOT_FOUND: &str = "NotFound";

/// A verdict with its reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Verdict {
    /// The answer.
    pub(crate) state: State,
    /// One `CamelCase` word, for programs; empty where there is nothing to say.
    pub(crate) reason: Cow<'static, str>,
    /// For people: what is there and what is missing, for example `2 of 3 replicas are ready`.
    pub(crate) message: String,
}

impl Verdict {
    /// A verdict of `state`.
    pub(crate) fn new(
        state: State,
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            state,
            reason: reason.into(),
            message: message.into(),
        }
    }

    /// As wanted and working.
    pub(crate) fn ready(message: impl Into<String>) -> Self {
        Self::new(State::Ready, "", message)
    }

    /// On its way.
    pub(super) fn in_progress(
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(State::InProgress, reason, message)
    }

    /// Will not become ready by itself.
    pub(super) fn failed(reason: impl Into<Cow<'static, str>>, message: impl Into<String>) -> Self {
        Self::new(State::Failed, reason, message)
    }

    /// Not working because its manifest says so.
    pub(super) fn suspended(
        reason: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(State::Suspended, reason, message)
    }

    /// Suspended, although its manifest wants it to work: it waits for an approval, or for
    /// something that somebody else has to do.
    pub(super) fn waiting(message: impl Into<String>) -> Self {
        Self::new(State::Suspended, WAITING, message)
    }

    /// Whether a phase may pass: ready, or suspended because the manifest says so.
    pub(crate) fn passes(&self) -> bool {
        self.state == State::Ready || (self.state == State::Suspended && self.reason != WAITING)
    }

    /// Whether the object is not in the cluster. What stands for something outside the cluster may
    /// be missing there and still be an object here.
    pub(crate) fn is_absent(&self) -> bool {
        self.state == State::Missing && self.reason == NOT_FOUND
    }

    /// There was such an object, and it is gone.
    pub(crate) fn deleted() -> Self {
        Self::new(
            State::Missing,
            NOT_FOUND,
            "it was deleted by something else after it had become ready",
        )
    }

    /// The object is gone, and another one has its name since.
    pub(crate) fn made_again() -> Self {
        Self::new(
            State::Missing,
            NOT_FOUND,
            "it is gone, and something else has made another one of its name",
        )
    }

    /// There is no such object in the cluster.
    pub(crate) fn absent() -> Self {
        Self::new(State::Missing, NOT_FOUND, "does not exist")
    }
}

/// The opinion that counts most: a failure more than a switch that is off, and that more than what
/// is under way.
pub(super) fn strongest(opinions: Vec<Verdict>) -> Option<Verdict> {
    let order = [
        State::Failed,
        State::Unknown,
        State::Missing,
        State::Suspended,
        State::InProgress,
        State::Ready,
    ];
    let rank = |verdict: &Verdict| {
        order
            .iter()
            .position(|state| *state == verdict.state)
            .unwrap_or(order.len())
    };
    opinions.into_iter().min_by_key(rank)
}
