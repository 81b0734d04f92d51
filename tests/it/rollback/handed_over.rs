//! What an operator has taken over during a run stays when the run's objects are deleted again.

use serde_json::{Value, json};

use super::{
    manifests::{config_map, faulty_deployment, job, secret},
    project::{Project, events},
    proxy::{Fault, Proxy, Requests, Rule, When},
    running::Running,
    user::User,
};
use crate::support::{eventually, try_kubectl};

/// A release with a Secret that it keeps, and one that leaves the plan when the ConfigMap `owner`
/// comes, with a workload that never becomes ready.
fn release(name: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {apps: {timeout: 6s}, monitoring: {timeout: 6s}}\n")
        .manifest("apps/kept.yaml", &secret("kept"))
        .manifest("apps/left.yaml", &secret("left"));
    project.deploy(&[]);
    project.rewrite("apps/left.yaml", &config_map("owner", "1"));
    project.rewrite(
        "monitoring/exporter.yaml",
        &faulty_deployment("exporter", "never-ready"),
    );
    project
}

/// Creates `manifest`, the `object`, as what `owner` has made.
#[track_caller]
fn make(project: &Project, manifest: &str, object: &str) {
    let created = try_kubectl(&["create", "-n", &project.name, "-f", "-"], manifest);
    assert!(created.status.success(), "{created:?}");
    project.hand_over(object, "owner");
}

#[track_caller]
fn proof(log: &[Value]) -> &Value {
    let proofs = events(log, "rollback-proved");
    assert_eq!(proofs.len(), 1, "{log:#?}");
    &proofs[0]["proof"]
}

#[test]
fn what_has_got_an_owner_that_the_run_created_stays_when_that_goes() {
    let project = release("back-handed-over");
    let names = ["secret/kept", "secret/left"];
    let before = names.map(|name| project.get(name));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-finished" && event["phase"] == "apps");
    for name in names {
        project.hand_over(name, "owner");
    }
    // What the owner has made goes with it, with what belongs to that.
    make(&project, &config_map("made", "1"), "configmap/made");
    make(&project, &job("made", ""), "job/made");
    let pods = ["pods", "-l", "job-name=made", "-o", "name"];
    let pods_of_it = || project.kubectl(&[&["get"], &pods[..]].concat());
    eventually("it has a pod", || (!pods_of_it().is_empty()).then_some(()));

    let (status, log, said) = run.end();
    assert_eq!(proof(&log)["differences"], json!([]), "{said}");
    assert_eq!(status, Some(1), "{said}");
    for gone in ["configmap/owner", "configmap/made", "job/made"] {
        assert_eq!(project.get(gone), Value::Null, "{gone}");
    }
    assert_eq!(pods_of_it(), "");
    for (name, before) in names.iter().zip(before) {
        let now = project.get(name);
        let metadata = &now["metadata"];
        assert_eq!(metadata["uid"], before["metadata"]["uid"], "{name}");
        assert_eq!(metadata["ownerReferences"], Value::Null, "{now:#}");
        assert_eq!(now["data"], before["data"]);
    }
}

#[test]
fn what_an_owner_made_goes_although_the_rollback_is_killed_once_it_is_gone() {
    let project = release("back-handed-over-killed");
    project.up(&["--no-rollback"]).run().exited(3);
    project.hand_over("secret/kept", "owner");
    make(&project, &config_map("made", "1"), "configmap/made");
    let proxy = Proxy::start();
    let deletion = Requests::mutating().about("/configmaps/owner");
    proxy.inject([Rule::new(deletion, Fault::Kill(When::After)).only(1)]);
    proxy
        .run(project.command("rollback", &["--yes"]))
        .exited(128 + 9);
    eventually("the owner is gone", || {
        project.get("configmap/owner").is_null().then_some(())
    });

    let back = project.command("rollback", &["--yes", "-o", "jsonl"]);
    let outcome = back.run().exited(0);
    assert_eq!(proof(&outcome.events())["differences"], json!([]));
    assert_eq!(project.get("configmap/made"), Value::Null);
    assert!(project.get("secret/kept")["metadata"]["ownerReferences"].is_null());
}

#[test]
fn what_an_owner_made_need_not_all_be_visible() {
    let project = release("back-handed-over-blind");
    project.up(&["--no-rollback"]).run().exited(3);
    project.hand_over("secret/kept", "owner");
    make(&project, &config_map("made", "1"), "configmap/made");
    let user = User::with_rules(&json!([
        {"apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update", "patch", "delete"]},
    ]));
    let back = project.command("rollback", &["--yes", "-o", "jsonl"]);
    let outcome = user.runs(back).run().exited(0);
    assert_eq!(proof(&outcome.events())["differences"], json!([]));
    assert_eq!(project.get("configmap/made"), Value::Null);
    assert_eq!(project.get("configmap/owner"), Value::Null);
}

#[test]
fn what_goes_with_an_owner_all_the_same_is_a_difference() {
    let project = release("back-lost");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-finished" && event["phase"] == "apps");
    project.hand_over("secret/kept", "owner");
    // Somebody deletes the owner with a finalizer of theirs on it: nothing keeps the garbage
    // collector from what belongs to it any more.
    project.kubectl(&[
        "patch",
        "configmap/owner",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["shop.test/nobody"]}}"#,
    ]);
    project.kubectl(&["delete", "configmap/owner", "--wait=false"]);
    let (status, log, said) = run.end();
    assert_eq!(status, Some(3), "{said}");
    let differences = proof(&log)["differences"].to_string();
    assert!(
        differences.contains("\"kept\"") && differences.contains("would go with it"),
        "{differences}"
    );
    project.kubectl(&[
        "patch",
        "configmap/owner",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
}
