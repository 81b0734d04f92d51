//! Walks through the steps of a row.

use serde_json::Value;

use super::{
    row::{Row, fits},
    step::{Outcome, Step, Test},
};
use crate::{
    object::{
        Condition, FieldPath, ManifestView, Truth,
        field::{boolean, integer, is_present, list, map, part, text},
        one_line, quoted,
    },
    readiness::{
        case::Case,
        condition::described,
        generation::{behind, not_observed},
        generic, grace, meaning,
        verdict::{State, Verdict, strongest},
    },
};

/// The whole object, or a part of it that has conditions of its own.
#[derive(Clone, Copy)]
struct Part<'a> {
    case: &'a Case<'a>,
    value: &'a Value,
    conditions: &'static str,
}

/// The verdict that `row` makes of an object.
pub(super) fn judge(case: &Case<'_>, row: &Row) -> Verdict {
    let whole = Part {
        case,
        value: case.object,
        conditions: "/status/conditions",
    };
    switched_off(whole, row.steps)
        .or_else(|| behind(case.object))
        .or_else(|| without_subresource(case, row))
        .or_else(|| whole.walk(row.steps))
        .unwrap_or_else(|| silent(case, row.silent))
}

/// A controller that is told to do nothing does not observe either, so a switch comes before all
/// that the status says.
fn switched_off(whole: Part<'_>, steps: &[Step]) -> Option<Verdict> {
    let switches = steps
        .iter()
        .filter(|step| matches!(step, Step::When(test, Outcome::Idle) if test.is_about_wishes()));
    switches.into_iter().find_map(|step| whole.look(step))
}

/// Ready where no status can be written. A row for a whole family tells nothing of that; one that
/// names the kind knows a controller that writes its status with the object.
fn without_subresource(case: &Case<'_>, row: &Row) -> Option<Verdict> {
    let is_static = case.around.has_status_subresource == Some(false)
        && !row.names(case.view().kind())
        && !has_status(case.object);
    let stored = || {
        Verdict::new(
            State::Ready,
            "NoStatus",
            "exists; its definition has no status",
        )
    };
    is_static.then(stored)
}

fn has_status(object: &Value) -> bool {
    map(object, "/status").is_some_and(|status| !status.is_empty())
}

fn silent(case: &Case<'_>, outcome: Outcome) -> Verdict {
    match outcome {
        Outcome::Busy if !has_status(case.object) => {
            grace::without_status(case).unwrap_or_else(|| {
                Verdict::in_progress("NoStatus", "its controller has not written a status yet")
            })
        }
        Outcome::Busy => Verdict::in_progress(
            "NotReady",
            "its controller has not said yet that it is ready",
        ),
        _ => of_outcome(outcome, "its controller has not said how it is".to_owned()),
    }
}

/// A verdict with a word for programs that says no more than the state.
fn of_outcome(outcome: Outcome, message: String) -> Verdict {
    match outcome {
        Outcome::Ready => Verdict::ready(message),
        Outcome::Busy => Verdict::in_progress("Progressing", message),
        Outcome::Failed | Outcome::Late => Verdict::failed("Failed", message),
        Outcome::Idle => Verdict::suspended("Suspended", message),
        Outcome::Waiting => Verdict::waiting(message),
        Outcome::Unknown => Verdict::new(State::Unknown, "Unknown", message),
        Outcome::Missing => Verdict::new(State::Missing, "Missing", message),
    }
}

impl<'a> Part<'a> {
    fn walk(self, steps: &[Step]) -> Option<Verdict> {
        for step in steps {
            if matches!(step, Step::Ignore(test) if self.holds(test).is_some()) {
                return None;
            }
            if let Some(verdict) = self.look(step) {
                return Some(verdict);
            }
        }
        None
    }

    fn look(self, step: &Step) -> Option<Verdict> {
        match step {
            Step::When(test, outcome) => {
                self.holds(test).map(|found| self.answer(&found, *outcome))
            }
            Step::Ignore(_) => None,
            Step::Summary { kind, when_false } => self.summary(kind, *when_false),
            Step::Each { at, steps } => self.worst(at, steps),
            Step::Inside { at, steps } => {
                part(self.value, at).and_then(|inner| self.at(inner).walk(steps))
            }
            Step::Own(rule) => rule(self.case),
            Step::Rule(rule) => Some(rule(self.case)),
            Step::General => is_present(self.value, "/status").then(|| generic::judge(self.case)),
        }
    }

