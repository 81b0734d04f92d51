//! When a `StatefulSet` is ready.

use serde_json::Value;

use crate::{
    object::field::{integer, is_present, text},
    readiness::{
        case::Case,
        verdict::Verdict,
        workload::{Shortfall, count, of, replicated, wanted_replicas},
    },
};

/// A `StatefulSet` is ready when all its pods are, and those that a rollout reaches are of the
/// newest revision.
///
/// With `OnDelete` a rollout reaches none, with a partition only the ordinals from it on; pod
/// management (`Parallel`) makes no difference to that. See
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#update-strategies>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    replicated(case, shortfall, summary)
}

fn shortfall(set: &Value) -> Option<Shortfall> {
    let wanted = wanted_replicas(set);
    let [ready, all] = ["readyReplicas", "replicas"].map(|field| count(set, field));
    Shortfall::fewer("TooFewReady", ready, wanted, "replica", "ready")
        .or_else(|| {
            Shortfall::fewer(
                "TooFewAvailable",
                available(set, wanted),
                wanted,
                "replica",
                "available",
            )
        })
        .or_else(|| {
            (all > wanted).then(|| {
                Shortfall::new(
                    "ExtraReplicas",
                    format!("{} too many still run", all - wanted),
                )
            })
        })
        .or_else(|| rollout(set, wanted))
}

/// Availability is younger than the kind: where nothing is said about it, ready pods are available.
fn available(set: &Value, wanted: i64) -> i64 {
    if is_present(set, "/status/availableReplicas")
        || integer(set, "/spec/minReadySeconds").unwrap_or(0) > 0
    {
        count(set, "availableReplicas")
    } else {
        wanted
    }
}

fn rollout(set: &Value, wanted: i64) -> Option<Shortfall> {
    if on_delete(set) {
        return None;
    }
    let [current, updated] = ["currentReplicas", "updatedReplicas"].map(|field| count(set, field));
    let [current_revision, update_revision] =
        ["/status/currentRevision", "/status/updateRevision"].map(|field| text(set, field));
    if update_revision.is_none() || update_revision == current_revision {
        return Shortfall::fewer(
            "TooFewUpdated",
            current,
            wanted,
            "replica",
            "of the current revision",
        );
    }
    let partition = partition(set).clamp(0, wanted);
    let missing = Shortfall::fewer(
        "TooFewUpdated",
        updated,
        wanted - partition,
        "replica",
        "updated",
    );
    // Without a partition the controller makes the new revision the current one when it is through.
    missing.or_else(|| {
        (partition == 0)
            .then(|| Shortfall::new("RolloutNotFinished", "the rollout is not finished"))
    })
}

fn summary(set: &Value) -> String {
    let wanted = wanted_replicas(set);
    let ready = of(count(set, "readyReplicas"), wanted, "replica", "ready");
    let behind = wanted - count(set, "updatedReplicas");
    let differs = text(set, "/status/updateRevision").is_some()
        && text(set, "/status/updateRevision") != text(set, "/status/currentRevision");
    if !differs || behind <= 0 {
        return ready;
    }
    let why = if on_delete(set) {
        "until they are deleted (`OnDelete`)"
    } else {
        "because of the partition"
    };
    format!("{ready}; {behind} of them keep the previous revision {why}")
}

fn on_delete(set: &Value) -> bool {
    text(set, "/spec/updateStrategy/type") == Some("OnDelete")
}

fn partition(set: &Value) -> i64 {
    integer(set, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0)
}
