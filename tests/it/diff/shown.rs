//! What `diff` shows of objects that are created, changed, left alone, deleted, recreated and adopted.

use super::{
    actions,
    audit::Audit,
    diff, entry, fields, impact,
    manifests::{config_map, deployment, service},
    project::{Project, written},
    user::User,
};
use crate::support::kubectl;

#[test]
fn a_first_deployment_is_all_created_and_nothing_of_it_is_written() {
    let project = Project::new("diff-first")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    let user = User::administrator();
    let audit = Audit::from_now(&user);
    let shown = user.runs(project.command("diff", &[])).run().exited(0);
    for text in [
        "From        nothing is deployed\n",
        "  + Deployment/diff-first/web\n",
        "    +         image: web:v1\n",
        "Total  3 to create\n",
    ] {
        assert!(shown.stdout.contains(text), "{text}:\n{}", shown.stdout);
    }
    let all = ["-o", "json", "--exit-code"];
    let document = user
        .runs(project.command("diff", &all))
        .run()
        .exited(6)
        .json();
    assert_eq!(
        actions(&document),
        [
            "create Namespace/diff-first",
            "create Deployment/diff-first/web",
            "create ConfigMap/diff-first/settings",
        ]
    );
    let dry_run = user.runs(project.command("up", &["--dry-run"])).run();
    assert_eq!(dry_run.exited(0).stdout, shown.stdout);
    let line = project.command("up", &["--dry-run", "-o", "jsonl"]);
    assert_eq!(user.runs(line).run().exited(0).events(), [document]);
    assert_eq!(audit.writes(), Vec::<String>::new());
    project.assert_nothing_was_written();
}

/// A project that is deployed and then changed.
fn changed(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/same.yaml", &config_map("same", "one"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/old.yaml", &config_map("old", "one"));
    project.deploy(&[]);
    let same = project.command("diff", &["--exit-code"]).run().exited(0);
    let total = "Total  nothing would change: 5 objects as wanted\n";
    assert!(same.stdout.contains(total), "{}", same.stdout);
    let web = deployment("web").replace("web:v1", "web:v2");
    project.rewrite("apps/web.yaml", &web);
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project.rewrite("apps/old.yaml", &config_map("new", "one"));
    project
}

