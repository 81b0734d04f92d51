//! Rule 5: what `kubectl apply` made becomes the release's.

mod first_time;
mod given_back;

use serde_json::Value;

use super::{
    manifests,
    manifests::{autoscaler, config_map, documents, faulty_deployment, workload},
    project,
    project::{Project, written},
    running,
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

/// What kubectl applied, and what the manifests say: other members of unions.
fn other_members() -> (String, String) {
    let budget = |which: &str| {
        format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nspec: {{{which}: 1, selector: {{matchLabels: {{app: web}}}}}}\n"
        )
    };
    let service = |port: u16| {
        format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: web}}\nspec: {{selector: {{app: web}}, ports: [{{name: http, port: {port}}}]}}\n"
        )
    };
    let web = |strategy: &str, container: &str, volume: &str| {
        format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  strategy: {{{strategy}}}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers: [{{name: main, image: \"web:v1\", volumeMounts: [{{name: x, mountPath: /x}}], {container}}}]
      volumes: [{{name: x, {volume}}}]
"
        )
    };
    let there = documents(&[
        budget("minAvailable"),
        service(80),
        config_map("settings", "1"),
        web(
            "type: RollingUpdate, rollingUpdate: {maxSurge: 1}",
            "readinessProbe: {httpGet: {path: /, port: 80}}, env: [{name: A, value: b}], ports: [{name: http, containerPort: 80}]",
            "configMap: {name: settings}",
        ),
    ]);
    let wanted = documents(&[
        budget("maxUnavailable"),
        service(8080),
        config_map("settings", "1"),
        web(
            "type: Recreate",
            "readinessProbe: {tcpSocket: {port: 80}}, env: [{name: A, valueFrom: {configMapKeyRef: {name: settings, key: value}}}], ports: [{name: http, containerPort: 8080}]",
            "emptyDir: {}",
        ),
    ]);
    (there, wanted)
}

/// What kubectl sent and the manifest does not say any more goes with the take-over; until then the
/// API server finds both, and refuses.
#[test]
fn another_member_of_a_union_than_kubectl_applied_is_wanted() {
    let (there, wanted) = other_members();
    let project = beside_kubectl("adopt-unions", &there, &wanted);
    let up = project.up(&["-v"]).run().exited(0);
    let said = format!("{}{}", up.stdout, up.stderr);
    assert!(
        said.contains("PodDisruptionBudget/adopt-unions/web")
            && said.contains("cannot be both set"),
        "{said}"
    );
    let budget = project.get("poddisruptionbudget/web")["spec"].clone();
    assert_eq!(budget.get("minAvailable"), None);
    assert_eq!(budget["maxUnavailable"], 1);
    let ports = project.get("service/web")["spec"]["ports"].clone();
    assert_eq!(ports.as_array().map(Vec::len), Some(1), "{ports}");
    let spec = project.get("deployment/web")["spec"].clone();
    assert_eq!(spec["strategy"], serde_json::json!({"type": "Recreate"}));
    let pod = &spec["template"]["spec"];
    assert_eq!(
        pod["containers"][0]["ports"].as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(pod["containers"][0]["readinessProbe"].get("httpGet"), None);
    assert_eq!(pod["volumes"][0].get("configMap"), None);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// What is wrong by itself is refused before the first write all the same.
#[test]
fn what_is_wrong_by_itself_is_refused_also_where_something_is_taken_over() {
    let budget = |spec: &str| {
        format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nspec: {{{spec}, selector: {{matchLabels: {{app: web}}}}}}\n"
        )
    };
    let project = beside_kubectl(
        "adopt-wrong",
        &budget("minAvailable: 1"),
        &budget("maxUnavailable: -1"),
    );
    project.up(&[]).run().exited(2);
    project.assert_no_revision();
}
