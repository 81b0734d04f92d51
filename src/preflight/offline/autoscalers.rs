//! Autoscalers that have nothing to scale, or scale what another one scales too.

use std::collections::HashMap;

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{
        HasKind as _, ManifestView, Object, ObjectId, autoscaled,
        field::{integer, list, part, text, texts},
        scale_target,
    },
    preflight::Finding,
};

/// Autoscalers that decide how many replicas there are of what another one decides about already.
pub(super) fn rival_autoscalers(wanted: &Wanted<'_>) -> Vec<Finding> {
    let mut first: HashMap<ObjectId, &Object> = HashMap::new();
    let mut findings = Vec::new();
    for (scaler, target) in horizontal(wanted) {
        match first.get(&target) {
            Some(other) if !hands_over(scaler, other) && !hands_over(other, scaler) => {
                let message = format!(
                    "it scales {target}, as {} ({}) does: each would undo what the other does",
                    other.id, other.origin
                );
                let finding = Finding::of(Check::RivalAutoscalers, message).about(scaler);
                findings.push(finding.remedy("remove one of them"));
            }
            Some(_) => {}
            None => drop(first.insert(target, scaler)),
        }
    }
    findings
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
