//! Rule 5: what `kubectl apply` made becomes the release's.

use serde_json::Value;

use super::{
    manifests::{autoscaler, config_map, documents, faulty_deployment, workload},
    project::{Project, written},
};
use crate::support::{apply, kubectl};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A project whose namespace is there and holds what kubectl applied.
fn beside_kubectl(name: &str, there: &str, manifest: &str) -> Project {
    kubectl(&["create", "namespace", name]);
    apply(name, there);
    Project::new(name).manifest("apps/settings.yaml", manifest)
}

/// Who holds what of an object, without times, sorted.
fn managers(project: &Project, object: &str) -> Vec<Value> {
    let text = project.kubectl(&["get", object, "--show-managed-fields", "-o", "json"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    let mut entries = object["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .clone();
    for entry in &mut entries {
        entry.as_object_mut().unwrap().remove("time");
    }
    entries.sort_by_key(Value::to_string);
    entries
}

fn names(managers: &[Value]) -> Vec<&str> {
    managers
        .iter()
        .map(|entry| entry["manager"].as_str().unwrap())
        .collect()
}

const THERE: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {value: one, old: x}\n";

#[test]
fn what_kubectl_applied_is_taken_over_and_what_is_no_longer_wanted_goes() {
    let project = beside_kubectl("adopt-map", THERE, &config_map("settings", "two"));
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed ConfigMap/adopt-map/settings"]
    );
    let settings = project.get("configmap/settings");
    assert_eq!(settings["data"], serde_json::json!({"value": "two"}));
    assert_eq!(settings["metadata"]["annotations"].get(LAST_APPLIED), None);
    assert_eq!(
        names(&managers(&project, "configmap/settings")),
        ["deployctl.adopt-map.default"]
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn keys_that_kubectl_sent_as_text_go_too() {
    let secret = |data: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: settings}}\nstringData: {{{data}}}\n"
        )
    };
    let project = beside_kubectl(
        "adopt-secret",
        &secret("a: one, b: two"),
        &secret("a: three"),
    );
    project.deploy(&[]);
    assert_eq!(
        project.get("secret/settings")["data"],
        serde_json::json!({"a": "dGhyZWU="})
    );
}

#[test]
fn what_was_there_before_anybody_kept_accounts_is_taken_over_too() {
    let project = beside_kubectl("adopt-old", THERE, &config_map("settings", "two"));
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--type=merge",
        "-p",
        r#"{"metadata":{"managedFields":[{}]}}"#,
    ]);
    project.deploy(&[]);
    assert_eq!(
        project.get("configmap/settings")["data"],
        serde_json::json!({"value": "two"})
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_rollback_gives_it_back_with_its_annotation_and_its_owner() {
    let project = beside_kubectl("adopt-back", THERE, &config_map("settings", "two"));
    let before = (
        project.get("configmap/settings"),
        managers(&project, "configmap/settings"),
    );
    let project = project.manifest(
        "monitoring/web.yaml",
        &faulty_deployment("web", "crash-loop"),
    );
    project.up(&[]).run().exited(1);
    let after = project.get("configmap/settings");
    assert_eq!(after["data"], before.0["data"]);
    assert_eq!(
        after["metadata"]["annotations"],
        before.0["metadata"]["annotations"]
    );
    assert_eq!(after["metadata"]["labels"], before.0["metadata"]["labels"]);
    assert_eq!(managers(&project, "configmap/settings"), before.1);
}

/// What an autoscaler decides about is taken over from kubectl and handed on at once: an apply that
/// leaves it out would reset it to one.
#[test]
fn replicas_that_are_taken_over_are_handed_on_to_the_autoscaler() {
    let web = workload("apps/v1", "Deployment", "web", "replicas: 3", "");
    let there = documents(&[web.clone(), autoscaler("web", 12)]);
    let project = beside_kubectl("adopt-scaled", &there, &config_map("settings", "one"))
        .manifest("apps/web.yaml", &web.replace("web:v1", "web:v2"));
    project.deploy(&[]);
    let spec = project.get("deployment/web")["spec"].clone();
    assert_eq!(spec["template"]["spec"]["containers"][0]["image"], "web:v2");
    assert_eq!(spec["replicas"], 3);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
