//! The rule for kinds without a rule of their own: conditions by their meaning, words for the whole
//! (`status.phase`), counts.

use serde_json::Value;

use super::{
    case::Case,
    condition::described,
    generation::behind,
    grace::{tolerated, without_status},
    meaning::{self, Meaning},
    verdict::{State, Verdict, strongest},
};
use crate::object::{
    Condition, FieldPath, ManifestView, Truth,
    field::{boolean, integer, is_true, list, part, text},
    one_line, quoted,
};

/// Counts that must have reached what stands beside them: have, want.
const COUNTS: &[(&str, &str)] = &[
    ("/status/readyReplicas", "/status/replicas"),
    ("/status/readyReplicas", "/spec/replicas"),
    ("/status/availableReplicas", "/status/replicas"),
    ("/status/updatedReplicas", "/spec/replicas"),
    ("/status/updatedReadyReplicas", "/status/replicas"),
    ("/status/numberReady", "/status/desiredNumberScheduled"),
    ("/status/numberAvailable", "/status/desiredNumberScheduled"),
    (
        "/status/updatedNumberScheduled",
        "/status/desiredNumberScheduled",
    ),
    ("/status/currentHealthy", "/status/expectedMachines"),
    ("/status/readyNodes", "/status/nodes"),
];

/// Flags that say that all is well, and are false as long as it is not.
const FLAGS: &[&str] = &[
    "/status/ready",
    "/status/healthy",
    "/status/readyToUse",
    "/status/provisioned",
    "/status/initialized",
];

/// The verdict by the conventions that most controllers keep.
///
/// See
/// <https://github.com/kubernetes/community/blob/master/contributors/devel/sig-architecture/api-conventions.md#typical-status-properties>.
pub(super) fn judge(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind(case.object) {
        return verdict;
    }
    let opinions: Vec<Verdict> = of_conditions(case)
        .into_iter()
        .chain(of_words(case.object))
        .chain(of_counts(case.object))
        .chain(of_flags(case.object))
        .chain(switched_off(case.object))
        .collect();
    strongest(opinions).unwrap_or_else(|| without_opinion(case))
}

fn without_opinion(case: &Case<'_>) -> Verdict {
    if case.object.get("status").is_none_or(Value::is_null) {
        let stored = || Verdict::new(State::Ready, "NoStatus", "exists, without a status");
        return without_status(case).unwrap_or_else(stored);
    }
    if part(case.object, "/status/conditions")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty)
    {
        return Verdict::in_progress(
            "NoCondition",
            "its controller has not said anything about it yet",
        );
    }
    Verdict::ready("its status says nothing against it")
}

fn switched_off(object: &Value) -> Option<Verdict> {
    let field = ["/spec/suspend", "/spec/suspended", "/spec/paused"]
        .into_iter()
        .find(|field| is_true(object, field));
    let paused = ManifestView(object)
        .annotation("cluster.x-k8s.io/paused")
        .map(|_| "cluster.x-k8s.io/paused".to_owned());
    let switch = field
        .map(|field| FieldPath::of_pointer(field).to_string())
        .or(paused)?;
    Some(Verdict::suspended(
        "Suspended",
        format!("it does nothing because its manifest says so (`{switch}`)"),
    ))
}

/// What all conditions say, those for each parent of a Gateway API route and similar nested ones
/// included.
fn of_conditions(case: &Case<'_>) -> Vec<Verdict> {
    let nested = ["/status/parents", "/status/ancestors", "/status/ingress"]
        .into_iter()
        .flat_map(|at| list(case.object, at));
    let nested = nested
        .flat_map(|parent| list(parent, "/conditions"))
        .chain(list(case.object, "/status/conditionedStatus/conditions"));
    let all: Vec<Condition<'_>> = case
        .view()
        .conditions()
        .chain(nested.filter_map(Condition::of))
        .collect();
    let busy = all
        .iter()
        .any(|it| it.is_true() && meaning::of_condition(it) == Some(Meaning::Busy));
    // `Ready` is the summary; where it holds, conditions that only sound alike are about parts that
    // may not be wanted.
    let ready = all.iter().any(|it| it.is_true() && it.kind == "Ready");
    let counts =
        |it: &&Condition<'_>| !ready || it.is_true() || !meaning::is_good_by_ending(it.kind);
    all.iter()
        .filter(counts)
        .filter_map(|condition| of_condition(case, condition, busy))
        .collect()
}

