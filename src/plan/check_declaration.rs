//! Checks at a phase's end as they are written. They are refused with their lines
//! (`unsupported.rs`) and not carried out yet.
#![expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]

use schemars::JsonSchema;
use serde::Deserialize;

use super::{action_declaration::Exec, condition::Condition, duration::PlanDuration};

/// What must hold at a phase's end: exactly one of `http`, `tcp`, `exec`, `object`, `prometheus`,
/// `stable`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("oneOf" = super::one_of::exactly_one(&Check::KINDS)))]
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
    pub(crate) when: Option<Condition>,
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
