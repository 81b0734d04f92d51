//! When a `HorizontalPodAutoscaler` is ready.

use serde_json::Value;

use crate::{
    object::{
        Condition, ManifestView,
        field::{integer, is_present},
        quoted,
    },
    readiness::{
        case::Case,
        generation::behind,
        verdict::{State, Verdict},
    },
};

/// An autoscaler is ready when it found its target. That it has no metrics yet is said, and is no
/// reason to wait: they need running pods.
///
/// See
/// <https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale-walkthrough/#appendix-horizontal-pod-autoscaler-status-conditions>.
pub(in crate::readiness) fn judge(case: &Case<'_>) -> Verdict {
    if let Some(verdict) = behind(case.object) {
        return verdict;
    }
    let old = old_conditions(case.object);
    let all: Vec<Condition<'_>> = case
        .view()
        .conditions()
        .chain(old.iter().filter_map(Condition::of))
        .collect();
    let find = |kind| all.iter().find(|condition| condition.kind == kind);
    match (find("AbleToScale"), find("ScalingActive")) {
        (Some(able), _) if !able.is_true() => {
            Verdict::in_progress(able.reason_or("NotAbleToScale"), quoted(able.says(), 300))
        }
        (_, Some(active)) if !active.is_true() => inactive(case.object, active),
        (None, None) if !is_present(case.object, "/status/currentReplicas") => {
            Verdict::in_progress("NotObserved", "the autoscaler has not looked at it yet")
        }
        _ => Verdict::ready(replicas(case.object)),
    }
}

fn inactive(autoscaler: &Value, active: &Condition<'_>) -> Verdict {
    match active.reason {
        "ScalingDisabled" => Verdict::new(
            State::Ready,
            "ScalingDisabled",
            "its target is scaled to 0, so it does nothing",
        ),
        "InvalidSelector" | "AmbiguousSelector" | "InvalidMetricSourceType" => {
            Verdict::failed(active.reason_or("Invalid"), quoted(active.says(), 300))
        }
        _ => {
            let message = format!(
                "{}; it has no metrics yet: {}",
                replicas(autoscaler),
                quoted(active.says(), 300)
            );
            Verdict::new(State::Ready, active.reason_or("NoMetrics"), message)
        }
    }
}

fn replicas(autoscaler: &Value) -> String {
    let at = |pointer| integer(autoscaler, pointer).unwrap_or(0);
    let (current, desired) = (at("/status/currentReplicas"), at("/status/desiredReplicas"));
    if desired == 0 || desired == current {
        format!("{current} replicas")
    } else {
        format!("{current} replicas, {desired} wanted")
    }
}

/// In `autoscaling/v1` the conditions are an annotation.
fn old_conditions(autoscaler: &Value) -> Vec<Value> {
    let text = ManifestView(autoscaler).annotation("autoscaling.alpha.kubernetes.io/conditions");
    text.and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default()
}
