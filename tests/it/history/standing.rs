//! What `status` says of a release that is not settled, and of what others have done to it.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::proxy::{Fault, Proxy, Requests, Rule, When};

use super::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, name},
    running::Running,
};

fn hanging(name: &str) -> Project {
    Project::new(name)
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"))
}

#[track_caller]
fn assert_says(project: &Project, standing: &str, parts: &[&str]) {
    let status = project
        .command("status", &["-o", "json", "--exit-code"])
        .run()
        .exited(6)
        .json();
    assert_eq!(status["standing"], standing, "{status:#}");
    let text = project.command("status", &[]).run().exited(0).stdout;
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
}

#[test]
fn a_run_under_way_is_named_and_a_killed_one_says_what_to_do() {
    let project = hanging("standing-killed");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    assert_says(
        &project,
        "running",
        &["a run is under way, by ", ", up), since "],
    );
    run.signal(Signal::KILL);
    run.end();
    let (up, rollback) = (
        "`deployctl up standing-killed --env default`",
        "`deployctl rollback standing-killed --env default`",
    );
    assert_says(&project, "interrupted", &[up, rollback]);
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_says(&project, "rolled-back", &["was rolled back", up]);
}

#[test]
fn a_run_that_failed_and_stayed_says_what_to_do() {
    let project = hanging("standing-failed").plan("phases: {apps: {timeout: 1s}}\n");
    project.up(&["--no-rollback"]).run().exited(3);
    assert_says(
        &project,
        "failed",
        &[
            "failed",
            "fix the cause",
            "`deployctl rollback standing-failed --env default`",
        ],
    );
}

#[test]
fn what_was_rolled_back_leaves_the_last_good_revision_deployed() {
    let project = Project::new("standing-back").manifest("apps/web.yaml", &deployment("web"));
    project.deploy(&[]);
    project.rewrite(
        "apps/job.yaml",
        &super::manifests::job("fails", "job-fails"),
    );
    project.up(&[]).run().exited(1);
    let status = project.status();
    assert_eq!(
        (&status["revision"]["number"], &status["lastRun"]["number"]),
        (&1.into(), &2.into())
    );
    assert_eq!(status["standing"], "rolled-back");
}

#[test]
fn what_others_changed_or_deleted_is_shown_with_the_managers_name() {
    let project = Project::new("standing-drift").manifest(
        "apps/all.yaml",
        &documents(&[
            config_map("edited", "1"),
            config_map("deleted", "1"),
            config_map("left", "1"),
        ]),
    );
    project.deploy(&[]);
    project.command("status", &["--exit-code"]).run().exited(0);
    project.kubectl(&[
        "patch",
        "configmap/edited",
        "--field-manager=somebodys-tool",
        "-p",
        r#"{"data":{"value":"2"}}"#,
    ]);
    project.kubectl(&["annotate", "configmap/left", "note=theirs"]);
    project.kubectl(&["delete", "configmap/deleted"]);
    let status = project
        .command("status", &["--exit-code", "-o", "json"])
        .run()
        .exited(6)
        .json();
    let objects = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["objects"].as_array().unwrap());
    let of = |wanted: &str| -> Value {
        objects
            .clone()
            .find(|object| name(&object["id"]).ends_with(wanted))
            .unwrap()
            .clone()
    };
    assert_eq!(
        (&of("/edited")["changedBy"], &of("/edited")["deleted"]),
        (&"somebodys-tool".into(), &false.into())
    );
    assert_eq!(
        (&of("/deleted")["changedBy"], &of("/deleted")["deleted"]),
        (&Value::Null, &true.into())
    );
    assert_eq!(
        (&of("/left")["changedBy"], &of("/left")["deleted"]),
        (&Value::Null, &false.into())
    );
    let text = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        text.contains("changed outside deployctl by somebodys-tool")
            && text.contains("deleted outside deployctl"),
        "{text}"
    );
    project.deploy(&["--force-conflicts"]);
    project.command("status", &["--exit-code"]).run().exited(0);
}

