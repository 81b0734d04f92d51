//! What workloads have in common: their pods, and why these are not ready.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    case::Case,
    event::events_about,
    generation::behind_or_silent,
    problem::{Problem, Rank, problems},
    verdict::{State, Verdict},
};
use crate::object::{
    HasKind as _, ManifestView,
    field::{integer, text},
    quoted,
};

/// The number of replicas that an object wants: `spec.replicas`, by default 1.
pub(super) fn wanted_replicas(object: &Value) -> i64 {
    integer(object, "/spec/replicas").unwrap_or(1)
}

/// A count of the status; what is left out is 0.
pub(super) fn count(object: &Value, field: &str) -> i64 {
    let status = object.get("status");
    status
        .and_then(|status| status.get(field)?.as_i64())
        .unwrap_or(0)
}

/// `2 of 3 replicas are ready`, with the right number of the noun and the verb.
pub(super) fn of(part: i64, whole: i64, noun: &str, what: &str) -> String {
    let (noun, verb) = if whole == 1 {
        (noun.to_owned(), "is")
    } else {
        (format!("{noun}s"), "are")
    };
    format!("{part} of {whole} {noun} {verb} {what}")
}

/// What is missing at a workload, before its pods were asked why.
pub(super) struct Shortfall {
    pub(super) reason: &'static str,
    pub(super) message: String,
}

impl Shortfall {
    pub(super) fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// Fewer than wanted: `part of whole nouns are what`.
    pub(super) fn fewer(
        reason: &'static str,
        part: i64,
        whole: i64,
        noun: &str,
        what: &str,
    ) -> Option<Self> {
        (part < whole).then(|| Self::new(reason, of(part, whole, noun, what)))
    }
}

/// The verdict about a workload whose controller counts its pods: pending for what `shortfall`
/// finds missing, and ready otherwise, as `summary` says.
pub(super) fn replicated(
    case: &Case<'_>,
    shortfall: fn(&Value) -> Option<Shortfall>,
    summary: fn(&Value) -> String,
) -> Verdict {
    if let Some(verdict) = behind_or_silent(case.object) {
        return verdict;
    }
    match shortfall(case.object) {
        Some(shortfall) => pending(case, shortfall),
        None => Verdict::ready(summary(case.object)),
    }
}

/// The verdict about a workload that lacks something: in progress, or failed where a pod of the
/// current revision cannot come up.
pub(super) fn pending(case: &Case<'_>, shortfall: Shortfall) -> Verdict {
    let current = current_pods(case.object, case.around.pods, case.around.replica_sets);
    if let Some(problem) = worst(case, &current) {
        let failed = problem.exceeds(case.budget, case.around.now);
        let state = if failed {
            State::Failed
        } else {
            State::InProgress
        };
        return Verdict::new(
            state,
            problem.reason.clone(),
            with_problem(&shortfall.message, &problem, ""),
        );
    }
    if let Some(Refusal { why, since }) = refusal(case) {
        // As long as some pods of the rollout can be created, those that give way to them make room
        // for others.
        let failed = current.is_empty()
            && has_created_none(case.object)
            && case.budget.is_over(since, case.around.now);
        let state = if failed {
            State::Failed
        } else {
            State::InProgress
        };
        return Verdict::new(
            state,
            "FailedCreate",
            format!("{}; {why}", shortfall.message),
        );
    }
    // A pod of the previous revision that is not ready can hold up the rollout; it is said, but it
    // is no failure of what was just applied.
    let others: Vec<&Value> = case
        .around
        .pods
        .iter()
        .copied()
        .filter(|pod| !current.iter().any(|it| std::ptr::eq(*it, *pod)))
        .collect();
    match worst(case, &others) {
        Some(problem) => Verdict::in_progress(
            shortfall.reason,
            with_problem(&shortfall.message, &problem, " of the previous revision"),
        ),
        None => Verdict::in_progress(shortfall.reason, shortfall.message),
    }
}

fn with_problem(message: &str, problem: &Problem, which: &str) -> String {
    format!(
        "{message}; pod {}{which}: {}: {}",
        problem.pod, problem.reason, problem.message
    )
}

/// The problem to show: one that is over the budget before one that is not, then the most specific.
pub(super) fn worst(case: &Case<'_>, pods: &[&Value]) -> Option<Problem> {
    let alive = pods.iter().filter(|pod| lives(pod));
    let found = alive.flat_map(|pod| problems(pod, case.around.events));
    found.min_by_key(|problem| {
        (
            !problem.exceeds(case.budget, case.around.now),
            problem.rank,
            problem.pod.clone(),
        )
    })
}

