//! Whether the cluster has room for what is about to be written.

use super::{
    manifests::{autoscaler, deployment, documents},
    project::Project,
    user::User,
};
use crate::support::{apply, namespace};

/// Nobody has it, so that nothing is written whatever else is said.
const REFUSED: &str = "requires: {ingressClasses: [nowhere]}\n";

/// A Deployment whose pods ask for `resources`.
fn asking(name: &str, resources: &str) -> String {
    deployment(name).replace(
        &format!("image: \"{name}:v1\""),
        &format!("image: \"{name}:v1\", resources: {resources}"),
    )
}

#[test]
fn what_there_is_no_room_for_is_told_before_the_first_write() {
    let name = "no-room";
    let quota = "apiVersion: v1
kind: ResourceQuota
metadata: {name: compute}
spec: {hard: {requests.cpu: '1', limits.memory: 2Gi, pods: '10'}}
---
apiVersion: v1
kind: LimitRange
metadata: {name: defaults}
spec: {limits: [{type: Container, default: {memory: 512Mi}, max: {memory: 1Gi}}]}
";
    let bound = deployment("bound").replace(
        "      containers:",
        "      nodeSelector: {example.org/pool: nowhere}\n      containers:",
    );
    let project = Project::new(name)
        .plan(REFUSED)
        .manifest("namespace/quota.yaml", quota)
        .manifest(
            "apps/web.yaml",
            &documents(&[
                asking("web", "{requests: {cpu: 600m}}").replace("replicas: 1", "replicas: 2"),
                autoscaler("web", 5),
                asking("large", "{limits: {memory: 2Gi}}"),
                bound,
            ]),
        );
    let outcome = project.up(&[]).run().exited(5);
    for text in [
        "Warning: manifests/namespace/quota.yaml:1: ResourceQuota/no-room/compute: it leaves 1 of 1 `requests.cpu`, and the release needs 1.2; raise the quota, or take smaller figures or fewer replicas [over-quota]",
        "it leaves 2Gi of 2Gi `limits.memory`, and the release needs 3.5Gi",
        "Deployment/no-room/bound: no node has the labels that its pods are bound to: they wait until one is added",
        "[no-node]",
        "Deployment/no-room/large: container `main` may use 2Gi of memory, more than the most of 1Gi of LimitRange `defaults`, so that its pods are refused [out-of-limits]",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    project.assert_nothing_was_written();
}

#[test]
fn what_others_use_of_a_quota_is_theirs_and_what_the_release_uses_its_own() {
    let home = namespace("some-room");
    let quota = "apiVersion: v1
kind: ResourceQuota
metadata: {name: compute}
spec: {hard: {requests.cpu: '2'}}
";
    let web = |replicas: u32| {
        asking("web", "{requests: {cpu: 500m}}")
            .replace("replicas: 1", &format!("replicas: {replicas}"))
    };
    apply(&home, quota);
    let project = Project::new(&home).manifest("apps/web.yaml", &web(2));
    project.deploy(&[]);
    // It has two, and takes another two.
    project.rewrite("apps/web.yaml", &web(4));
    let log = project.up(&[]).run().exited(0);
    assert!(!log.stderr.contains("over-quota"), "{}", log.stderr);
    project.rewrite("apps/web.yaml", &web(5));
    project.rewrite_plan(REFUSED);
    let outcome = project.up(&[]).run().exited(5);
    let text = "it leaves 2 of 2 `requests.cpu`, and the release needs 2.5";
    assert!(outcome.stderr.contains(text), "{}", outcome.stderr);
}

#[test]
fn what_may_not_be_done_comes_with_the_roles_that_grant_it() {
    let home = namespace("roles-to-grant");
    let user = User::with_verbs(&home, &["get", "list", "watch"]);
    let project = Project::new(&home)
        .plan(&format!("stateNamespace: {home}\n"))
        .manifest("apps/web.yaml", &deployment("web"));
    let outcome = user.runs(project.up(&[])).run().exited(5);
    let role = format!(
        "these roles grant all of it:
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {{name: deployctl, namespace: {home}}}
rules:
  - {{apiGroups: [\"apps\"], resources: [deployments], verbs: [create, delete, patch]}}"
    );
    let said: Vec<&str> = outcome.stderr.lines().map(str::trim).collect();
    for line in role.lines() {
        assert!(
            said.iter().any(|said| said.ends_with(line.trim())),
            "{line}: {}",
            outcome.stderr
        );
    }
}
