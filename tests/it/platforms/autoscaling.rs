//! Autoscalers: what they scale exists, and nobody else scales it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    platform::Platform,
    rendered::{Rendered, items, title},
    rules::{Problem, Rule, judge},
    workload::Workload,
};

pub(super) const RULES: &[Rule] = &[targets, replicas, twice];

#[test]
fn every_workload_is_scaled_by_one_alone() {
    judge(RULES);
}

/// Autoscalers of replicas.
fn scalers(rendered: &Rendered) -> impl Iterator<Item = &Value> {
    let kinds = ["HorizontalPodAutoscaler", "ScaledObject"];
    let items = rendered.items.iter();
    items.filter(move |item| kinds.iter().any(|kind| item["kind"] == *kind))
}

/// What `autoscaler` scales, as kind, namespace and name; KEDA takes a Deployment where no kind is
/// said.
fn target(autoscaler: &Value) -> (&str, &str, &str) {
    let spec = &autoscaler["spec"];
    let target = if spec["scaleTargetRef"].is_object() {
        &spec["scaleTargetRef"]
    } else {
        &spec["targetRef"]
    };
    let namespace = autoscaler["metadata"]["namespace"]
        .as_str()
        .unwrap_or_default();
    let name = target["name"].as_str().unwrap_or_default();
    (
        target["kind"].as_str().unwrap_or("Deployment"),
        namespace,
        name,
    )
}

/// The autoscaler of a workload's replicas.
fn scaler<'a>(rendered: &'a Rendered, workload: Workload<'_>) -> Option<&'a Value> {
    let of = (workload.kind(), workload.namespace(), workload.name());
    scalers(rendered).find(|scaler| target(scaler) == of)
}

/// The most pods that a workload is scaled to, without those of a rollout.
pub(super) fn highest(rendered: &Rendered, workload: Workload<'_>) -> u64 {
    let most = scaler(rendered, workload).map(|scaler| {
        let spec = &scaler["spec"];
        spec["maxReplicas"]
            .as_u64()
            .or(spec["maxReplicaCount"].as_u64())
            .unwrap_or(100)
    });
    most.unwrap_or_else(|| workload.replicas())
}

/// The fewest pods that a workload is scaled to.
pub(super) fn lowest(rendered: &Rendered, workload: Workload<'_>) -> u64 {
    let least = scaler(rendered, workload).map(|scaler| {
        let spec = &scaler["spec"];
        spec["minReplicas"]
            .as_u64()
            .or(spec["minReplicaCount"].as_u64())
            .unwrap_or(0)
    });
    least.unwrap_or_else(|| workload.replicas())
}

fn targets(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let vertical = rendered.kind("VerticalPodAutoscaler");
    let missing = |scaler: &&Value| {
        let (kind, namespace, name) = target(scaler);
        !rendered.has(kind, namespace, name)
    };
    let problems = scalers(rendered)
        .chain(vertical)
        .filter(missing)
        .map(|scaler| {
            let (kind, _, name) = target(scaler);
            Problem::of(
                "autoscaler",
                scaler,
                format!("its target {kind}/{name} does not exist"),
            )
        });
    problems.collect()
}

fn replicas(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let kinds = ["Deployment", "StatefulSet"];
    let workloads = rendered
        .workloads()
        .filter(|workload| kinds.contains(&workload.kind()));
    let problem = |workload: Workload<'_>| {
        let said = workload.object["spec"]["replicas"].is_u64();
        let text = match scaler(rendered, workload) {
            Some(scaler) if said => {
                format!(
                    "it sets replicas, which {} does too: each `up` would undo it",
                    title(scaler)
                )
            }
            None if !said => "nothing says how many replicas it has".to_owned(),
            _ => return None,
        };
        Some(Problem::of("replicas", workload.object, text))
    };
    workloads.filter_map(problem).collect()
}

fn twice(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut of_targets: BTreeMap<_, Vec<&Value>> = BTreeMap::new();
    for scaler in scalers(rendered) {
        of_targets.entry(target(scaler)).or_default().push(scaler);
    }
    let several = of_targets
        .values()
        .filter(|scalers| scalers.len() > 1)
        .map(|scalers| {
            let names: Vec<_> = scalers.iter().map(|scaler| title(scaler)).collect();
            Problem::of(
                "autoscaler",
                scalers[0],
                format!("several scale its target: {}", names.join(", ")),
            )
        });
    let changing = |vertical: &&Value| {
        let mode = vertical["spec"]["updatePolicy"]["updateMode"]
            .as_str()
            .unwrap_or("Auto");
        mode != "Off"
            && of_targets
                .get(&target(vertical))
                .is_some_and(|scalers| scalers.iter().any(|scaler| acts_on_resources(scaler)))
    };
    let vertical = rendered
        .kind("VerticalPodAutoscaler")
        .filter(changing)
        .map(|vertical| {
            let text =
                "it changes requests by which another autoscaler scales: updateMode must be Off";
            Problem::of("autoscaler", vertical, text)
        });
    several.chain(vertical).collect()
}

/// Whether CPU or memory is among what it scales by.
fn acts_on_resources(scaler: &Value) -> bool {
    let spec = &scaler["spec"];
    let of_pods = items(&spec["metrics"])
        .any(|metric| metric["type"] == "Resource" || metric["type"] == "ContainerResource");
    of_pods
        || items(&spec["triggers"])
            .any(|trigger| trigger["type"] == "cpu" || trigger["type"] == "memory")
}
