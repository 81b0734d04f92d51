//! What kubectl, Helm and others made otherwise, when the release first writes it.

use serde_json::Value;

use super::{
    THERE, beside_kubectl, managers,
    manifests::{config_map, definition_of, documents, job, workload},
    names,
    project::{Project, written},
};
use crate::support::{apply, apply_as, create_as, eventually, get, kubectl};

/// What people make at a terminal, without `kubectl apply`: (manager, operation's command, manifest).
fn made_by_hand() -> String {
    documents(&[
        THERE.to_owned(),
        workload("apps/v1", "Deployment", "web", "replicas: 3", ""),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {a: one, old: x}\n".to_owned(),
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web, old: x}, ports: [{port: 80}, {port: 81, name: old}]}\n".replace("[{port: 80}", "[{port: 80, name: http}"),
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: files}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: once, labels: {old: x}}\nspec: {containers: [{name: main, image: \"once:v1\"}]}\n".to_owned(),
    ])
}

/// The same as the manifests say it later, without what is old.
fn wanted_instead() -> String {
    documents(&[
        config_map("settings", "two"),
        workload("apps/v1", "Deployment", "web", "replicas: 2", "").replace("web:v1", "web:v2"),
        "apiVersion: v1\nkind: Secret\nmetadata: {name: keys}\nstringData: {a: two}\n".to_owned(),
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, name: http}]}\n".to_owned(),
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: files}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n".to_owned(),
        "apiVersion: v1\nkind: Pod\nmetadata: {name: once}\nspec: {containers: [{name: main, image: \"once:v1\"}]}\n".to_owned(),
    ])
}

