//! Whether there is a node for each pod.

use serde_json::Value;

use super::Finding;
use crate::{
    finding::Check,
    object::{
        Amounts, ContainerDefaults, ManifestView, Object, exceeds,
        field::{boolean, integer, list, map, text, texts},
        pod_needs, pod_spec, quantities, shown_amount,
    },
};

/// Whether it takes a look at the nodes to know where pods of `body` may run: they say something
/// about nodes, or ask for much.
pub(crate) fn asks_for_nodes(body: &Value) -> bool {
    const MUCH: [(&str, f64); 2] = [
        ("requests.cpu", 1.0),
        ("requests.memory", 2.0 * 1024.0 * 1024.0 * 1024.0),
    ];
    let Some(spec) = pod_spec(body) else {
        return false;
    };
    let needs = pod_needs(spec, &ContainerDefaults::default());
    let is_much = MUCH
        .iter()
        .any(|(resource, much)| needs.get(*resource).is_some_and(|amount| amount > much));
    let is_special = needs.keys().any(|resource| resource.contains('/'));
    // Nearly all nodes are of this, and nearly all charts say it.
    let is_usual = |(key, value): (&String, &Value)| key == "kubernetes.io/os" && value == "linux";
    let mut labels = map(spec, "/nodeSelector").into_iter().flatten();
    let says = !labels.all(is_usual) || !terms(spec).is_empty();
    is_much || is_special || says
}

/// That no node of `nodes` is one for the pods of `object`. An autoscaler may add one.
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/assign-pod-node/>
pub(crate) fn no_node(
    object: &Object,
    nodes: &[Value],
    defaults: &ContainerDefaults,
) -> Option<Finding> {
    let spec = pod_spec(&object.body)?;
    let is_daemon = object.id.kind == "DaemonSet";
    if nodes.is_empty() || is_daemon || text(spec, "/nodeName").is_some() {
        return None;
    }
    let chosen: Vec<&Value> = nodes.iter().filter(|node| is_chosen(spec, node)).collect();
    let open: Vec<&&Value> = chosen.iter().filter(|node| lets_in(spec, node)).collect();
    let why = if chosen.is_empty() {
        "no node has the labels that its pods are bound to".to_owned()
    } else if open.is_empty() {
        "its pods tolerate the taints of none of the nodes".to_owned()
    } else {
        let subject = if open.len() == nodes.len() {
            "no node"
        } else {
            "none of the nodes that take them"
        };
        too_little(&pod_needs(spec, defaults), &open, subject)?
    };
    let message = format!("{why}: they wait until one is added");
    Some(
        Finding::of(Check::NoNode, message)
            .about(object)
            .remedy("look at `kubectl get nodes --show-labels`, and at `nodeSelector`, `affinity`, `tolerations` and `resources` of the pods"),
    )
}

/// That none of `nodes`, called `subject`, has as much as a pod asks for, `needs`; `None` where one has.
fn too_little(needs: &Amounts, nodes: &[&&Value], subject: &str) -> Option<String> {
    let requests = || {
        needs
            .iter()
            .filter_map(|(key, amount)| Some((key.strip_prefix("requests.")?, *amount)))
    };
    let allocatable: Vec<Amounts> = nodes
        .iter()
        .map(|node| quantities(node, "/status/allocatable"))
        .collect();
    let has = |node: &Amounts, resource: &str| node.get(resource).copied().unwrap_or_default();
    let is_short =
        |node: &Amounts| requests().any(|(resource, amount)| exceeds(amount, has(node, resource)));
    if !allocatable.iter().all(is_short) {
        return None;
    }
    let most = |resource: &str| {
        let amounts = allocatable.iter().map(|node| has(node, resource));
        amounts.fold(0.0, f64::max)
    };
    let lacking = requests().find(|(resource, amount)| exceeds(*amount, most(resource)));
    let asked = |(resource, amount)| format!("{} of {resource}", shown_amount(resource, amount));
    let (asked, which) = if let Some((resource, amount)) = lacking {
        let most = shown_amount(resource, most(resource));
        (asked((resource, amount)), format!("more than {most}"))
    } else {
        let all: Vec<String> = requests().map(asked).collect();
        (all.join(" and "), "all of it".to_owned())
    };
    Some(format!(
        "each of its pods asks for {asked}, and {subject} has {which}"
    ))
}

