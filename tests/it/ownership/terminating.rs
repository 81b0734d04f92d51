//! What is being deleted is awaited, and created once it is gone.

use serde_json::Value;

use super::{manifests::config_map, project::Project, running::Running};
use crate::support::{get, kubectl};

#[test]
fn a_terminating_object_is_awaited_and_created_anew() {
    let project =
        Project::new("awaited").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["example.org/wait"]}}"#,
    ]);
    project.kubectl(&["delete", "configmap/settings", "--wait=false"]);
    let before = project.get("configmap/settings");
    assert!(before["metadata"]["deletionTimestamp"].is_string());

    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "verdict-changed" && event["to"]["state"] == "terminating");
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    let (status, _, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    let note = "ConfigMap/awaited/settings is being deleted (its finalizers: `example.org/wait`)";
    assert!(said.contains(note), "{said}");
    let after = project.get("configmap/settings");
    assert_ne!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(
        (
            &after["data"]["value"],
            &after["metadata"]["deletionTimestamp"]
        ),
        (&"1".into(), &Value::Null)
    );
}

#[test]
fn a_terminating_namespace_is_awaited_and_created_anew() {
    let project = Project::new("awaited-namespace")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":["example.org/wait"]}}"#,
    ]);
    kubectl(&["delete", "namespace", "awaited-namespace", "--wait=false"]);
    let before = get("default", "namespace/awaited-namespace");
    assert!(before["metadata"]["deletionTimestamp"].is_string());

    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "verdict-changed" && event["to"]["state"] == "terminating");
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    let (status, _, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    assert_ne!(
        get("default", "namespace/awaited-namespace")["metadata"]["uid"],
        before["metadata"]["uid"]
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}