/// The object of this name in `status`.
#[track_caller]
fn shown(project: &Project, wanted: &str) -> Value {
    let status = project.status();
    let objects = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["objects"].as_array().unwrap());
    objects
        .clone()
        .find(|object| name(&object["id"]).ends_with(wanted))
        .unwrap_or_else(|| panic!("{wanted} is not shown: {status:#}"))
        .clone()
}

/// Deploys `project`, and kills the program once the API server has done the write number `number`
/// of those about `object`: nothing of it is in the journal.
#[track_caller]
fn kill_after(project: &Project, number: usize, object: &'static str) {
    let proxy = Proxy::start();
    let kill = Fault::Kill(When::After);
    proxy.inject([Rule::new(Requests::mutating().about(object), kill).only(number)]);
    proxy.run(project.up(&[])).exited(128 + 9);
}

#[test]
fn what_a_killed_run_wrote_is_not_called_changed_by_somebody() {
    let project = Project::new("standing-unseen").manifest(
        "apps/all.yaml",
        &documents(&[config_map("settings", "1"), config_map("left", "1")]),
    );
    project.deploy(&[]);
    project.rewrite(
        "apps/all.yaml",
        &documents(&[config_map("settings", "2"), config_map("left", "1")]),
    );
    kill_after(&project, 1, "/configmaps/settings");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "2");
    let settings = shown(&project, "/settings");
    assert_eq!(
        (&settings["changedBy"], &settings["unfinishedRevision"]),
        (&Value::Null, &2.into()),
        "{settings:#}"
    );
    let left = shown(&project, "/left");
    assert!(
        left["changedBy"].is_null() && left.get("unfinishedRevision").is_none(),
        "{left:#}"
    );
    let text = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        text.contains("written by unfinished revision 2") && !text.contains("outside deployctl"),
        "{text}"
    );

    project.kubectl(&[
        "patch",
        "configmap/settings",
        "--field-manager=somebodys-tool",
        "-p",
        r#"{"data":{"value":"3"}}"#,
    ]);
    let settings = shown(&project, "/settings");
    assert_eq!(settings["changedBy"], "somebodys-tool", "{settings:#}");
    assert!(settings.get("unfinishedRevision").is_none(), "{settings:#}");
}

#[test]
fn what_a_killed_run_created_or_deleted_is_shown() {
    let project = Project::new("standing-created")
        .manifest("apps/left.yaml", &config_map("left", "1"))
        .manifest("apps/old.yaml", &config_map("old", "1"));
    project.deploy(&[]);
    project.rewrite("apps/old.yaml", &config_map("new", "1"));
    kill_after(&project, 1, "/configmaps/new");
    let new = shown(&project, "/new");
    assert_eq!(
        (&new["verdict"]["state"], &new["unfinishedRevision"]),
        (&"ready".into(), &2.into()),
        "{new:#}"
    );
    // The next run goes on, and deletes what is no longer wanted.
    kill_after(&project, 1, "/configmaps/old");
    let old = shown(&project, "/old");
    assert_eq!(
        (&old["deleted"], &old["unfinishedRevision"]),
        (&false.into(), &3.into()),
        "{old:#}"
    );
    let text = project.command("status", &[]).run().exited(0).stdout;
    assert!(text.contains("deleted by unfinished revision 3"), "{text}");
}

#[test]
fn what_a_killed_rollback_put_back_is_not_called_changed_by_somebody() {
    let project = Project::new("standing-put-back")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.rewrite(
        "apps/job.yaml",
        &super::manifests::job("fails", "job-fails"),
    );
    // One apply, and on the way back the content and its owners.
    kill_after(&project, 3, "/configmaps/settings");
    assert_eq!(project.status()["standing"], "half-rolled-back");
    let settings = shown(&project, "/settings");
    assert_eq!(
        (&settings["changedBy"], &settings["unfinishedRevision"]),
        (&Value::Null, &2.into()),
        "{settings:#}"
    );
}