/// Whether a pod still is to become or stay ready: not being deleted, not ended.
fn lives(pod: &Value) -> bool {
    !ManifestView(pod).is_terminating()
        && !matches!(text(pod, "/status/phase"), Some("Failed" | "Succeeded"))
}

/// Whether `workload` says that there is no pod of what it wants now.
fn has_created_none(workload: &Value) -> bool {
    let view = ManifestView(workload);
    let counts = if view.is_replica_set() || view.is_replication_controller() {
        ["replicas"].as_slice()
    } else {
        &["updatedReplicas", "updatedNumberScheduled", "active"]
    };
    counts.iter().all(|field| count(workload, field) == 0)
}

/// Why pods cannot even be created.
struct Refusal {
    why: String,
    since: Option<Timestamp>,
}

/// What the API server says to the creation of pods: a quota, an admission webhook. A refusal that
/// a later success has overtaken does not count.
fn refusal(case: &Case<'_>) -> Option<Refusal> {
    let owners = std::iter::once(case.object).chain(case.around.replica_sets.iter().copied());
    let mut events: Vec<_> = owners
        .flat_map(|owner| events_about(case.around.events, owner))
        .collect();
    events.retain(|event| matches!(event.reason, "FailedCreate" | "SuccessfulCreate"));
    let newest = events
        .iter()
        .max_by_key(|event| event.last)
        .filter(|newest| newest.reason == "FailedCreate")?;
    let created = events
        .iter()
        .filter(|event| event.reason == "SuccessfulCreate")
        .filter_map(|event| event.last)
        .max();
    let refused = events
        .iter()
        .filter(|event| event.reason == "FailedCreate" && event.last >= created);
    let since = refused.filter_map(|event| event.first).min().max(created);
    Some(Refusal {
        why: quoted(newest.message, 300),
        since,
    })
}

/// The pods among `pods` that run what `workload` now wants; what belongs to an earlier revision is
/// left out.
///
/// Where it cannot be known which revision is the current one, for example because its `ReplicaSet`
/// was not seen yet, none is.
pub(crate) fn current_pods<'a>(
    workload: &Value,
    pods: &[&'a Value],
    replica_sets: &[&Value],
) -> Vec<&'a Value> {
    let kept = |key: &str, value: Option<&str>| {
        pods.iter()
            .copied()
            .filter(|pod| ManifestView(pod).label(key) == value)
            .collect()
    };
    let view = ManifestView(workload);
    if view.is_deployment() && !replica_sets.is_empty() {
        let newest = newest_replica_set(workload, replica_sets);
        let hash = |newest| ManifestView(newest).label("pod-template-hash");
        return newest
            .map(|newest| kept("pod-template-hash", hash(newest)))
            .unwrap_or_default();
    }
    if !updates_all(workload) {
        return pods.to_vec();
    }
    let update_revision = text(workload, "/status/updateRevision");
    if view.is_like_stateful_set() && update_revision.is_some() {
        return kept("controller-revision-hash", update_revision);
    }
    let generation = view.annotation("deprecated.daemonset.template.generation");
    if view.is_like_daemon_set() && generation.is_some() {
        return kept("pod-template-generation", generation);
    }
    pods.to_vec()
}

/// Whether a rollout reaches every pod by itself: neither `OnDelete` nor a partition.
fn updates_all(workload: &Value) -> bool {
    text(workload, "/spec/updateStrategy/type") != Some("OnDelete")
        && integer(workload, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0) == 0
}

/// The `ReplicaSet` of the Deployment's own revision. An older one that happens to be the newest
/// seen is not it.
fn newest_replica_set<'a>(deployment: &Value, replica_sets: &[&'a Value]) -> Option<&'a Value> {
    const REVISION: &str = "deployment.kubernetes.io/revision";
    let revision = |object: &Value| {
        ManifestView(object)
            .annotation(REVISION)
            .and_then(|text| text.parse::<i64>().ok())
    };
    let newest = replica_sets
        .iter()
        .copied()
        .max_by_key(|set| (revision(set), ManifestView(set).created()))?;
    let wanted = revision(deployment);
    (wanted.is_none() || revision(newest) == wanted).then_some(newest)
}

/// Whether a reason tells of an image or a reference: what a Job does not count as an attempt.
pub(super) fn keeps_from_starting(problem: &Problem) -> bool {
    matches!(problem.rank, Rank::Image | Rank::Reference)
}
