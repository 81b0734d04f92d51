//! Ports that are known by a name which nothing behind them has.

use serde_json::Value;

use super::{
    pods::{PodSelector, Workload},
    selector::selects,
};
use crate::{
    finding::Check,
    object::{
        FieldPath, HasKind as _, Object, Problem, containers,
        field::{is_true, list, part, text, texts},
        pod_spec,
    },
};

const PROMETHEUS: &str = "monitoring.coreos.com";

/// Ports that Services and monitors among `objects` call by a name that nothing which they select has.
/// What selects nothing of the plan is not among them.
pub(crate) fn unmet_port_names<'a>(objects: impl Iterator<Item = &'a Object>) -> Vec<Problem> {
    let objects: Vec<&Object> = objects.collect();
    let mut problems = Vec::new();
    for object in &objects {
        let wanted = wanted(object);
        if wanted.is_empty() {
            continue;
        }
        let selected: Vec<Selected<'_>> = selected(object, &objects);
        if selected.is_empty() {
            continue;
        }
        for (place, port) in wanted {
            let has = |it: &Selected<'_>| it.ports.contains(&port);
            if !selected.iter().any(has) {
                problems.push(problem(object, &place, port, &selected));
            }
        }
    }
    problems
}

/// Something that is selected, and the names of its ports.
struct Selected<'a> {
    object: &'a Object,
    ports: Vec<&'a str>,
}

/// The ports that `object` calls by a name, and where.
fn wanted(object: &Object) -> Vec<(String, &str)> {
    let (at, field) = match (object.id.group.as_str(), object.id.kind.as_str()) {
        ("", "Service") => ("/spec/ports", "targetPort"),
        (PROMETHEUS, "ServiceMonitor") => ("/spec/endpoints", "port"),
        (PROMETHEUS, "PodMonitor") => ("/spec/podMetricsEndpoints", "port"),
        _ => return Vec::new(),
    };
    let entries = list(&object.body, at).iter().enumerate();
    let named = entries.filter_map(|(index, entry)| {
        let port = text(entry, &format!("/{field}"))?;
        Some((format!("{at}/{index}/{field}"), port))
    });
    named.collect()
}

/// What `object` selects among `objects`.
fn selected<'a>(object: &Object, objects: &[&'a Object]) -> Vec<Selected<'a>> {
    let (id, body) = (&object.id, object.body.as_ref());
    let monitored = objects.iter().filter(|other| is_looked_at(object, other));
    let labels = |other: &Object| part(&other.body, "/metadata/labels").cloned();
    let empty = Value::Null;
    let selector = part(body, "/spec/selector").unwrap_or(&empty);
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Service") => {
            let Some(selector) = PodSelector::of(id, body) else {
                return Vec::new();
            };
            let workloads = objects.iter().filter(|other| {
                Workload::of(other).is_some_and(|workload| selector.selects(&workload))
            });
            workloads.map(|object| of_pods(object)).collect()
        }
        (_, "ServiceMonitor") => {
            let services = monitored
                .filter(|other| other.id.is_service())
                .filter(|other| selects(selector, &labels(other).unwrap_or_default()));
            services.map(|object| of_service(object)).collect()
        }
        _ => {
            let workloads = monitored.filter(|other| {
                Workload::of(other).is_some_and(|workload| selects(selector, workload.labels))
            });
            workloads.map(|object| of_pods(object)).collect()
        }
    }
}

/// Whether the monitor `object` looks at the namespace of `other`.
/// <https://prometheus-operator.dev/docs/api-reference/api/#monitoring.coreos.com/v1.NamespaceSelector>
fn is_looked_at(object: &Object, other: &Object) -> bool {
    let body = object.body.as_ref();
    let namespace = other.id.namespace.as_deref();
    let mut names = texts(body, "/spec/namespaceSelector/matchNames").peekable();
    if is_true(body, "/spec/namespaceSelector/any") {
        return true;
    }
    if names.peek().is_none() {
        return other.id.namespace == object.id.namespace;
    }
    names.any(|name| Some(name) == namespace)
}