/// Whether the labels of `node` are what `spec` wants.
fn is_chosen(spec: &Value, node: &Value) -> bool {
    let view = ManifestView(node);
    let selector = map(spec, "/nodeSelector").into_iter().flatten();
    let mut selector = selector.map(|(key, value)| view.label(key) == value.as_str());
    let terms = terms(spec);
    selector.all(|holds| holds) && (terms.is_empty() || terms.iter().any(|term| holds(term, node)))
}

fn terms(spec: &Value) -> &[Value] {
    list(
        spec,
        "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
    )
}

/// Whether a term of a node selector holds for `node`: all of its expressions.
fn holds(term: &Value, node: &Value) -> bool {
    let view = ManifestView(node);
    let labels = list(term, "/matchExpressions").iter().all(|wanted| {
        let value = text(wanted, "/key").and_then(|key| view.label(key));
        is_met(wanted, value)
    });
    let fields = list(term, "/matchFields")
        .iter()
        .all(|wanted| is_met(wanted, Some(view.name())));
    labels && fields
}

fn is_met(wanted: &Value, value: Option<&str>) -> bool {
    let listed = value.is_some_and(|value| texts(wanted, "/values").any(|one| one == value));
    let number = |text: &str| text.parse::<i64>().ok();
    let compared = || {
        let bound = texts(wanted, "/values").next().and_then(number)?;
        Some(value.and_then(number)?.cmp(&bound))
    };
    match text(wanted, "/operator") {
        Some("In") => listed,
        Some("NotIn") => !listed,
        Some("Exists") => value.is_some(),
        Some("DoesNotExist") => value.is_none(),
        Some("Gt") => compared().is_some_and(std::cmp::Ordering::is_gt),
        Some("Lt") => compared().is_some_and(std::cmp::Ordering::is_lt),
        _ => true,
    }
}

/// Whether `spec` tolerates all taints of `node` that keep pods away, and `node` takes pods at all.
/// <https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>
fn lets_in(spec: &Value, node: &Value) -> bool {
    let is_closed = boolean(node, "/spec/unschedulable") == Some(true);
    let taints = list(node, "/spec/taints").iter().filter(|taint| {
        let effect = text(taint, "/effect");
        // What a node has only for a while goes by itself.
        let passes = text(taint, "/key").is_some_and(|key| key.starts_with("node.kubernetes.io/"));
        effect != Some("PreferNoSchedule") && !passes
    });
    !is_closed && taints.into_iter().all(|taint| is_tolerated(spec, taint))
}

fn is_tolerated(spec: &Value, taint: &Value) -> bool {
    list(spec, "/tolerations").iter().any(|toleration| {
        let same = |path| text(toleration, path) == text(taint, path);
        let effect = text(toleration, "/effect").is_none() || same("/effect");
        let exists = text(toleration, "/operator") == Some("Exists");
        let key = same("/key") || (exists && text(toleration, "/key").is_none());
        effect && key && (exists || same("/value"))
    })
}

