//! What changes between the look that was shown and the one under the lock.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::support::{
    Deployctl, eventually,
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::Project,
    proxy::{Fault, Proxy, Requests, Rule, When},
    running::Running,
    try_kubectl,
};

/// Runs `up`, and does `meanwhile` after the first look, while the lock is asked for. Returns the
/// exit status and what was said.
fn up_and(project: &Project, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    run_and(project.up(&["--lock-expiry", "1m"]), meanwhile)
}

/// The same for any `run` that asks for the lock.
fn run_and(run: Deployctl, meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/leases"),
        Fault::Delay(Duration::from_secs(6)),
    )
    .times(1)]);
    let run = Running::start(proxy.through(run));
    eventually("the lock is asked for", || {
        proxy
            .mutating()
            .iter()
            .any(|write| write.path.contains("/leases"))
            .then_some(())
    });
    meanwhile();
    let (status, _, stderr) = run.end();
    (status, stderr)
}

fn deployed(name: &str) -> Project {
    let project = Project::new(name)
        .manifest(
            "databases/settings.yaml",
            &documents(&[config_map("settings", "1"), config_map("others", "1")]),
        )
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite(
        "databases/settings.yaml",
        &documents(&[config_map("settings", "2"), config_map("others", "1")]),
    );
    project
}

/// Kills a run of `up` whose Deployment does not become ready.
fn kill_while_it_waits(project: &Project) {
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.kill();
    run.end();
}

#[test]
fn what_somebody_changes_after_it_was_shown_is_not_overwritten() {
    let project = deployed("changed-since");
    let (status, stderr) = up_and(&project, || {
        drop(project.kubectl(&[
            "patch",
            "configmap/settings",
            "-p",
            r#"{"data":{"value":"3"}}"#,
        ]));
    });
    assert_eq!(status, Some(5), "{stderr}");
    assert!(
        stderr.contains("ConfigMap/changed-since/settings was changed outside deployctl since"),
        "{stderr}"
    );
    assert!(stderr.contains("run the same command again"), "{stderr}");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "3");
    assert_eq!(project.last_revision()["number"], 1);
}

#[test]
fn what_a_killed_run_had_sent_may_take_effect_until_the_lock_is_taken_over() {
    let project = deployed("late-writes");
    kill_while_it_waits(&project);

    project.rewrite("apps/web.yaml", &deployment("web"));
    let (status, stderr) = up_and(&project, || {
        drop(project.kubectl(&["delete", "configmap/settings"]));
    });
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains(
            "Meanwhile ConfigMap/late-writes/settings was changed by the interrupted run"
        ),
        "{stderr}"
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");

    // What the interrupted run had nothing to do with is another matter.
    kill_while_it_waits(&project);
    let (status, stderr) = up_and(&project, || {
        drop(project.kubectl(&["delete", "configmap/others"]));
    });
    assert_eq!(status, Some(5), "{stderr}");
    assert!(
        stderr.contains("ConfigMap/late-writes/others was changed outside deployctl since"),
        "{stderr}"
    );
}

const GENERATED: &str = "secrets: [{name: postgres, data: {password: {generate: {length: 24}}}}]\n";

/// Kills a run of `up` before it writes its generated Secret.
fn kill_before_the_secret(project: &Project) {
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/secrets/postgres"),
        Fault::Kill(When::Before),
    )]);
    proxy.run(project.up(&[])).exited(137);
    assert!(project.get("secret/postgres").is_null());
}

/// Writes the Secret as the killed run would have: the request was on its way when it was killed.
fn write_the_secret_late(project: &Project) {
    let release = project.release();
    let secret = format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: postgres, labels: {{deployctl.dev/{release}: ''}}}}\ndata: {{password: {}}}\n",
        STANDARD.encode(LATE)
    );
    let manager = format!("--field-manager=deployctl.{release}");
    let applied = try_kubectl(
        &[
            "apply",
            "--server-side",
            &manager,
            "-n",
            &project.name,
            "-f",
            "-",
        ],
        &secret,
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
}

/// The password that a database was made with in the meantime.
const LATE: &str = "of-the-killed-run";

#[track_caller]
fn assert_has_the_late_password(project: &Project) {
    assert_eq!(
        project.get("secret/postgres")["data"]["password"],
        STANDARD.encode(LATE)
    );
}

#[test]
fn a_generated_value_that_appears_between_the_looks_is_kept() {
    let project = Project::new("late-secret")
        .plan(GENERATED)
        .manifest("apps/web.yaml", &deployment("web"));
    kill_before_the_secret(&project);
    let (status, stderr) = up_and(&project, || write_the_secret_late(&project));
    assert_eq!(status, Some(0), "{stderr}");
    assert!(
        stderr.contains("Meanwhile Secret/late-secret/postgres was changed by the interrupted run"),
        "{stderr}"
    );
    assert!(stderr.contains("password kept"), "{stderr}");
    assert_has_the_late_password(&project);
    project.deploy(&[]);
    assert_has_the_late_password(&project);
}

#[test]
fn a_rollback_does_not_overwrite_a_secret_that_appears_between_the_looks() {
    let project = Project::new("late-secret-back")
        .plan(GENERATED)
        .manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.kubectl(&["delete", "secret/postgres"]);
    kill_before_the_secret(&project);
    let back = project.command("rollback", &["--to", "1", "--yes", "--lock-expiry", "1m"]);
    let (status, stderr) = run_and(back, || write_the_secret_late(&project));
    assert_eq!(status, Some(5), "{stderr}");
    assert!(
        stderr.contains(
            "Secret/late-secret-back/postgres was changed since the changes were planned"
        ),
        "{stderr}"
    );
    assert!(stderr.contains("run the same command again"), "{stderr}");
    assert_has_the_late_password(&project);
}
