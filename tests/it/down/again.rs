//! What others make again: an object is gone when its uid is, whatever has its name then.

use serde_json::Value;

use super::{
    manifests::{config_map, faulty_deployment},
    project::{Project, events, written},
    running::Running,
};
use crate::support::{apply, eventually, kubectl};

/// What the control plane makes in every namespace, with a label of the plan's own.
const OF_THE_CONTROL_PLANE: &str = "apiVersion: v1
kind: ServiceAccount
metadata: {name: default, labels: {team: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: kube-root-ca.crt, labels: {team: shop}}
";

fn uid(project: &Project, object: &str) -> Option<String> {
    let object = project.get(object);
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

#[test]
fn what_the_control_plane_makes_again_is_gone_all_the_same() {
    kubectl(&["create", "namespace", "made-again"]);
    let project = Project::new("made-again").manifest("apps/given.yaml", OF_THE_CONTROL_PLANE);
    project.deploy(&[]);
    let names = ["serviceaccount/default", "configmap/kube-root-ca.crt"];
    let before = names.map(|name| uid(&project, name));

    let log = project
        .command("down", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_eq!(
        written(&log),
        [
            "deleted ConfigMap/made-again/kube-root-ca.crt",
            "deleted ServiceAccount/made-again/default",
        ]
    );
    assert_eq!(project.last_revision()["outcome"], "succeeded");
    for (name, before) in names.into_iter().zip(before) {
        let now = eventually("the control plane makes it again", || uid(&project, name));
        assert_ne!(Some(now), before, "{name}");
        let labels = project.get(name)["metadata"]["labels"].clone();
        assert_eq!(labels["team"], Value::Null, "{name} is nobody's");
    }
}

/// Holds the ConfigMap `name` once it is deleted, until it is [let go](release).
fn hold(project: &Project, name: &str) {
    let patch = r#"{"metadata":{"finalizers":["example.org/hold"]}}"#;
    project.kubectl(&["patch", "configmap", name, "--type=merge", "-p", patch]);
}

fn release(project: &Project, name: &str) {
    let patch = r#"{"metadata":{"finalizers":null}}"#;
    project.kubectl(&["patch", "configmap", name, "--type=merge", "-p", patch]);
}

/// As operators do, and whoever else looks after what is there.
#[test]
fn what_somebody_makes_again_is_no_difference_of_a_rollback_and_is_named() {
    kubectl(&["create", "namespace", "made-again-back"]);
    let project = Project::new("made-again-back")
        .manifest("databases/first.yaml", &config_map("first", "1"))
        .manifest("databases/second.yaml", &config_map("second", "1"))
        .manifest("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-finished" && event["phase"] == "databases");
    hold(&project, "first");
    hold(&project, "second");
    for _ in 0..2 {
        run.until(|event| {
            event["event"] == "object-written"
                && event["result"] == "deleted"
                && event["object"]["kind"] == "ConfigMap"
        });
    }
    // The second one holds the rollback until the first one is there again.
    release(&project, "first");
    apply("made-again-back", &config_map("first", "theirs"));
    release(&project, "second");
    let (status, log, said) = run.end();
    assert_eq!(status, Some(1), "{said}");
    let proof = &events(&log, "rollback-proved")[0]["proof"];
    assert_eq!(proof["differences"], Value::Array(Vec::new()), "{proof}");
    let theirs = &proof["byOthers"][0];
    assert_eq!(
        (&theirs["object"]["name"], &theirs["what"]),
        (
            &"first".into(),
            &"was created again outside deployctl, and is left as it is".into()
        ),
        "{proof}"
    );
    assert_eq!(project.get("configmap/first")["data"]["value"], "theirs");
    assert!(project.get("configmap/second").is_null());
    assert_eq!(proof["same"], 2, "of three, the first is theirs: {proof}");
}