/// Whether `object` makes pods now.
pub(crate) fn runs_pods(object: &Object) -> bool {
    pod_spec(&object.body).is_some()
        && integer(&object.body, "/spec/replicas") != Some(0)
        && boolean(&object.body, "/spec/suspend") != Some(true)
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::{ObjectId, Origin};

    fn node(labels: &Value, taints: &Value, cpu: &str) -> Value {
        json!({"metadata": {"name": "n", "labels": labels}, "spec": {"taints": taints}, "status": {"allocatable": {"cpu": cpu, "memory": "8Gi"}}})
    }

    fn said(spec: &Value, nodes: &[Value]) -> Option<String> {
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"template": {"spec": spec}}});
        let object = Object {
            id: ObjectId::of(&body).expect("it is an object"),
            api_version: "apps/v1".to_owned(),
            body: Arc::new(body),
            origin: Origin {
                file: Path::new("a.yaml").into(),
                line: 1,
            },
        };
        no_node(&object, nodes, &ContainerDefaults::default()).map(|it| it.message)
    }

    #[test]
    fn labels_taints_and_room_decide() {
        let nodes = [
            node(&json!({"zone": "a", "size": "4"}), &json!([]), "4"),
            node(
                &json!({"pool": "gpu"}),
                &json!([{"key": "gpu", "value": "yes", "effect": "NoSchedule"}]),
                "16",
            ),
        ];
        let of = |mut spec: Value, cpu: &str| {
            spec["containers"] = json!([{"resources": {"requests": {"cpu": cpu}}}]);
            said(&spec, &nodes)
        };
        let gpu = |tolerations: Value| json!({"nodeSelector": {"pool": "gpu"}, "tolerations": tolerations});
        assert_eq!(of(json!({}), "4"), None);
        assert_eq!(
            of(json!({}), "8").as_deref(),
            Some(
                "each of its pods asks for 8 of cpu, and none of the nodes that take them has more than 4: they wait until one is added"
            )
        );
        assert_eq!(
            of(gpu(json!([])), "1").as_deref(),
            Some("its pods tolerate the taints of none of the nodes: they wait until one is added")
        );
        for toleration in [
            json!({"key": "gpu", "value": "yes"}),
            json!({"key": "gpu", "operator": "Exists", "effect": "NoSchedule"}),
            json!({"operator": "Exists"}),
        ] {
            assert_eq!(of(gpu(json!([toleration])), "8"), None);
        }
        assert_eq!(
            of(json!({"nodeSelector": {"zone": "b"}}), "1").as_deref(),
            Some("no node has the labels that its pods are bound to: they wait until one is added")
        );
        let affinity = |operator: &str, values: Value| {
            let term = json!({"matchExpressions": [{"key": "size", "operator": operator, "values": values}]});
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}}})
        };
        assert_eq!(of(affinity("Gt", json!(["3"])), "1"), None);
        assert!(of(affinity("Gt", json!(["4"])), "1").is_some());
        assert_eq!(of(affinity("In", json!(["4"])), "1"), None);
        assert!(of(affinity("In", json!(["5"])), "1").is_some());
    }

    #[test]
    fn no_node_may_have_all_of_what_each_has_a_part() {
        let mut wide = node(&json!({}), &json!([]), "16");
        wide["status"]["allocatable"]["memory"] = "4Gi".into();
        let deep = node(&json!({}), &json!([]), "2");
        let asks = |cpu: &str, memory: &str| {
            let spec = json!({"containers": [{"resources": {"requests": {"cpu": cpu, "memory": memory}}}]});
            said(&spec, &[wide.clone(), deep.clone()])
        };
        assert_eq!(asks("16", "4Gi"), None);
        assert_eq!(
            asks("8", "8Gi").as_deref(),
            Some(
                "each of its pods asks for 8 of cpu and 8Gi of memory, and no node has all of it: they wait until one is added"
            )
        );
        assert_eq!(
            asks("8", "9Gi").as_deref(),
            Some(
                "each of its pods asks for 9Gi of memory, and no node has more than 8Gi: they wait until one is added"
            )
        );
    }

    #[test]
    fn only_what_says_something_about_nodes_or_asks_for_much_looks_at_them() {
        let asks = |spec: Value| {
            asks_for_nodes(
                &json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}}),
            )
        };
        let container = |requests: Value| json!([{"resources": {"requests": requests}}]);
        assert!(!asks(
            json!({"containers": container(json!({"cpu": "500m"}))})
        ));
        assert!(asks(json!({"containers": container(json!({"cpu": "2"}))})));
        assert!(asks(
            json!({"containers": container(json!({"nvidia.com/gpu": "1"}))})
        ));
        assert!(asks(json!({"containers": [], "nodeSelector": {"a": "b"}})));
        assert!(!asks(
            json!({"containers": [], "nodeSelector": {"kubernetes.io/os": "linux"}})
        ));
    }
}
