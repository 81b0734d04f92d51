use serde_json::Value;

use crate::readiness::{
    condition::{Condition, condition},
    generation::behind_or_silent,
    judge::Case,
    verdict::Verdict,
    workload::{Shortfall, count, of, pending, wanted_replicas},
};

/// A `ReplicaSet` is ready when it has as many replicas as it wants, and all are available.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind_or_silent(case.object) {
        return verdict;
    }
    match shortfall(case.object) {
        Some(shortfall) => pending(case, shortfall),
        None => Verdict::ready(of(count(case.object, "readyReplicas"), wanted_replicas(case.object), "replica", "ready")),
    }
}

fn shortfall(set: &Value) -> Option<Shortfall> {
    let wanted = wanted_replicas(set);
    let [ready, available, all] = ["readyReplicas", "availableReplicas", "replicas"].map(|field| count(set, field));
    let refused = condition(set, "ReplicaFailure").filter(Condition::is_true);
    refused
        .map(|it| Shortfall::new("ReplicaFailure", format!("{}: {}", of(ready, wanted, "replica", "ready"), it.says())))
        .or_else(|| Shortfall::fewer("TooFewReady", ready, wanted, "replica", "ready"))
        .or_else(|| Shortfall::fewer("TooFewAvailable", available, wanted, "replica", "available"))
        .or_else(|| (all > wanted).then(|| Shortfall::new("ExtraReplicas", format!("{} too many still run", all - wanted))))
}
