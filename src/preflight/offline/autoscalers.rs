//! Autoscalers that have nothing to scale, or scale what another one scales too.

use std::collections::HashMap;

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{
        HasKind as _, ManifestView, Object, ObjectId, autoscaled,
        field::{integer, is_true, list, part, text, texts},
        scale_target,
    },
    preflight::Finding,
};

/// Autoscalers that decide how many replicas there are of what another one decides about already.
pub(super) fn rival_autoscalers(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut before: HashMap<ObjectId, Vec<&Object>> = HashMap::new();
    let mut findings = Vec::new();
    for (scaler, target) in horizontal(wanted).filter(|(scaler, _)| is_acting(scaler)) {
        let others = before.entry(target.clone()).or_default();
        let rivals = others
            .iter()
            .filter(|other| !hands_over(scaler, other) && !hands_over(other, scaler));
        let rivals: Vec<&&Object> = rivals.collect();
        let certain = rivals
            .iter()
            .find(|other| is_usual(scaler) && is_usual(other));
        findings.extend(
            certain
                .or(rivals.first())
                .map(|other| rival(scaler, other, &target)),
        );
        others.push(scaler);
    }
    findings
}

fn rival(scaler: &Object, other: &Object, target: &ObjectId) -> Finding {
    let (first, origin) = (&other.id, &other.origin);
    let (check, consequence) = if is_usual(scaler) && is_usual(other) {
        (
            Check::RivalAutoscalers,
            "each would undo what the other does",
        )
    } else {
        (
            Check::LikelyRivalAutoscalers,
            "each may undo what the other does",
        )
    };
    let message = format!("it scales {target}, as {first} ({origin}) does: {consequence}");
    Finding::of(check, message)
        .about(scaler)
        .remedy("remove one of them")
}

/// Whether `scaler` is of a kind that always sets the number of replicas by itself. Others may have
/// modes that are not known here.
fn is_usual(scaler: &Object) -> bool {
    matches!(
        (scaler.id.group.as_str(), scaler.id.kind.as_str()),
        ("autoscaling", "HorizontalPodAutoscaler") | ("keda.sh", "ScaledObject")
    )
}

/// Whether `scaler` does more than to show what it would do: GKE's and Datadog's say so by a mode of
/// their policy, Datadog's `WatermarkPodAutoscaler` by `dryRun`, Alibaba's and Crane's by a strategy,
/// KEDA's by an annotation.
/// <https://keda.sh/docs/latest/concepts/scaling-deployments/#pausing-autoscaling>
fn is_acting(scaler: &Object) -> bool {
    const MODES: [&str; 4] = [
        "/spec/applyPolicy/mode",
        "/spec/policy/applyMode",
        "/spec/policy/updateMode",
        "/spec/scaleStrategy",
    ];
    const IDLE: [&str; 4] = ["Preview", "None", "Off", "observer"];
    let body = &scaler.body;
    let is_idle = |path: &str| text(body, path).is_some_and(|mode| IDLE.contains(&mode));
    let annotation = |name| ManifestView(body).annotation(name);
    let is_paused = annotation("autoscaling.keda.sh/paused") == Some("true")
        && annotation("autoscaling.keda.sh/paused-replicas").is_none();
    !is_paused && !is_true(body, "/spec/dryRun") && !MODES.iter().any(|path| is_idle(path))
}

/// Autoscalers whose target is no object of the plan, although it is of a kind that Kubernetes itself
/// brings. The cluster may have it.
pub(super) fn idle_autoscalers(wanted: &Wanted<'_>) -> Vec<Finding> {
    let scalers = wanted.objects().filter_map(|scaler| {
        let target = autoscaled(&scaler.id, &scaler.body)?;
        let is_known = target.is_workload() || target.is_replica_set();
        (is_known && wanted.get(&target).is_none()).then_some((scaler, target))
    });
    scalers
        .map(|(scaler, target)| {
            let message = format!("it scales {target}, which the plan does not have");
            Finding::of(Check::ScalesNothing, message)
                .about(scaler)
                .remedy("correct the name of its target")
        })
        .collect()
}

