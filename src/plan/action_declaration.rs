//! Actions before and after a phase, and dumps before it, as they are written. They are refused with
//! their lines (`unsupported.rs`) and not carried out yet.
#![expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{condition::Condition, duration::PlanDuration};

/// A dump taken before a phase changes, and the way to put it back.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
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
    pub(crate) when: Option<Condition>,
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
pub(crate) struct ManifestAction {
    /// The file, relative to the plan.
    pub(crate) file: PathBuf,
}

/// A command on this machine.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Run {
    /// The command and its arguments, run without a shell.
    pub(crate) command: Vec<String>,
    /// The command is left out where this one succeeds.
    pub(crate) unless: Option<Vec<String>>,
}
