//! Rule 5: what `kubectl apply` made becomes the release's.

use rustix::process::Signal;
use serde_json::Value;

use super::{
    manifests::{autoscaler, config_map, documents, faulty_deployment, job, workload},
    project::{Project, written},
    running::Running,
};
use crate::support::{apply, apply_as, create_as, eventually, get, kubectl};

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
    let said = "taken over from kubectl: what the manifest does not say goes";
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

/// What was there before the first revision is what `rollback` goes back to; `down` would delete it, so
/// it asks for the name.
#[test]
fn what_was_taken_over_is_given_back_by_rollback_and_named_by_down() {
    let web = workload("apps/v1", "Deployment", "web", "replicas: 1", "");
    let there = documents(&[THERE.to_owned(), web.clone()]);
    let wanted = documents(&[
        config_map("settings", "two"),
        web.replace("web:v1", "web:v2"),
    ]);
    let project = beside_kubectl("adopt-and-back", &there, &wanted)
        .manifest("apps/new.yaml", &config_map("new", "1"));
    let before = (
        project.get("configmap/settings")["data"].clone(),
        managers(&project, "configmap/settings"),
    );
    project.deploy(&[]);

    let refused = project.command("down", &["--yes"]).run().exited(2);
    for part in [
        "it was there before the release",
        "objects that were there before the release would be deleted",
        "--yes=adopt-and-back.default",
    ] {
        assert!(refused.stderr.contains(part), "{part}: {}", refused.stderr);
    }
    let yes = format!("--yes={}.default", project.name);
    let asked = project.command("rollback", &["--yes"]).run().exited(2);
    let said = "objects that the release has created would be deleted";
    assert!(asked.stderr.contains(said), "{}", asked.stderr);
    let back = project.command("rollback", &[&yes]).run().exited(0);
    let said = "what was there before revision 1, which took it over";
    assert!(back.stderr.contains(said), "{}", back.stderr);
    assert!(back.stderr.contains("0 differences"), "{}", back.stderr);
    assert_eq!(project.get("configmap/settings")["data"], before.0);
    assert_eq!(managers(&project, "configmap/settings"), before.1);
    let image =
        &project.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"];
    assert_eq!(image, "web:v1");
    assert!(project.get("configmap/new").is_null());
    let revision = project.last_revision();
    assert_eq!(
        (&revision["number"], &revision["outcome"]),
        (&1.into(), &"rolled-back".into())
    );

    project.deploy(&[]);
    project.command("down", &[&yes]).run().exited(0);
    assert!(project.get("deployment/web").is_null());
}

/// Whoever kills that rollback half-way goes on with it.
#[test]
fn giving_back_what_was_taken_over_is_gone_on_with_after_a_kill() {
    let web = workload("apps/v1", "Deployment", "web", "replicas: 1", "");
    let there = documents(&[THERE.to_owned(), web.clone()]);
    let wanted = documents(&[
        config_map("settings", "two"),
        web.replace("web:v1", "web:v2"),
    ]);
    let project = beside_kubectl("adopt-killed", &there, &wanted);
    project.deploy(&[]);
    let mut run = Running::start(project.command("rollback", &["--yes"]));
    run.until(|event| event["event"] == "object-written");
    run.signal(Signal::KILL);
    run.end();
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(back.stderr.contains("0 differences"), "{}", back.stderr);
    assert_eq!(
        project.get("configmap/settings")["data"],
        serde_json::json!({"value": "one", "old": "x"})
    );
}

/// What a later revision took over is not deleted by going back to one that did not have it.
#[test]
fn what_a_later_revision_took_over_is_released_by_going_back() {
    let project = Project::new("adopt-later").manifest("apps/one.yaml", &config_map("one", "1"));
    project.deploy(&[]);
    apply(&project.name, THERE);
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project.deploy(&[]);
    let back = project.command("rollback", &["--yes"]).run().exited(0);
    let said = "it was there before the release: only the label is removed";
    assert!(back.stderr.contains(said), "{}", back.stderr);
    let settings = project.get("configmap/settings");
    assert_eq!(settings["data"]["value"], "two");
    assert!(settings["metadata"].get("labels").is_none(), "{settings}");
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

/// Its author says in his own words that a field stays as it is.
const BUCKETS: &str = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: buckets.adopt-sealed.example.org}
spec:
  group: adopt-sealed.example.org
  scope: Namespaced
  names: {kind: Bucket, plural: buckets}
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              properties:
                note: {type: string}
                region: {type: string, x-kubernetes-validations: [{rule: self == oldSelf, message: chosen once}]}
";

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
    apply(name, BUCKETS);
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
