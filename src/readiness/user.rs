//! Rules of a plan's author. The first that fits an object decides about it; every other object is
//! judged by the built-in rules.

use std::{sync::Arc, time::Duration};

use serde_json::Value;

use super::{
    budget::Budget,
    generation,
    judge::{judge_within, terminating},
    surroundings::Surroundings,
    verdict::{State, Verdict},
};
use crate::{
    object::{ManifestView, ObjectId, one_line},
    plan::{Doubt, Expression, Place, ReadinessRule, ReadinessSelector, WrittenExpression},
};

/// Reason of every verdict that a plan's rule gives.
const REASON: &str = "UserRule";

/// The field by which a controller says which generation its status is about.
const OBSERVED: &str = "observedGeneration";

/// Most characters of an expression in a message.
const LONGEST_EXPRESSION: usize = 120;

/// The rules of a plan about when objects are ready, ready to be asked. Cheap to clone; none by
/// default.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rules(Arc<[Rule]>);

#[derive(Debug)]
struct Rule {
    selector: ReadinessSelector,
    ready: Option<Condition>,
    failed: Option<Condition>,
    timeout: Option<Duration>,
}

#[derive(Debug)]
struct Condition {
    expression: Expression,
    place: Place,
}

impl Rules {
    /// Compiles `written`, in the order in which they are tried. Fails, with place and cause, where
    /// this program cannot read one of them; rules of a plan that was loaded were checked, those of
    /// a revision may come from another version.
    pub(crate) fn compile(written: &[ReadinessRule]) -> Result<Self, String> {
        written
            .iter()
            .map(Rule::compile)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// The verdict about `object`: by the rule that fits it, or else by the built-in ones. Whatever
    /// is being deleted is terminating. A pure function: it asks nobody and reads no clock.
    pub(crate) fn judge(
        &self,
        object: &Value,
        surroundings: &Surroundings<'_>,
        budget: Budget,
    ) -> Verdict {
        let built_in = || judge_within(object, surroundings, budget);
        let view = ManifestView(object);
        match self.rule(view.group(), view.kind(), view.name()) {
            None => built_in(),
            Some(rule) => {
                terminating(object).unwrap_or_else(|| rule.judge(object, surroundings, built_in))
            }
        }
    }

    /// How long `id` may take until it is ready, where a rule says so. Whoever waits knows since
    /// when.
    pub(crate) fn timeout_for(&self, id: &ObjectId) -> Option<Duration> {
        self.rule(&id.group, &id.kind, &id.name)?.timeout
    }

    fn rule(&self, group: &str, kind: &str, name: &str) -> Option<&Rule> {
        self.0
            .iter()
            .find(|rule| rule.selector.fits(group, kind, name))
    }
}

impl Rule {
    fn compile(written: &ReadinessRule) -> Result<Self, String> {
        let condition = |written: &Option<WrittenExpression>| {
            written.as_ref().map(Condition::compile).transpose()
        };
        let selector = written
            .selector()
            .map_err(|message| format!("{}: {message}", written.place))?;
        Ok(Self {
            selector,
            ready: condition(&written.ready)?,
            failed: condition(&written.failed)?,
            timeout: written.timeout,
        })
    }

    fn judge(
        &self,
        object: &Value,
        surroundings: &Surroundings<'_>,
        built_in: impl FnOnce() -> Verdict,
    ) -> Verdict {
        if let Some(verdict) = self.behind(object) {
            return verdict;
        }
        let failed = self
            .failed
            .as_ref()
            .map(|condition| (condition, condition.ask(object, surroundings)));
        if let Some((condition, Ok(true))) = &failed {
            return Verdict::failed(REASON, with_cause(condition.is("is true"), &built_in()));
        }
        let Some(ready) = &self.ready else {
            return unless_in_doubt(failed, built_in());
        };
        match ready.ask(object, surroundings) {
            Ok(true) => unless_in_doubt(
                failed,
                Verdict::new(State::Ready, REASON, ready.is("is true")),
            ),
            Ok(false) => {
                Verdict::in_progress(REASON, with_cause(ready.is("is not true yet"), &built_in()))
            }
            Err(doubt) => {
                Verdict::in_progress(REASON, with_cause(ready.in_doubt(&doubt), &built_in()))
            }
        }
    }