fn of_condition(case: &Case<'_>, condition: &Condition<'_>, busy: bool) -> Option<Verdict> {
    let reason = condition.reason_or("Condition");
    let outdated = condition
        .generation
        .zip(case.view().generation())
        .is_some_and(|(seen, now)| seen < now);
    if meaning::ended_badly(condition) {
        return Some(tolerated(case, condition));
    }
    match (meaning::of_condition(condition)?, condition.truth) {
        (Meaning::Good, Truth::True) if outdated => Some(Verdict::in_progress(
            "NotObserved",
            format!("`{}` is of an earlier generation", condition.kind),
        )),
        (Meaning::Good, Truth::True) => Some(Verdict::ready(described(condition))),
        // While it is worked on, a reason such as `DoesNotExist` or `BuildFailed` is why it is
        // worked on.
        (Meaning::Good, Truth::False) if !busy && meaning::sounds_bad(condition.reason) => {
            Some(tolerated(case, condition))
        }
        (Meaning::Good, _) => Some(Verdict::in_progress(
            condition.reason_or("NotReady"),
            described(condition),
        )),
        (Meaning::Bad, Truth::True) => Some(tolerated(case, condition)),
        (Meaning::Idle, Truth::True) => Some(Verdict::suspended(reason, described(condition))),
        (Meaning::Busy, Truth::True) => Some(Verdict::in_progress(reason, described(condition))),
        (Meaning::Busy | Meaning::Neutral, Truth::False)
            if meaning::sounds_bad(condition.reason) =>
        {
            Some(tolerated(case, condition))
        }
        _ => None,
    }
}

/// Where a controller puts one word about the whole: fields named so in the status or a few objects
/// deeper. What stands in a list is history or detail.
fn words(object: &Value) -> Vec<(String, &str)> {
    let mut found = Vec::new();
    if let Some(status) = object.get("status").and_then(Value::as_object) {
        collect_words(status, "", 3, &mut found);
    }
    found
}

fn collect_words<'a>(
    fields: &'a serde_json::Map<String, Value>,
    path: &str,
    depth: usize,
    found: &mut Vec<(String, &'a str)>,
) {
    for (field, value) in fields {
        let lower = field.to_ascii_lowercase();
        match value {
            Value::String(word)
                if !word.is_empty()
                    && ["phase", "state", "status", "health"]
                        .iter()
                        .any(|end| lower.ends_with(end)) =>
            {
                found.push((format!("{path}{field}"), word));
            }
            Value::Object(inner) if depth > 1 => {
                collect_words(inner, &format!("{path}{field}."), depth - 1, found);
            }
            _ => {}
        }
    }
}

/// What the words say. A main word that is not known means that something is under way, unless a
/// condition says that it is ready.
fn of_words(object: &Value) -> Vec<Verdict> {
    let holds = ManifestView(object)
        .conditions()
        .any(|it| it.is_true() && matches!(it.kind, "Ready" | "Available" | "Healthy"));
    let judged = words(object).into_iter().filter_map(|(field, word)| {
        let message = format!("its {field} is `{}`", one_line(word, 100));
        let main = matches!(field.as_str(), "phase" | "state" | "status" | "health") && !holds;
        Some(match meaning::of_word(word) {
            Some(Meaning::Good) => Verdict::ready(message),
            Some(Meaning::Bad) => Verdict::failed("Failed", message),
            Some(Meaning::Idle) if !field.contains('.') => Verdict::suspended("Suspended", message),
            Some(Meaning::Busy) => Verdict::in_progress("Progressing", message),
            _ if main => Verdict::in_progress("Progressing", message),
            _ => return None,
        })
    });
    judged.collect()
}

fn of_counts(object: &Value) -> Option<Verdict> {
    let missing = COUNTS.iter().find_map(|(have, want)| {
        let (have_count, want_count) = (integer(object, have)?, integer(object, want)?);
        (have_count < want_count).then(|| {
            format!(
                "`{}` is {have_count} of {want_count}",
                have.rsplit('/').next().unwrap_or(have)
            )
        })
    });
    missing.map(|message| Verdict::in_progress("TooFew", message))
}

fn of_flags(object: &Value) -> Option<Verdict> {
    let flag = FLAGS
        .iter()
        .find(|flag| boolean(object, flag) == Some(false))?;
    let error = text(object, "/status/error/message").or_else(|| text(object, "/status/error"));
    let name = flag.rsplit('/').next().unwrap_or(flag);
    Some(match error {
        Some(error) => Verdict::failed(
            "Error",
            format!("`{name}` is false: {}", quoted(error, 300)),
        ),
        None => Verdict::in_progress("NotReady", format!("`{name}` is false")),
    })
}
