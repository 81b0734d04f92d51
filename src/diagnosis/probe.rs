//! Probes in words, as people know them from their manifests.

use serde_json::Value;

use crate::object::field::{integer, list, text};

/// What a container's probe asks, for example ``readiness probe: GET `/health` on port 8000``;
/// `None` where it has none.
pub(super) fn describe(pod: &Value, container: &str) -> Option<String> {
    let spec = list(pod, "/spec/containers")
        .iter()
        .find(|spec| text(spec, "/name") == Some(container))?;
    let kinds = [
        ("readinessProbe", "readiness"),
        ("startupProbe", "startup"),
        ("livenessProbe", "liveness"),
    ];
    kinds
        .into_iter()
        .find_map(|(field, kind)| Some(format!("{kind} probe: {}", question(spec.get(field)?)?)))
}

fn question(probe: &Value) -> Option<String> {
    let port = |at: &str| {
        integer(probe, at)
            .map(|port| port.to_string())
            .or_else(|| text(probe, at).map(str::to_owned))
            .unwrap_or_default()
    };
    if probe.get("httpGet").is_some() {
        return Some(format!(
            "GET `{}` on port {}",
            text(probe, "/httpGet/path").unwrap_or("/"),
            port("/httpGet/port")
        ));
    }
    if probe.get("tcpSocket").is_some() {
        return Some(format!("a connection to port {}", port("/tcpSocket/port")));
    }
    if probe.get("grpc").is_some() {
        return Some(format!("gRPC health on port {}", port("/grpc/port")));
    }
    let command: Vec<&str> = list(probe, "/exec/command")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    (!command.is_empty()).then(|| format!("`{}`", crate::object::one_line(&command.join(" "), 100)))
}
