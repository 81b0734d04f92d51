//! When a `DaemonSet` is ready.

use serde_json::Value;

use crate::{
    object::field::{is_present, text},
    readiness::{
        case::Case,
        verdict::Verdict,
        workload::{Shortfall, count, of, replicated},
    },
};

/// A `DaemonSet` is ready when every node that it wants has a pod of the newest template, and that
/// pod is available.
///
/// With `OnDelete` pods of an older template stay until somebody deletes them.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    replicated(case, shortfall, summary)
}

fn shortfall(set: &Value) -> Option<Shortfall> {
    if !is_present(set, "/status/desiredNumberScheduled") {
        return Some(Shortfall::new(
            "NotObserved",
            "its controller has not counted the nodes yet",
        ));
    }
    let wanted = count(set, "desiredNumberScheduled");
    let fewer =
        |reason, field, what| Shortfall::fewer(reason, count(set, field), wanted, "pod", what);
    fewer("TooFewScheduled", "currentNumberScheduled", "on its node")
        .or_else(|| {
            if on_delete(set) {
                None
            } else {
                fewer("TooFewUpdated", "updatedNumberScheduled", "updated")
            }
        })
        .or_else(|| fewer("TooFewReady", "numberReady", "ready"))
        .or_else(|| fewer("TooFewAvailable", "numberAvailable", "available"))
}

fn summary(set: &Value) -> String {
    let wanted = count(set, "desiredNumberScheduled");
    if wanted == 0 {
        return "no node wants a pod of it".to_owned();
    }
    let ready = of(count(set, "numberReady"), wanted, "pod", "ready");
    let behind = wanted - count(set, "updatedNumberScheduled");
    if behind > 0 {
        format!(
            "{ready}; {behind} of them keep the previous revision until they are deleted (`OnDelete`)"
        )
    } else {
        ready
    }
}

fn on_delete(set: &Value) -> bool {
    text(set, "/spec/updateStrategy/type") == Some("OnDelete")
}
