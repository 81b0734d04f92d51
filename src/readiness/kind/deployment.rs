//! When a `Deployment` is ready.

use serde_json::Value;

use crate::{
    object::{Condition, ManifestView, field::is_true},
    readiness::{
        case::Case,
        generation::behind_or_silent,
        verdict::Verdict,
        workload::{Shortfall, count, of, pending, wanted_replicas, worst},
    },
};

/// A Deployment is ready when all its replicas are of the newest template and available, and no
/// older one is left.
///
/// See <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    let deployment = case.object;
    if let Some(verdict) = behind_or_silent(deployment) {
        return verdict;
    }
    if is_true(deployment, "/spec/paused") {
        return Verdict::suspended(
            "Paused",
            "paused because its manifest says so (`spec.paused`)",
        );
    }
    if let Some(verdict) = deadline_exceeded(case) {
        return verdict;
    }
    match shortfall(deployment) {
        Some(shortfall) => pending(case, shortfall),
        None => Verdict::ready(of(
            count(deployment, "readyReplicas"),
            wanted_replicas(deployment),
            "replica",
            "ready",
        )),
    }
}

fn deadline_exceeded(case: &Case<'_>) -> Option<Verdict> {
    let progressing = case.view().condition("Progressing")?;
    if !progressing.is_false() || progressing.reason != "ProgressDeadlineExceeded" {
        return None;
    }
    let why = worst(case, case.around.pods).map(|problem| {
        format!(
            "; pod {}: {}: {}",
            problem.pod, problem.reason, problem.message
        )
    });
    Some(Verdict::failed(
        "ProgressDeadlineExceeded",
        format!("{}{}", progressing.says(), why.unwrap_or_default()),
    ))
}

fn shortfall(deployment: &Value) -> Option<Shortfall> {
    let wanted = wanted_replicas(deployment);
    let [updated, ready, available, all] = [
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "replicas",
    ]
    .map(|field| count(deployment, field));
    let refused = ManifestView(deployment)
        .condition("ReplicaFailure")
        .filter(Condition::is_true);
    let refused = refused.map(|it| {
        Shortfall::new(
            "ReplicaFailure",
            format!("{}: {}", of(ready, wanted, "replica", "ready"), it.says()),
        )
    });
    let old = || {
        (all > updated).then(|| {
            Shortfall::new(
                "OldReplicas",
                format!("{} of the previous revision still run", all - updated),
            )
        })
    };
    let unavailable = |kind, reason| {
        ManifestView(deployment)
            .condition(kind)
            .filter(|it| !it.is_true())
            .map(|it| Shortfall::new(reason, it.says().to_owned()))
    };
    refused
        .or_else(|| Shortfall::fewer("TooFewUpdated", updated, wanted, "replica", "updated"))
        .or_else(|| Shortfall::fewer("TooFewReady", ready, wanted, "replica", "ready"))
        .or_else(old)
        .or_else(|| Shortfall::fewer("TooFewAvailable", available, wanted, "replica", "available"))
        .or_else(|| unavailable("Available", "NotAvailable"))
        .or_else(|| unavailable("Progressing", "NotProgressing"))
}