    /// The verdict about an object whose status is about an earlier generation: what it says must
    /// not count for the new one. A rule that looks at the generation itself knows better.
    fn behind(&self, object: &Value) -> Option<Verdict> {
        let mentions = |condition: &Option<Condition>| {
            condition
                .as_ref()
                .is_some_and(|condition| condition.expression.text().contains(OBSERVED))
        };
        if mentions(&self.ready) || mentions(&self.failed) {
            None
        } else {
            generation::behind(object)
        }
    }
}

/// `verdict`, but that nothing is ready of which it is not known whether it has failed. A field
/// that is missing says that it has not.
fn unless_in_doubt(failed: Option<(&Condition, Result<bool, Doubt>)>, verdict: Verdict) -> Verdict {
    match failed {
        Some((condition, Err(doubt @ Doubt::Error(_)))) if verdict.passes() => {
            Verdict::in_progress(REASON, condition.in_doubt(&doubt))
        }
        _ => verdict,
    }
}

/// `message`, and what the built-in rules say that stands in the way.
fn with_cause(message: String, built_in: &Verdict) -> String {
    match built_in.state {
        State::InProgress | State::Failed if !built_in.message.is_empty() => {
            format!("{message}; {}", built_in.message)
        }
        _ => message,
    }
}

impl Condition {
    fn compile(written: &WrittenExpression) -> Result<Self, String> {
        Ok(Self {
            expression: written.compile()?,
            place: written.place.clone(),
        })
    }

    fn ask(&self, object: &Value, surroundings: &Surroundings<'_>) -> Result<bool, Doubt> {
        self.expression.holds(object, surroundings.now)
    }

    /// A sentence about the expression that ends with `what`, and where it stands.
    fn is(&self, what: &str) -> String {
        format!(
            "`{}` {what} ({})",
            one_line(self.expression.text(), LONGEST_EXPRESSION),
            self.place
        )
    }

    fn in_doubt(&self, doubt: &Doubt) -> String {
        match doubt {
            Doubt::MissingField(field) => self.is(&format!(
                "is not true yet: there is no `{}`",
                one_line(field, LONGEST_EXPRESSION)
            )),
            Doubt::Error(error) => self.is(&format!("cannot be told: {error}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn rules(yaml: &str) -> Rules {
        let written: Vec<ReadinessRule> = serde_yaml::from_str(yaml).unwrap();
        Rules::compile(&written).unwrap()
    }

    /// One rule for `Widget.example.org` in the file's third line, with `more` keys.
    fn rule(more: &str) -> Rules {
        rules(&format!(
            "- {{kind: Widget, group: example.org, place: {{file: p.yaml, line: 3}}, {more}}}"
        ))
    }

    fn expression(text: &str, line: u32) -> String {
        format!("{{text: \"{text}\", place: {{file: p.yaml, line: {line}}}}}")
    }

    fn phases() -> Rules {
        let (ready, failed) = (
            expression("status.phase == 'Running'", 4),
            expression("status.phase == 'Broken'", 5),
        );
        rule(&format!(
            "ready: {ready}, failed: {failed}, timeout: {{secs: 120, nanos: 0}}"
        ))
    }

    fn widget(status: &Value) -> Value {
        json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "a", "generation": 2}, "status": status})
    }

    fn verdict(rules: &Rules, object: &Value) -> (State, String) {
        let verdict = rules.judge(
            object,
            &Surroundings::none(Timestamp::UNIX_EPOCH),
            Budget::default(),
        );
        (
            verdict.state,
            format!("{}: {}", verdict.reason, verdict.message),
        )
    }

    #[test]
    fn failed_comes_before_ready_and_what_is_neither_is_in_progress() {
        for (phase, state, message) in [
            (
                "Running",
                State::Ready,
                "UserRule: `status.phase == 'Running'` is true (p.yaml:4)",
            ),
            (
                "Broken",
                State::Failed,
                "UserRule: `status.phase == 'Broken'` is true (p.yaml:5)",
            ),
            (
                "Odd",
                State::InProgress,
                "UserRule: `status.phase == 'Running'` is not true yet (p.yaml:4); its phase is `Odd`",
            ),
        ] {
            let (found, said) = verdict(&phases(), &widget(&json!({"phase": phase})));
            assert_eq!(found, state, "{phase}");
            assert!(said.starts_with(message), "{said}");
        }
    }

    #[test]
    fn a_field_that_is_missing_is_named_and_awaited() {
        let (state, said) = verdict(&phases(), &widget(&Value::Null));
        assert_eq!(state, State::InProgress);
        assert!(said.starts_with("UserRule: `status.phase == 'Running'` is not true yet: there is no `phase` (p.yaml:4)"), "{said}");
    }

