//! Phases of a plan as they are written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    action_declaration::{Action, Backup},
    check_declaration::Check,
    condition::{Condition, Conditions},
    duration::PlanDuration,
    expects::Expects,
    failure_budget::FailureBudgetDeclaration,
};

/// A phase: a change to one of the seven, or a further one, which names what it comes `after` or
/// `before`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "for people who read the plan")]
pub(crate) struct PhaseDeclaration {
    /// What the phase is for.
    pub(crate) description: Option<String>,
    /// Phases that must be ready before this one starts.
    pub(crate) after: Option<Vec<String>>,
    /// Phases that start only when this one is ready.
    #[serde(default)]
    pub(crate) before: Vec<String>,
    /// Objects that belong to it, beside those that go there by folder, file name or kind.
    #[serde(default, rename = "match")]
    pub(crate) matches: Vec<Match>,
    /// Where this does not hold, the phase is skipped, and said to be.
    pub(crate) when: Option<Condition>,
    /// Where this holds, the phase is skipped, and said to be.
    pub(crate) unless: Option<Condition>,
    /// What controllers of the phase define while they run, and later phases need.
    pub(crate) expects: Option<Expects>,
    /// Time limit; 10 minutes by default.
    pub(crate) timeout: Option<PlanDuration>,
    /// How much failing is tolerated in it, where that is not what the plan says.
    pub(crate) failure_budget: Option<FailureBudgetDeclaration>,
    /// What a failure in it does.
    #[serde(default)]
    pub(crate) on_failure: OnFailure,
    /// Dumps taken before anything in the phase changes.
    #[serde(default)]
    pub(crate) backup: Vec<Backup>,
    /// Actions before the phase's objects are written.
    #[serde(default)]
    pub(crate) before_apply: Vec<Action>,
    /// Actions once the phase's objects are ready.
    #[serde(default)]
    pub(crate) after_ready: Vec<Action>,
    /// What must hold at the phase's end.
    #[serde(default)]
    pub(crate) checks: Vec<Check>,
}

impl PhaseDeclaration {
    /// What must be so for the phase to be carried out.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions::new(self.when.as_ref(), self.unless.as_ref())
    }
}

/// Objects that a rule is about: all keys given must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Match {
    /// Kind.
    pub(crate) kind: Option<String>,
    /// API group.
    pub(crate) group: Option<String>,
    /// Name or glob.
    pub(crate) name: Option<String>,
    /// Namespace or glob.
    pub(crate) namespace: Option<String>,
    /// Labels that the object carries.
    #[serde(default)]
    pub(crate) labels: IndexMap<String, String>,
    /// File or glob, relative to the plan.
    pub(crate) file: Option<String>,
    /// Whether they are deleted and created again if immutable fields of them change.
    #[serde(default)]
    pub(crate) recreate: bool,
    /// What a rollback does with them, where that is not what it does with everything.
    pub(crate) rollback: Option<MatchRollback>,
}

impl Match {
    /// Whether no key says which objects it is about, so that it would be about everything.
    pub(super) fn is_empty(&self) -> bool {
        let Self {
            kind,
            group,
            name,
            namespace,
            labels,
            file,
            recreate: _,
            rollback: _,
        } = self;
        labels.is_empty()
            && [kind, group, name, namespace, file]
                .into_iter()
                .all(Option::is_none)
    }
}

/// What a rollback does with objects that are an exception.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum MatchRollback {
    /// They are left as they are, and named.
    Manual,
    /// They are restored, and Jobs among them are run again.
    Rerun,
}

/// What a failure in a phase does to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) enum OnFailure {
    /// The run stops and what was done is rolled back.
    #[default]
    Rollback,
    /// The run stops and everything stays as it is.
    Stop,
}
