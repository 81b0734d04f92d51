//! What an operator has taken over during a run stays when the run's objects are deleted again.

use serde_json::{Value, json};

use super::{
    manifests::{config_map, faulty_deployment, secret},
    project::{Project, events},
    running::Running,
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
    // What the owner has made goes with it.
    let made = config_map("made", "1");
    let created = try_kubectl(&["create", "-n", "back-handed-over", "-f", "-"], &made);
    assert!(created.status.success(), "{created:?}");
    project.hand_over("configmap/made", "owner");

    let (status, log, said) = run.end();
    assert_eq!(proof(&log)["differences"], json!([]), "{said}");
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(project.get("configmap/owner"), Value::Null);
    eventually("what it made is gone", || {
        project.get("configmap/made").is_null().then_some(())
    });
    for (name, before) in names.iter().zip(before) {
        let now = project.get(name);
        let metadata = &now["metadata"];
        assert_eq!(metadata["uid"], before["metadata"]["uid"], "{name}");
        assert_eq!(metadata["ownerReferences"], Value::Null, "{now:#}");
        assert_eq!(now["data"], before["data"]);
    }
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
