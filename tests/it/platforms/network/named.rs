//! What a workload's configuration names, it may reach: names are resolved, Services answer, and
//! what is monitored lets its Prometheus in.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use regex::Regex;
use serde_json::{Value, json};

use super::{
    super::{
        autoscaling::highest,
        configuration::{Text, texts},
        platform::Platform,
        pods::{Pods, pods, selects},
        rendered::{Rendered, items},
        rules::{Problem, judge},
        workload::Workload,
    },
    endpoint::Endpoint,
    evaluator::{Target, Verdict, connect},
};

#[test]
fn what_is_named_is_reached() {
    judge(super::RULES);
}

/// Everything resolves names.
pub(super) fn dns(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let labels = json!({"k8s-app": "kube-dns"});
    let title = "kube-dns in kube-system".to_owned();
    let dns = Endpoint::others(rendered, title, "kube-system", &labels);
    let refused = |pods: &Pods<'_>| {
        let target = Target {
            port: 53,
            protocol: "UDP",
        };
        match connect(rendered, &Endpoint::of(rendered, pods), &dns, target) {
            Verdict::Allowed => None,
            Verdict::Perhaps => Some("only a block of addresses lets it resolve names".to_owned()),
            Verdict::Refused(missing) => Some(missing),
        }
    };
    let problem = |pods: Pods<'_>| Some(Problem::of("dns", pods.object, refused(&pods)?));
    pods(rendered).into_iter().filter_map(problem).collect()
}

/// A Service that a text names, and its port where that is said.
type Mention<'a> = (&'a Value, Option<u64>);

/// Services that texts may name, by name.
fn services(rendered: &Rendered) -> BTreeMap<&str, Vec<&Value>> {
    let mut services: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for service in rendered.kind("Service") {
        let name = service["metadata"]["name"].as_str().unwrap_or_default();
        services.entry(name).or_default().push(service);
    }
    services
}

/// The Services that `text` names, as `SERVICE`, `SERVICE.NAMESPACE…` or `POD.SERVICE…`, with a
/// port behind them, or without one where that is the whole text.
fn mentions<'a>(
    text: &Text<'_>,
    own_namespace: &str,
    services: &BTreeMap<&str, Vec<&'a Value>>,
) -> Vec<Mention<'a>> {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = Regex::new(r"([a-z0-9][a-z0-9-]*(?:\.[a-z0-9-]+)*):(\d{2,5})\b");
        pattern.expect("it is a regular expression")
    });
    let in_namespace = |name: &str, namespace: &str| {
        let named = services.get(name).into_iter().flatten();
        named
            .copied()
            .find(|service| service["metadata"]["namespace"] == namespace)
    };
    let find = |host: &str| {
        let parts: Vec<&str> = host.split('.').collect();
        let first = in_namespace(parts[0], parts.get(1).copied().unwrap_or(own_namespace));
        let of_pod = || {
            let namespace = parts.get(2).copied().unwrap_or(own_namespace);
            parts.get(1).and_then(|name| in_namespace(name, namespace))
        };
        first.or_else(of_pod)
    };
    let with_port = PATTERN.captures_iter(text.content).filter_map(|found| {
        let port: u64 = found[2].parse().ok()?;
        Some((find(&found[1])?, Some(port)))
    });
    let whole = text
        .is_value
        .then(|| find(text.content))
        .flatten()
        .map(|service| (service, None));
    // What is below 80 is a version behind a name, as `postgres:16`.
    with_port
        .filter(|(_, port)| port.is_none_or(|port| port >= 80))
        .chain(whole)
        .collect()
}

/// Every Service that a workload's configuration names lets it through, at that port.
pub(super) fn named(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let (services, pods) = (services(rendered), pods(rendered));
    let mut problems = Vec::new();
    for workload in rendered.workloads() {
        let mut seen = BTreeSet::new();
        for text in texts(platform, rendered, workload) {
            for (service, port) in mentions(&text, workload.namespace(), &services) {
                if !seen.insert((service["metadata"].to_string(), port)) {
                    continue;
                }
                let wrong = unreachable(rendered, &pods, workload, (service, port));
                problems.extend(wrong.map(|wrong| {
                    let text = format!("{} names {}: {wrong}", text.place, shown(service, port));
                    Problem::of("reach", workload.object, text)
                }));
            }
        }
    }
    problems
}

fn shown(service: &Value, port: Option<u64>) -> String {
    let name = service["metadata"]["name"].as_str().unwrap_or_default();
    port.map_or_else(|| name.to_owned(), |port| format!("{name}:{port}"))
}

/// Why a workload does not reach a Service.
fn unreachable(
    rendered: &Rendered,
    pods: &[Pods<'_>],
    workload: Workload<'_>,
    (service, port): Mention<'_>,
) -> Option<String> {
    let behind = behind(pods, service);
    // What is no address of itself may be its name.
    let is_alone = port.is_none() || highest(rendered, workload) < 2;
    let from = Endpoint::of(rendered, &Pods::of(workload.object)?);
    let headless = service["spec"]["clusterIP"] == "None";
    let ports = items(&service["spec"]["ports"]).filter(|own| {
        port.is_none_or(|port| own["port"] == port || headless && (own["targetPort"] == port))
    });
    let ports: Vec<&Value> = ports.collect();
    if ports.is_empty() {
        return Some("the Service has no such port".to_owned());
    }
    let mut refused = None;
    for pods in behind
        .into_iter()
        .filter(|pods| !(is_alone && pods.object == workload.object))
    {
        for number in ports.iter().filter_map(|port| target_port(pods, port)) {
            let to = Endpoint::of(rendered, pods);
            let target = Target {
                port: number,
                protocol: "TCP",
            };
            match connect(rendered, &from, &to, target) {
                Verdict::Allowed => return None,
                Verdict::Perhaps => {
                    refused = Some("only a block of addresses allows it".to_owned());
                }
                Verdict::Refused(missing) => refused = Some(missing),
            }
        }
    }
    refused
}

/// The pods that a Service leads to.
fn behind<'a, 'b>(pods: &'a [Pods<'b>], service: &Value) -> Vec<&'a Pods<'b>> {
    let selector = &service["spec"]["selector"];
    let own = pods
        .iter()
        .filter(|pods| service["metadata"]["namespace"] == pods.namespace);
    own.filter(|pods| selector.is_object() && pods.are_selected_by_map(selector))
        .collect()
}