#[test]
fn what_changes_is_shown_field_by_field_and_what_it_restarts() {
    let project = changed("diff-changes");
    let user = User::administrator();
    let audit = Audit::from_now(&user);
    let run = user.runs(project.command("diff", &["-o", "json", "--exit-code"]));
    let document = run.run().exited(6).json();
    assert_eq!(
        actions(&document),
        [
            "change Deployment/diff-changes/web",
            "create ConfigMap/diff-changes/new",
            "change ConfigMap/diff-changes/settings",
            "delete ConfigMap/diff-changes/old",
        ]
    );
    assert_eq!(document["unchanged"], 2);
    assert_eq!(document["revision"]["number"], 1);
    let web = entry(&document, "Deployment/diff-changes/web");
    assert_eq!(
        fields(&web["fields"]),
        [r#"spec.template.spec.containers[name="main"].image: "web:v1" → "web:v2""#]
    );
    assert_eq!(
        impact(&document),
        ["restarts Deployment/diff-changes/web: 1 pod"]
    );
    assert_eq!(audit.writes(), Vec::<String>::new());

    // What was shown is what is done.
    assert_eq!(
        written(&project.deploy(&[])),
        [
            "changed ConfigMap/diff-changes/settings",
            "changed Deployment/diff-changes/web",
            "created ConfigMap/diff-changes/new",
            "deleted ConfigMap/diff-changes/old",
        ]
    );
    project.command("diff", &["--exit-code"]).run().exited(0);
}

#[test]
fn a_diff_is_a_patch_or_one_line_a_field() {
    let project = changed("diff-forms");
    let patch = project.command("diff", &["-o", "patch"]).run().exited(0);
    for text in [
        "--- a/Deployment/diff-forms/web\n+++ b/Deployment/diff-forms/web\n@@ ",
        "-        image: web:v1\n+        image: web:v2\n",
        "--- /dev/null\n+++ b/ConfigMap/diff-forms/new\n@@ -0,0 +1,",
        "--- a/ConfigMap/diff-forms/old\n+++ /dev/null\n",
    ] {
        assert!(patch.stdout.contains(text), "{text}:\n{}", patch.stdout);
    }
    let brief = project.command("diff", &["--brief"]).run().exited(0);
    let line = "    ~ data.value: one → two\n";
    assert!(brief.stdout.contains(line), "{}", brief.stdout);
}

/// Defaults, what controllers write and what others added is no difference, and a restart by a changed
/// `ConfigMap` is told without the digest that makes it.
#[test]
fn a_restart_for_a_config_map_is_an_impact_and_no_field() {
    let web = deployment("web").replace(
        "image: \"web:v1\"",
        "image: \"web:v1\", envFrom: [{configMapRef: {name: settings}}]",
    );
    let project = Project::new("diff-restart")
        .manifest("apps/web.yaml", &web)
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    project.kubectl(&["annotate", "deployment/web", "example.org/note=mine"]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    let document = diff(&project, &[]);
    let web = entry(&document, "Deployment/diff-restart/web");
    assert_eq!(fields(&web["fields"]), Vec::<String>::new());
    assert!(
        web["detail"]
            .as_str()
            .unwrap()
            .starts_with("restarts, because ConfigMap"),
        "{web}"
    );
    assert_eq!(
        impact(&document),
        ["restarts Deployment/diff-restart/web: 1 pod"]
    );
    let shown = project.command("diff", &[]).run().exited(0);
    assert!(!shown.stdout.contains("config-digest"), "{}", shown.stdout);
}

#[test]
fn what_is_recreated_is_down_meanwhile() {
    let project = Project::new("diff-again").manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("app: web", "app: other"),
    );
    let document = diff(&project, &["--recreate", "Deployment/web"]);
    assert_eq!(actions(&document), ["recreate Deployment/diff-again/web"]);
    let web = entry(&document, "Deployment/diff-again/web");
    assert_eq!(
        fields(&web["fields"]),
        [
            r#"spec.selector: {"matchLabels":{"app":"web"}} → {"matchLabels":{"app":"other"}}"#,
            r#"spec.template.metadata.labels.app: "web" → "other""#,
        ]
    );
    assert_eq!(
        impact(&document),
        ["down Deployment/diff-again/web: it is deleted and created again"]
    );
}

#[test]
fn what_is_adopted_is_told_from_what_is_changed() {
    let project = Project::new("diff-adopted")
        .manifest("apps/settings.yaml", &config_map("settings", "two"))
        .manifest("apps/own.yaml", &config_map("own", "one"));
    kubectl(&["create", "namespace", "diff-adopted"]);
    project.deploy(&["--only", "ConfigMap/own"]);
    let literals = ["--from-literal=value=one", "--from-literal=unsent=gone"];
    project.kubectl(&["create", "configmap", "settings", literals[0], literals[1]]);
    let document = diff(&project, &[]);
    assert_eq!(
        actions(&document),
        ["adopt ConfigMap/diff-adopted/settings"]
    );
    let settings = entry(&document, "ConfigMap/diff-adopted/settings");
    assert_eq!(
        fields(&settings["fields"]),
        [
            r#"data.unsent: "gone" → null"#,
            r#"data.value: "one" → "two""#
        ]
    );
    project.deploy(&[]);
    assert_eq!(
        project.get("configmap/settings")["data"],
        serde_json::json!({"value": "two"})
    );
}

/// An autoscaler that comes takes the number of replicas over, and it stays.
#[test]
fn replicas_that_an_autoscaler_takes_over_are_no_difference() {
    let project = Project::new("diff-scaled").manifest(
        "apps/web.yaml",
        &deployment("web").replace("replicas: 1", "replicas: 3"),
    );
    project.deploy(&[]);
    project.rewrite("apps/scaler.yaml", &super::manifests::autoscaler("web", 5));
    let document = diff(&project, &[]);
    let objects = document["objects"].as_array().unwrap();
    for object in objects.iter().filter(|it| it["action"] != "create") {
        assert_eq!(
            fields(&object["fields"]),
            Vec::<String>::new(),
            "{object:#}"
        );
    }
}

#[test]
fn what_the_server_refuses_ends_a_diff_as_it_ends_a_run() {
    let project = Project::new("diff-refused")
        .manifest("apps/web.yaml", &service("web", "").replace("80", "99999"));
    let refused = project.command("diff", &["--exit-code"]).run();
    let up = project.up(&[]).run();
    assert_eq!(
        refused.status, up.status,
        "{}\n{}",
        refused.stderr, up.stderr
    );
    assert_eq!(refused.stderr, up.stderr);
    assert_eq!(refused.stdout, "");
}
