//! A plan as the rest of the program sees it: nothing in it depends on the environment any
//! more.

use std::{fmt, path::PathBuf, time::Duration};

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    choice::{Choice, PlanPart},
    condition::Conditions,
    expects::ExpectedCrd,
    failure_budget::FailureBudget,
    file::OpenTarget,
    ignored_fields::IgnoredFields,
    phase_declaration::{Match, OnFailure},
    preflight_declaration::PlanChecks,
    readiness_rule::ReadinessRule,
    release_id::ReleaseId,
    requirement::{Required, Requirement},
    secret_declaration::SecretDeclaration,
    source_declaration::SourceKind,
};
use crate::plan::PhaseId;

/// Where a release is found: what a look at it needs of its plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// The release.
    pub(crate) release: ReleaseId,
    /// Globs of the contexts that its environment may touch; empty: any.
    pub(crate) contexts: Vec<String>,
    /// Namespace that revisions are kept in.
    pub(crate) state_namespace: String,
}

/// What a plan says about when its objects are ready.
#[derive(Debug, Clone, Default)]
pub(crate) struct ReadinessSettings {
    /// Its rules, in the order in which they are tried.
    pub(crate) rules: Vec<ReadinessRule>,
    /// How much failing is tolerated, where a phase does not say it.
    pub(crate) budget: FailureBudget,
}

/// Where objects come from.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    /// What is read.
    pub(crate) kind: SourceKind,
    /// Namespace of its objects that name none, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Phase of its objects, but for what annotations or `match` say of one.
    pub(crate) phase: Option<String>,
    /// Where these are not met, it is left out, and said to be.
    pub(crate) conditions: Conditions,
    /// Line of the plan file that it is written in.
    pub(crate) line: u32,
}

impl fmt::Display for Source {
    /// What is read, as it is written.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            SourceKind::Manifests(manifests) => write!(formatter, "{}", manifests.path.display()),
            SourceKind::Kustomize(it) => write!(formatter, "kustomize: {}", it.folder.display()),
            SourceKind::Helm(chart) => write!(formatter, "helm: {}", chart.chart),
        }
    }
}

impl Source {
    /// The namespace that is named for its objects: that of a chart's release before its own.
    pub(crate) fn namespace(&self) -> Option<&String> {
        let of_chart = match &self.kind {
            SourceKind::Helm(chart) => chart.namespace.as_ref(),
            SourceKind::Manifests(_) | SourceKind::Kustomize(_) => None,
        };
        of_chart.or(self.namespace.as_ref())
    }
}

/// A plan resolved for one environment: nothing in it depends on the environment any more.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// Where it is written.
    pub(crate) paths: PlanPaths,
    /// Where the release that this plan and environment make is found.
    pub(crate) address: Address,
    /// Whether the release's name must be typed before anything is changed.
    pub(crate) protected: bool,
    /// Namespace for objects that name none.
    pub(crate) namespace: PlanNamespace,
    /// What `${…}` stands for.
    pub(crate) variables: PlanVariables,
    /// What it says of objects.
    pub(crate) contents: PlanContents,
    /// How long a run of it may take.
    pub(crate) timeouts: PlanTimeouts,
    /// What is checked before anything is written.
    pub(crate) checks: PlanChecks,
}

impl Plan {
    /// The plan without the Secrets and requirements that `choice` leaves out. Its phases stay, for
    /// the sake of their order.
    pub(crate) fn chosen(&self, choice: &Choice) -> Self {
        let mut plan = self.clone();
        plan.contents.secrets.retain(|secret| {
            let part = PlanPart::Secret(secret.name.clone());
            !choice.skips(&part)
        });
        plan.contents.requires.retain(|requirement| {
            let Required::Crd(crd) = &requirement.what else {
                return true;
            };
            !choice.skips(&PlanPart::RequiredCrd(crd.name.clone()))
        });
        plan
    }
}

impl Plan {
    /// Whether some source is a chart, which asks what the cluster serves.
    pub(crate) fn has_charts(&self) -> bool {
        let mut sources = self.contents.sources.iter();
        sources.any(|source| matches!(source.kind, SourceKind::Helm(_)))
    }
}

/// Where a plan is written.
#[derive(Debug, Clone)]
pub(crate) struct PlanPaths {
    /// The plan file, as the user would name it.
    pub(crate) file: PathBuf,
    /// The folder that relative paths in the plan start from.
    pub(crate) folder: PathBuf,
}

/// Namespace for objects that name none.
#[derive(Debug, Clone)]
pub(crate) struct PlanNamespace {
    /// `default` where the plan says nothing.
    pub(crate) name: String,
    /// Whether the plan names it itself, so that it is created if absent.
    pub(crate) is_named: bool,
}

/// What `${…}` stands for.
#[derive(Debug, Clone)]
pub(crate) struct PlanVariables {
    /// Value of every declared variable and of the built-in ones.
    pub(crate) values: IndexMap<String, Value>,
    /// Values that come from `--set` or the process environment, not from the file: shown before
    /// confirming.
    pub(crate) foreign: Vec<String>,
    /// Whether they are replaced in manifests: only where the plan has `variables`.
    pub(crate) in_manifests: bool,
}

/// What a plan says of objects.
#[derive(Debug, Clone)]
pub(crate) struct PlanContents {
    /// Where the objects come from.
    pub(crate) sources: Vec<Source>,
    /// The Secrets that deployctl makes.
    pub(crate) secrets: Vec<SecretDeclaration>,
    /// All phases in an order in which every phase comes after those it names in `after`.
    pub(crate) phases: Vec<PhaseSettings>,
    /// When objects are ready.
    pub(crate) readiness: ReadinessSettings,
    /// What must be there before anything is written, in the order of the file.
    pub(crate) requires: Vec<Requirement>,
    /// How to reach things once they run.
    pub(crate) open: IndexMap<String, OpenTarget>,
    /// Whether workloads restart when a `ConfigMap` or Secret changes that they read.
    pub(crate) restart_on_change: bool,
    /// Fields of objects that others decide about.
    pub(crate) ignored: Vec<IgnoredFields>,
}

/// How long a run of a plan may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlanTimeouts {
    /// Time limit of the whole run.
    pub(crate) run: Duration,
    /// Time limit of the way back.
    pub(crate) rollback: Duration,
}

/// One phase of a resolved plan.
#[derive(Debug, Clone)]
pub(crate) struct PhaseSettings {
    /// Its name.
    pub(crate) name: String,
    /// Phases that must be ready before this one starts.
    pub(crate) after: Vec<String>,
    /// Which objects belong to it, beside those that go there by folder, file name or kind.
    pub(crate) matches: Vec<Match>,
    /// The phase is skipped, and said to be, where these are not met.
    pub(crate) conditions: Conditions,
    /// Time limit.
    pub(crate) timeout: Duration,
    /// How much failing is tolerated in it.
    pub(crate) failure_budget: FailureBudget,
    /// What a failure in it does.
    pub(crate) on_failure: OnFailure,
    /// Definitions that its controllers create while they run.
    pub(crate) expects: Vec<ExpectedCrd>,
}

impl PhaseSettings {
    /// The phase itself, among those of a run.
    pub(crate) fn id(&self) -> PhaseId {
        PhaseId::declared(&self.name)
    }
}
