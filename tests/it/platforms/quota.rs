//! Everything fits the quota of its namespace at its maximum: autoscalers at their highest, every
//! Deployment rolling out, every claim made.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    autoscaling::highest,
    platform::Platform,
    quantity::{shown, thousandths},
    rendered::{Rendered, entries, items},
    rules::{Problem, Rule, judge},
    workload::{Workload, is_side_car},
};

pub(super) const RULES: &[Rule] = &[quotas, limit_ranges];

/// Nodes that a `DaemonSet` is taken to run on.
const NODES: u64 = 3;

/// Amounts by the names that a quota has for them, in thousandths.
pub(crate) type Amounts = BTreeMap<String, u128>;

#[test]
fn everything_fits_the_quota_at_its_maximum() {
    judge(RULES);
}

fn quotas(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for quota in rendered.kind("ResourceQuota") {
        let spec = &quota["spec"];
        if !spec["scopes"].is_null() || !spec["scopeSelector"].is_null() {
            continue;
        }
        let namespace = quota["metadata"]["namespace"].as_str().unwrap_or_default();
        let needed = needed(rendered, namespace);
        for (resource, hard) in entries(&spec["hard"]) {
            let name = match resource.as_str() {
                "cpu" | "memory" => format!("requests.{resource}"),
                name => name.to_owned(),
            };
            let needs = needed.get(&name).copied().unwrap_or_default();
            let Some(allowed) = thousandths(hard) else {
                let text = format!("{resource}: {hard} is no quantity");
                problems.push(Problem::of("quota", quota, text));
                continue;
            };
            if needs > allowed {
                let text = format!(
                    "{resource}: at the maximum {} are needed, {} allowed",
                    shown(&name, needs),
                    shown(&name, allowed)
                );
                problems.push(Problem::of("quota", quota, text));
            }
        }
    }
    problems
}

/// What everything in a namespace needs at its maximum.
pub(crate) fn needed(rendered: &Rendered, namespace: &str) -> Amounts {
    let mut sum = Amounts::new();
    let own = |item: &&Value| item["metadata"]["namespace"] == namespace;
    for item in rendered.items.iter().filter(own) {
        if let Some(workload) = Workload::of(item) {
            let pods = highest_while_rolling(rendered, workload);
            add(&mut sum, &pod_needs(workload), pods);
            let claims = items(&item["spec"]["volumeClaimTemplates"]);
            claims.for_each(|claim| {
                add(
                    &mut sum,
                    &claim_needs(&claim["spec"]),
                    highest(rendered, workload),
                );
            });
        } else if let Some((needs, claim, pods)) = of_operator(item) {
            add(&mut sum, &needs, pods);
            add(&mut sum, &claim, pods);
        } else if item["kind"] == "PersistentVolumeClaim" {
            add(&mut sum, &claim_needs(&item["spec"]), 1);
        }
        add(&mut sum, &counted(item), 1);
    }
    let declared = rendered.declared.iter().filter(|(own, _)| own == namespace);
    let secrets = u128::try_from(declared.count()).unwrap_or_default();
    *sum.entry("secrets".to_owned()).or_default() += 1000 * secrets;
    // The API server puts its certificate into every namespace.
    *sum.entry("configmaps".to_owned()).or_default() += 1000;
    sum
}

fn add(sum: &mut Amounts, needs: &Amounts, times: u64) {
    for (resource, amount) in needs {
        *sum.entry(resource.clone()).or_default() += amount * u128::from(times);
    }
}

/// An object as quotas count it.
fn counted(item: &Value) -> Amounts {
    let kind = match item["kind"].as_str().unwrap_or_default() {
        "Service" => "services",
        "Secret" => "secrets",
        "ConfigMap" => "configmaps",
        _ => return Amounts::new(),
    };
    let names = [kind.to_owned(), format!("count/{kind}")];
    names.into_iter().map(|name| (name, 1000)).collect()
}

/// The most pods of a workload, with those that a rollout adds.
fn highest_while_rolling(rendered: &Rendered, workload: Workload<'_>) -> u64 {
    let most = highest(rendered, workload);
    let strategy = &workload.object["spec"]["strategy"];
    match workload.kind() {
        "DaemonSet" => NODES,
        "Deployment" if strategy["type"] != "Recreate" => {
            most + surge(&strategy["rollingUpdate"]["maxSurge"], most)
        }
        _ => most,
    }
}

/// The number of pods that `surge` allows beside `pods`; a quarter where nothing is said.
fn surge(surge: &Value, pods: u64) -> u64 {
    let percent = match surge {
        Value::Number(_) => return surge.as_u64().unwrap_or_default(),
        Value::String(text) => text.trim_end_matches('%').parse().unwrap_or(25),
        _ => 25,
    };
    (pods * percent).div_ceil(100)
}

