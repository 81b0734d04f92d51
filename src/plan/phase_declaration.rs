//! Phases of a plan as they are written.

use std::path::PathBuf;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{duration::PlanDuration, failure_budget::FailureBudgetDeclaration};

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
    pub(crate) when: Option<When>,
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

/// A condition on the cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct When {
    /// Holds where this `CustomResourceDefinition` is served.
    pub(crate) crd: String,
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

/// A dump taken before a phase changes, and the way to put it back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Backup {
    /// Name of the dump; the workload's where it is left out.
    pub(crate) name: Option<String>,
    /// The command whose standard output is the dump.
    pub(crate) exec: Exec,
    /// The command that reads the dump on its standard input.
    pub(crate) restore: Option<Restore>,
    /// Time limit.
    pub(crate) timeout: Option<PlanDuration>,
}

/// The command that puts a dump back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Restore {
    /// Workload or pod, where it is not the dump's.
    #[serde(rename = "in")]
    pub(crate) target: Option<String>,
    /// The command and its arguments, run without a shell.
    pub(crate) command: Vec<String>,
}

/// Something done before a phase is applied or after it is ready: exactly one of `exec`, `job`,
/// `apply`, `run`, `pause`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = super::one_of::exactly_one(&Action::KINDS)))]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Action {
    /// Name to show; composed where it is left out.
    pub(crate) name: Option<String>,
    /// A command in a container.
    pub(crate) exec: Option<Exec>,
    /// A Job that is run to its end.
    pub(crate) job: Option<ManifestAction>,
    /// Objects that are applied.
    pub(crate) apply: Option<ManifestAction>,
    /// A command on this machine.
    pub(crate) run: Option<Run>,
    /// A question that a person answers, for example `Switch the DNS entry`.
    pub(crate) pause: Option<String>,
    /// Where this does not hold, the action is skipped, and said to be.
    pub(crate) when: Option<When>,
    /// Time limit.
    pub(crate) timeout: Option<PlanDuration>,
}

impl Action {
    /// The keys of which exactly one says what is done.
    pub(super) const KINDS: [&str; 5] = ["exec", "job", "apply", "run", "pause"];

    /// Those of [`Self::KINDS`] that are given.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let given = [
            self.exec.is_some(),
            self.job.is_some(),
            self.apply.is_some(),
            self.run.is_some(),
            self.pause.is_some(),
        ];
        Self::KINDS
            .into_iter()
            .zip(given)
            .filter_map(|(name, given)| given.then_some(name))
            .collect()
    }
}

/// A command in a container.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Exec {
    /// Workload or pod, for example `statefulset/postgres`.
    #[serde(rename = "in")]
    pub(crate) target: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Container; the first where it is left out.
    pub(crate) container: Option<String>,
    /// The command and its arguments, run without a shell.
    pub(crate) command: Vec<String>,
    /// The command is left out where this one succeeds.
    pub(crate) unless: Option<Vec<String>>,
}

/// Objects in a file.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct ManifestAction {
    /// The file, relative to the plan.
    pub(crate) file: PathBuf,
}

/// A command on this machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Run {
    /// The command and its arguments, run without a shell.
    pub(crate) command: Vec<String>,
    /// The command is left out where this one succeeds.
    pub(crate) unless: Option<Vec<String>>,
}

/// What must hold at a phase's end: exactly one of `http`, `tcp`, `exec`, `object`, `prometheus`,
/// `stable`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = super::one_of::exactly_one(&Check::KINDS)))]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct Check {
    /// Name to show; composed where it is left out.
    pub(crate) name: Option<String>,
    /// An HTTP request through a port-forward.
    pub(crate) http: Option<HttpCheck>,
    /// A TCP connection through a port-forward.
    pub(crate) tcp: Option<TcpCheck>,
    /// A command in a container that must succeed.
    pub(crate) exec: Option<Exec>,
    /// A field of an object.
    pub(crate) object: Option<ObjectCheck>,
    /// A query to a Prometheus in the cluster.
    pub(crate) prometheus: Option<PrometheusCheck>,
    /// Everything in the phase stays ready, without restarts, for this long.
    pub(crate) stable: Option<PlanDuration>,
    /// Where this does not hold, the check is skipped, and said to be.
    pub(crate) when: Option<When>,
    /// Time limit, within which the check is repeated until it holds.
    pub(crate) timeout: Option<PlanDuration>,
}

impl Check {
    /// The keys of which exactly one says what is checked.
    pub(super) const KINDS: [&str; 6] = ["http", "tcp", "exec", "object", "prometheus", "stable"];

    /// Those of [`Self::KINDS`] that are given.
    pub(super) fn kinds(&self) -> Vec<&'static str> {
        let given = [
            self.http.is_some(),
            self.tcp.is_some(),
            self.exec.is_some(),
            self.object.is_some(),
            self.prometheus.is_some(),
            self.stable.is_some(),
        ];
        Self::KINDS
            .into_iter()
            .zip(given)
            .filter_map(|(name, given)| given.then_some(name))
            .collect()
    }
}

/// An HTTP request through a port-forward.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct HttpCheck {
    /// Name of the Service.
    pub(crate) service: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Port of the Service; its only one where it is left out.
    pub(crate) port: Option<u16>,
    /// Path and query.
    pub(crate) path: String,
    /// Status that the answer must have; 200 by default.
    pub(crate) status: Option<u16>,
    /// Text that the answer must contain.
    pub(crate) contains: Option<String>,
}

/// A TCP connection through a port-forward.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct TcpCheck {
    /// Name of the Service.
    pub(crate) service: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Port of the Service; its only one where it is left out.
    pub(crate) port: Option<u16>,
}

/// A field of an object that must have a value.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct ObjectCheck {
    /// Kind.
    pub(crate) kind: String,
    /// API group.
    pub(crate) group: Option<String>,
    /// Name.
    pub(crate) name: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// JSON pointer to the field.
    pub(crate) pointer: String,
    /// The value that it must have; any where it is left out.
    pub(crate) equals: Option<serde_json::Value>,
}

/// A query to a Prometheus in the cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct PrometheusCheck {
    /// Name of the Service.
    pub(crate) service: String,
    /// Its namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Port of the Service; 9090 by default.
    pub(crate) port: Option<u16>,
    /// The query; it must have a result, and every value in it must be other than 0.
    pub(crate) query: String,
}