/// The number of the pods' port that a port of a Service leads to.
fn target_port(pods: &Pods<'_>, port: &Value) -> Option<u16> {
    let target = if port["targetPort"].is_null() {
        &port["port"]
    } else {
        &port["targetPort"]
    };
    let number = pods
        .port(target)
        .map(|port| port.number)
        .or(target.as_u64())?;
    u16::try_from(number).ok()
}

/// Every Prometheus of the platform reaches what its `ServiceMonitors` select.
pub(super) fn scraped(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let mut problems = Vec::new();
    for prometheus in rendered.kind("Prometheus").filter_map(Pods::of) {
        let from = Endpoint::of(rendered, &prometheus);
        for (monitor, pods, port) in targets(rendered, &pods) {
            let to = Endpoint::of(rendered, pods);
            let target = Target {
                port,
                protocol: "TCP",
            };
            if let Verdict::Refused(missing) = connect(rendered, &from, &to, target) {
                problems.push(Problem::of("reach", monitor, missing));
            }
        }
    }
    problems
}

/// The pods that `ServiceMonitors` lead to, with the port that is scraped.
fn targets<'a, 'b>(
    rendered: &'a Rendered,
    pods: &'a [Pods<'b>],
) -> Vec<(&'a Value, &'a Pods<'b>, u16)> {
    let mut found = Vec::new();
    for monitor in rendered.kind("ServiceMonitor") {
        let selected = rendered.kind("Service").filter(|service| {
            let namespace = service["metadata"]["namespace"]
                .as_str()
                .unwrap_or_default();
            super::super::selectors::is_watched(monitor, namespace)
                && selects(&monitor["spec"]["selector"], &service["metadata"]["labels"])
        });
        for service in selected {
            for endpoint in items(&monitor["spec"]["endpoints"]) {
                let mut ports = items(&service["spec"]["ports"]);
                let Some(port) = ports.find(|port| port["name"] == endpoint["port"]) else {
                    continue;
                };
                let behind = behind(pods, service).into_iter();
                found.extend(
                    behind.filter_map(|pods| Some((monitor, pods, target_port(pods, port)?))),
                );
            }
        }
    }
    found
}

/// Pods are reached by nobody but those that `allowed` names, that are configured to reach them, or
/// that scrape them.
pub(super) fn closed(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let pods = pods(rendered);
    let needed = needed(platform, rendered, &pods);
    let mut problems = Vec::new();
    for to in &pods {
        let end = Endpoint::of(rendered, to);
        let title = "pods in a namespace of others".to_owned();
        let stranger = Endpoint::others(rendered, title, "default", &json!({}));
        for port in &to.ports {
            let Ok(number) = u16::try_from(port.number) else {
                continue;
            };
            let target = Target {
                port: number,
                protocol: &port.protocol,
            };
            let is_open = |from: &Endpoint| {
                !matches!(connect(rendered, from, &end, target), Verdict::Refused(_))
            };
            if is_open(&stranger) {
                let text = format!("everybody may reach it at {number}");
                problems.push(Problem::of("closed", to.object, text));
                continue;
            }
            let mut froms = pods
                .iter()
                .map(|from| Endpoint::of(rendered, from))
                .collect::<Vec<_>>();
            froms.retain(|from| {
                is_open(from) && !needed.contains(&(from.title.clone(), end.title.clone(), number))
            });
            for from in froms {
                let text = format!(
                    "{} may reach it at {number}, and nothing says what for",
                    from.title
                );
                problems.push(Problem::of("closed", to.object, text));
            }
        }
    }
    problems
}

/// Connections between pods of the platform that are needed: titles of both ends, and the port.
type Needed = BTreeSet<(String, String, u16)>;

fn needed(platform: &Platform, rendered: &Rendered, pods: &[Pods<'_>]) -> Needed {
    let mut needed = Needed::new();
    let allowed = &platform.data.expectations.network.allowed;
    for connection in allowed.iter().filter(|it| it.is_in(&rendered.environment)) {
        let end = |peer| {
            Endpoint::read(rendered, peer)
                .map(|end| end.title)
                .unwrap_or_default()
        };
        needed.insert((end(&connection.from), end(&connection.to), connection.port));
    }
    for prometheus in rendered.kind("Prometheus").filter_map(Pods::of) {
        for (_, pods, port) in targets(rendered, pods) {
            needed.insert((prometheus.title(), pods.title(), port));
        }
    }
    let services = services(rendered);
    for workload in rendered.workloads() {
        for text in texts(platform, rendered, workload) {
            for (service, port) in mentions(&text, workload.namespace(), &services) {
                let own = items(&service["spec"]["ports"]).filter(|own| {
                    port.is_none_or(|port| own["port"] == port || own["targetPort"] == port)
                });
                let own: Vec<&Value> = own.collect();
                for pods in behind(pods, service) {
                    let ports = own.iter().filter_map(|own| target_port(pods, own));
                    needed.extend(ports.map(|port| (workload.title(), pods.title(), port)));
                }
            }
        }
    }
    needed
}
