//! What every workload has: resources, probes, an account and labels of its own, and, where it has
//! replicas, a disruption budget and pods that are apart.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    autoscaling::{highest, lowest},
    platform::Platform,
    pods::{Pods, selects},
    rendered::{Rendered, items},
    rules::{Problem, Rule, judge},
    workload::{Workload, is_side_car},
};

pub(super) const RULES: &[Rule] = &[resources, probes, accounts, labels, replicated, rollouts];

#[test]
fn every_workload_has_what_it_needs() {
    judge(RULES);
}

fn resources(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for workload in rendered.workloads() {
        for container in workload.all_containers() {
            for which in [
                "requests.cpu",
                "requests.memory",
                "limits.cpu",
                "limits.memory",
            ] {
                let (kind, resource) = which.split_once('.').expect("there is a dot");
                if container["resources"][kind][resource].is_null() {
                    let text = format!("it has no {which}");
                    problems.push(Problem::of_container(
                        "resources",
                        workload,
                        container,
                        text,
                    ));
                }
            }
        }
    }
    problems
}

fn probes(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for workload in rendered.workloads().filter(|workload| !workload.ends()) {
        let side_cars = workload.init_containers().filter(|it| is_side_car(it));
        for container in side_cars.chain(workload.containers()) {
            for probe in ["livenessProbe", "readinessProbe"] {
                if !container[probe].is_object() {
                    let text = format!("it has no {probe}");
                    problems.push(Problem::of_container("probes", workload, container, text));
                }
            }
            for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
                for action in ["httpGet", "tcpSocket", "grpc"] {
                    let port = &container[probe][action]["port"];
                    if !port.is_null() && !has_port(container, port) {
                        let text = format!("{probe} asks port {port}, which the container has not");
                        problems.push(Problem::of_container("port", workload, container, text));
                    }
                }
            }
        }
    }
    problems
}

fn has_port(container: &Value, wanted: &Value) -> bool {
    items(&container["ports"])
        .any(|port| port["name"] == *wanted || port["containerPort"] == *wanted)
}

fn accounts(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut users: BTreeMap<(&str, &str), Vec<Workload<'_>>> = BTreeMap::new();
    for workload in rendered.workloads() {
        let account = workload.pod()["serviceAccountName"]
            .as_str()
            .unwrap_or("default");
        users
            .entry((workload.namespace(), account))
            .or_default()
            .push(workload);
        let object = rendered.find("ServiceAccount", workload.namespace(), account);
        let mounts = [
            &workload.pod()["automountServiceAccountToken"],
            object.map_or(
                &Value::Null,
                |account| &account["automountServiceAccountToken"],
            ),
        ];
        let mounts = mounts.into_iter().find(|mounts| !mounts.is_null());
        if mounts.is_none_or(|mounts| *mounts != false) {
            let text = "its pods mount a token: automountServiceAccountToken must be false";
            problems.push(Problem::of("token", workload.object, text));
        }
    }
    for ((_, account), users) in users {
        let shared = users.len() > 1 || account == "default";
        for workload in users.iter().filter(|_| shared) {
            let text = format!(
                "ServiceAccount `{account}` must be its own: {} use it",
                users.len()
            );
            problems.push(Problem::of("account", workload.object, text));
        }
    }
    problems
}

/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/>
const LABELS: [&str; 5] = ["name", "instance", "component", "part-of", "managed-by"];

fn labels(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let missing = |labels: &Value| -> Vec<&str> {
        let missing = LABELS.into_iter();
        missing
            .filter(|label| !labels[format!("app.kubernetes.io/{label}")].is_string())
            .collect()
    };
    let templates = rendered
        .workloads()
        .map(|workload| (workload.object, workload.labels()));
    let objects = rendered
        .items
        .iter()
        .map(|item| (item, &item["metadata"]["labels"]));
    let mut problems = Vec::new();
    for (object, labels) in objects.chain(templates) {
        let missing = missing(labels);
        if !missing.is_empty() {
            let text = format!(
                "app.kubernetes.io/{{{}}} of its labels are missing",
                missing.join(",")
            );
            problems.push(Problem::of("labels", object, text));
        }
    }
    problems
}

/// What has two or more pods.
fn replicated(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    let replicated = |workload: &Workload<'_>| {
        ["Deployment", "StatefulSet"].contains(&workload.kind()) && highest(rendered, *workload) > 1
    };
    for workload in rendered.workloads().filter(replicated) {
        if !is_apart(workload) {
            let text = "it may have replicas, and no podAntiAffinity keeps its pods apart";
            problems.push(Problem::of("spread", workload.object, text));
        }
        let budgets: Vec<&Value> = rendered
            .kind("PodDisruptionBudget")
            .filter(|budget| budget["metadata"]["namespace"] == workload.namespace())
            .filter(|budget| selects(&budget["spec"]["selector"], workload.labels()))
            .collect();
        if budgets.len() != 1 {
            let text = format!(
                "it may have replicas, and {} PodDisruptionBudgets",
                budgets.len()
            );
            problems.push(Problem::of("budget", workload.object, text));
        }
        let pods = lowest(rendered, workload);
        let least = budgets
            .iter()
            .filter_map(|budget| budget["spec"]["minAvailable"].as_u64());
        for least in least.filter(|least| *least >= pods && pods > 1) {
            let text = format!("no pod may go: {least} of its {pods} must be available");
            problems.push(Problem::of("budget", workload.object, text));
        }
    }
    problems
}

/// Whether its pods prefer, or need, nodes without another one of them.
fn is_apart(workload: Workload<'_>) -> bool {
    let affinity = &workload.pod()["affinity"]["podAntiAffinity"];
    let needed = items(&affinity["requiredDuringSchedulingIgnoredDuringExecution"]);
    let preferred = items(&affinity["preferredDuringSchedulingIgnoredDuringExecution"])
        .map(|preferred| &preferred["podAffinityTerm"]);
    needed.chain(preferred).any(|term| {
        term["topologyKey"].is_string()
            && term["labelSelector"].is_object()
            && selects(&term["labelSelector"], workload.labels())
    })
}

/// Deployments behind a Service keep all of their pods while new ones start.
fn rollouts(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let serves = |workload: &Workload<'_>| {
        let pods = Pods::of(workload.object);
        rendered.kind("Service").any(|service| {
            let selector = &service["spec"]["selector"];
            pods.as_ref().is_some_and(|pods| {
                selector.is_object()
                    && service["metadata"]["namespace"] == pods.namespace
                    && pods.are_selected_by_map(selector)
            })
        })
    };
    let wanted = serde_json::json!({"maxSurge": 1, "maxUnavailable": 0});
    rendered
        .workloads()
        .filter(|workload| workload.kind() == "Deployment" && serves(workload))
        .filter(|workload| workload.object["spec"]["strategy"]["rollingUpdate"] != wanted)
        .map(|workload| {
            let text = "it serves, so it rolls out by maxSurge 1 and maxUnavailable 0";
            Problem::of("rollout", workload.object, text)
        })
        .collect()
}
