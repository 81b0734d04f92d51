//! What the types of conditions and the words of phases mean, whoever writes them.

use crate::object::Condition;

/// What it means that a condition is true, or that a word is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// All is well.
    Good,
    /// It does not work, and will not by itself.
    Bad,
    /// Something is being done.
    Busy,
    /// Nothing is done, because somebody wants it so.
    Idle,
    /// Nothing that is known here.
    Neutral,
}

/// Conditions that must hold: the type, or how it ends.
const GOOD: &[&str] = &[
    "Ready",
    "Available",
    "Healthy",
    "Established",
    "Accepted",
    "Programmed",
    "ResolvedRefs",
    "Reconciled",
    "Synced",
    "Succeeded",
    "Complete",
    "Completed",
    "Deployed",
    "Installed",
    "Initialized",
    "Bound",
    "Valid",
    "Applied",
    "Admitted",
    "UpToDate",
    "Scheduled",
    "Provisioned",
];

/// Conditions that must not hold: the type, or how it ends or begins.
const BAD: &[&str] = &[
    "Failed",
    "Failure",
    "Stalled",
    "Degraded",
    "Error",
    "Errors",
    "Invalid",
    "ErrorOccurred",
    "Orphan",
];

/// Conditions that hold while something is being done: the type, or how it ends.
const BUSY: &[&str] = &[
    "Reconciling",
    "Progressing",
    "Updating",
    "Upgrading",
    "Creating",
    "Deploying",
    "Provisioning",
    "Scaling",
    "Pending",
    "InProgress",
    "Processing",
    "Deleting",
    "Issuing",
];

/// Conditions that hold while nothing is done, because somebody wants it so.
const IDLE: &[&str] = &["Paused", "Suspended", "Waiting"];

/// How a reason ends that tells of a rollout that is over, although its condition still is called
/// progressing.
const OVER: &[&str] = &["Available", "Completed", "Running", "Healthy", "Succeeded"];

/// Words that say that all is well.
const GOOD_WORDS: &[&str] = &[
    "ready",
    "running",
    "active",
    "available",
    "bound",
    "healthy",
    "succeeded",
    "success",
    "successful",
    "completed",
    "complete",
    "deployed",
    "online",
    "green",
    "synced",
    "valid",
    "ok",
    "established",
    "exists",
    "created",
    "initialized",
    "provisioned",
    "applied",
    "operational",
    "enabled",
    "compliant",
    "finished",
    "accepted",
    "connected",
    "attached",
    "reconciled",
    "up",
    "normal",
    "released",
    "registered",
    "clusterrunning",
    "atlatestknown",
];

/// Words that say that something is being done.
const BUSY_WORDS: &[&str] = &[
    "pending",
    "progressing",
    "inprogress",
    "updating",
    "upgrading",
    "creating",
    "deploying",
    "provisioning",
    "installing",
    "initializing",
    "reconciling",
    "scaling",
    "starting",
    "restarting",
    "waiting",
    "new",
    "unknown",
    "yellow",
    "pendingrerun",
    "submitted",
    "deleting",
];

/// Parts of words that say that something will not work by itself.
const BAD_WORDS: &[&str] = &[
    "fail",
    "error",
    "invalid",
    "rejected",
    "degraded",
    "unhealthy",
    "denied",
    "lost",
    "noncompliant",
    "unauthorized",
    "misconfigured",
    "warning",
    "canceled",
    "cancelled",
    "aborted",
];

/// Parts of reasons that say so too.
const BAD_REASONS: &[&str] = &[
    "notfound",
    "notpermitted",
    "forbidden",
    "unsupported",
    "conflict",
    "cannot",
    "refused",
    "unable",
    "exceeded",
    "mismatch",
];

/// Those of them that tell how something is, not what went wrong.
const STATES: &[&str] = &["degraded", "unhealthy", "warning", "noncompliant"];

/// Words that say that somebody wants it to do nothing.
const IDLE_WORDS: &[&str] = &["suspended", "paused", "stopped", "hibernated"];

