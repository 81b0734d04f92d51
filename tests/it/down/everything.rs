//! What goes, in which order, and what is known of it afterwards.

use serde_json::{Value, json};

use super::{
    manifests::{config_map, deployment},
    platform::platform,
    project::{Project, events, position, written},
};
use crate::support::{Deployctl, apply, eventually, get, kubectl, list, user::User};

/// `down --yes` with further arguments.
fn down(project: &Project, arguments: &[&str]) -> Deployctl {
    project
        .command("down", arguments)
        .args(["--yes", "-o", "jsonl"])
}

#[test]
fn a_release_goes_phase_by_phase_the_last_one_first() {
    let project = Project::new("down-order")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("monitoring/prometheus.yaml", &deployment("prometheus"));
    project.deploy(&[]);

    let log = down(&project, &[]).run().exited(0).events();
    for (first, then) in [
        ("monitoring", "apps"),
        ("apps", "databases"),
        ("databases", "namespace"),
    ] {
        assert!(
            position(&log, "phase-finished", first) < position(&log, "phase-started", then),
            "{then} did not wait for {first}"
        );
    }
    assert!(
        events(&log, "phase-finished")
            .iter()
            .all(|event| event["outcome"] == "gone"),
        "{log:#?}"
    );
    assert_eq!(
        written(&log),
        [
            "deleted ConfigMap/down-order/settings",
            "deleted Deployment/down-order/prometheus",
            "deleted Deployment/down-order/web",
            "deleted Namespace/down-order",
        ]
    );
    assert_eq!(get("default", "namespace/down-order"), Value::Null);

    let revision = project.last_revision();
    assert_eq!(
        (
            &revision["number"],
            &revision["outcome"],
            &revision["objects"]
        ),
        (&2.into(), &"succeeded".into(), &0.into())
    );
    assert_eq!(
        (&revision["by"]["command"], &revision["changes"]["deleted"]),
        (&"down".into(), &4.into())
    );
    assert!(
        !revision["snapshot"].as_array().unwrap().is_empty(),
        "it can be taken back"
    );

    let again = project.command("down", &["--yes"]).run().exited(0);
    assert!(
        again.stderr.contains("down-order.default is not deployed"),
        "{}",
        again.stderr
    );
    assert_eq!(project.last_revision()["number"], 2);
}

