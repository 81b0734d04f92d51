//! Fields that cannot be changed in what is there.

use serde_json::Value;

use super::{
    manifests::{definition_of, documents, faulty_deployment, workload},
    project::{Project, written},
    proof, remarks, uid,
};

/// A Deployment whose pods, and what selects them, have another label.
fn relabelled(manifest: &str) -> String {
    manifest.replace("app: web", "app: other")
}

/// A project with a Deployment that is there, and a manifest that changes its selector.
fn with_changed_selector(name: &str, plan: &str) -> Project {
    let project = Project::new(name)
        .plan(plan)
        .manifest("apps/web.yaml", &faulty_deployment("web", ""));
    project.deploy(&[]);
    project.rewrite("apps/web.yaml", &relabelled(&faulty_deployment("web", "")));
    project
}

#[test]
fn a_change_that_cannot_be_made_is_refused_before_the_first_write_with_all_ways_to_allow_it() {
    let project = with_changed_selector("fixed-selector", "");
    let run = project.up(&[]).run().exited(5);
    for text in [
        "apps/web.yaml:1: Deployment/fixed-selector/web: `spec.selector` cannot be changed",
        "`--recreate Deployment/fixed-selector/web`",
        "`deployctl.dev/recreate: \"true\"`",
        "`recreate: true`",
    ] {
        assert!(
            run.stderr.contains(text),
            "`{text}` is missing:\n{}",
            run.stderr
        );
    }
    assert_eq!(project.revisions().len(), 1);
}

