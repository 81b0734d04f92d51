//! The plan file: its types, loading it with errors that say where, environments and variables.

mod action_declaration;
mod check_declaration;
mod choice;
mod condition;
mod condition_check;
mod discover;
mod duration;
mod expects;
mod expression;
mod failure_budget;
mod field_selector;
mod file;
mod file_check;
mod head;
mod ignored_fields;
mod load;
mod match_check;
mod names;
mod node;
mod node_deserializer;
mod one_of;
mod phase_declaration;
mod phase_id;
mod phases;
mod preflight_declaration;
mod problem;
mod readiness_rule;
mod release_id;
mod requirement;
mod requires_check;
mod requires_declaration;
mod resolve;
mod resolved;
mod schema;
mod secret_check;
mod secret_declaration;
mod source_declaration;
mod spelled;
mod substitute;
mod unsupported;
mod variables;
mod version;

pub(crate) use choice::{Choice, PlanPart, Skipped};
pub(crate) use condition::{Capabilities, Conditions, Judgement, NoCluster};
pub(crate) use duration::parse_duration;
pub(crate) use expects::{ExpectedCrd, ExpectedScope};
pub(crate) use expression::{Doubt, Expression};
pub(crate) use failure_budget::FailureBudget;
pub(crate) use field_selector::{FieldSelector, FieldStep};
pub(crate) use file::OpenTarget;
pub(crate) use ignored_fields::{FieldPlace, IgnoredFields};
pub(crate) use load::{
    Examined, LoadError, Selection, address, address_or_name, examine, load, readiness,
};
pub(crate) use names::nearest;
pub(crate) use phase_declaration::{Match, MatchRollback, OnFailure};
pub(crate) use phase_id::PhaseId;
#[cfg(test)]
pub(crate) use preflight_declaration::PlanChecks;
pub(crate) use preflight_declaration::skippable;
pub(crate) use problem::Problem;
pub(crate) use readiness_rule::{Place, ReadinessRule, ReadinessSelector, WrittenExpression};
pub(crate) use release_id::ReleaseId;
pub(crate) use requirement::{Required, Requirement};
#[cfg(test)]
pub(crate) use requires_declaration::RequiredCrd;
pub(crate) use requires_declaration::{RequiredNodes, RequiredTool};
pub(crate) use resolve::STATE_NAMESPACE;
pub(crate) use resolved::{Address, PhaseSettings, Plan, ReadinessSettings, Source};
#[cfg(test)]
pub(crate) use resolved::{PlanContents, PlanNamespace, PlanPaths, PlanTimeouts, PlanVariables};
pub(crate) use schema::schema;
pub(crate) use secret_check::secret_variable;
pub(crate) use secret_declaration::{
    Alphabet, Encoding, Generate, KeyAlgorithm, SecretDeclaration, SecretKind, SecretValue,
    ValueFormat,
};
pub(crate) use source_declaration::{
    HelmChart, HelmValues, KustomizeSource, ManifestSource, SourceKind,
};
pub(crate) use substitute::{built_in_references, former_references, substitute};
pub(crate) use version::Version;
