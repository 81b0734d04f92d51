//! What is said of a release that is taken down.

use serde_json::Value;

use super::{
    manifests::{claim, config_map},
    project::Project,
};
use crate::support::Deployctl;

#[test]
fn status_list_and_history_say_that_nothing_is_deployed_and_what_was_kept() {
    let project = Project::new("down-said")
        .manifest("storage/files.yaml", &claim("files", "standard"))
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    assert_status_says_what_was_kept(&project);
    assert_is_listed_as_uninstalled(&project.release());
    assert_history_has_the_removal(&project);
}

#[track_caller]
fn assert_status_says_what_was_kept(project: &Project) {
    let status = project
        .command("status", &["-o", "json", "--exit-code"])
        .run()
        .exited(6)
        .json();
    assert_eq!(
        (&status["standing"], &status["revision"]["takenDown"]),
        (&"taken-down".into(), &true.into()),
        "{status:#}"
    );
    let text = project.command("status", &[]).run().exited(0).stdout;
    let said = [
        "uninstalled",
        "nothing is deployed",
        "was kept",
        "`deployctl up down-said --env default`",
        "PersistentVolumeClaim/",
    ];
    for part in said {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
    assert!(!text.contains("settings"), "{text}");
}

#[track_caller]
fn assert_is_listed_as_uninstalled(release: &str) {
    let list = |arguments: &[&str]| {
        Deployctl::in_sandbox()
            .args(["list"])
            .args(arguments.iter().copied())
            .run()
            .exited(0)
    };
    let listed = list(&["-o", "json"]).json();
    let ours = listed["releases"]
        .as_array()
        .unwrap()
        .iter()
        .find(|listed| listed["release"] == release)
        .unwrap();
    assert_eq!(
        (&ours["objects"], &ours["revision"]["takenDown"]),
        (&0.into(), &true.into())
    );
    let text = list(&[]).stdout;
    assert!(
        text.lines()
            .any(|line| line.contains(release) && line.contains("uninstalled")),
        "{text}"
    );
}

#[track_caller]
fn assert_history_has_the_removal(project: &Project) {
    let history = project
        .command("history", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    assert_eq!(history["revisions"][1]["command"], "down");
    let text = project.command("history", &[]).run().exited(0).stdout;
    assert!(
        text.lines()
            .any(|line| line.contains(" down ") && line.contains("succeeded")),
        "{text}"
    );
}

#[test]
fn where_nothing_was_kept_no_objects_are_shown() {
    let project = Project::new("down-said-empty")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    let status = project.status();
    assert_eq!(
        (&status["standing"], &status["phases"]),
        (&"taken-down".into(), &Value::Array(Vec::new())),
        "{status:#}"
    );
    let text = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        text.contains("nothing is deployed; ") && !text.contains("was kept"),
        "{text}"
    );
}
