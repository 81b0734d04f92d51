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

/// Conditions that hold once something is over, be it well or badly: the type, or how it ends.
const ENDINGS: &[&str] = &["Complete", "Completed", "Done", "Ended", "Finished"];

/// Words of a sentence that say that something went wrong.
const WENT_WRONG: &[&str] = &[
    "failed",
    "failure",
    "failures",
    "error",
    "errors",
    "unsuccessful",
    "unsuccessfully",
    "aborted",
];

/// Words of a sentence that say that it went well after all.
const WENT_WELL: &[&str] = &["success", "successful", "successfully", "succeeded"];

/// Words that take back what follows: `no errors`, `0 failed`.
const NONE: &[&str] = &["0", "any", "never", "no", "none", "not", "without", "zero"];

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
    "installed",
    "done",
    "passed",
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

/// Whether it says that something is over, and its reason or message that it went wrong.
///
/// Controllers that wait for a Job copy its end as `Complete`, whichever it was.
pub(super) fn ended_badly(condition: &Condition<'_>) -> bool {
    condition.is_true()
        && ENDINGS.iter().any(|end| condition.kind.ends_with(end))
        && (says_failed(condition.reason) || says_failed(condition.message))
}

/// Whether a reason or a sentence says that something went wrong.
fn says_failed(said: &str) -> bool {
    let words = words(said);
    let is = |list: &[&str], at: Option<&String>| at.is_some_and(|it| list.contains(&it.as_str()));
    let is_taken_back = |at: usize| {
        is(NONE, at.checked_sub(1).and_then(|before| words.get(before)))
            || is(&["0", "none"], words.get(at + 1))
    };
    !words.iter().any(|word| is(WENT_WELL, Some(word)))
        && (0..words.len()).any(|at| is(WENT_WRONG, words.get(at)) && !is_taken_back(at))
}

/// The words of a sentence or of a `CamelCase` reason, in lower case.
fn words(said: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for character in said.chars() {
        if !character.is_alphanumeric() || (was_lower && character.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = character.is_lowercase();
        if let (true, Some(word)) = (character.is_alphanumeric(), words.last_mut()) {
            word.extend(character.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
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
    fn what_is_over_may_have_gone_wrong() {
        let ended_badly = |kind: &str, reason: &str, message: &str| {
            let condition =
                json!({"type": kind, "status": "True", "reason": reason, "message": message});
            ended_badly(&Condition::of(&condition).unwrap())
        };
        assert!(ended_badly("Complete", "JobFailed", ""));
        assert!(ended_badly("Complete", "", "Failed"));
        assert!(ended_badly("BackupCompleted", "CompletedWithErrors", ""));
        assert!(ended_badly(
            "Finished",
            "Done",
            "the restore has failed: no space left"
        ));
        assert!(!ended_badly("Complete", "JobComplete", "Success"));
        assert!(!ended_badly(
            "Completed",
            "NoErrors",
            "0 failed, 3 restored, errors: 0"
        ));
        assert!(!ended_badly(
            "Completed",
            "",
            "succeeded after 2 failed attempts"
        ));
        assert!(!ended_badly("Ready", "Failed", "Failed"));
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
