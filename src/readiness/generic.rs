//! The rule for kinds without a rule of their own: conditions by their meaning, then a word for the whole (`status.phase`).

use serde_json::Value;

use super::{
    condition::{Condition, Truth, conditions},
    field::{annotation, is_true, text},
    generation::behind,
    judge::Case,
    verdict::{State, Verdict},
};
use crate::object::one_line;

/// Conditions that must hold.
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
    "AllReplicasReady",
];

/// Conditions that must not hold: whoever has them does not work, or not fully.
const BAD: &[&str] = &["Failed", "Failure", "Stalled", "Degraded", "Error", "ReconcileError", "Invalid", "ErrorOccurred"];

/// Conditions that hold while something is being done.
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
];

/// Conditions that hold while nothing is done, because somebody wants it so.
const IDLE: &[&str] = &["Paused", "Suspended"];

/// Where a controller puts one word about the whole.
const WORDS_AT: &[&str] = &["/status/phase", "/status/state", "/status/health", "/status/status", "/status/health/status"];

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
];

/// Parts of words that say that something will not work by itself.
const BAD_WORDS: &[&str] =
    &["fail", "error", "invalid", "rejected", "degraded", "unhealthy", "denied", "lost", "noncompliant", "unauthorized", "misconfigured"];

/// Parts of reasons that say so, beside [`BAD_WORDS`]: they stand beside a condition that is not as it should be.
const BAD_REASONS: &[&str] = &[
    "notfound",
    "notpermitted",
    "forbidden",
    "unsupported",
    "conflict",
    "notexist",
    "cannot",
    "refused",
    "unable",
    "exceeded",
    "mismatch",
];

/// Words that say that somebody wants it to do nothing.
const IDLE_WORDS: &[&str] = &["suspended", "paused", "stopped", "hibernated"];

/// What a controller says of a rollout that is over, although it still calls it progressing.
const DONE_REASONS: &[&str] = &["NewReplicaSetAvailable", "RolloutCompleted", "Completed", "RolloutHealthy"];

/// The verdict by the conventions that most controllers keep.
///
/// See <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties>.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    let object = case.object;
    if let Some(verdict) = behind(object) {
        return verdict;
    }
    let opinions: Vec<Verdict> = conditions(object)
        .filter_map(|it| of_condition(case, &it))
        .chain(of_parents(case))
        .chain(of_words(object))
        .chain(switched_off(object))
        .collect();
    // A failure is worth more than a switch that is off, and that more than what is under way.
    let strongest = [State::Failed, State::Suspended, State::InProgress, State::Ready];
    let decisive = strongest.iter().find_map(|state| opinions.iter().find(|opinion| opinion.state == *state));
    decisive.cloned().unwrap_or_else(|| without_opinion(object))
}

fn without_opinion(object: &Value) -> Verdict {
    if object.get("status").is_none_or(Value::is_null) {
        return Verdict::new(State::Ready, "NoStatus", "it is stored; nothing has written a status");
    }
    Verdict::ready("its status says nothing against it")
}

fn switched_off(object: &Value) -> Option<Verdict> {
    let switch = ["/spec/suspend", "/spec/suspended", "/spec/paused"].into_iter().find(|switch| is_true(object, switch));
    let message = |at: &str| format!("it does nothing because its manifest says so (`{at}`)");
    let paused = || (annotation(object, "cluster.x-k8s.io/paused").is_some()).then(|| "cluster.x-k8s.io/paused".to_owned());
    let switch = switch.map(|switch| switch[1..].replace('/', ".")).or_else(paused)?;
    Some(Verdict::suspended("Suspended", message(&switch)))
}

fn of_condition(case: &Case<'_>, condition: &Condition<'_>) -> Option<Verdict> {
    let is = |names: &[&str]| names.contains(&condition.kind);
    let says = || described(condition);
    let reason = || condition.reason_or("Condition");
    let outdated =
        condition.generation.zip(super::field::number(case.object, "/metadata/generation")).is_some_and(|(seen, now)| seen < now);
    if is(GOOD) {
        return Some(match condition.truth {
            Truth::True if outdated => Verdict::in_progress("NotObserved", format!("`{}` is of an earlier generation", condition.kind)),
            Truth::True => Verdict::ready(says()),
            _ => not_good(case, condition),
        });
    }
    if !condition.is_true() {
        return None;
    }
    if is(BAD) {
        return Some(tolerated(case, condition));
    }
    if is(IDLE) {
        return Some(Verdict::suspended(reason(), says()));
    }
    (is(BUSY) && !DONE_REASONS.contains(&condition.reason)).then(|| Verdict::in_progress(reason(), says()))
}

/// A condition that should hold and does not: a failure where its reason sounds like one, and has done so for longer than is tolerated.
fn not_good(case: &Case<'_>, condition: &Condition<'_>) -> Verdict {
    let reason = plain(condition.reason);
    let bad = BAD_WORDS.iter().chain(BAD_REASONS).any(|word| reason.contains(word));
    if condition.truth == Truth::False && bad {
        return tolerated(case, condition);
    }
    Verdict::in_progress(condition.reason_or("NotReady"), described(condition))
}

/// Failed, once it has lasted for longer than the grace time: what an object needs is often created in the same minute.
fn tolerated(case: &Case<'_>, condition: &Condition<'_>) -> Verdict {
    let over = case.budget.is_over(condition.since, case.around.now);
    let state = if over { State::Failed } else { State::InProgress };
    Verdict::new(state, condition.reason_or("Failed"), described(condition))
}

fn described(condition: &Condition<'_>) -> String {
    let truth = match condition.truth {
        Truth::True => "true",
        Truth::False => "false",
        Truth::Unknown => "unknown",
    };
    let says = if condition.message.is_empty() { condition.reason } else { condition.message };
    if says.is_empty() {
        format!("`{}` is {truth}", condition.kind)
    } else {
        format!("`{}` is {truth}: {}", condition.kind, one_line(says, 300))
    }
}

/// Routes of the Gateway API have conditions for each parent.
fn of_parents<'a>(case: &'a Case<'a>) -> impl Iterator<Item = Verdict> + 'a {
    let parents = ["/status/parents", "/status/ancestors"].into_iter().flat_map(|at| super::field::list(case.object, at));
    let all = parents.flat_map(|parent| super::field::list(parent, "/conditions"));
    all.filter_map(super::condition::read).filter_map(|condition| of_condition(case, &condition))
}

/// One word about the whole. A word that is not known means that something is under way, unless a condition says `Ready`.
fn of_words(object: &Value) -> Option<Verdict> {
    let (at, word) = WORDS_AT.iter().find_map(|at| Some((at, text(object, at)?)))?;
    let message = format!("its {} is `{}`", &at["/status/".len()..].replace('/', "."), one_line(word, 100));
    let plain = plain(word);
    let holds = |kinds: &[&str]| conditions(object).any(|condition| kinds.contains(&condition.kind) && condition.is_true());
    Some(if BAD_WORDS.iter().any(|bad| plain.contains(bad)) {
        Verdict::failed("Failed", message)
    } else if GOOD_WORDS.contains(&plain.as_str()) {
        Verdict::ready(message)
    } else if IDLE_WORDS.contains(&plain.as_str()) {
        Verdict::suspended("Suspended", message)
    } else if holds(&["Ready", "Available", "Healthy"]) {
        return None;
    } else {
        Verdict::in_progress("Progressing", message)
    })
}

/// Lower case, letters and digits only.
fn plain(word: &str) -> String {
    word.chars().filter(char::is_ascii_alphanumeric).map(|character| character.to_ascii_lowercase()).collect()
}
