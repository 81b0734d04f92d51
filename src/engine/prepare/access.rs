//! How to reach what runs, as the plan says it.

use indexmap::IndexMap;

use crate::plan::{OpenTarget, Plan};

/// How to reach what the plan's `open` names.
pub(crate) fn access(plan: &Plan, kubectl: &str) -> IndexMap<String, String> {
    plan.contents
        .open
        .iter()
        .map(|(name, target)| (name.clone(), how(target, &plan.namespace.name, kubectl)))
        .collect()
}

fn how(target: &OpenTarget, default_namespace: &str, kubectl: &str) -> String {
    let namespace = target.namespace.as_deref().unwrap_or(default_namespace);
    let local = if target.port < 1024 {
        target.port + 8000
    } else {
        target.port
    };
    let ports = if local == target.port {
        local.to_string()
    } else {
        format!("{local}:{}", target.port)
    };
    let forward = format!(
        "{kubectl} port-forward -n {namespace} service/{} {ports}",
        target.service
    );
    let scheme = target.scheme.as_deref().unwrap_or("http");
    match (&target.connect, scheme) {
        (Some(connect), _) => format!("{forward}, then {connect}"),
        (None, "tcp") => format!("{forward}, then localhost:{local}"),
        (None, scheme) => format!(
            "{forward}, then {scheme}://localhost:{local}{}",
            target.path.as_deref().unwrap_or_default()
        ),
    }
}
