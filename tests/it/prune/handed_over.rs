//! What others take over while the run goes on that no longer wants it, and what belongs to what goes.

use serde_json::Value;

use super::{
    manifests::{config_map, faulty_deployment, secret, workload},
    project::{Project, written},
    running::Running,
};
use crate::support::{
    apply_as, eventually,
    proxy::{Fault, Proxy, Requests, Rule, When},
};

/// A run that hands two Secrets and a third object over: it is decided that they go, and whoever
/// manages them from now on has their time until the workload is ready.
#[test]
fn what_others_have_taken_over_since_it_was_decided_is_released() {
    let name = "prune-handed-over";
    let project = Project::new(name)
        .manifest("apps/owned.yaml", &secret("owned"))
        .manifest("apps/applied.yaml", &secret("applied"))
        .manifest("apps/nobody.yaml", &secret("nobodys"))
        .manifest("apps/owner.yaml", &config_map("owner", "1"));
    project.deploy(&[]);
    let before = project.get("secret/owned");
    for file in ["owned", "applied", "nobody"] {
        project.rewrite(&format!("apps/{file}.yaml"), "");
    }
    project.rewrite("monitoring/web.yaml", &faulty_deployment("web", "slow"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["name"] == "web");
    project.hand_over("secret/owned", "owner");
    apply_as("operator", name, &secret("applied"));
    let (status, log, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    let removed: Vec<String> = written(&log)
        .into_iter()
        .filter(|line| line.contains("Secret"))
        .collect();
    assert_eq!(
        removed,
        [
            "deleted Secret/prune-handed-over/nobodys",
            "given-up Secret/prune-handed-over/applied",
            "given-up Secret/prune-handed-over/owned"
        ]
    );
    for name in ["owned", "applied"] {
        let now = project.get(&format!("secret/{name}"));
        assert_eq!(now["data"], before["data"], "{now:#}");
        assert_eq!(now["metadata"]["labels"], Value::Null, "{now:#}");
        let owners = now["metadata"]["ownerReferences"].as_array().map(Vec::len);
        assert_eq!(owners, (name == "owned").then_some(1), "{now:#}");
    }
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_is_wanted_stays_when_an_owner_of_it_leaves_the_plan() {
    let project = Project::new("prune-owner")
        .manifest("apps/owner.yaml", &config_map("owner", "1"))
        .manifest("apps/wanted.yaml", &secret("wanted"));
    project.deploy(&[]);
    let before = project.get("secret/wanted");
    project.hand_over("secret/wanted", "owner");
    project.rewrite("apps/owner.yaml", "");
    assert_eq!(
        written(&project.deploy(&[])),
        ["deleted ConfigMap/prune-owner/owner"]
    );
    assert_eq!(project.get("configmap/owner"), Value::Null);
    // Without an owner nothing collects it.
    let now = project.get("secret/wanted");
    assert_eq!(now["metadata"]["uid"], before["metadata"]["uid"], "{now:#}");
    assert_eq!(now["metadata"]["ownerReferences"], Value::Null, "{now:#}");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// A StatefulSet that would take its claims along has left the plan, and the run was killed once it
/// was gone: its pod belongs to nobody.
fn orphaned(name: &str) -> (Project, Value) {
    let spec = "serviceName: db\n  replicas: 1\n  persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete}";
    let project = Project::new(name)
        .manifest(
            "databases/db.yaml",
            &workload("apps/v1", "StatefulSet", "db", spec, ""),
        )
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("databases/db.yaml", "");
    let proxy = Proxy::start();
    let deletion = Requests::mutating().about("/statefulsets/db");
    proxy.inject([Rule::new(deletion, Fault::Kill(When::After)).only(1)]);
    proxy.run(project.up(&[])).exited(128 + 9);
    eventually("the workload is gone", || {
        project.get("statefulset/db").is_null().then_some(())
    });
    let pod = project.get("pod/db-0")["metadata"]["uid"].clone();
    assert!(pod.is_string());
    (project, pod)
}

#[test]
fn what_belonged_to_what_a_killed_run_has_deleted_goes_with_the_next() {
    let (project, _) = orphaned("prune-orphaned");
    project.deploy(&[]);
    assert_eq!(project.get("pod/db-0"), Value::Null);
    let left = project.kubectl(&["get", "controllerrevisions", "-o", "name"]);
    assert_eq!(left, "");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_belonged_to_what_a_killed_run_has_deleted_is_adopted_after_its_rollback() {
    let (project, pod) = orphaned("prune-adopted");
    project.command("rollback", &["--yes"]).run().exited(0);
    let now = project.get("pod/db-0")["metadata"].clone();
    assert_eq!(now["uid"], pod, "{now:#}");
    assert_eq!(now["ownerReferences"][0]["name"], "db", "{now:#}");
}
