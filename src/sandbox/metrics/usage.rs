//! What a pod uses, as the metrics API says it: pure functions of the pod.

use serde_json::{Map, Value, json};

/// What a container uses that says and asks for nothing.
const LITTLE: [(&str, &str); 2] = [("cpu", "10m"), ("memory", "32Mi")];

/// What a container asks for is twice what it uses, unless an annotation says how much it uses:
/// `sandbox.deployctl.dev/cpu` and `memory`, also `cpu.CONTAINER`.
fn usage(pod: &Value, container: &Value) -> Map<String, Value> {
    let name = container["name"].as_str().unwrap_or_default();
    let of = |(resource, little): (&'static str, &str)| {
        let said = |key: String| pod["metadata"]["annotations"][key].as_str();
        let annotation = format!("sandbox.deployctl.dev/{resource}");
        let said = said(format!("{annotation}.{name}")).or_else(|| said(annotation));
        let request = container["resources"]["requests"][resource].as_str();
        let half = request.and_then(half);
        let used = said.map(str::to_owned).or(half);
        let used = used.unwrap_or_else(|| little.to_owned());
        (resource.to_owned(), used.into())
    };
    LITTLE.map(of).into_iter().collect()
}

/// Half of a quantity such as `500m`, `2` or `1Gi`, in thousandths of its unit; `None` where it is
/// written in another way.
fn half(quantity: &str) -> Option<String> {
    let end = quantity.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = quantity.split_at(end.unwrap_or(quantity.len()));
    let number: u64 = number.parse().ok()?;
    match unit {
        "m" => Some(format!("{}m", number / 2)),
        "" => Some(format!("{}m", number * 500)),
        "Ki" | "Mi" => Some(format!("{}{unit}", number / 2)),
        "Gi" => Some(format!("{}Mi", number * 512)),
        "Ti" => Some(format!("{}Gi", number * 512)),
        _ => None,
    }
}

/// The metrics of `pod`; `None` where it does not run.
pub(super) fn of_pod(pod: &Value, now: &str) -> Option<Value> {
    let runs =
        pod["status"]["phase"] == "Running" && pod["metadata"]["deletionTimestamp"].is_null();
    let containers = pod["spec"]["containers"].as_array().filter(|_| runs)?;
    let used = containers
        .iter()
        .map(|it| json!({"name": it["name"], "usage": usage(pod, it)}));
    let metadata = &pod["metadata"];
    Some(json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "labels": metadata["labels"], "creationTimestamp": now},
        // An autoscaler leaves out pods that have not been ready for longer than that.
        "timestamp": now, "window": "1s", "containers": used.collect::<Vec<_>>(),
    }))
}

/// The metrics of a node.
pub(super) fn of_node(node: &Value, now: &str) -> Value {
    json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "NodeMetrics",
        "metadata": {"name": node["metadata"]["name"], "labels": node["metadata"]["labels"], "creationTimestamp": now},
        "timestamp": now, "window": "1s", "usage": {"cpu": "2", "memory": "8Gi"},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(annotations: &Value) -> Value {
        let container = |name: &str, requests: Value| json!({"name": name, "resources": {"requests": requests}});
        let asks = json!({"cpu": "500m", "memory": "1Gi"});
        json!({
            "metadata": {"name": "web", "annotations": annotations}, "status": {"phase": "Running"},
            "spec": {"containers": [container("main", asks), container("side", Value::Null)]},
        })
    }

    fn used(annotations: &Value) -> Vec<Value> {
        let metrics = of_pod(&pod(annotations), "now").unwrap();
        let containers = metrics["containers"].as_array().unwrap().iter();
        containers.map(|it| it["usage"].clone()).collect()
    }

    #[test]
    fn half_of_what_is_asked_for_is_used_unless_something_else_is_said() {
        let little = json!({"cpu": "10m", "memory": "32Mi"});
        let half = json!({"cpu": "250m", "memory": "512Mi"});
        assert_eq!(used(&Value::Null), [half, little]);
        let said = json!({"sandbox.deployctl.dev/cpu": "900m", "sandbox.deployctl.dev/memory.side": "2Gi"});
        let expected = [
            json!({"cpu": "900m", "memory": "512Mi"}),
            json!({"cpu": "900m", "memory": "2Gi"}),
        ];
        assert_eq!(used(&said), expected);
        for (quantity, expected) in [
            ("2", Some("1000m")),
            ("3Ti", Some("1536Gi")),
            ("1.5", None),
            ("1e3", None),
        ] {
            assert_eq!(super::half(quantity).as_deref(), expected, "{quantity}");
        }
    }

    #[test]
    fn what_does_not_run_uses_nothing() {
        let mut pod = pod(&Value::Null);
        pod["status"]["phase"] = "Pending".into();
        assert_eq!(of_pod(&pod, "now"), None);
    }
}
