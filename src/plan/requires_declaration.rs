//! What a plan requires, as it is written.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::condition::{Condition, Conditions};

/// What must be there before anything is written.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Requires {
    /// A version requirement such as `>=1.26` or `>=1.26, <1.36`.
    pub(crate) kubernetes: Option<String>,
    /// `StorageClasses` that must exist.
    #[serde(default)]
    pub(crate) storage_classes: Vec<String>,
    /// `IngressClasses` that must exist.
    #[serde(default)]
    pub(crate) ingress_classes: Vec<String>,
    /// `CustomResourceDefinitions` that must be served.
    #[serde(default)]
    pub(crate) crds: Vec<RequiredCrd>,
    /// API groups with their version that must be served, for example `metrics.k8s.io/v1beta1`.
    #[serde(default)]
    pub(crate) apis: Vec<String>,
    /// Programs that must be on this machine.
    #[serde(default)]
    pub(crate) tools: Vec<RequiredTool>,
    /// What all nodes together must be able to give.
    pub(crate) resources: Option<RequiredResources>,
    /// Nodes that must be there.
    #[serde(default)]
    pub(crate) nodes: Vec<RequiredNodes>,
    /// Releases that must be deployed, each as `PLAN.ENV`.
    #[serde(default)]
    pub(crate) releases: Vec<String>,
}

/// A `CustomResourceDefinition` that must be served.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredCrd {
    /// Its name, for example `certificates.cert-manager.io`.
    pub(crate) name: String,
    /// The command that installs it.
    pub(crate) install: Option<String>,
    /// Where this does not hold, the definition is not required.
    pub(crate) when: Option<Condition>,
    /// Where this holds, the definition is not required.
    pub(crate) unless: Option<Condition>,
}

impl RequiredCrd {
    /// What must be so for the definition to be required.
    pub(crate) fn conditions(&self) -> Conditions {
        Conditions::new(self.when.as_ref(), self.unless.as_ref())
    }
}

/// A program that must be on this machine.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredTool {
    /// Its name, for example `helm`.
    pub(crate) name: String,
    /// A version requirement such as `>=3.14`.
    pub(crate) version: Option<String>,
    /// The command or page that installs it.
    pub(crate) install: Option<String>,
}

/// What all nodes together must be able to give, as Kubernetes quantities.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredResources {
    /// Processors, for example `4` or `3500m`.
    pub(crate) cpu: Option<String>,
    /// Memory, for example `16Gi`.
    pub(crate) memory: Option<String>,
}

/// Nodes that must be there.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct RequiredNodes {
    /// Labels that each of them carries; any node counts where none are given.
    #[serde(default)]
    pub(crate) labels: IndexMap<String, String>,
    /// How many there must be at least; 1 where it is left out.
    #[schemars(range(min = 1))]
    pub(crate) count: Option<u32>,
}