/// What a condition means when it is true; `None` for a rollout that is over.
pub(super) fn of_condition(condition: &Condition<'_>) -> Option<Meaning> {
    let kind = condition.kind;
    let ends = |names: &[&str]| names.iter().any(|name| kind.ends_with(name));
    if BUSY.contains(&kind) && OVER.iter().any(|end| condition.reason.ends_with(end)) {
        return None;
    }
    Some(if IDLE.contains(&kind) {
        Meaning::Idle
    } else if ends(BAD) || kind.starts_with("Failed") || kind.starts_with("Not") {
        Meaning::Bad
    } else if ends(BUSY) {
        Meaning::Busy
    } else if ends(GOOD) && !kind.starts_with("Partially") {
        Meaning::Good
    } else {
        Meaning::Neutral
    })
}

/// Whether a type only ends like one that must hold.
pub(super) fn is_good_by_ending(kind: &str) -> bool {
    !GOOD.contains(&kind) && GOOD.iter().any(|name| kind.ends_with(name))
}

/// What a word such as that of `status.phase` means.
pub(super) fn of_word(word: &str) -> Option<Meaning> {
    let word = plain(word);
    let any = |words: &[&str]| words.contains(&word.as_str());
    if BAD_WORDS.iter().any(|bad| word.contains(bad)) {
        Some(Meaning::Bad)
    } else if any(GOOD_WORDS) {
        Some(Meaning::Good)
    } else if any(IDLE_WORDS) {
        Some(Meaning::Idle)
    } else {
        any(BUSY_WORDS).then_some(Meaning::Busy)
    }
}

/// Whether a condition's reason tells of an error.
pub(super) fn sounds_bad(reason: &str) -> bool {
    let reason = plain(reason);
    BAD_WORDS
        .iter()
        .chain(BAD_REASONS)
        .any(|word| reason.contains(word))
}

/// Whether a condition's reason tells of an error, and not only that something does not work (yet).
pub(super) fn tells_of_error(reason: &str) -> bool {
    let reason = plain(reason);
    BAD_WORDS
        .iter()
        .chain(BAD_REASONS)
        .filter(|word| !STATES.contains(word))
        .any(|word| reason.contains(word))
}

/// Lower case, letters and digits only.
fn plain(word: &str) -> String {
    word.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|character| character.to_ascii_lowercase())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn meaning(kind: &str, reason: &str) -> Option<Meaning> {
        of_condition(
            &Condition::of(&json!({"type": kind, "reason": reason, "status": "True"})).unwrap(),
        )
    }

    #[test]
    fn types_are_known_by_their_endings() {
        assert_eq!(meaning("ControlPlaneReady", ""), Some(Meaning::Good));
        assert_eq!(meaning("NotReady", ""), Some(Meaning::Bad));
        assert_eq!(meaning("SpecError", ""), Some(Meaning::Bad));
        assert_eq!(meaning("Reconciling", ""), Some(Meaning::Busy));
        assert_eq!(meaning("Paused", ""), Some(Meaning::Idle));
        assert_eq!(meaning("SomeCondition", ""), Some(Meaning::Neutral));
    }

    #[test]
    fn a_rollout_that_is_over_is_not_busy() {
        assert_eq!(meaning("Progressing", "NewReplicaSetAvailable"), None);
        assert_eq!(
            meaning("Progressing", "ReplicaSetUpdated"),
            Some(Meaning::Busy)
        );
    }

    #[test]
    fn words_are_known_however_they_are_written() {
        assert_eq!(of_word("ROLLOUT_FAILED"), Some(Meaning::Bad));
        assert_eq!(of_word("In Progress"), Some(Meaning::Busy));
        assert_eq!(of_word("Healthy"), Some(Meaning::Good));
        assert_eq!(of_word("Setting up primary"), None);
    }

    #[test]
    fn reasons_that_tell_of_errors_are_heard() {
        assert!(sounds_bad("SecretSyncedError"));
        assert!(sounds_bad("BackendNotFound"));
        assert!(!sounds_bad("Issuing"));
        assert!(!sounds_bad(""));
        assert!(tells_of_error("BackendNotFound"));
        assert!(!tells_of_error("UnhealthyPackageRevision"));
    }
}