#[test]
fn what_was_never_deployed_needs_no_taking_down() {
    let project =
        Project::new("down-never").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let outcome = project.command("down", &["--yes"]).run().exited(0);
    assert!(
        outcome
            .stderr
            .contains("down-never.default is not deployed"),
        "{}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

#[test]
fn neither_plan_nor_manifests_are_needed() {
    let project =
        Project::new("down-anywhere").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let elsewhere = tempfile::tempdir().unwrap();
    let run = Deployctl::in_sandbox().current_dir(elsewhere.path()).args([
        "down",
        "down-anywhere",
        "--env",
        "default",
        "--yes",
    ]);
    run.run().exited(0);
    assert_eq!(get("default", "namespace/down-anywhere"), Value::Null);
}

#[test]
fn nothing_goes_without_consent() {
    let project = Project::new("down-asks")
        .plan("environments: {default: {protected: true, contexts: ['*']}}\n")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project
        .command("up", &["--yes=down-asks.default"])
        .run()
        .exited(0);
    let outcome = project.command("down", &[]).run().exited(2);
    assert!(
        outcome.stderr.contains("no terminal to ask at"),
        "{}",
        outcome.stderr
    );
    let outcome = project.command("down", &["--yes"]).run().exited(2);
    assert!(
        outcome.stderr.contains("`--yes=down-asks.default`"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    project
        .command("down", &["--yes=down-asks.default"])
        .run()
        .exited(0);
}

#[test]
fn a_namespace_that_was_there_before_stays_without_our_mark() {
    kubectl(&["create", "namespace", "down-before"]);
    let namespace =
        "apiVersion: v1\nkind: Namespace\nmetadata: {name: down-before, labels: {team: shop}}\n";
    let project = Project::new("down-before")
        .manifest("namespace/namespace.yaml", namespace)
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    assert_eq!(
        get("default", "namespace/down-before")["metadata"]["labels"]["team"],
        "shop"
    );

    let log = down(&project, &[]).run().exited(0).events();
    assert_eq!(
        written(&log),
        [
            "deleted ConfigMap/down-before/settings",
            "given-up Namespace/down-before"
        ]
    );
    let there = get("default", "namespace/down-before");
    assert_eq!(there["metadata"]["deletionTimestamp"], Value::Null);
    assert_eq!(
        there["metadata"]["labels"]["deployctl.dev/down-before.default"],
        Value::Null,
        "{there:#}"
    );
}

#[test]
fn a_namespace_with_others_objects_stays_and_they_are_named() {
    let project =
        Project::new("down-shared").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.kubectl(&["create", "configmap", "somebodys"]);
    let outcome = project.command("down", &["--yes"]).run().exited(0);
    let said = "Namespace/down-shared is kept: it holds ConfigMap/down-shared/somebodys";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    assert_eq!(project.get("configmap/settings"), Value::Null);

    // Once nothing is in it any more, it goes.
    project.kubectl(&["delete", "configmap", "somebodys"]);
    let log = down(&project, &[]).run().exited(0).events();
    assert_eq!(written(&log), ["deleted Namespace/down-shared"]);
}

#[test]
fn what_belongs_to_what_the_user_may_not_look_at_stays_and_is_named() {
    let project =
        Project::new("down-hidden").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let node = &list("", "nodes")[0]["metadata"];
    let owners = format!(
        "{{name: somebodys, ownerReferences: [{{apiVersion: v1, kind: Node, name: {}, uid: {}}}]}}",
        node["name"], node["uid"]
    );
    let owned = config_map("somebodys", "1").replace("{name: somebodys}", &owners);
    apply("down-hidden", &owned);

    let but_get = ["list", "watch", "create", "update", "patch", "delete"];
    let gettable = [
        "configmaps",
        "customresourcedefinitions",
        "leases",
        "namespaces",
        "secrets",
    ];
    let user = User::with_rules(&json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": but_get},
        {"apiGroups": ["*"], "resources": gettable, "verbs": ["get"]},
    ]));
    let down = project.command("down", &["--yes"]);
    let outcome = user.runs(down).run().exited(0);
    let said = "Namespace/down-hidden is kept: it holds ConfigMap/down-hidden/somebodys";
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
}

#[test]
fn the_history_goes_where_nothing_is_kept() {
    let project =
        Project::new("down-purge").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let outcome = project
        .command("down", &["--yes", "--purge"])
        .run()
        .exited(0);
    assert!(
        outcome
            .stderr
            .contains("The history of down-purge.default is deleted"),
        "{}",
        outcome.stderr
    );
    project.assert_no_revision();
}

#[test]
fn an_interrupted_run_is_taken_down_with_what_it_created() {
    let project = Project::new("down-halfway")
        .plan("phases: {apps: {timeout: 2s}}\n")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest(
            "apps/web.yaml",
            &super::manifests::faulty_deployment("web", "never-ready"),
        );
    project.up(&["--no-rollback"]).run().exited(3);
    down(&project, &[]).run().exited(0);
    eventually("the namespace is gone", || {
        get("default", "namespace/down-halfway")
            .is_null()
            .then_some(())
    });
    assert_eq!(project.last_revision()["outcome"], "succeeded");
}

#[test]
fn what_goes_and_what_is_kept_is_shown_before() {
    let platform = platform("down-shown");
    platform.deploy(&[]);
    let outcome = platform.command("down", &["--yes"]).run().exited(0);
    for text in [
        "- Deployment/down-shown/web",
        "· PersistentVolumeClaim/down-shown/files  it holds data",
        "is uninstalled",
    ] {
        assert!(
            (outcome.stderr.clone() + &outcome.stdout).contains(text),
            "`{text}` is missing:\n{}\n{}",
            outcome.stdout,
            outcome.stderr
        );
    }
    assert_ne!(platform.get("persistentvolumeclaim/files"), Value::Null);
}
