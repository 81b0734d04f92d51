//! Users who may write what they deploy and read little else: they deploy as others do, and are only
//! told less.

use serde_json::{Value, json};

use super::{
    manifests::{
        claim, config_map, definition, deployment, documents, faulty_deployment, job, service,
        widget, workload,
    },
    project::{Project, events, position, written},
    user::User,
};
use crate::support::{Outcome, apply, kubectl, namespace, running::Running};

/// Kinds that the user may do everything with. Pods, ReplicaSets, Events, quotas, autoscalers and
/// disruption budgets are not among them, nor is anything outside of the namespace.
fn few_kinds() -> Value {
    json!([
        {"apiGroups": [""], "resources": ["configmaps", "secrets", "services", "persistentvolumeclaims"], "verbs": ["*"]},
        {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets"], "verbs": ["*"]},
        {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    ])
}

fn run(user: &User, project: &Project, command: &str, arguments: &[&str]) -> Outcome {
    let command = project
        .command(
            command,
            &["--state-namespace", &project.name, "-o", "jsonl"],
        )
        .args(arguments.iter().copied());
    user.runs(command).run()
}

/// A database with a volume of the claim `data`, and with one of a template.
fn database(image: &str) -> String {
    workload("apps/v1", "StatefulSet", "db", "serviceName: db\n  replicas: 1", "").replace(
        "db:v1",
        image,
    ) + "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]
  volumeClaimTemplates:
    - metadata: {name: more}
      spec: {accessModes: [ReadWriteOnce], storageClassName: standard-wait, resources: {requests: {storage: 1Gi}}}
"
}

#[test]
fn who_may_read_little_deploys_changes_and_uninstalls_as_others_do() {
    let home = namespace("few-kinds");
    let user = User::with_role(&home, &few_kinds());
    let claims = [
        claim("data", "standard-wait"),
        claim("unused", "standard-wait"),
        claim("bound", "standard"),
    ];
    let web = "secrets:\n  - {name: database, data: {password: {generate: {length: 24}}}}\nrequires: {storageClasses: [standard-wait]}\n";
    let project = Project::new(&home)
        .plan(web)
        .manifest("storage/claims.yaml", &documents(&claims))
        .manifest(
            "databases/db.yaml",
            &documents(&[database("db:v1"), service("db", "")]),
        )
        .manifest(
            "apps/web.yaml",
            &documents(&[
                deployment("web"),
                service("web", ""),
                config_map("settings", "1"),
                job("import", ""),
            ]),
        );
    let first = run(&user, &project, "up", &["--yes"]).exited(0).events();
    assert!(
        position(&first, "phase-finished", "storage")
            < position(&first, "phase-started", "databases")
    );
    assert_eq!(project.get("pvc/data")["status"]["phase"], "Bound");
    assert_eq!(project.get("pvc/unused")["status"]["phase"], "Pending");
    let again = run(&user, &project, "up", &["--yes"]).exited(0).events();
    assert_eq!(written(&again), Vec::<String>::new());

    // What has left the plan goes, and what has changed rolls out.
    project.rewrite(
        "databases/db.yaml",
        &documents(&[database("db:v2"), service("db", "")]),
    );
    project.rewrite(
        "apps/web.yaml",
        &documents(&[service("web", ""), config_map("settings", "2")]),
    );
    let changed = run(&user, &project, "up", &["--yes"]).exited(0).events();
    assert_eq!(
        written(&changed),
        [
            format!("changed ConfigMap/{home}/settings"),
            format!("changed StatefulSet/{home}/db"),
            format!("deleted Deployment/{home}/web"),
            format!("deleted Job/{home}/import"),
        ]
    );
    run(&user, &project, "down", &["--yes"]).exited(0);
    assert_eq!(project.get("statefulset/db"), Value::Null);
}

#[test]
fn who_may_not_read_pods_is_told_what_failed_without_why() {
    let home = namespace("no-pods");
    let user = User::with_role(&home, &few_kinds());
    let project = Project::new(&home)
        .plan("phases: {apps: {timeout: 5s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let failed = run(&user, &project, "up", &["--yes"]).exited(1).events();
    let diagnosis = &events(&failed, "failure-explained")[0]["diagnosis"];
    assert_eq!(diagnosis["objects"][0]["object"]["name"], "web");
    assert_eq!(diagnosis["objects"][0]["pod"], Value::Null);
    assert_eq!(failed.last().unwrap()["outcome"], "rolled-back");
    assert_eq!(project.get("deployment/web"), Value::Null);
}

#[test]
fn who_may_not_read_definitions_waits_for_a_kind_until_it_is_served() {
    let home = namespace("no-definitions");
    let group = "no-definitions.example.org";
    let mut rules = few_kinds();
    let own = json!({"apiGroups": [group], "resources": ["widgets"], "verbs": ["*"]});
    rules.as_array_mut().unwrap().push(own);
    let user = User::with_role(&home, &rules);
    let expects = format!("expects: {{crds: [widgets.{group}]}}");
    let project = Project::new(&home)
        .plan(&format!(
            "phases: {{operators: {{after: [namespace], before: [secrets], {expects}}}}}\n"
        ))
        .manifest("operators/operator.yaml", &deployment("operator"))
        .manifest("apps/widget.yaml", &widget(group, "1"));
    let mut run = Running::start(user.runs(project.up(&["--state-namespace", &home])));
    run.until(|event| event["event"] == "object-written");
    apply("default", &definition(group));
    let (status, log, said) = run.end();
    assert_eq!(status, Some(0), "{said}");
    assert_eq!(
        written(&log).last(),
        Some(&format!("created Widget/{home}/first"))
    );
    kubectl(&["delete", "crd", &format!("widgets.{group}")]);
}
