//! Answers what the API server asks of the metrics API.

use http::Uri;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::usage::{of_node, of_pod};
use crate::sandbox::api::Api;

const GROUP: &str = "/apis/metrics.k8s.io";
const VERSION: &str = "metrics.k8s.io/v1beta1";

/// Whether a request is one for metrics.
pub(in crate::sandbox) fn is_asked(uri: &Uri) -> bool {
    uri.path().starts_with(GROUP)
}

/// The answer; `None` where there is nothing of that name.
pub(in crate::sandbox) async fn answer(api: &Api, uri: &Uri) -> Option<Value> {
    let path = uri.path().strip_prefix(GROUP)?.trim_matches('/');
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let segments: Vec<&str> = path.split('/').collect();
    match segments[..] {
        [""] => Some(group()),
        ["v1beta1"] => Some(resources()),
        ["v1beta1", ref rest @ ..] => {
            let found = api.get(&format!("/api/v1/{}{query}", rest.join("/"))).await;
            let found = found.ok().flatten()?;
            let is_node = rest.first() == Some(&"nodes");
            metrics(&found, is_node)
        }
        _ => None,
    }
}

/// The metrics of an object, or of those in a list.
fn metrics(found: &Value, is_node: bool) -> Option<Value> {
    let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    let of = |object: &Value| {
        if is_node {
            Some(of_node(object, &now))
        } else {
            of_pod(object, &now)
        }
    };
    let Some(items) = found["items"].as_array() else {
        return of(found);
    };
    let items: Vec<Value> = items.iter().filter_map(of).collect();
    let kind = if is_node {
        "NodeMetricsList"
    } else {
        "PodMetricsList"
    };
    Some(json!({"apiVersion": VERSION, "kind": kind, "metadata": {}, "items": items}))
}

fn group() -> Value {
    let version = json!({"groupVersion": VERSION, "version": "v1beta1"});
    json!({"apiVersion": "v1", "kind": "APIGroup", "name": "metrics.k8s.io", "versions": [version], "preferredVersion": version})
}

fn resources() -> Value {
    let resource = |name: &str, kind: &str, namespaced: bool| json!({"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"]});
    let all = [
        resource("nodes", "NodeMetrics", false),
        resource("pods", "PodMetrics", true),
    ];
    json!({"apiVersion": "v1", "kind": "APIResourceList", "groupVersion": VERSION, "resources": all})
}
