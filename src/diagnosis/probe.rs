//! Probes in words, as people know them from their manifests.

use serde_json::Value;

use crate::object::field::{integer, list, text};

/// What a container's probes ask that `said` tells of, or the first one where it tells of none, for
/// example ``readiness probe: GET `/health` on port 8000``; `None` where it has none.
pub(super) fn describe(pod: &Value, container: &str, said: &str) -> Option<String> {
    let spec = list(pod, "/spec/containers")
        .iter()
        .find(|spec| text(spec, "/name") == Some(container))?;
    let kinds = [
        ("readinessProbe", "readiness", "Readiness probe"),
        ("startupProbe", "startup", "Startup probe"),
        ("livenessProbe", "liveness", "Liveness probe"),
    ];
    let describe = |(field, kind, _): &(&str, &str, &str)| {
        Some(format!("{kind} probe: {}", question(spec.get(*field)?)?))
    };
    let told: Vec<String> = kinds
        .iter()
        .filter(|(_, _, name)| said.contains(name))
        .filter_map(describe)
        .collect();
    if told.is_empty() {
        kinds.iter().find_map(describe)
    } else {
        Some(told.join(", "))
    }
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
