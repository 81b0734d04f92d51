//! `rename`: a release gets another name, with its objects and its history.

use serde_json::{Value, json};

use crate::support::{
    Deployctl, apply, kubectl,
    manifests::{config_map, deployment, documents, faulty_deployment, secret},
    project::{Project, events, written},
    proxy::{Fault, Proxy, Requests, Rule, When},
    user::User,
};

/// A release with workloads, data and a Secret, and two revisions.
#[track_caller]
fn deployed(name: &str) -> Project {
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}\n";
    let project = Project::new(name)
        .plan("phases: {storage: {timeout: 20s}, apps: {timeout: 30s}}\n")
        .manifest("storage/data.yaml", claim)
        .manifest("secrets/key.yaml", &secret("key"))
        .manifest(
            "apps/web.yaml",
            &documents(&[config_map("settings", "1"), deployment("web")]),
        );
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &documents(&[config_map("settings", "2"), deployment("web")]),
    );
    project.deploy(&[]);
    project
}

/// `rename` from a folder without any plan.
fn rename(from: &str, to: &str) -> Deployctl {
    Deployctl::in_sandbox()
        .current_dir("/")
        .args(["rename", from, to, "--yes"])
}

/// `command` of the environment `env` of the plan.
fn in_environment(project: &Project, env: &str, command: &str, arguments: &[&str]) -> Deployctl {
    Deployctl::in_sandbox()
        .current_dir(project.folder())
        .args([command, "--env", env])
        .args(arguments.iter().copied())
}

const OBJECTS: [&str; 4] = [
    "deployment/web",
    "configmap/settings",
    "secret/key",
    "persistentvolumeclaim/data",
];

/// The managers of an object of the project, by kubectl, which does not hide them when asked.
fn managers(project: &Project, object: &str) -> Vec<String> {
    let text = project.kubectl(&["get", object, "-o", "json", "--show-managed-fields"]);
    let object: Value = serde_json::from_str(&text).unwrap();
    let entries = object["metadata"]["managedFields"].as_array().unwrap();
    let managers = entries
        .iter()
        .map(|entry| entry["manager"].as_str().unwrap().to_owned());
    managers.collect()
}

/// Asserts that `object`, which was `before`, is of the environment `prod` now, and else as it was.
#[track_caller]
fn assert_only_its_marks_changed(project: &Project, object: &str, before: &Value) {
    let now = project.get(object);
    let [old, new] =
        ["default", "prod"].map(|environment| format!("{}.{environment}", project.name));
    let mut expected = before.clone();
    let metadata = expected["metadata"].as_object_mut().unwrap();
    metadata["resourceVersion"] = now["metadata"]["resourceVersion"].clone();
    let labels = metadata["labels"].as_object_mut().unwrap();
    labels.remove(&format!("deployctl.dev/{old}"));
    labels.insert(format!("deployctl.dev/{new}"), "".into());
    assert_eq!(now, expected, "{object}");
    let managers = managers(project, object);
    let has = |release: &str| managers.contains(&format!("deployctl.{release}"));
    assert!(has(&new) && !has(&old), "{object}: {managers:?}");
}

#[test]
fn a_plan_that_gets_environments_takes_its_release_along() {
    let project = deployed("rename-grows");
    let before = OBJECTS.map(|object| project.get(object));
    project.rewrite_plan(
        "phases: {storage: {timeout: 20s}, apps: {timeout: 30s}}\nenvironments: {prod: {}}\n",
    );
    let refused = in_environment(&project, "prod", "up", &["--yes"])
        .run()
        .exited(5);
    let command = "deployctl rename rename-grows.default rename-grows.prod";
    assert!(refused.stderr.contains(command), "{}", refused.stderr);

    let outcome = rename("rename-grows.default", "rename-grows.prod")
        .run()
        .exited(0);
    assert!(
        outcome.stderr.contains("5 objects and 2 revisions"),
        "{}",
        outcome.stderr
    );
    for (object, before) in OBJECTS.iter().zip(&before) {
        assert_only_its_marks_changed(&project, object, before);
    }
    let again = in_environment(&project, "prod", "up", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0);
    assert_eq!(written(&again.events()), [""; 0], "{}", again.stderr);
    assert!(events(&again.events(), "run-finished")[0]["outcome"] == "succeeded");

    // The history goes on, with what its revisions wanted.
    in_environment(&project, "prod", "rollback", &["--to", "1", "--yes"])
        .run()
        .exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    let settings = managers(&project, "configmap/settings");
    assert!(
        !settings.iter().any(|it| it.ends_with(".default")),
        "{settings:?}"
    );
    assert_eq!(project.stored("head"), [Value::Null; 0]);
    assert_eq!(project.stored("chunk"), [Value::Null; 0]);
    in_environment(
        &project,
        "prod",
        "down",
        &["--delete-data", "--yes=rename-grows.prod"],
    )
    .run()
    .exited(0);
    for object in OBJECTS {
        assert_eq!(project.get(object), Value::Null, "{object}");
    }
}

/// The parts of the revisions of `release` that are stored.
#[track_caller]
fn stored(release: &str, part: &str) -> usize {
    let selector = format!("deployctl.dev/release={release},deployctl.dev/part={part}");
    let secrets = [
        "get",
        "secrets",
        "-n",
        "deployctl-system",
        "-l",
        &selector,
        "-o",
        "name",
    ];
    kubectl(&secrets).lines().count()
}

/// A release whose second revision failed and was rolled back.
#[track_caller]
fn rolled_back(name: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {apps: {timeout: 3s}}\n")
        .manifest("apps/a.yaml", &secret("key"));
    project.deploy(&[]);
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project.up(&[]).run().exited(1);
    project
}

