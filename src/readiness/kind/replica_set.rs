//! When a `ReplicaSet` is ready, or a `ReplicationController`, which has the same status.

use serde_json::Value;

use crate::{
    object::{Condition, ManifestView},
    readiness::{
        case::Case,
        verdict::Verdict,
        workload::{Shortfall, count, of, replicated, wanted_replicas},
    },
};

/// A `ReplicaSet` is ready when it has as many replicas as it wants, and all are available.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    replicated(case, shortfall, |set| {
        of(
            count(set, "readyReplicas"),
            wanted_replicas(set),
            "replica",
            "ready",
        )
    })
}

fn shortfall(set: &Value) -> Option<Shortfall> {
    let wanted = wanted_replicas(set);
    let [ready, available, all] =
        ["readyReplicas", "availableReplicas", "replicas"].map(|field| count(set, field));
    let refused = ManifestView(set)
        .condition("ReplicaFailure")
        .filter(Condition::is_true);
    refused
        .map(|it| {
            Shortfall::new(
                "ReplicaFailure",
                format!("{}: {}", of(ready, wanted, "replica", "ready"), it.says()),
            )
        })
        .or_else(|| Shortfall::fewer("TooFewReady", ready, wanted, "replica", "ready"))
        .or_else(|| Shortfall::fewer("TooFewAvailable", available, wanted, "replica", "available"))
        .or_else(|| {
            (all > wanted).then(|| {
                Shortfall::new(
                    "ExtraReplicas",
                    format!("{} too many still run", all - wanted),
                )
            })
        })
}