    fn at(self, value: &'a Value) -> Self {
        Self {
            value,
            conditions: "/conditions",
            ..self
        }
    }

    fn conditions(self) -> impl Iterator<Item = Condition<'a>> {
        list(self.value, self.conditions)
            .iter()
            .filter_map(Condition::of)
    }

    fn summary(self, kind: &str, when_false: Outcome) -> Option<Verdict> {
        let found = self
            .conditions()
            .find(|condition| fits(kind, condition.kind))?;
        let outcome = match found.truth {
            Truth::True => Outcome::Ready,
            Truth::False => when_false,
            Truth::Unknown | Truth::Other => Outcome::Busy,
        };
        Some(self.answer(&Found::Condition(found), outcome))
    }

    fn worst(self, at: &str, steps: &[Step]) -> Option<Verdict> {
        let entries: Vec<&Value> = match part(self.value, at)? {
            Value::Array(entries) => entries.iter().collect(),
            Value::Object(entries) => entries.values().collect(),
            _ => return None,
        };
        strongest(
            entries
                .into_iter()
                .filter_map(|entry| self.at(entry).walk(steps))
                .collect(),
        )
    }

    fn answer(self, found: &Found<'_>, outcome: Outcome) -> Verdict {
        match (found, outcome) {
            (Found::Condition(condition), _) => self.of_condition(condition, outcome),
            (Found::Message(message), Outcome::Late) if !grace::is_past_start(self.case) => {
                Verdict::in_progress("Progressing", message.clone())
            }
            (Found::Message(message), Outcome::Failed | Outcome::Late) => {
                of_outcome(outcome, with_detail(message, self.value))
            }
            (Found::Message(message), _) => of_outcome(outcome, message.clone()),
        }
    }

    fn of_condition(self, condition: &Condition<'_>, outcome: Outcome) -> Verdict {
        let message = described(condition);
        if let Some(verdict) = self.newer_than(condition) {
            return verdict;
        }
        match outcome {
            Outcome::Ready if meaning::ended_badly(condition) => {
                grace::tolerated(self.case, condition)
            }
            Outcome::Failed | Outcome::Late => grace::tolerated(self.case, condition),
            Outcome::Busy => Verdict::in_progress(condition.reason_or("NotReady"), message),
            Outcome::Idle => Verdict::suspended(condition.reason_or("Suspended"), message),
            _ => of_outcome(outcome, message),
        }
    }

    /// The verdict where the object has changed since the condition was made.
    fn newer_than(self, condition: &Condition<'_>) -> Option<Verdict> {
        let (seen, now) = condition.generation.zip(self.case.view().generation())?;
        (seen < now).then(|| not_observed(now, Some(seen)))
    }

    /// What the test found, where it holds.
    fn holds(self, test: &Test) -> Option<Found<'a>> {
        match test {
            Test::Condition {
                kind,
                truths,
                reasons,
            } => {
                let fits_all = |it: &Condition<'_>| {
                    fits(kind, it.kind)
                        && truths.contains(&it.truth)
                        && (reasons.is_empty()
                            || reasons.iter().any(|word| begins(word, it.reason)))
                };
                self.conditions().find(fits_all).map(Found::Condition)
            }
            Test::Told { kind, messages } => {
                let told = |it: &Condition<'_>| {
                    fits(kind, it.kind)
                        && it.is_false()
                        && messages.iter().any(|wanted| begins(wanted, it.message))
                };
                self.conditions().find(told).map(Found::Condition)
            }
            Test::Outdated(kind) => {
                let outdated =
                    |it: &Condition<'_>| fits(kind, it.kind) && self.newer_than(it).is_some();
                self.conditions().find(outdated).map(Found::Condition)
            }
            Test::Severity(severity) => self.of_severity(severity).map(Found::Condition),
            Test::NoCondition(kind) => {
                let lacks = self.conditions().next().is_some()
                    && !self.conditions().any(|it| fits(kind, it.kind));
                lacks.then(|| Found::Message(format!("it has no condition `{kind}`")))
            }
            _ => self.holds_field(test).map(Found::Message),
        }
    }

    fn holds_field(self, test: &Test) -> Option<String> {
        let (value, view) = (self.value, ManifestView(self.value));
        match test {
            Test::Says { at, words } | Test::SaysOther { at, words } => {
                let word = scalar(value, at)?;
                let said = words.iter().any(|wanted| begins(wanted, &word));
                let holds = said == matches!(test, Test::Says { .. });
                holds.then(|| format!("its {} is `{}`", last(at), one_line(&word, 100)))
            }
            Test::Flag { at, value: wanted } => {
                let holds = boolean(value, at) == Some(*wanted);
                holds.then(|| format!("`{}` is {wanted}", path(at)))
            }
            Test::Has(at) => is_filled(value, at).then(|| format!("`{}` is set", path(at))),
            Test::Lacks(at) => {
                (!is_filled(value, at)).then(|| format!("`{}` is not set", path(at)))
            }
            Test::Positive(at) => integer(value, at)
                .filter(|count| *count > 0)
                .map(|count| format!("`{}` is {count}", last(at))),
            Test::Fewer { have, want } => {
                let (have_count, want_count) =
                    (integer(value, have).unwrap_or(0), integer(value, want)?);
                (have_count < want_count)
                    .then(|| format!("`{}` is {have_count} of {want_count}", last(have)))
            }
            Test::Annotated { key, value: wanted } => (view.annotation(key) == Some(*wanted))
                .then(|| format!("it is annotated `{key}: {wanted}`")),
            Test::Labelled { key, value: wanted } => (view.label(key) == Some(*wanted))
                .then(|| format!("it is labelled `{key}: {wanted}`")),
            Test::Unreferenced { reference, among } => {
                let wanted = list(self.case.object, among);
                let known = wanted.is_empty()
                    || wanted.iter().any(|wanted| {
                        part(value, reference).is_none_or(|it| refers_alike(it, wanted))
                    });
                (!known).then(|| format!("`{}` is of the past", path(reference)))
            }
            Test::Always => Some("exists".to_owned()),
            Test::Condition { .. }
            | Test::Outdated(_)
            | Test::Told { .. }
            | Test::Severity(_)
            | Test::NoCondition(_) => None,
        }
    }

    fn of_severity(self, severity: &str) -> Option<Condition<'a>> {
        let entries = list(self.value, self.conditions).iter();
        entries
            .filter(|entry| text(entry, "/severity") == Some(severity))
            .filter_map(Condition::of)
            .find(Condition::is_false)
    }
}