#[track_caller]
fn assert_is_as_wanted_instead(project: &Project) {
    let data = |object: &str| project.get(object)["data"].clone();
    assert_eq!(
        data("configmap/settings"),
        serde_json::json!({"value": "two"})
    );
    assert_eq!(data("secret/keys"), serde_json::json!({"a": "dHdv"}));
    let web = project.get("deployment/web")["spec"].clone();
    assert_eq!(web["replicas"], 2);
    assert_eq!(web["template"]["spec"]["containers"][0]["image"], "web:v2");
    let service = project.get("service/web")["spec"].clone();
    assert_eq!(service["selector"], serde_json::json!({"app": "web"}));
    assert_eq!(service["ports"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        project.get("pod/once")["metadata"]["labels"].get("old"),
        None
    );
}

/// `kubectl create`, and then `edit`, `set image` and `scale`, each with its own manager.
#[test]
fn what_kubectl_created_edited_set_and_scaled_is_taken_over() {
    let name = "adopt-created";
    kubectl(&["create", "namespace", name]);
    create_as("kubectl-create", name, &made_by_hand());
    let project = Project::new(name).manifest("apps/all.yaml", &wanted_instead());
    project.kubectl(&["set", "image", "deployment/web", "main=web:by-hand"]);
    project.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--field-manager=kubectl-edit",
        "-p",
        "{\"data\": {\"value\": \"edited\", \"more\": \"y\"}}",
    ]);
    project.kubectl(&["label", "configmap/settings", "theirs=1"]);
    let up = project.up(&[]).run().exited(0);
    let said = "taken over from kubectl; unsent fields go";
    assert!(up.stderr.contains(said), "{}", up.stderr);
    assert_is_as_wanted_instead(&project);
    assert_eq!(
        project.get("configmap/settings")["metadata"]["labels"]["theirs"],
        "1"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// `kubectl apply --server-side` is an applier that has done its work.
#[test]
fn what_kubectl_applied_on_the_server_is_taken_over() {
    let name = "adopt-server-side";
    kubectl(&["create", "namespace", name]);
    apply_as("kubectl", name, &made_by_hand());
    let project = Project::new(name).manifest("apps/all.yaml", &wanted_instead());
    project.deploy(&[]);
    assert_is_as_wanted_instead(&project);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    let names_of = |object: &str| names(&managers(&project, object)).join(" ");
    assert_eq!(
        names_of("configmap/settings"),
        "deployctl.adopt-server-side.default"
    );
}

/// What a chart has installed says in the change whose it was.
#[test]
fn what_helm_installed_is_taken_over_and_named() {
    let name = "adopt-helm";
    kubectl(&["create", "namespace", name]);
    let chart = "apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  labels: {app.kubernetes.io/managed-by: Helm}
  annotations: {meta.helm.sh/release-name: shop, meta.helm.sh/release-namespace: adopt-helm}
data: {value: one, old: x}
";
    create_as("helm", name, chart);
    let project = Project::new(name).manifest("apps/all.yaml", &config_map("settings", "two"));
    let up = project.up(&[]).run().exited(0);
    assert!(
        up.stderr.contains("taken over from Helm")
            && up.stderr.contains("`helm uninstall shop` would delete it"),
        "{}",
        up.stderr
    );
    let settings = project.get("configmap/settings");
    assert_eq!(settings["data"], serde_json::json!({"value": "two"}));
    assert_eq!(
        settings["metadata"]["annotations"].get("meta.helm.sh/release-name"),
        None
    );
}

/// Another tool goes on writing: the conflict names it, and both ways out.
#[test]
fn what_another_tool_applies_is_a_conflict_that_names_it() {
    let name = "adopt-tool";
    kubectl(&["create", "namespace", name]);
    apply_as("argocd-controller", name, THERE);
    let project = Project::new(name).manifest("apps/all.yaml", &config_map("settings", "two"));
    let up = project.up(&[]).run().exited(5);
    for part in [
        "`data.value` is managed by Argo CD (\"argocd-controller\")",
        "ignoreFields",
        "--force-conflicts",
    ] {
        assert!(up.stderr.contains(part), "{part}: {}", up.stderr);
    }
    project.deploy(&["--force-conflicts"]);
    assert_eq!(
        project.get("configmap/settings")["data"],
        serde_json::json!({"value": "two", "old": "x"})
    );
}

/// The control plane makes it without accounts, and people patch it.
#[test]
fn what_people_have_put_into_the_default_account_stays() {
    let name = "adopt-account";
    kubectl(&["create", "namespace", name]);
    let there = eventually("the account is there", || {
        let account = get(name, "serviceaccount/default");
        (!account.is_null()).then_some(account)
    });
    assert_eq!(there["metadata"]["name"], "default");
    let account =
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: default, labels: {a: b}}\n";
    let project = Project::new(name).manifest("apps/account.yaml", account);
    let pull = r#"{"imagePullSecrets": [{"name": "registry"}]}"#;
    project.kubectl(&["patch", "serviceaccount/default", "-p", pull]);
    project.deploy(&[]);
    let now = project.get("serviceaccount/default");
    assert_eq!(now["imagePullSecrets"][0]["name"], "registry");
    assert_eq!(now["metadata"]["labels"]["a"], "b");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// What is deleted and created again bears no label of the release yet.
#[test]
fn a_changed_job_of_kubectls_is_run_again_at_once() {
    let project = beside_kubectl(
        "adopt-job",
        &job("migrate", ""),
        &config_map("settings", "1"),
    )
    .plan("phases: {apps: {timeout: 1m}}\n")
    .manifest("apps/job.yaml", &job("migrate", "").replace(":v1", ":v2"));
    project.deploy(&[]);
    let job = project.get("job/migrate");
    assert_eq!(
        job["spec"]["template"]["spec"]["containers"][0]["image"],
        "migrate:v2"
    );
}

/// Its author says in his own words that the region stays as it is.
const BUCKET: &str = "note: {type: string}, region: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: chosen once}]}";

/// An object of which the manifest leaves something out and changes what stays as it is, and a
/// Deployment that somebody has paused.
#[test]
fn what_cannot_be_changed_is_told_at_the_first_time_too_and_nothing_stays_paused() {
    let name = "adopt-sealed";
    kubectl(&["create", "namespace", name]);
    let bucket = |spec: &str| {
        format!(
            "apiVersion: adopt-sealed.example.org/v1\nkind: Bucket\nmetadata: {{name: data}}\nspec: {{{spec}}}\n"
        )
    };
    apply(
        name,
        &definition_of("Bucket", "adopt-sealed.example.org", BUCKET),
    );
    kubectl(&[
        "wait",
        "--for=condition=Established",
        "customresourcedefinition/buckets.adopt-sealed.example.org",
    ]);
    create_as("kubectl-create", name, &bucket("region: eu, note: old"));
    let web = workload("apps/v1", "Deployment", "web", "replicas: 1", "");
    create_as("kubectl-create", name, &web);
    let project = Project::new(name)
        .manifest("apps/bucket.yaml", &bucket("region: us"))
        .manifest("apps/web.yaml", &web.replace("web:v1", "web:v2"));
    project.kubectl(&["rollout", "pause", "deployment/web"]);
    let run = project.up(&[]).run().exited(5);
    for part in [
        "`spec.region` cannot be changed",
        "chosen once",
        "--recreate Bucket/adopt-sealed/data",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    project.deploy(&["--recreate", "Bucket/data"]);
    assert!(
        project.get("deployment/web")["spec"]
            .get("paused")
            .is_none()
    );
    assert_eq!(
        project.get("deployment/web")["status"]["updatedReplicas"],
        1
    );
    kubectl(&[
        "delete",
        "customresourcedefinition",
        "buckets.adopt-sealed.example.org",
    ]);
}

/// Its definitions are made so that an operator's release brings them along.
#[test]
fn a_definition_of_the_sandbox_is_taken_over() {
    let name = "challenges.acme.cert-manager.io";
    let object = format!("customresourcedefinition/{name}");
    let mut definition: Value =
        serde_json::from_str(&kubectl(&["get", &object, "-o", "json"])).unwrap();
    definition["spec"]["names"]["categories"] = serde_json::json!(["of-the-release"]);
    definition.as_object_mut().unwrap().remove("status");
    let metadata = serde_json::json!({"name": name, "labels": definition["metadata"]["labels"]});
    definition["metadata"] = metadata;
    let project =
        Project::new("adopt-definition").manifest("apps/definition.yaml", &definition.to_string());
    project.deploy(&[]);
    let now = project.get(&object);
    assert_eq!(now["spec"]["names"]["categories"][0], "of-the-release");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
