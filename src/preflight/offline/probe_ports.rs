//! Probes that ask ports which their container does not open.

use serde_json::Value;

use super::wanted::{Container, Wanted, makes_pods_as_written};
use crate::{
    finding::Check,
    object::{
        FieldPath,
        field::{list, part, text},
    },
    preflight::Finding,
};

/// Where a container names ports of its own that the kubelet asks.
const ASKED: [&str; 10] = [
    "/livenessProbe/httpGet",
    "/livenessProbe/tcpSocket",
    "/livenessProbe/grpc",
    "/readinessProbe/httpGet",
    "/readinessProbe/tcpSocket",
    "/readinessProbe/grpc",
    "/startupProbe/httpGet",
    "/startupProbe/tcpSocket",
    "/startupProbe/grpc",
    "/lifecycle/preStop/httpGet",
];

/// Probes for a port by a name that their container does not give to any, which the kubelet cannot
/// resolve, and for another number than the only port that the container lists. A container may
/// listen on more than it lists.
/// <https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#http-probes>
pub(super) fn probe_ports(wanted: &Wanted<'_>) -> Vec<Finding> {
    let containers = wanted.containers();
    containers
        .filter(|(container, _)| makes_pods_as_written(container.object))
        .flat_map(|(container, pointer)| {
            let asked = ASKED.iter();
            asked
                .filter_map(|path| unopened(container, &pointer, path))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn unopened(container: Container<'_>, pointer: &str, path: &str) -> Option<Finding> {
    let asked = part(container.body, path)?;
    // Another host has ports of its own.
    if text(asked, "/host").is_some() {
        return None;
    }
    let ports = list(container.body, "/ports");
    let (check, port, remedy) = match asked.get("port")? {
        Value::String(name) => {
            let is_there = ports.iter().any(|port| text(port, "/name") == Some(name));
            let remedy =
                format!("name one of the container's ports `{name}`, or correct the probe");
            (!is_there).then_some((Check::UnknownProbePort, name.clone(), remedy))?
        }
        number => {
            let is_there = ports
                .iter()
                .any(|port| port.get("containerPort") == Some(number));
            let remedy = "correct it, or list the port: it is opened all the same where the program listens on it";
            // With one port listed it is the one that the program is for; of several none may be for
            // probes.
            (!is_there && ports.len() == 1).then_some((
                Check::UnlistedProbePort,
                number.to_string(),
                remedy.to_owned(),
            ))?
        }
    };
    let place = FieldPath::of_pointer(&format!("{pointer}{path}"));
    let has = ports.iter().map(listed).collect::<Vec<_>>().join(", ");
    let has = if has.is_empty() {
        "no ports".to_owned()
    } else {
        format!("only {has}")
    };
    let message = format!("`{place}` asks port `{port}`, and the container lists {has}");
    Some(
        Finding::of(check, message)
            .about(container.object)
            .remedy(remedy),
    )
}

/// `8080 (http)`.
fn listed(port: &Value) -> String {
    let number = port.get("containerPort").map(ToString::to_string);
    let number = number.unwrap_or_default();
    match text(port, "/name") {
        Some(name) => format!("{number} ({name})"),
        None => number,
    }
}