/// What made a test hold.
enum Found<'a> {
    Condition(Condition<'a>),
    Message(String),
}

/// Whether two references name the same, as far as both tell.
fn refers_alike(one: &Value, other: &Value) -> bool {
    ["/name", "/namespace", "/sectionName", "/kind"]
        .iter()
        .all(|field| match (text(one, field), text(other, field)) {
            (Some(one), Some(other)) => one == other,
            _ => true,
        })
}

/// A word or a number as text.
fn scalar(value: &Value, at: &str) -> Option<String> {
    match part(value, at)? {
        Value::String(word) => Some(word.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether `word` is `wanted`, or begins with what stands before its `*`, whatever their case.
fn begins(wanted: &str, word: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(start) => {
            word.get(..start.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(start))
                && !word.is_empty()
        }
        None => word.eq_ignore_ascii_case(wanted),
    }
}

fn is_filled(value: &Value, at: &str) -> bool {
    match part(value, at) {
        None | Some(Value::Null) => false,
        Some(Value::String(text)) => !text.is_empty(),
        Some(Value::Array(entries)) => !entries.is_empty(),
        Some(Value::Object(fields)) => !fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => true,
    }
}

/// Where controllers put the sentence that belongs to the word for a failure.
const DETAILS: &[&str] = &[
    "/status/message",
    "/status/reason",
    "/status/error",
    "/status/error/message",
    "/status/errorDescription",
    "/status/errMsg",
    "/status/failureMessage",
    "/status/description",
    "/status/phaseReason",
    "/status/applicationState/errorMessage",
    "/status/reconciliationStatus/error",
    "/message",
    "/reason",
];

fn with_detail(message: &str, value: &Value) -> String {
    match DETAILS.iter().find_map(|at| text(value, at)) {
        Some(detail) => format!("{message}: {}", quoted(detail, 300)),
        None => message.to_owned(),
    }
}

fn last(at: &str) -> &str {
    at.rsplit('/').next().unwrap_or(at)
}

fn path(at: &str) -> FieldPath {
    FieldPath::of_pointer(at)
}
