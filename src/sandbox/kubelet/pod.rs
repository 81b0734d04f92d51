//! The pod that a request is about: its name, and what its annotations say that the sandbox is to
//! play.

use serde_json::Value;

/// A pod, as a request names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PodName {
    pub(super) namespace: String,
    pub(super) name: String,
}

impl PodName {
    /// The path of the pod in the API server.
    pub(super) fn path(&self) -> String {
        format!("/api/v1/namespaces/{}/pods/{}", self.namespace, self.name)
    }
}

/// An annotation of the pod that says what the sandbox is to play.
pub(super) fn annotation<'a>(pod: &'a Value, name: &str) -> Option<&'a str> {
    pod["metadata"]["annotations"][format!("sandbox.deployctl.dev/{name}")].as_str()
}