#[test]
fn it_may_be_killed_at_each_of_its_writes() {
    let project = rolled_back("rename-killed");
    let proxy = Proxy::start();
    let mut names = ["rename-killed.default", "rename-killed.other"];
    for write in 1.. {
        let [from, to] = names;
        let rule = Rule::new(Requests::mutating(), Fault::Kill(When::After));
        proxy.inject([rule.only(write)]);
        let outcome = proxy.run(rename(from, to));
        let is_killed = outcome.status == 128 + 9;
        proxy.inject([]);
        rename(from, to).run().exited(0);
        names = [to, from];

        let counts = [
            stored(from, "head"),
            stored(from, "chunk"),
            stored(to, "head"),
        ];
        assert_eq!(counts, [0, 0, 2], "killed at write {write}");
        let managers = managers(&project, "secret/key");
        let expected = [format!("deployctl.{to}")];
        assert_eq!(managers, expected, "killed at write {write}");
        if !is_killed {
            assert!(write > 20, "only {write} writes");
            let status = Deployctl::in_sandbox()
                .current_dir("/")
                .args(["status", to, "-o", "json"]);
            let view = status.run().exited(0).json();
            assert_eq!(view["lastRun"]["outcome"], "rolled-back", "{view:#}");
            let text = view.to_string();
            assert!(!text.contains("outside"), "{view:#}");
            return;
        }
    }
}

#[test]
fn every_object_is_tried_once() {
    let project = deployed("rename-once");
    let proxy = Proxy::start();
    proxy.inject([]);
    let outcome = proxy.run(rename("rename-once.default", "rename-once.other"));
    outcome.exited(0);
    let requests = proxy.requests();
    let tried = requests
        .iter()
        .filter(|it| it.method == "PATCH" && it.path.contains("dryRun=All"));
    assert_eq!(tried.count(), OBJECTS.len() + 1, "{requests:#?}");
    let labels = &project.get("configmap/settings")["metadata"]["labels"];
    assert_eq!(labels, &json!({"deployctl.dev/rename-once.other": ""}));
}

#[test]
fn what_could_not_be_completed_is_not_begun() {
    let project = Project::new("rename-room").manifest("apps/a.yaml", &config_map("a", "1"));
    project.deploy(&[]);
    let (from, to) = ("rename-room.default", "rename-room.other");
    // The user may write what is recorded, and nothing else.
    let user = User::with_rules(&json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
        {"apiGroups": ["", "coordination.k8s.io"], "resources": ["secrets", "leases"], "verbs": ["*"]},
    ]));
    let refused = user.runs(rename(from, to)).run().exited(1);
    assert!(
        refused.stderr.contains("nothing was changed") && refused.stderr.contains("cannot patch"),
        "{}",
        refused.stderr
    );
    assert_eq!([stored(from, "head"), stored(to, "head")], [1, 0]);
    project.up(&[]).run().exited(0);
}

#[test]
fn what_it_has_taken_over_is_given_back_under_the_new_name_too() {
    let project = Project::new("rename-adopted").manifest("apps/a.yaml", &config_map("a", "2"));
    let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: rename-adopted}\n";
    apply("default", namespace);
    apply("rename-adopted", &config_map("a", "1"));
    let before = project.get("configmap/a");
    project.deploy(&[]);
    let to = "rename-adopted.other";
    rename("rename-adopted.default", to).run().exited(0);
    let back =
        Deployctl::in_sandbox()
            .current_dir("/")
            .args(["rollback", to, &format!("--yes={to}")]);
    back.run().exited(0);
    let now = project.get("configmap/a");
    assert_eq!(now["data"], before["data"]);
    assert_eq!(now["metadata"]["labels"], before["metadata"]["labels"]);
}

#[test]
fn a_name_in_use_and_what_is_not_settled_are_refused() {
    let project = Project::new("rename-refused").manifest("apps/a.yaml", &config_map("a", "1"));
    let other = Project::new("rename-taken").manifest("apps/a.yaml", &config_map("a", "1"));
    project.deploy(&[]);
    other.deploy(&[]);
    let (from, to) = ("rename-refused.default", "rename-taken.default");
    let taken = rename(from, to).run().exited(5);
    assert!(
        taken.stderr.contains("has revisions of its own"),
        "{}",
        taken.stderr
    );
    let unknown = rename("rename-unknown.default", "rename-new.default")
        .run()
        .exited(2);
    assert!(
        unknown.stderr.contains("has no revisions"),
        "{}",
        unknown.stderr
    );
    rename(from, from).run().exited(2);
    rename("rename-refused", to).run().exited(2);

    let proxy = Proxy::start();
    let rule = Rule::new(
        Requests::mutating().about("/configmaps/a"),
        Fault::Kill(When::Before),
    );
    proxy.inject([rule.only(1)]);
    proxy
        .run(rename(from, "rename-new.default"))
        .exited(128 + 9);
    for command in ["up", "rollback", "down"] {
        let refused = project.command(command, &["--yes"]).run().exited(5);
        let completes = "deployctl rename rename-refused.default rename-new.default";
        assert!(refused.stderr.contains(completes), "{}", refused.stderr);
    }
    let elsewhere = rename(from, "rename-third.default").run().exited(5);
    assert!(
        elsewhere.stderr.contains("completes it"),
        "{}",
        elsewhere.stderr
    );
    rename(from, "rename-new.default").run().exited(0);
    let labels = &project.get("configmap/a")["metadata"]["labels"];
    assert_eq!(labels, &json!({"deployctl.dev/rename-new.default": ""}));
}