fn of_pods(object: &Object) -> Selected<'_> {
    let containers = pod_spec(&object.body).into_iter().flat_map(containers);
    let ports = containers.flat_map(|container| list(container, "/ports"));
    Selected {
        object,
        ports: ports.filter_map(|port| text(port, "/name")).collect(),
    }
}

fn of_service(object: &Object) -> Selected<'_> {
    let ports = list(&object.body, "/spec/ports").iter();
    Selected {
        object,
        ports: ports.filter_map(|port| text(port, "/name")).collect(),
    }
}

fn problem(object: &Object, place: &str, port: &str, selected: &[Selected<'_>]) -> Problem {
    let place = FieldPath::of_pointer(place);
    let first = &selected[0];
    let has = match first.ports.as_slice() {
        [] => "no port with a name".to_owned(),
        ports => format!("`{}`", ports.join("`, `")),
    };
    let message = format!(
        "nothing of the plan that it selects has a port called `{port}` (`{place}`): {} has {has}",
        first.object.id
    );
    Problem::of(Check::UnmetPortName, message)
        .at(&object.origin)
        .about(&object.id)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::{ObjectId, Origin};

    fn object(mut body: Value) -> Object {
        body["metadata"]["namespace"] = "shop".into();
        Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: body["apiVersion"].as_str().unwrap().to_owned(),
            origin: Origin {
                file: std::path::Path::new("a.yaml").into(),
                line: 1,
            },
            body: body.into(),
        }
    }

    fn said(bodies: &[Value]) -> Vec<String> {
        let objects: Vec<Object> = bodies.iter().cloned().map(object).collect();
        let problems = unmet_port_names(objects.iter());
        problems.into_iter().map(|it| it.message).collect()
    }

    fn deployment(port: &str) -> Value {
        let containers = json!([{"name": "main", "ports": [{"name": port, "containerPort": 80}]}]);
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
            "spec": {"template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}}}})
    }

    fn service(target: &Value) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web", "labels": {"app": "web"}},
            "spec": {"selector": {"app": "web"}, "ports": [{"name": "http", "port": 80, "targetPort": target}]}})
    }

    fn monitor(kind: &str, endpoints: &str, port: &str) -> Value {
        json!({"apiVersion": "monitoring.coreos.com/v1", "kind": kind, "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, endpoints: [{"port": port}]}})
    }

    #[test]
    fn a_port_that_nothing_behind_it_has_is_named() {
        assert_eq!(
            said(&[deployment("http"), service(&json!("htpt"))]),
            [
                "nothing of the plan that it selects has a port called `htpt` (`spec.ports[0].targetPort`): Deployment/shop/web has `http`"
            ]
        );
        assert_eq!(
            said(&[
                service(&json!(80)),
                monitor("ServiceMonitor", "endpoints", "metrics")
            ]),
            [
                "nothing of the plan that it selects has a port called `metrics` (`spec.endpoints[0].port`): Service/shop/web has `http`"
            ]
        );
        assert_eq!(
            said(&[
                deployment("http"),
                monitor("PodMonitor", "podMetricsEndpoints", "metrics")
            ])
            .len(),
            1
        );
    }

    #[test]
    fn ports_that_are_there_or_whose_pods_are_others_are_no_matter() {
        let none: [&str; 0] = [];
        assert_eq!(said(&[deployment("http"), service(&json!("http"))]), none);
        assert_eq!(said(&[deployment("http"), service(&json!(80))]), none);
        assert_eq!(said(&[service(&json!("anything"))]), none);
        assert_eq!(
            said(&[
                service(&json!(80)),
                monitor("ServiceMonitor", "endpoints", "http")
            ]),
            none
        );
        let mut elsewhere = monitor("ServiceMonitor", "endpoints", "metrics");
        elsewhere["spec"]["namespaceSelector"] = json!({"matchNames": ["other"]});
        assert_eq!(said(&[service(&json!(80)), elsewhere]), none);
    }
}
