//! prometheus-operator: what it runs becomes available, or not. Monitors and rules have no state of
//! their own.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{PlayedKind, played},
    subject::Subject,
};

const GROUP: &str = "monitoring.coreos.com";

pub(super) const KINDS: &[PlayedKind] = &[
    played("PrometheusOperator", (GROUP, "Prometheus"), workload),
    played("PrometheusOperator", (GROUP, "Alertmanager"), workload),
    played("PrometheusOperator", (GROUP, "ThanosRuler"), workload),
];

fn workload(subject: &Subject<'_>) -> Value {
    let replicas = subject.spec()["replicas"].as_u64().unwrap_or(1);
    json!({
        "paused": false,
        "replicas": replicas,
        "updatedReplicas": replicas,
        "availableReplicas": subject.either(replicas, 0),
        "unavailableReplicas": subject.either(0, replicas),
        "conditions": [
            subject.observed("Available", ("Available", "all pods are ready"), ("NoPodReady", "no pod is ready")),
            subject.observed(
                "Reconciled",
                ("Reconciled", "the last reconciliation succeeded"),
                ("ReconciliationFailed", "the last reconciliation failed"),
            ),
        ],
    })
}