/// What a pod counts: the larger of what its containers need together and what each init container
/// needs beside the side-cars before it.
/// <https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers>
pub(crate) fn pod_needs(workload: Workload<'_>) -> Amounts {
    let mut running = Amounts::new();
    let mut most = Amounts::new();
    for container in workload.init_containers() {
        let mut now = running.clone();
        add(&mut now, &container_needs(container), 1);
        take_larger(&mut most, &now);
        if is_side_car(container) {
            running = now;
        }
    }
    for container in workload.containers() {
        add(&mut running, &container_needs(container), 1);
    }
    take_larger(&mut most, &running);
    most.insert("pods".to_owned(), 1000);
    most
}

fn take_larger(most: &mut Amounts, other: &Amounts) {
    for (resource, amount) in other {
        let largest = most.entry(resource.clone()).or_default();
        *largest = (*largest).max(*amount);
    }
}

fn container_needs(container: &Value) -> Amounts {
    resource_needs(&container["resources"])
}

/// Requests and limits by the names that a quota has for them.
fn resource_needs(resources: &Value) -> Amounts {
    let parts = ["requests", "limits"].into_iter().flat_map(|part| {
        entries(&resources[part]).map(move |(name, amount)| (format!("{part}.{name}"), amount))
    });
    parts
        .filter_map(|(name, amount)| Some((name, thousandths(amount)?)))
        .collect()
}

fn claim_needs(spec: &Value) -> Amounts {
    let storage = thousandths(&spec["resources"]["requests"]["storage"]).unwrap_or_default();
    claim(spec["storageClassName"].as_str(), storage)
}

fn claim(class: Option<&str>, storage: u128) -> Amounts {
    let mut needs = vec![
        ("persistentvolumeclaims".to_owned(), 1000),
        ("requests.storage".to_owned(), storage),
    ];
    if let Some(class) = class {
        let of_class = format!("{class}.storageclass.storage.k8s.io");
        needs.push((format!("{of_class}/requests.storage"), storage));
        needs.push((format!("{of_class}/persistentvolumeclaims"), 1000));
    }
    needs.into_iter().collect()
}

/// What an operator makes of `item`: a pod, its claim, and how many there are.
fn of_operator(item: &Value) -> Option<(Amounts, Amounts, u64)> {
    let spec = &item["spec"];
    let one = |resources: Amounts| {
        let mut pod = resources;
        pod.insert("pods".to_owned(), 1000);
        pod
    };
    match item["kind"].as_str()? {
        "Prometheus" | "Alertmanager" => {
            let claim = &spec["storage"]["volumeClaimTemplate"]["spec"];
            let claim = if claim.is_null() {
                Amounts::new()
            } else {
                claim_needs(claim)
            };
            let pods = spec["replicas"].as_u64().unwrap_or(1);
            Some((one(resource_needs(&spec["resources"])), claim, pods))
        }
        "postgresql" => {
            let storage = thousandths(&spec["volume"]["size"]).unwrap_or_default();
            let claim = claim(spec["volume"]["storageClass"].as_str(), storage);
            let pods = spec["numberOfInstances"].as_u64().unwrap_or(1);
            Some((one(resource_needs(&spec["resources"])), claim, pods))
        }
        _ => None,
    }
}

/// Containers stay within the limits of their namespace.
fn limit_ranges(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for range in rendered.kind("LimitRange") {
        let namespace = &range["metadata"]["namespace"];
        let limits = items(&range["spec"]["limits"]).filter(|limit| limit["type"] == "Container");
        for limit in limits {
            let own = rendered.workloads();
            for workload in own.filter(|workload| namespace == workload.namespace()) {
                for container in workload.all_containers() {
                    let problem =
                        |text| Problem::of_container("limit-range", workload, container, text);
                    problems.extend(outside(limit, container).into_iter().map(problem));
                }
            }
        }
    }
    problems
}

/// What of `container` is outside of `limit`.
fn outside(limit: &Value, container: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for (bound, part) in [("max", "limits"), ("min", "requests")] {
        for (resource, allowed) in entries(&limit[bound]) {
            let wanted = &container["resources"][part][resource];
            let (Some(has), Some(allowed)) = (thousandths(wanted), thousandths(allowed)) else {
                continue;
            };
            if bound == "max" && has > allowed || bound == "min" && has < allowed {
                let allowed = shown(resource, allowed);
                found.push(format!(
                    "{part}.{resource} is {wanted}, and {bound} {allowed}"
                ));
            }
        }
    }
    found
}

#[test]
fn a_pod_counts_what_it_needs_at_once() {
    let container = |cpu: &str| serde_json::json!({"resources": {"requests": {"cpu": cpu}}});
    let mut side_car = container("50m");
    side_car["restartPolicy"] = "Always".into();
    let of = |init: &[Value], own: &[Value]| {
        let spec = serde_json::json!({"initContainers": init, "containers": own});
        let pod = serde_json::json!({"kind": "Pod", "spec": spec});
        pod_needs(Workload::of(&pod).unwrap())["requests.cpu"]
    };
    assert_eq!(
        of(
            &[container("300m")],
            &[container("100m"), container("100m")]
        ),
        300
    );
    assert_eq!(
        of(&[side_car.clone(), container("300m")], &[container("100m")]),
        350
    );
    assert_eq!(of(&[side_car], &[container("100m")]), 150);
    assert_eq!(surge(&serde_json::json!("25%"), 5), 2);
}
