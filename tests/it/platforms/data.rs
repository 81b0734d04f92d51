//! The data file of a platform, `tests/platforms/PLATFORM.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

/// All that is particular to a platform.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Data {
    pub(super) plan: String,
    /// Sets of `sandbox --crds` that it needs.
    #[serde(default)]
    pub(super) crds: Vec<String>,
    pub(super) environments: BTreeMap<String, EnvironmentData>,
    #[serde(flatten)]
    pub(super) inputs: Inputs,
    #[serde(flatten)]
    pub(super) expectations: Expectations,
}

/// What an environment has of its own.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentData {
    /// All that its objects are in.
    pub(super) namespaces: Vec<String>,
    /// Variables for it alone.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
}

/// What is given to every run.
#[derive(Debug, Deserialize)]
pub(crate) struct Inputs {
    /// Values of prompts and files by `NAME/KEY`; `@PATH` is a file of the project.
    #[serde(default)]
    pub(super) secrets: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
}

/// What is expected of it.
#[derive(Debug, Deserialize)]
pub(crate) struct Expectations {
    pub(super) image: Option<ImageChange>,
    /// What `down` leaves.
    #[serde(default)]
    pub(super) kept: Vec<String>,
    #[serde(default)]
    pub(super) figures: Vec<Figure>,
    #[serde(default)]
    pub(super) network: Connections,
    /// What the cluster or an operator brings, with who does.
    #[serde(default)]
    pub(super) given: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) exceptions: Vec<Exception>,
    /// Names of metrics by what exports them.
    #[serde(default)]
    pub(super) metrics: BTreeMap<String, Vec<String>>,
}

/// An image tag that changes, and exactly the workloads that roll out then.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImageChange {
    pub(super) variable: String,
    pub(super) value: String,
    pub(super) workloads: Vec<String>,
}

/// A figure of the platform's document, and where it is found in what is rendered.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Figure {
    /// Words of its line.
    pub(super) line: String,
    /// The environments that it is about; all where there is none.
    #[serde(default, rename = "in")]
    pub(super) environments: Vec<String>,
    /// Variables that it is rendered with.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// `KIND/NAME`, `KIND/NAMESPACE/NAME`, or `plan`.
    pub(super) object: Option<String>,
    #[serde(default)]
    pub(super) path: String,
    /// A kind whose objects are counted, or the length of what is at `path`.
    pub(super) count: Option<Count>,
    #[serde(flatten)]
    pub(super) wanted: Wanted,
}

/// What is wanted of a figure.
#[derive(Debug, Deserialize)]
pub(crate) struct Wanted {
    pub(super) equals: Option<Value>,
    pub(super) contains: Option<Value>,
    pub(super) matches: Option<String>,
    pub(super) lines: Option<Vec<String>>,
    #[serde(default)]
    pub(super) absent: bool,
    /// The number of objects of a kind.
    pub(super) is: Option<usize>,
    /// The phase that the object belongs to.
    pub(super) phase: Option<String>,
    /// Why it is not there.
    pub(super) left: Option<String>,
}

/// What is counted.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Count {
    Length(usize),
    Objects {
        kind: String,
        /// Glob of their names.
        name: Option<String>,
        namespace: Option<String>,
    },
}

/// Connections that the network lets through, and others that it refuses.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connections {
    #[serde(default)]
    pub(super) allowed: Vec<Connection>,
    #[serde(default)]
    pub(super) refused: Vec<Connection>,
}

/// From pods or an address to others, at a port of the pod.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connection {
    #[serde(default, rename = "in")]
    pub(super) environments: Vec<String>,
    pub(super) from: Peer,
    pub(super) to: Peer,
    pub(super) port: u16,
    pub(super) protocol: Option<String>,
}

/// One end of a connection.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Peer {
    /// `KIND/NAME` or `KIND/NAMESPACE/NAME`, of the platform.
    Workload(String),
    Address {
        address: String,
    },
    /// Pods of others.
    Pods {
        namespace: String,
        #[serde(default)]
        labels: BTreeMap<String, String>,
    },
}

/// What breaks a rule on purpose.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    pub(super) rule: String,
    /// Glob of `KIND/NAME`.
    pub(super) object: String,
    /// Glob of a container's name, where it is about one alone.
    pub(super) container: Option<String>,
    pub(super) reason: String,
}

impl Figure {
    /// Whether it is about `environment`.
    pub(super) fn is_in(&self, environment: &str) -> bool {
        is_in(&self.environments, environment)
    }
}

impl Connection {
    /// Whether it is about `environment`.
    pub(super) fn is_in(&self, environment: &str) -> bool {
        is_in(&self.environments, environment)
    }
}

fn is_in(environments: &[String], environment: &str) -> bool {
    environments.is_empty() || environments.iter().any(|name| name == environment)
}