/// Vertical autoscalers that change what a horizontal one measures in the same pods.
/// <https://github.com/kubernetes/autoscaler/blob/master/vertical-pod-autoscaler/docs/known-limitations.md>
pub(super) fn vertical_beside_horizontal(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for vertical in wanted.objects().filter(|it| is_acting_vertical(it)) {
        let Some(target) = autoscaled(&vertical.id, &vertical.body) else {
            continue;
        };
        let beside = horizontal(wanted).filter(|(_, other)| *other == target);
        for (scaler, _) in beside {
            let shared = resources(scaler).find(|resource| controls(vertical, resource));
            findings.extend(shared.map(|resource| {
                let message = format!(
                    "it changes the requests of {target} for {resource}, by which {} ({}) scales it",
                    scaler.id, scaler.origin
                );
                Finding::of(Check::VerticalBesideHorizontal, message)
                    .about(vertical)
                    .remedy("set `updateMode: \"Off\"`, leave this resource out of `controlledResources`, or scale by another metric")
            }));
        }
    }
    findings
}

/// Workloads with a number of replicas that their autoscaler would never choose. It is not sent: the
/// autoscaler decides.
pub(super) fn unused_replicas(wanted: &Wanted<'_>) -> Vec<Finding> {
    let unused = horizontal(wanted).filter_map(|(scaler, target)| {
        let workload = wanted.get(&target)?;
        let replicas = integer(&workload.body, "/spec/replicas")?;
        let (least, most) = bounds(scaler);
        if (least..=most?).contains(&replicas) {
            return None;
        }
        let message = format!(
            "`spec.replicas: {replicas}` is left to {} ({}), which chooses between {least} and {}",
            scaler.id, scaler.origin, most?
        );
        let finding = Finding::of(Check::UnusedReplicas, message).about(workload);
        Some(finding.remedy("remove it from the manifest"))
    });
    unused.collect()
}

/// What decides how many replicas there are, and of what.
fn horizontal<'a>(wanted: &Wanted<'a>) -> impl Iterator<Item = (&'a Object, ObjectId)> {
    let objects = wanted.objects();
    objects.filter_map(|object| Some((object, scale_target(&object.id, &object.body)?)))
}

/// Whether `scaler`, a `ScaledObject`, takes over the autoscaler `other`.
/// <https://keda.sh/docs/latest/concepts/scaling-deployments/#transfer-ownership-of-an-existing-hpa>
fn hands_over(scaler: &Object, other: &Object) -> bool {
    let body = &scaler.body;
    let transfers = "scaledobject.keda.sh/transfer-hpa-ownership";
    let name = text(body, "/spec/advanced/horizontalPodAutoscalerConfig/name");
    ManifestView(body).annotation(transfers) == Some("true") && name == Some(&other.id.name)
}

/// The fewest and the most replicas that `scaler` chooses, where it says so.
fn bounds(scaler: &Object) -> (i64, Option<i64>) {
    let body = &scaler.body;
    match scaler.id.kind.as_str() {
        "HorizontalPodAutoscaler" => (
            integer(body, "/spec/minReplicas").unwrap_or(1),
            integer(body, "/spec/maxReplicas"),
        ),
        // What scales to nothing takes any number for a beginning.
        _ => (
            integer(body, "/spec/idleReplicaCount")
                .or_else(|| integer(body, "/spec/minReplicaCount"))
                .unwrap_or(0),
            integer(body, "/spec/maxReplicaCount"),
        ),
    }
}

/// Whether `object` is a vertical autoscaler that does more than to recommend.
fn is_acting_vertical(object: &Object) -> bool {
    object.id.kind == "VerticalPodAutoscaler"
        && object.id.group == "autoscaling.k8s.io"
        && text(&object.body, "/spec/updatePolicy/updateMode") != Some("Off")
}

/// The resources that `scaler` scales by.
fn resources(scaler: &Object) -> impl Iterator<Item = &str> {
    let body = &scaler.body;
    let metrics = list(body, "/spec/metrics").iter();
    let by_metric = metrics.filter_map(|metric| {
        text(metric, "/resource/name").or_else(|| text(metric, "/containerResource/name"))
    });
    let triggers = list(body, "/spec/triggers").iter();
    let by_trigger = triggers.filter_map(|trigger| text(trigger, "/type"));
    let of_old = part(body, "/spec/targetCPUUtilizationPercentage").map(|_| "cpu");
    by_metric
        .chain(by_trigger)
        .chain(of_old)
        .filter(|resource| matches!(*resource, "cpu" | "memory"))
}

/// Whether `vertical` sets requests for `resource` of any container.
fn controls(vertical: &Object, resource: &str) -> bool {
    let policies = list(&vertical.body, "/spec/resourcePolicy/containerPolicies");
    let covers = |policy: &serde_json::Value| {
        let mut listed = texts(policy, "/controlledResources").peekable();
        let is_off = text(policy, "/mode") == Some("Off");
        !is_off && (listed.peek().is_none() || listed.any(|it| it == resource))
    };
    policies.is_empty() || policies.iter().any(covers)
}