#[track_caller]
fn assert_recreated(project: &Project, arguments: &[&str]) {
    let before = uid(project, "deployment/web");
    let name = &project.name;
    assert_eq!(
        written(&project.deploy(arguments)),
        [
            format!("created Deployment/{name}/web"),
            format!("deleted Deployment/{name}/web")
        ]
    );
    assert_ne!(uid(project, "deployment/web"), before);
    assert_eq!(
        project.get("deployment/web")["spec"]["selector"]["matchLabels"]["app"],
        "other"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn it_is_created_anew_where_the_command_says_so() {
    assert_recreated(
        &with_changed_selector("recreate-flag", ""),
        &["--recreate", "deployment/web"],
    );
}

#[test]
fn it_is_created_anew_where_the_plan_says_so() {
    let plan = "phases: {apps: {match: [{kind: Deployment, name: \"w*\", recreate: true}]}}\n";
    assert_recreated(&with_changed_selector("recreate-match", plan), &[]);
}

#[test]
fn it_is_created_anew_where_its_annotation_says_so() {
    let project = with_changed_selector("recreate-note", "");
    let annotated = "{name: web, annotations: {deployctl.dev/recreate: \"true\"}}";
    project.rewrite(
        "apps/web.yaml",
        &relabelled(&faulty_deployment("web", "")).replace("{name: web}", annotated),
    );
    assert_recreated(&project, &[]);
    assert_eq!(
        project.get("deployment/web")["metadata"]["annotations"].get("deployctl.dev/recreate"),
        None,
        "it is not sent"
    );
}

#[test]
fn what_is_created_anew_is_shown_before_asking() {
    let project = with_changed_selector("recreate-shown", "");
    let run = project
        .up(&["--recreate", "Deployment/web"])
        .run()
        .exited(0);
    for text in [
        "1 to delete and create again",
        "spec.selector cannot be changed; its pods are down meanwhile",
    ] {
        assert!(
            run.stderr.contains(text),
            "`{text}` is missing:\n{}",
            run.stderr
        );
    }
}

#[test]
fn an_object_to_recreate_that_is_not_in_the_plan_is_an_error() {
    let project =
        Project::new("recreate-unknown").manifest("apps/web.yaml", &faulty_deployment("web", ""));
    let run = project
        .up(&["--recreate", "Deployment/wbe"])
        .run()
        .exited(2);
    assert!(
        run.stderr
            .contains("`--recreate Deployment/wbe` names no object of the plan"),
        "{}",
        run.stderr
    );
    project.assert_nothing_was_written();
}

/// An object with a field that cannot be changed.
struct FixedField {
    object: &'static str,
    manifest: &'static str,
    /// What of the manifest is replaced by what.
    change: [&'static str; 2],
    /// What is said of the change.
    refusal: &'static str,
}

/// Fields of kinds that each have a message of their own.
const FIXED_FIELDS: [FixedField; 11] = [
    FixedField {
        object: "RoleBinding/readers",
        manifest: "apiVersion: rbac.authorization.k8s.io/v1\n\
            kind: RoleBinding\n\
            metadata: {name: readers}\n\
            roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\n\
            subjects: []\n",
        change: ["name: view}", "name: edit}"],
        refusal: "RoleBinding/every-kind/readers: `roleRef` cannot be changed",
    },
    FixedField {
        object: "Secret/key",
        manifest: "apiVersion: v1\n\
            kind: Secret\n\
            metadata: {name: key}\n\
            type: Opaque\n\
            stringData: {a: not-shown}\n",
        change: ["type: Opaque", "type: example.org/other"],
        refusal: "Secret/every-kind/key: `type` cannot be changed",
    },
    FixedField {
        object: "ConfigMap/fixed",
        manifest: "apiVersion: v1\n\
            kind: ConfigMap\n\
            metadata: {name: fixed}\n\
            immutable: true\n\
            data: {a: one}\n",
        change: ["data: {a: one}", "data: {a: two}"],
        refusal: "ConfigMap/every-kind/fixed: `data` cannot be changed",
    },
    FixedField {
        object: "Pod/bare",
        manifest: "apiVersion: v1\n\
            kind: Pod\n\
            metadata: {name: bare}\n\
            spec: {containers: [{name: main, image: a, env: [{name: A, value: one}]}]}\n",
        change: ["value: one", "value: two"],
        refusal: "Pod/every-kind/bare: `spec.containers` cannot be changed",
    },
    FixedField {
        object: "Service/headless",
        manifest: "apiVersion: v1\n\
            kind: Service\n\
            metadata: {name: headless}\n\
            spec: {selector: {app: headless}, ports: [{port: 80}], clusterIP: None}\n",
        change: ["clusterIP: None", "clusterIP: 10.96.77.77"],
        refusal: "Service/every-kind/headless: `spec.clusterIP",
    },
    FixedField {
        object: "IngressClass/every-kind",
        manifest: "apiVersion: networking.k8s.io/v1\n\
            kind: IngressClass\n\
            metadata: {name: every-kind}\n\
            spec: {controller: example.org/one}\n",
        change: ["example.org/one", "example.org/two"],
        refusal: "IngressClass/every-kind: `spec.controller` cannot be changed",
    },
    FixedField {
        object: "StorageClass/every-kind",
        manifest: "apiVersion: storage.k8s.io/v1\n\
            kind: StorageClass\n\
            metadata: {name: every-kind}\n\
            provisioner: example.org/one\n\
            reclaimPolicy: Delete\n",
        change: ["reclaimPolicy: Delete", "reclaimPolicy: Retain"],
        refusal: "StorageClass/every-kind: `reclaimPolicy` cannot be changed",
    },
    FixedField {
        object: "CSIDriver/every-kind",
        manifest: "apiVersion: storage.k8s.io/v1\n\
            kind: CSIDriver\n\
            metadata: {name: every-kind}\n\
            spec: {attachRequired: true}\n",
        change: ["attachRequired: true", "attachRequired: false"],
        refusal: "CSIDriver/every-kind: `spec.attachedRequired` cannot be changed",
    },
    FixedField {
        object: "PriorityClass/every-kind",
        manifest: "apiVersion: scheduling.k8s.io/v1\n\
            kind: PriorityClass\n\
            metadata: {name: every-kind}\n\
            value: 10\n",
        change: ["value: 10", "value: 20"],
        refusal: "PriorityClass/every-kind: `value` cannot be changed",
    },
    FixedField {
        object: "RuntimeClass/every-kind",
        manifest: "apiVersion: node.k8s.io/v1\n\
            kind: RuntimeClass\n\
            metadata: {name: every-kind}\n\
            handler: one\n",
        change: ["handler: one", "handler: two"],
        refusal: "RuntimeClass/every-kind: `handler` cannot be changed",
    },
    FixedField {
        object: "Widget/sealed",
        manifest: "apiVersion: every-kind.example.org/v1\n\
            kind: Widget\n\
            metadata: {name: sealed}\n\
            spec: {size: 1}\n",
        change: ["size: 1", "size: 2"],
        refusal: "Widget/every-kind/sealed: `spec.size` cannot be changed in what is there: `spec.size`: Invalid value: 2: a widget keeps its size",
    },
];

/// Its author says in his own words that it cannot be changed.
/// <https://kubernetes.io/docs/reference/using-api/cel/#cel-options-language-features-and-libraries>
const KEPT_SIZE: &str = "size: {type: integer, x-kubernetes-validations: [{rule: self == oldSelf, message: a widget keeps its size}]}";

/// A request is what it was: the API server takes another one and leaves the old one in place.
#[test]
fn what_the_api_server_leaves_as_it_is_without_a_word_is_created_anew() {
    let request = |name: &str| {
        let requested = match name {
            "one" => include_str!("request-one.txt"),
            _ => include_str!("request-two.txt"),
        };
        format!(
            "apiVersion: certificates.k8s.io/v1
kind: CertificateSigningRequest
metadata: {{name: silently-kept}}
spec: {{signerName: example.org/none, usages: [client auth], request: {}}}
",
            requested.trim()
        )
    };
    let project = Project::new("silently-kept").manifest("apps/request.yaml", &request("one"));
    project.deploy(&[]);
    project.rewrite("apps/request.yaml", &request("two"));
    let run = project.up(&[]).run().exited(5);
    let said = "CertificateSigningRequest/silently-kept: `spec.request` cannot be changed";
    assert!(run.stderr.contains(said), "{}", run.stderr);
}

#[test]
fn every_kind_is_told_by_its_own_words() {
    let all = documents(&FIXED_FIELDS.map(|field| field.manifest));
    let project = Project::new("every-kind")
        .manifest(
            "namespace/widgets.yaml",
            &definition_of("Widget", "every-kind.example.org", KEPT_SIZE),
        )
        .manifest("apps/all.yaml", &all);
    project.deploy(&[]);
    let changed = FIXED_FIELDS.map(|field| {
        let [from, to] = field.change;
        field.manifest.replace(from, to)
    });
    project.rewrite("apps/all.yaml", &documents(&changed));
    let run = project.up(&[]).run().exited(5);
    for field in FIXED_FIELDS {
        assert!(
            run.stderr.contains(field.refusal),
            "`{}` is missing:\n{}",
            field.refusal,
            run.stderr
        );
    }
    assert!(
        !run.stderr.contains("not-shown") && !run.stderr.contains("value: two"),
        "{}",
        run.stderr
    );
    let arguments: Vec<&str> = FIXED_FIELDS
        .iter()
        .flat_map(|field| ["--recreate", field.object])
        .collect();
    assert_eq!(
        written(&project.deploy(&arguments)).len(),
        2 * FIXED_FIELDS.len()
    );
    assert_eq!(project.get("configmap/fixed")["data"]["a"], "two");
    assert_eq!(
        project.get("service/headless")["spec"]["clusterIP"],
        "10.96.77.77"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_stateful_set_that_is_created_anew_leaves_its_pods_and_claims() {
    let claims = "volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]";
    let database = workload(
        "apps/v1",
        "StatefulSet",
        "database",
        &format!("serviceName: database\n  {claims}"),
        "",
    );
    let project = Project::new("recreate-stateful").manifest("databases/database.yaml", &database);
    project.deploy(&[]);
    let before = [
        "statefulset/database",
        "pod/database-0",
        "pvc/data-database-0",
    ]
    .map(|object| uid(&project, object));
    project.rewrite(
        "databases/database.yaml",
        &database.replace("serviceName: database", "serviceName: other"),
    );
    project.deploy(&["--recreate", "StatefulSet/database"]);
    let after = [
        "statefulset/database",
        "pod/database-0",
        "pvc/data-database-0",
    ]
    .map(|object| uid(&project, object));
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1..], after[1..]);
    assert_eq!(
        project.get("pod/database-0")["metadata"]["ownerReferences"][0]["uid"],
        Value::String(after[0].clone())
    );
}

#[test]
fn what_was_created_anew_and_fails_is_put_back() {
    let project = with_changed_selector("recreate-back", "");
    let before = project.get("deployment/web");
    project.rewrite(
        "apps/web.yaml",
        &relabelled(&faulty_deployment("web", "crash-loop")),
    );
    let run = project
        .up(&["-o", "jsonl", "--recreate", "Deployment/web"])
        .run()
        .exited(1);
    assert!(
        remarks(&proof(&run), "differences").is_empty(),
        "{}",
        proof(&run)
    );
    let after = project.get("deployment/web");
    assert_eq!(after["spec"], before["spec"]);
    assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
    project.rewrite("apps/web.yaml", &faulty_deployment("web", ""));
    assert_eq!(
        written(&project.deploy(&[]))
            .iter()
            .filter(|line| line.starts_with("created"))
            .count(),
        0
    );
}
