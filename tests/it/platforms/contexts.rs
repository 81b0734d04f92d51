//! What the pods of every workload may not do: the `restricted` Pod Security Standard, and a root
//! file system that nobody can write to.
//! <https://kubernetes.io/docs/concepts/security/pod-security-standards/>

use serde_json::Value;

use super::{
    platform::Platform,
    rendered::{Rendered, items},
    rules::{Problem, Rule, judge},
    workload::Workload,
};

pub(super) const RULES: &[Rule] = &[containers, hosts];

#[test]
fn every_container_is_confined() {
    judge(RULES);
}

fn containers(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let in_workload = |workload: Workload<'_>| {
        let problems = workload.all_containers().flat_map(|container| {
            let of = |(rule, text)| Problem::of_container(rule, workload, container, text);
            broken(workload.pod(), container)
                .into_iter()
                .map(of)
                .collect::<Vec<_>>()
        });
        problems.collect::<Vec<_>>()
    };
    rendered.workloads().flat_map(in_workload).collect()
}

/// The rules that `container` of `pod` breaks, each with what is wrong.
fn broken(pod: &Value, container: &Value) -> Vec<(&'static str, String)> {
    let (own, shared) = (&container["securityContext"], &pod["securityContext"]);
    let effective = |key: &str| {
        if own[key].is_null() {
            &shared[key]
        } else {
            &own[key]
        }
    };
    let user = effective("runAsUser");
    let capabilities = &own["capabilities"];
    let drops_all = items(&capabilities["drop"]).any(|name| name == "ALL");
    let adds_only_binding = items(&capabilities["add"]).all(|name| name == "NET_BIND_SERVICE");
    let seccomp = effective("seccompProfile")["type"]
        .as_str()
        .unwrap_or("nothing");
    let checks = [
        (
            "non-root",
            *effective("runAsNonRoot") == true && user.as_u64().is_some_and(|user| user > 0),
            format!("runAsNonRoot must be true, and runAsUser (now {user}) a user's number"),
        ),
        (
            "capabilities",
            drops_all && adds_only_binding,
            format!("all capabilities must be dropped: {capabilities}"),
        ),
        (
            "seccomp",
            ["RuntimeDefault", "Localhost"].contains(&seccomp),
            format!("seccompProfile must be RuntimeDefault: {seccomp}"),
        ),
        (
            "escalation",
            own["allowPrivilegeEscalation"] == false && own["privileged"] != true,
            "allowPrivilegeEscalation must be false".to_owned(),
        ),
        (
            "read-only-root",
            own["readOnlyRootFilesystem"] == true,
            "readOnlyRootFilesystem must be true".to_owned(),
        ),
    ];
    let failed = checks.into_iter().filter(|(_, kept, _)| !kept);
    failed.map(|(rule, _, text)| (rule, text)).collect()
}

/// What of its node a pod sees.
fn hosts(_: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let in_workload = |workload: Workload<'_>| {
        let pod = workload.pod();
        let shared = ["hostNetwork", "hostPID", "hostIPC"]
            .into_iter()
            .filter(|key| pod[key] == true);
        let paths = items(&pod["volumes"]).filter_map(|volume| volume["hostPath"]["path"].as_str());
        let ports = workload
            .all_containers()
            .flat_map(|container| items(&container["ports"]));
        let ports = ports
            .filter(|port| port["hostPort"].is_u64())
            .map(|port| port["hostPort"].to_string());
        let seen = shared.chain(paths).map(str::to_owned).chain(ports);
        seen.map(|what| {
            Problem::of(
                "host",
                workload.object,
                format!("the pods use {what} of their node"),
            )
        })
        .collect::<Vec<_>>()
    };
    rendered.workloads().flat_map(in_workload).collect()
}
