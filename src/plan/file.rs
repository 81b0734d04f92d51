//! The plan file as it is written. The JSON Schema is generated from these types.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    duration::PlanDuration, failure_budget::FailureBudgetDeclaration,
    ignored_fields::IgnoredFieldsDeclaration, phase_declaration::PhaseDeclaration,
    preflight_declaration::PreflightDeclaration, readiness_rule::ReadinessDeclaration,
    requires_declaration::Requires, secret_declaration::SecretDeclaration,
    source_declaration::SourceDeclaration,
};

/// The only `apiVersion` of plans.
pub(super) const API_VERSION: &str = "deployctl.dev/v1";

/// A plan: what is deployed, in which order, to which environments.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(title = "deployctl plan")]
#[expect(
    dead_code,
    reason = "read through `Head`; here for the schema and for unknown keys"
)]
pub(crate) struct PlanFile {
    /// Always `deployctl.dev/v1`.
    #[schemars(extend("const" = API_VERSION))]
    pub(crate) api_version: String,
    /// Name of the plan, a DNS label; the file's stem where it is left out.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(max = 61))]
    pub(crate) name: Option<String>,
    /// What the plan deploys, for people.
    pub(crate) description: Option<String>,
    /// Where the objects come from.
    #[schemars(length(min = 1))]
    pub(crate) sources: Vec<SourceDeclaration>,
    /// Namespace for objects that name none, in environments that name none themselves; created if
    /// absent.
    pub(crate) namespace: Option<String>,
    /// Globs of the contexts that environments which name none themselves may touch.
    #[serde(default)]
    pub(crate) contexts: Vec<String>,
    /// The only names that `${…}` replaces in manifests, beside `release.environment`,
    /// `release.name`, `release.namespace` and `release.plan`. Without this key nothing is replaced
    /// there.
    #[serde(default)]
    pub(crate) variables: IndexMap<String, Variable>,
    /// Variants of the plan; one called `default` where none is named.
    #[serde(default)]
    pub(crate) environments: IndexMap<String, EnvironmentDeclaration>,
    /// The Secrets that deployctl makes.
    #[serde(default)]
    pub(crate) secrets: Vec<SecretDeclaration>,
    /// Changes to the phases `namespace`, `secrets`, `storage`, `databases`, `apps`, `monitoring`,
    /// `ingress`, and further ones.
    #[serde(default)]
    pub(crate) phases: IndexMap<String, PhaseDeclaration>,
    /// When objects are ready, where the built-in rules do not know it; the first rule that fits an
    /// object decides.
    #[serde(default)]
    pub(crate) readiness: Vec<ReadinessDeclaration>,
    /// How much failing is tolerated before an object is called failed.
    pub(crate) failure_budget: Option<FailureBudgetDeclaration>,
    /// What the cluster must provide.
    #[serde(default)]
    pub(crate) requires: Requires,
    /// What is checked before anything is written.
    #[serde(default)]
    pub(crate) preflight: PreflightDeclaration,
    /// Fields of objects that others decide about.
    #[serde(default)]
    pub(crate) ignore_fields: Vec<IgnoredFieldsDeclaration>,
    /// How to reach things once they run.
    #[serde(default)]
    pub(crate) open: IndexMap<String, OpenTarget>,
    /// Time limit of the whole run; 60 minutes by default.
    pub(crate) timeout: Option<PlanDuration>,
    /// Time limit of a rollback; 30 minutes by default.
    pub(crate) timeout_rollback: Option<PlanDuration>,
    /// Namespace that revisions are recorded in; `deployctl-system` by default.
    pub(crate) state_namespace: Option<String>,
    /// Whether workloads restart when a `ConfigMap` or Secret changes that they read; they do by
    /// default.
    pub(crate) restart_on_change: Option<bool>,
}

/// A name that `${…}` replaces. Its value comes from `--set`, else the environment, else `env`,
/// else `default`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "for people who read the plan")]
pub(crate) struct Variable {
    /// The value where nothing else gives one: text, a number, `true` or `false`.
    #[schemars(extend("type" = ["string", "number", "boolean"]))]
    pub(crate) default: Option<Value>,
    /// Variable of the process environment that the value is read from; an empty one counts as
    /// absent.
    pub(crate) env: Option<String>,
    /// What the variable is for.
    pub(crate) description: Option<String>,
    /// Regular expression that the whole value must match.
    pub(crate) pattern: Option<String>,
}

/// A named variant of a plan.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "for people who read the plan")]
pub(crate) struct EnvironmentDeclaration {
    /// Taken where `--env` is not given.
    #[serde(default)]
    pub(crate) default: bool,
    /// What the environment is, for people.
    pub(crate) description: Option<String>,
    /// Namespace for objects that name none; created if absent.
    pub(crate) namespace: Option<String>,
    /// Globs of the contexts that it may touch; any where none is given.
    pub(crate) contexts: Option<Vec<String>>,
    /// Whether the release's name must be typed before anything is changed; `contexts` must be
    /// given then.
    #[serde(default)]
    pub(crate) protected: bool,
    /// Values of variables.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = {"type": ["string", "number", "boolean"]}))]
    pub(crate) variables: IndexMap<String, Value>,
}

/// Something that can be reached through a Service once it runs.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct OpenTarget {
    /// Name of the Service.
    pub(crate) service: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Port of the Service.
    pub(crate) port: u16,
    /// Path after host and port, for example `/docs`.
    pub(crate) path: Option<String>,
    /// `http` (default), `https` or `tcp`.
    #[schemars(extend("enum" = ["http", "https", "tcp"]))]
    pub(crate) scheme: Option<String>,
    /// A line to show that connects, for example `psql -h localhost -p 5432 -U app`.
    pub(crate) connect: Option<String>,
}
