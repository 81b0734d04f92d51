//! What the cluster must have for something to be done at all.

use schemars::JsonSchema;
use serde::Deserialize;

/// A condition on the cluster.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct When {
    /// Holds where this `CustomResourceDefinition` is served.
    pub(crate) crd: String,
}
