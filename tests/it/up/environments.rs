//! Environments, confirmation, and users who are confined to one namespace.

use serde_json::json;

use super::{
    manifests::{config_map, deployment, documents, service},
    project::{Project, written},
    user::User,
};
use crate::support::{kubectl, namespace};

#[test]
fn without_a_terminal_somebody_must_have_said_yes() {
    let project =
        Project::new("unconfirmed").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let outcome = project.command("up", &[]).run().exited(2);
    assert!(
        outcome.stderr.contains("no terminal") && outcome.stderr.contains("`--yes`"),
        "{}",
        outcome.stderr
    );
    assert!(
        outcome.stderr.contains("unconfirmed.default") && outcome.stderr.contains("sandbox"),
        "what would be done is not shown: {}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_protected_environment_takes_only_its_releases_name() {
    let project = Project::new("guarded")
        .plan("variables: {}\nenvironments:\n  prod: {contexts: [sandbox], protected: true}\n  dev: {default: true, namespace: guarded-dev}\n")
        .manifest("apps/settings.yaml", &config_map("settings", "${release.environment}"));
    let refused = project
        .command("up", &["--env", "prod", "--yes"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("`prod` is protected")
            && refused.stderr.contains("`--yes=guarded.prod`"),
        "{}",
        refused.stderr
    );
    let other = project
        .command("up", &["--env", "prod", "--yes=guarded.dev"])
        .run()
        .exited(2);
    assert!(
        other.stderr.contains("names another release"),
        "{}",
        other.stderr
    );
    let silent = project.command("up", &["--env", "prod"]).run().exited(2);
    assert!(
        silent.stderr.contains("`--yes=guarded.prod`"),
        "{}",
        silent.stderr
    );
    project.assert_nothing_was_written();

    project
        .command("up", &["--env", "prod", "--yes=guarded.prod"])
        .run()
        .exited(0);
    project.command("up", &["--yes"]).run().exited(0);
    let value = |namespace: &str| {
        kubectl(&[
            "get",
            "configmap/settings",
            "-n",
            namespace,
            "-o",
            "jsonpath={.data.value}",
        ])
    };
    assert_eq!(
        (value("guarded"), value("guarded-dev")),
        ("prod".to_owned(), "dev".to_owned())
    );
}

#[test]
fn variables_change_what_is_deployed() {
    let project = Project::new("variables")
        .plan("variables: {tag: {default: v1}}\n")
        .manifest(
            "apps/web.yaml",
            &deployment("web").replace(":v1", ":${tag}"),
        );
    project.deploy(&[]);
    assert_eq!(
        written(&project.deploy(&["--set", "tag=v1"])),
        Vec::<String>::new()
    );
    let outcome = project.up(&["--set", "tag=v2"]).run().exited(0);
    assert!(
        outcome.stderr.contains("tag") && outcome.stderr.contains("v2"),
        "{}",
        outcome.stderr
    );
    assert_eq!(
        project.get("deployment/web")["spec"]["template"]["spec"]["containers"][0]["image"],
        "web:v2"
    );
}

#[test]
fn a_user_of_one_namespace_keeps_revisions_there() {
    let home = namespace("confined");
    let user = User::confined_to(&home);
    let project = Project::new(&home)
        .plan("secrets:\n  - {name: database, data: {password: {generate: {length: 24}}}}\n")
        .manifest(
            "apps/web.yaml",
            &documents(&[
                deployment("web"),
                service("web", ""),
                config_map("settings", "1"),
            ]),
        );
    let up = |arguments: &[&str]| {
        user.runs(project.up(arguments))
            .args(["--state-namespace", &home, "-o", "jsonl"])
            .run()
    };
    let first = up(&[]).exited(0).events();
    let expected = ["ConfigMap", "Deployment", "Secret", "Service"];
    let kinds: Vec<String> = written(&first)
        .iter()
        .map(|line| line.split(['/', ' ']).nth(1).unwrap().to_owned())
        .collect();
    assert_eq!(kinds, expected);
    assert_eq!(written(&up(&[]).exited(0).events()), Vec::<String>::new());

    project.kubectl(&["delete", "configmap/settings"]);
    assert_eq!(
        written(&up(&[]).exited(0).events()),
        [format!("created ConfigMap/{home}/settings")]
    );
    let status = user
        .runs(project.command(
            "status",
            &["--state-namespace", &home, "--exit-code", "-o", "json"],
        ))
        .run()
        .exited(0)
        .json();
    assert_eq!(status["revision"]["number"], 2);
    let list = user
        .runs(crate::support::Deployctl::in_sandbox())
        .args(["list", "--state-namespace", &home, "-o", "json"])
        .run()
        .exited(0)
        .json();
    assert_eq!(list["releases"][0]["release"], format!("{home}.default"));
    project.assert_no_revision();
}

#[test]
fn a_user_who_may_not_watch_waits_all_the_same() {
    let home = namespace("unwatched");
    let user = User::with_verbs(&home, &["get", "list", "create", "update", "patch"]);
    let project = Project::new(&home).manifest("apps/web.yaml", &deployment("web"));
    user.runs(project.up(&["--state-namespace", &home, "--no-rollback"]))
        .run()
        .exited(0);
    assert_eq!(project.get("deployment/web")["status"]["readyReplicas"], 1);
}

#[test]
fn a_user_who_could_not_take_it_back_is_told_before_the_first_write() {
    let home = namespace("no-way-back");
    let user = User::with_verbs(
        &home,
        &["get", "list", "watch", "create", "update", "patch"],
    );
    let project = Project::new(&home).manifest(
        "apps/settings.yaml",
        &documents(&[config_map("settings", "1"), service("web", "")]),
    );
    let up = |arguments: &[&str]| {
        user.runs(project.up(&[&["--state-namespace", home.as_str()], arguments].concat()))
            .run()
    };
    let refused = up(&[]).exited(5);
    for kind in ["configmaps", "services"] {
        let expected = format!(
            "you may not delete {kind} in namespace `{home}`, so a run that fails could not be rolled back"
        );
        assert!(refused.stderr.contains(&expected), "{}", refused.stderr);
    }
    assert_eq!(project.get("configmap/settings"), serde_json::Value::Null);
    up(&["--no-rollback"]).exited(0);

    // What is only changed is put back without deleting anything.
    project.rewrite(
        "apps/settings.yaml",
        &documents(&[config_map("settings", "2"), service("web", "")]),
    );
    up(&[]).exited(0);
    // What is no longer wanted is not.
    project.rewrite("apps/settings.yaml", &config_map("settings", "3"));
    let refused = up(&[]).exited(5);
    assert!(
        refused.stderr.contains(&format!(
            "you may not delete services in namespace `{home}`"
        )),
        "{}",
        refused.stderr
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
    let refused = user
        .runs(project.command("down", &["--state-namespace", &home, "--yes"]))
        .run()
        .exited(5);
    for kind in ["configmaps", "services"] {
        assert!(
            refused
                .stderr
                .contains(&format!("you may not delete {kind} in namespace `{home}`")),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
}

#[test]
fn a_user_whose_role_is_for_some_names_may_write_those() {
    let home = namespace("by-name");
    let all = [
        "get", "list", "watch", "create", "update", "patch", "delete",
    ];
    let user = User::with_role(
        &home,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list", "watch"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": all},
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": all},
            {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["settings", "more"], "verbs": all},
        ]),
    );
    let both = |value| documents(&[config_map("settings", value), config_map("more", value)]);
    let project = Project::new(&home).manifest("apps/settings.yaml", &both("1"));
    let up = || user.runs(project.up(&["--state-namespace", &home])).run();
    // An apply that creates has a name too.
    up().exited(0);
    project.rewrite("apps/settings.yaml", &both("2"));
    up().exited(0);
    project.rewrite(
        "apps/settings.yaml",
        &documents(&[config_map("settings", "3"), config_map("other", "3")]),
    );
    let refused = up().exited(5);
    for verb in ["create", "delete", "patch"] {
        let said = format!("you may not {verb} configmaps in namespace `{home}`");
        assert!(refused.stderr.contains(&said), "{}", refused.stderr);
    }
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
    // What is not wanted any more is among the names.
    project.rewrite("apps/settings.yaml", &config_map("settings", "3"));
    up().exited(0);
    assert!(project.get("configmap/more").is_null());
}
