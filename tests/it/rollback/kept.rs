//! What a rollback leaves as it is.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::{
    manifests::{config_map, definition, deployment, documents, faulty_deployment, job, widget},
    project::{Project, written},
    running::Running,
};
use crate::support::{eventually, get, try_kubectl};

fn secret(value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: password}}\nstringData: {{value: {value:?}}}\n"
    )
}

/// As where the request of a killed run takes effect after everybody has looked: no journal tells of
/// the object, and what holds it is kept for it.
#[test]
fn what_is_of_the_release_and_of_no_revision_is_no_proof() {
    let group = "forgotten.deployctl.test";
    let project = Project::new("back-forgotten")
        .plan("phases: {monitoring: {timeout: 5s}}\n")
        .manifest("apps/definition.yaml", &definition(group))
        .manifest(
            "monitoring/exporter.yaml",
            &faulty_deployment("exporter", "never-ready"),
        );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-finished" && event["phase"] == "apps");
    let late = widget(group, "1").replace(
        "{name: first}",
        "{name: first, namespace: back-forgotten, labels: {deployctl.dev/back-forgotten.default: \"\"}}",
    );
    let manager = "--field-manager=deployctl.back-forgotten.default";
    let arguments = ["apply", "--server-side", manager, "-f", "-"];
    eventually("the kind is served", || {
        try_kubectl(&arguments, &late)
            .status
            .success()
            .then_some(())
    });
    let (status, events, said) = run.end();
    assert_eq!(status, Some(3), "{said}");
    let proof = events
        .iter()
        .find(|event| event["event"] == "rollback-proved")
        .expect("it is rolled back");
    let differences = proof["proof"]["differences"].to_string();
    assert!(
        differences.contains("\"Widget\"") && differences.contains("roll back again"),
        "{proof:#}"
    );
    project.kubectl(&["delete", &format!("widgets.{group}/first")]);
    project.command("rollback", &["--yes"]).run().exited(0);
    let definition = get("", &format!("customresourcedefinition/widgets.{group}"));
    assert!(definition.is_null(), "{definition:#}");
}

/// A release with two revisions that differ in a setting and a Secret.
#[track_caller]
fn with_secret(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
        .manifest("secrets/password.yaml", &secret("made-up-1"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.rewrite("secrets/password.yaml", &secret("made-up-2"));
    project.deploy(&[]);
    project
}

#[track_caller]
fn password(project: &Project) -> String {
    let secret = project.get("secret/password");
    String::from_utf8(
        STANDARD
            .decode(secret["data"]["value"].as_str().unwrap())
            .unwrap(),
    )
    .unwrap()
}

#[test]
fn secrets_stay_and_are_named() {
    let project = with_secret("back-keeps-secret");
    let done = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(
        done.stderr
            .contains("Secret/back-keeps-secret/password is not restored"),
        "{}",
        done.stderr
    );
    assert!(!done.stderr.contains("made-up") && !done.stdout.contains("made-up"));
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert_eq!(password(&project), "made-up-2");
    // The next run finds it as it left it.
    project.rewrite("apps/settings.yaml", &config_map("settings", "1"));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn labels_and_annotations_of_a_secret_come_back_without_its_values() {
    let marked = |value: &str, owner: &str, more: &str| {
        let metadata = format!(
            "metadata: {{name: password, labels: {{owner: {owner}{more}}}, annotations: {{note: {owner}}}}}"
        );
        secret(value).replace("metadata: {name: password}", &metadata)
    };
    let project = Project::new("back-labels-secret")
        .manifest("secrets/password.yaml", &marked("made-up-1", "one", ""));
    project.deploy(&[]);
    project.rewrite(
        "secrets/password.yaml",
        &marked("made-up-2", "two", ", added: 'yes'"),
    );
    project.deploy(&[]);
    let done = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(
        done.stderr
            .contains("Secret/back-labels-secret/password keeps its values, and only its labels and annotations are restored"),
        "{}",
        done.stderr
    );
    let metadata = project.get("secret/password")["metadata"].clone();
    assert_eq!(
        (
            &metadata["labels"]["owner"],
            &metadata["labels"]["added"],
            &metadata["annotations"]["note"]
        ),
        (&"one".into(), &serde_json::Value::Null, &"one".into())
    );
    assert_eq!(password(&project), "made-up-2");
    // The next run finds it as it left it.
    project.rewrite("secrets/password.yaml", &marked("made-up-2", "one", ""));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn secrets_come_back_where_that_is_asked_for() {
    let project = with_secret("back-restores-secret");
    project
        .command("rollback", &["--yes", "--restore-secrets"])
        .run()
        .exited(0);
    assert_eq!(password(&project), "made-up-1");
}

#[test]
fn a_secret_that_is_not_there_comes_back() {
    let project = Project::new("back-brings-secret")
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
        .manifest("secrets/password.yaml", &secret("made-up-1"));
    project.deploy(&[]);
    project.rewrite("secrets/password.yaml", "");
    project.deploy(&[]);
    assert!(project.get("secret/password").is_null());
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(password(&project), "made-up-1");
}

/// A ConfigMap `schema` that no rollback restores.
fn marked(value: &str) -> String {
    config_map("schema", value).replace(
        "{name: schema}",
        "{name: schema, annotations: {deployctl.dev/rollback: manual}}",
    )
}

#[test]
fn what_is_marked_manual_stays_and_is_named() {
    let project = Project::new("back-leaves-manual").manifest(
        "apps/all.yaml",
        &documents(&[marked("1"), config_map("settings", "1")]),
    );
    project.deploy(&[]);
    project.rewrite(
        "apps/all.yaml",
        &documents(&[marked("2"), config_map("settings", "2")]),
    );
    project.deploy(&[]);
    let done = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(
        done.stderr
            .contains("ConfigMap/back-leaves-manual/schema is not restored: it is marked"),
        "{}",
        done.stderr
    );
    assert_eq!(project.get("configmap/schema")["data"]["value"], "2");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

#[test]
fn what_is_marked_manual_is_not_counted_as_before() {
    let project = Project::new("back-counts-manual").manifest(
        "databases/all.yaml",
        &documents(&[marked("1"), config_map("settings", "1")]),
    );
    project.deploy(&[]);
    project.rewrite(
        "databases/all.yaml",
        &documents(&[marked("2"), config_map("settings", "2")]),
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["name"] == "web");
    run.kill();
    run.end();
    let done = project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/schema")["data"]["value"], "2");
    for text in [
        "rolled back: 2 objects as before, 0 differences",
        "everything is as it was before but for 1 that stays, see above",
    ] {
        assert!(done.stderr.contains(text), "`{text}`:\n{}", done.stderr);
    }
}

#[test]
fn jobs_are_not_run_again() {
    let project = Project::new("back-runs-no-job")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/migrate.yaml", &job("migrate-1", ""));
    project.deploy(&[]);
    project.rewrite("apps/migrate.yaml", &job("migrate-2", ""));
    project.deploy(&[]);
    assert!(project.get("job/migrate-1").is_null());
    let done = project.command("rollback", &["--yes"]).run().exited(0);
    assert!(
        done.stderr
            .contains("Job/back-runs-no-job/migrate-1 is not created again: it has completed"),
        "{}",
        done.stderr
    );
    assert!(project.get("job/migrate-1").is_null());
}
