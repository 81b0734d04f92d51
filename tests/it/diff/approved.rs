//! What was approved is done, and nothing else.

use std::fs;

use serde_json::Value;

use super::{
    manifests::{config_map, deployment},
    project::{Project, written},
};

/// A project that is deployed and then changed, with the diff of that saved in `approval.json`.
fn saved(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/old.yaml", &config_map("old", "one"))
        .manifest("apps/same.yaml", &config_map("same", "one"));
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("web:v1", "web:v2"),
    );
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project.rewrite("apps/old.yaml", &config_map("new", "one"));
    save(&project);
    project
}

#[track_caller]
fn save(project: &Project) {
    let run = project.command("diff", &["--save", "approval.json", "--exit-code"]);
    run.run().exited(6);
}

/// `up --approved` is refused, says all of `texts`, and stores no revision.
#[track_caller]
fn assert_refused(project: &Project, arguments: &[&str], texts: &[&str]) {
    let before = project.revisions().len();
    let run = project.command("up", &["--approved", "approval.json"]);
    let refused = run.args(arguments.iter().copied()).run().exited(5);
    for text in texts {
        assert!(refused.stderr.contains(text), "{text}:\n{}", refused.stderr);
    }
    assert_eq!(project.revisions().len(), before);
}

#[test]
fn exactly_what_was_approved_is_done_without_a_question() {
    let project = saved("approved-done");
    // What a controller writes meanwhile is no reason to ask anew.
    project.kubectl(&["annotate", "deployment/web", "example.org/note=mine"]);
    let run = project.command("up", &["--approved", "approval.json", "-o", "jsonl"]);
    assert_eq!(
        written(&run.run().exited(0).events()),
        [
            "changed ConfigMap/approved-done/settings",
            "changed Deployment/approved-done/web",
            "created ConfigMap/approved-done/new",
            "deleted ConfigMap/approved-done/old",
        ]
    );
    // It is done once.
    assert_refused(&project, &[], &["the newest revision was 1, and is 2"]);
}

#[test]
fn a_cluster_that_has_moved_is_refused() {
    let project = saved("approved-cluster");
    let patch = r#"{"data":{"value":"theirs"}}"#;
    project.kubectl(&["patch", "configmap/settings", "--type=merge", "-p", patch]);
    assert_refused(
        &project,
        &["--force-conflicts"],
        &[
            "these are not the changes that were approved; nothing was changed",
            "ConfigMap/approved-cluster/settings has been changed in the cluster",
        ],
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "theirs");
}

#[test]
fn an_object_that_was_as_wanted_and_is_not_any_more_is_refused() {
    let project = saved("approved-same");
    project.kubectl(&["delete", "configmap/same"]);
    assert_refused(
        &project,
        &[],
        &["ConfigMap/approved-same/same would create, which was not approved"],
    );
}

#[test]
fn files_that_have_moved_are_refused() {
    let project = saved("approved-files");
    project.rewrite("apps/settings.yaml", &config_map("settings", "three"));
    project.rewrite("apps/old.yaml", &config_map("newer", "one"));
    assert_refused(
        &project,
        &[],
        &[
            "ConfigMap/approved-files/settings is wanted otherwise now",
            "ConfigMap/approved-files/new was to create, and needs no change now",
            "ConfigMap/approved-files/newer would create, which was not approved",
        ],
    );
}

/// The value of a Secret counts, although no digest that could be guessed is in the file.
#[test]
fn another_value_of_a_secret_is_refused_and_a_generated_one_is_not() {
    let secret = |value: &str| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: api}}\nstringData: {{key: {value}}}\n"
        )
    };
    let project =
        Project::new("approved-secret").manifest("apps/secret.yaml", &secret("first-Key-1"));
    project.deploy(&[]);
    project.rewrite("apps/secret.yaml", &secret("second-Key-2"));
    project.rewrite_plan("secrets: [{name: made, data: {key: {generate: {length: 20}}}}]\n");
    save(&project);
    project.rewrite("apps/secret.yaml", &secret("third-Key-3"));
    assert_refused(
        &project,
        &[],
        &["Secret/approved-secret/api is wanted otherwise now"],
    );
    project.rewrite("apps/secret.yaml", &secret("second-Key-2"));
    // What others keep in the same Secret is theirs.
    let theirs = r#"{"stringData":{"theirs":"their-Value-4"}}"#;
    project.kubectl(&["patch", "secret/api", "--type=merge", "-p", theirs]);
    let run = project.command("up", &["--approved", "approval.json"]);
    run.run().exited(0);
}

/// What diff left open is given by whoever carries it out, and everything else is as it was approved.
#[test]
fn a_value_that_was_left_open_may_come_with_the_run() {
    let plan = "secrets: [{name: api, data: {asked: {prompt: A key}, absent: {env: APPROVED_TEST_ABSENT}, plain: {value: one}}}]\n";
    let project = Project::new("approved-open")
        .plan(plan)
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    save(&project);
    project.write("key", "first-Key-1");
    let given = ["--secret", "api/asked=@key", "--secret", "api/absent=@key"];
    project.rewrite_plan(&plan.replace("plain: {value: one}", "other: {value: one}"));
    assert_refused(
        &project,
        &given,
        &["Secret/approved-open/api is wanted otherwise now"],
    );
    project.rewrite_plan(plan);
    let run = project.command("up", &["--approved", "approval.json"]);
    run.args(given).run().exited(0);
    assert_eq!(
        project.get("secret/api")["data"]["asked"],
        "Zmlyc3QtS2V5LTE="
    );
}

#[test]
fn another_cluster_at_the_same_address_is_refused() {
    let project = saved("approved-uid");
    let file = project.folder().join("approval.json");
    let text = fs::read_to_string(&file).unwrap();
    let mut approval: Value = serde_json::from_str(&text).unwrap();
    let server = approval["server"].clone();
    // One cluster has several addresses.
    approval["server"] = "https://elsewhere".into();
    let cluster = std::mem::replace(&mut approval["cluster"], "sha256:of-another".into());
    assert!(cluster.is_string(), "{text}");
    project.write("approval.json", &approval.to_string());
    assert_refused(
        &project,
        &[],
        &["the cluster was https://elsewhere, and is "],
    );
    approval["server"] = server;
    project.write("approval.json", &approval.to_string());
    assert_refused(&project, &[], &["is another one than it was"]);
    approval["server"] = "https://elsewhere".into();
    approval["cluster"] = cluster;
    project.write("approval.json", &approval.to_string());
    let run = project.command("up", &["--approved", "approval.json"]);
    run.run().exited(0);
}

#[test]
fn a_file_that_approves_nothing_or_something_else_is_refused() {
    let project = saved("approved-other");
    let other = Project::new("approved-another").manifest("apps/a.yaml", &config_map("a", "one"));
    let file = project.folder().join("approval.json");
    let file = file.to_str().unwrap();
    let refused = other.command("up", &["--approved", file]).run().exited(5);
    assert!(
        refused
            .stderr
            .contains("the release was approved-other.default, and is approved-another.default"),
        "{}",
        refused.stderr
    );
    other.assert_nothing_was_written();
    other.write("approval.json", "{}");
    let unreadable = other
        .command("up", &["--approved", "approval.json"])
        .run()
        .exited(2);
    assert!(
        unreadable
            .stderr
            .contains("`approval.json` holds no approved changes"),
        "{}",
        unreadable.stderr
    );
    let absent = other
        .command("up", &["--approved", "absent.json"])
        .run()
        .exited(2);
    assert!(
        absent.stderr.contains("cannot read `absent.json`"),
        "{}",
        absent.stderr
    );
}
