//! Selectors select something, and ports lead somewhere.

use serde_json::Value;

use super::{
    platform::Platform,
    pods::{Pods, pods, selects, selects_everything},
    rendered::{Rendered, items},
    rules::{Problem, Rule, judge},
    workload::Workload,
};

pub(super) const RULES: &[Rule] = &[own_pods, services, budgets, policies, monitors];

#[test]
fn every_selector_selects_something() {
    judge(RULES);
}

fn own_pods(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    let wrong = |workload: &Workload<'_>| {
        let selector = &workload.object["spec"]["selector"];
        selects_everything(selector) || !selects(selector, workload.labels())
    };
    rendered
        .workloads()
        .filter(|workload| kinds.contains(&workload.kind()) && wrong(workload))
        .map(|workload| {
            Problem::of(
                "selector",
                workload.object,
                "it does not select its own pods",
            )
        })
        .collect()
}

fn namespace(item: &Value) -> &str {
    item["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// A Service leads to the pods of one workload, all of whose ports are there.
fn services(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let mut problems = Vec::new();
    for service in rendered.kind("Service") {
        let selector = &service["spec"]["selector"];
        if selector.as_object().is_none_or(serde_json::Map::is_empty) {
            continue;
        }
        let selected: Vec<&Pods<'_>> = pods
            .iter()
            .filter(|pods| pods.namespace == namespace(service))
            .filter(|pods| pods.are_selected_by_map(selector))
            .collect();
        if selected.len() != 1 {
            let text = format!("it selects the pods of {} workloads", selected.len());
            problems.push(Problem::of("selector", service, text));
        }
        for port in items(&service["spec"]["ports"]) {
            let target = &port["targetPort"];
            let target = if target.is_null() {
                &port["port"]
            } else {
                target
            };
            let lacks = |pods: &&&Pods<'_>| pods.port(target).is_none();
            for pods in selected.iter().filter(lacks) {
                let text = format!("{} has no port {target}", pods.title());
                problems.push(Problem::of("port", service, text));
            }
            for pods in selected.iter().filter(|pods| pods.has_twice(target)) {
                let text = format!("{} has the port {target} twice", pods.title());
                problems.push(Problem::of("port", service, text));
            }
        }
    }
    problems
}

fn budgets(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let selected = |budget: &Value| {
        let own = pods
            .iter()
            .filter(|pods| pods.namespace == namespace(budget));
        own.filter(|pods| selects(&budget["spec"]["selector"], &pods.labels))
            .count()
    };
    rendered
        .kind("PodDisruptionBudget")
        .filter(|budget| selected(budget) != 1)
        .map(|budget| {
            let text = format!("it selects the pods of {} workloads", selected(budget));
            Problem::of("selector", budget, text)
        })
        .collect()
}

/// Network policies, and their peers as far as these are the platform's own pods.
fn policies(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let finds = |namespace: &str, selector: &Value| {
        let mut own = pods.iter().filter(|pods| pods.namespace == namespace);
        own.any(|pods| selects(selector, &pods.labels))
    };
    let mut problems = Vec::new();
    for policy in rendered.kind("NetworkPolicy") {
        let spec = &policy["spec"];
        let own = &spec["podSelector"];
        if !selects_everything(own) && !finds(namespace(policy), own) {
            let text = format!("its podSelector selects nothing: {own}");
            problems.push(Problem::of("selector", policy, text));
        }
        let rules = items(&spec["ingress"]).flat_map(|rule| items(&rule["from"]));
        let peers = rules.chain(items(&spec["egress"]).flat_map(|rule| items(&rule["to"])));
        let within = peers.filter(|peer| peer["namespaceSelector"].is_null());
        let peers = within
            .map(|peer| &peer["podSelector"])
            .filter(|it| !selects_everything(it));
        for peer in peers.filter(|peer| !finds(namespace(policy), peer)) {
            let text = format!("a peer of it selects nothing: {peer}");
            problems.push(Problem::of("selector", policy, text));
        }
    }
    problems
}

/// Monitors select Services or pods that have the ports that are scraped.
fn monitors(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let mut problems = Vec::new();
    for monitor in &rendered.items {
        let targets: Vec<(&str, &Value, Vec<&str>)> = match monitor["kind"].as_str() {
            Some("ServiceMonitor") => rendered.kind("Service").map(service_target).collect(),
            Some("PodMonitor") => pods.iter().map(pod_target).collect(),
            _ => continue,
        };
        let spec = &monitor["spec"];
        let selected: Vec<&Vec<&str>> = targets
            .iter()
            .filter(|(namespace, ..)| is_watched(monitor, namespace))
            .filter(|(_, labels, _)| selects(&spec["selector"], labels))
            .map(|(.., ports)| ports)
            .collect();
        if selected.is_empty() {
            problems.push(Problem::of("selector", monitor, "it selects nothing"));
            continue;
        }
        let endpoints = items(&spec["endpoints"]).chain(items(&spec["podMetricsEndpoints"]));
        for port in endpoints.filter_map(|endpoint| endpoint["port"].as_str()) {
            if !selected.iter().any(|ports| ports.contains(&port)) {
                let text = format!("nothing that it selects has a port `{port}`");
                problems.push(Problem::of("port", monitor, text));
            }
        }
    }
    problems
}

fn service_target(service: &Value) -> (&str, &Value, Vec<&str>) {
    let ports = items(&service["spec"]["ports"]).filter_map(|port| port["name"].as_str());
    (
        namespace(service),
        &service["metadata"]["labels"],
        ports.collect(),
    )
}

fn pod_target<'a>(pods: &'a Pods<'_>) -> (&'a str, &'a Value, Vec<&'a str>) {
    let ports = pods.ports.iter().map(|port| port.name.as_str());
    (pods.namespace, &pods.labels, ports.collect())
}

/// Whether a monitor looks into a namespace: its own, where it says nothing else.
pub(super) fn is_watched(monitor: &Value, wanted: &str) -> bool {
    let selector = &monitor["spec"]["namespaceSelector"];
    let named = &selector["matchNames"];
    selector["any"] == true
        || if named.is_array() {
            items(named).any(|name| name == wanted)
        } else {
            namespace(monitor) == wanted
        }
}
