//! What the API server has filled in beside what was wanted, and what is wanted in its place now.

use serde_json::{Value, json};

use crate::support::{
    manifests::{config_map, definition_of, documents, faulty_deployment},
    project::{Project, written},
};

/// A Deployment of `container` and further keys of the pod's and of the Deployment's `spec`.
fn deployment(name: &str, container: &str, pod: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  selector: {{matchLabels: {{app: {name}}}}}
  {more}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec:
      {pod}
      containers: [{{name: main, image: \"{name}:v1\", ports: [{{containerPort: 8080}}], {container}}}]
"
    )
}

fn probed(probe: &str) -> String {
    deployment("probed", &format!("readinessProbe: {probe}"), "", "")
}

fn mounting(source: &str) -> String {
    let volumes = format!("volumes: [{{name: settings, {source}}}]");
    deployment(
        "mounting",
        "volumeMounts: [{name: settings, mountPath: /settings}]",
        &volumes,
        "",
    )
}

fn stateful_set(strategy: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: StatefulSet
metadata: {{name: shard}}
spec:
  serviceName: shard
  selector: {{matchLabels: {{app: shard}}}}
  {strategy}
  template:
    metadata: {{labels: {{app: shard}}}}
    spec: {{containers: [{{name: main, image: \"shard:v1\"}}]}}
"
    )
}

fn daemon_set(strategy: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: DaemonSet
metadata: {{name: agent}}
spec:
  selector: {{matchLabels: {{app: agent}}}}
  {strategy}
  template:
    metadata: {{labels: {{app: agent}}}}
    spec: {{containers: [{{name: main, image: \"agent:v1\"}}]}}
"
    )
}

fn service(spec: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Service\nmetadata: {{name: front}}\nspec: {{selector: {{app: front}}, {spec}}}\n"
    )
}

/// An object before and after another member of a union is wanted, and what it is then.
struct Member {
    manifest: &'static str,
    before: String,
    after: String,
    object: &'static str,
    pointer: &'static str,
    then: Value,
}

fn member(
    manifest: &'static str,
    (before, after): (String, String),
    (object, pointer): (&'static str, &'static str),
    then: Value,
) -> Member {
    Member {
        manifest,
        before,
        after,
        object,
        pointer,
        then,
    }
}

const PROBE: &str = "/spec/template/spec/containers/0/readinessProbe";

fn members() -> Vec<Member> {
    let mut members = strategies();
    members.extend(in_pods());
    members.extend(in_services());
    members
}

/// How workloads are updated.
fn strategies() -> Vec<Member> {
    let recreate = |strategy| deployment("worker", "env: []", "", strategy);
    vec![
        member(
            "apps/worker.yaml",
            (
                recreate("replicas: 1"),
                recreate("strategy: {type: Recreate}"),
            ),
            ("deployment/worker", "/spec/strategy"),
            json!({"type": "Recreate"}),
        ),
        member(
            "databases/shard.yaml",
            (
                stateful_set("replicas: 1"),
                stateful_set("updateStrategy: {type: OnDelete}"),
            ),
            ("statefulset/shard", "/spec/updateStrategy"),
            json!({"type": "OnDelete"}),
        ),
        member(
            "apps/agent.yaml",
            (
                daemon_set("minReadySeconds: 0"),
                daemon_set("updateStrategy: {type: OnDelete}"),
            ),
            ("daemonset/agent", "/spec/updateStrategy/type"),
            json!("OnDelete"),
        ),
    ]
}

/// Probes, volumes, variables.
fn in_pods() -> Vec<Member> {
    let reads = |env: &str| deployment("variable", env, "", "");
    vec![
        member(
            "apps/probed.yaml",
            (
                probed("{httpGet: {port: 8080, path: /ready}, periodSeconds: 1}"),
                probed("{tcpSocket: {port: 8080}, periodSeconds: 1}"),
            ),
            ("deployment/probed", PROBE),
            json!({"tcpSocket": {"port": 8080}, "periodSeconds": 1, "failureThreshold": 3, "successThreshold": 1, "timeoutSeconds": 1}),
        ),
        member(
            "apps/mounting.yaml",
            (
                mounting("configMap: {name: settings}"),
                mounting("emptyDir: {medium: Memory}"),
            ),
            ("deployment/mounting", "/spec/template/spec/volumes/0"),
            json!({"name": "settings", "emptyDir": {"medium": "Memory"}}),
        ),
        member(
            "apps/variable.yaml",
            (
                reads("env: [{name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"),
                reads("env: [{name: A, value: plain}]"),
            ),
            (
                "deployment/variable",
                "/spec/template/spec/containers/0/env",
            ),
            json!([{"name": "A", "value": "plain"}]),
        ),
    ]
}

/// What a Service is.
fn in_services() -> Vec<Member> {
    let ported = |spec: &str| service(spec).replace("front", "ported");
    vec![
        member(
            "apps/front.yaml",
            (
                service("ports: [{port: 80}], sessionAffinity: ClientIP"),
                service("ports: [{port: 80}]"),
            ),
            ("service/front", "/spec/sessionAffinityConfig"),
            Value::Null,
        ),
        member(
            "apps/ported.yaml",
            (
                ported("type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80}]"),
                ported("type: ClusterIP, ports: [{port: 80}]"),
            ),
            ("service/ported", "/spec/externalTrafficPolicy"),
            Value::Null,
        ),
    ]
}

/// What stands at the pointer of `member` now.
fn now(project: &Project, member: &Member) -> Value {
    let object = project.get(member.object);
    object.pointer(member.pointer).cloned().unwrap_or_default()
}

/// <https://github.com/kubernetes/kubernetes/issues/24198>
#[test]
fn another_member_of_a_union_is_wanted_than_the_defaulted_one() {
    let members = members();
    let mut project = Project::new("union-members")
        .manifest("databases/settings.yaml", &config_map("settings", "1"));
    for member in &members {
        project = project.manifest(member.manifest, &member.before);
    }
    project.deploy(&[]);
    let before: Vec<Value> = members.iter().map(|it| now(&project, it)).collect();

    // Where the release fails, what was defaulted is back.
    for member in &members {
        project.rewrite(member.manifest, &member.after);
    }
    project.rewrite(
        "monitoring/broken.yaml",
        &faulty_deployment("broken", "crash-loop"),
    );
    project.up(&[]).run().exited(1);
    let back: Vec<Value> = members.iter().map(|it| now(&project, it)).collect();
    assert_eq!(back, before);

    project.rewrite("monitoring/broken.yaml", &config_map("broken", "no more"));
    project.deploy(&[]);
    for member in &members {
        assert_eq!(now(&project, member), member.then, "{}", member.manifest);
    }
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    project
        .command("rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    let back: Vec<Value> = members.iter().map(|it| now(&project, it)).collect();
    assert_eq!(back, before);
}

/// What people write to get round the same: it says to the API server what it says under `kubectl
/// apply --server-side`.
#[test]
fn an_explicit_null_is_sent() {
    let group = "null.deployctl.test";
    let fields =
        "size: {type: integer, nullable: true, default: 3}, mode: {type: string, default: auto}";
    let definition = definition_of("Widget", group, fields);
    let widget = format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: first, annotations: {{note: null}}}}\nspec: {{size: null, mode: null}}\n"
    );
    let worker = |strategy: &str| deployment("worker", "env: null", "nodeSelector: null", strategy);
    let project = Project::new("explicit-null")
        .manifest("apps/worker.yaml", &worker("replicas: 1"))
        .manifest("apps/widget.yaml", &documents(&[definition, widget]));
    project.deploy(&[]);
    let spec = project.get(&format!("widgets.{group}/first"))["spec"].clone();
    // As the API server does it under `kubectl apply --server-side`: what may be null is null, what
    // may not gets its default.
    assert_eq!(spec, json!({"size": null, "mode": "auto"}));
    project.rewrite(
        "apps/worker.yaml",
        &worker("strategy: {type: Recreate, rollingUpdate: null}"),
    );
    project.deploy(&[]);
    assert_eq!(
        project.get("deployment/worker")["spec"]["strategy"],
        json!({"type": "Recreate"})
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
