//! What is read of a plan file before anything else: its environments and variables.

use indexmap::IndexMap;
use serde::Deserialize;

use super::{
    file::{EnvironmentDeclaration, Variable},
    node::{Content, Node},
};

/// What must be known of a plan before its variables have values.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Head {
    /// Always `deployctl.dev/v1`.
    pub(super) api_version: String,
    /// Name of the plan.
    pub(super) name: Option<String>,
    /// Namespace of environments that name none.
    pub(super) namespace: Option<String>,
    /// Contexts of environments that name none.
    #[serde(default)]
    pub(super) contexts: Vec<String>,
    /// Declared variables.
    #[serde(default)]
    pub(super) variables: IndexMap<String, Variable>,
    /// Declared environments.
    #[serde(default)]
    pub(super) environments: IndexMap<String, EnvironmentDeclaration>,
}

/// The keys of a plan file that belong to [`Head`].
pub(super) const HEAD_KEYS: [&str; 6] = [
    "apiVersion",
    "name",
    "namespace",
    "contexts",
    "variables",
    "environments",
];

/// The entries of `root` that belong to [`Head`].
pub(super) fn head_of(root: &Node) -> Node {
    let mut head = root.clone();
    if let Content::Map(entries) = &mut head.content {
        entries.retain(|entry| HEAD_KEYS.contains(&entry.key.as_str()));
    }
    head
}