    #[test]
    fn an_error_is_never_ready() {
        let ready = rule(&format!("ready: {}", expression("status.phase > 3", 4)));
        let (state, said) = verdict(&ready, &widget(&json!({"phase": "Running"})));
        assert_eq!(state, State::InProgress);
        assert!(
            said.starts_with("UserRule: `status.phase > 3` cannot be told: `>` cannot be applied to string and int (p.yaml:4)"),
            "{said}"
        );
        let failed = rule(&format!("failed: {}", expression("status.phase > 3", 4)));
        let done =
            widget(&json!({"phase": "Ready", "conditions": [{"type": "Ready", "status": "True"}]}));
        assert_eq!(verdict(&Rules::default(), &done).0, State::Ready);
        assert_eq!(verdict(&failed, &done).0, State::InProgress);
    }

    #[test]
    fn with_failed_alone_the_built_in_rules_decide_about_the_rest() {
        let rules = rule(&format!("failed: {}", expression("status.attempts > 3", 4)));
        let status = |attempts: i32, ready: &str| json!({"attempts": attempts, "conditions": [{"type": "Ready", "status": ready}]});
        assert_eq!(verdict(&rules, &widget(&status(1, "True"))).0, State::Ready);
        assert_eq!(
            verdict(&rules, &widget(&status(1, "False"))).0,
            State::InProgress
        );
        assert_eq!(
            verdict(&rules, &widget(&status(4, "True"))).0,
            State::Failed
        );
        let silent = json!({"conditions": [{"type": "Ready", "status": "True"}]});
        assert_eq!(verdict(&rules, &widget(&silent)).0, State::Ready);
    }

    #[test]
    fn what_a_status_says_about_an_earlier_generation_does_not_count() {
        for phase in ["Running", "Broken"] {
            let (state, said) = verdict(
                &phases(),
                &widget(&json!({"phase": phase, "observedGeneration": 1})),
            );
            assert_eq!(
                (state, said.as_str()),
                (
                    State::InProgress,
                    "NotObserved: its controller has seen generation 1 of 2"
                )
            );
        }
        let knowing = rule(&format!(
            "ready: {}",
            expression("status.observedGeneration >= 1", 4)
        ));
        assert_eq!(
            verdict(&knowing, &widget(&json!({"observedGeneration": 1}))).0,
            State::Ready
        );
    }

    #[test]
    fn whatever_is_being_deleted_is_terminating() {
        let mut object = widget(&json!({"phase": "Running"}));
        object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
        assert_eq!(verdict(&phases(), &object).0, State::Terminating);
    }

    #[test]
    fn the_first_rule_that_fits_kind_group_and_name_decides() {
        let rule = |group: &str, name: &str, ready: &str| {
            format!(
                "- {{kind: Widget, {group}name: '{name}', ready: {}, place: {{file: p, line: 1}}}}\n",
                expression(ready, 1)
            )
        };
        let rules = rules(
            &(rule("group: example.com, ", "*", "true")
                + &rule("", "b-*", "true")
                + &rule("", "*", "false")),
        );
        let named = |name: &str| json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": name}});
        assert_eq!(verdict(&rules, &named("a")).0, State::InProgress);
        assert_eq!(verdict(&rules, &named("b-1")).0, State::Ready);
        let other = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "b-1"}});
        assert_eq!(verdict(&rules, &other).1, ": exists");
    }

    #[test]
    fn a_timeout_is_told_for_the_objects_of_its_rule() {
        let id = |kind: &str| ObjectId {
            group: "example.org".to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: "a".to_owned(),
        };
        assert_eq!(
            phases().timeout_for(&id("Widget")),
            Some(Duration::from_mins(2))
        );
        assert_eq!(phases().timeout_for(&id("Gadget")), None);
    }

    #[test]
    fn rules_of_a_revision_that_cannot_be_read_are_refused_with_their_place() {
        let written = format!(
            "- {{kind: A, ready: {}, place: {{file: p.yaml, line: 3}}}}",
            expression("status.phase ==", 4)
        );
        let written: Vec<ReadinessRule> = serde_yaml::from_str(&written).unwrap();
        let stored: Vec<ReadinessRule> =
            serde_json::from_str(&serde_json::to_string(&written).unwrap()).unwrap();
        assert_eq!(stored, written);
        let refused = Rules::compile(&stored).unwrap_err();
        assert_eq!(
            refused,
            "p.yaml:4: the expression ends too early; something is missing at its end"
        );
    }
}
