//! `history` and `history show`.

use serde_json::Value;

use super::{
    manifests::{config_map, documents},
    project::{Project, name},
};
use crate::support::Deployctl;

/// A release with an installation, a change, and a rollback.
#[track_caller]
fn three_revisions(name: &str) -> Project {
    let project = Project::new(name).manifest(
        "apps/all.yaml",
        &documents(&[config_map("settings", "one"), config_map("gone", "one")]),
    );
    project.deploy(&[]);
    project.rewrite(
        "apps/all.yaml",
        &documents(&[
            config_map("settings", "not-to-be-shown"),
            config_map("new", "one"),
        ]),
    );
    project.deploy(&[]);
    project.command("rollback", &["--yes"]).run().exited(0);
    project
}

/// What `history` says from a folder without any plan.
fn history(arguments: &[&str]) -> Deployctl {
    Deployctl::in_sandbox()
        .current_dir("/")
        .args(["history"])
        .args(arguments.iter().copied())
}

#[test]
fn revisions_are_listed_with_how_they_ended() {
    let project = three_revisions("listed-history");
    let view = project
        .command("history", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    let revisions = view["revisions"].as_array().unwrap();
    let row = |revision: &Value| {
        let text = |key: &str| revision[key].as_str().unwrap().to_owned();
        let number = |key: &str| revision[key].as_u64().unwrap();
        (
            number("number"),
            text("command"),
            text("outcome"),
            number("created"),
            number("changed"),
            number("deleted"),
        )
    };
    let expected = [
        (1, "up".to_owned(), "succeeded".to_owned(), 3, 0, 0),
        (2, "up".to_owned(), "succeeded".to_owned(), 1, 1, 1),
        (3, "rollback".to_owned(), "succeeded".to_owned(), 1, 1, 1),
    ];
    assert_eq!(revisions.iter().map(row).collect::<Vec<_>>(), expected);
    assert_eq!(revisions[2]["backTo"], 1);
    let text = project.command("history", &[]).run().exited(0).stdout;
    assert!(
        text.lines()
            .any(|line| line.contains("rollback → 1") && line.contains("+1 ~1 -1")),
        "{text}"
    );
}

/// What a revision did, `DID OBJECT`, in alphabetical order.
fn changes(revision: &Value) -> Vec<String> {
    let changes = revision["changes"].as_array().unwrap().iter();
    let mut changes: Vec<String> = changes
        .map(|change| {
            let did = change["did"].as_str().unwrap();
            format!("{did} {}", name(&change["object"]))
        })
        .collect();
    changes.sort_unstable();
    changes
}

#[test]
fn one_revision_is_shown_with_what_it_did_and_never_with_values() {
    let project = three_revisions("shown-history");
    let outcome = project.command("status", &[]).run().exited(0);
    assert!(outcome.stdout.contains("revision 3"), "{}", outcome.stdout);
    let shown = history(&["show", "2", "shown-history", "-o", "json"])
        .run()
        .exited(0);
    assert!(
        !shown.stdout.contains("not-to-be-shown"),
        "{}",
        shown.stdout
    );
    let view = shown.json();
    assert_eq!(
        changes(&view),
        [
            "changed ConfigMap/shown-history/settings",
            "created ConfigMap/shown-history/new",
            "deleted ConfigMap/shown-history/gone",
        ]
    );
    let settings = view["changes"]
        .as_array()
        .unwrap()
        .iter()
        .find(|change| change["did"] == "changed")
        .unwrap();
    assert_eq!(settings["paths"], serde_json::json!(["data.value"]));
    assert!(
        view["plan"]
            .as_str()
            .unwrap()
            .contains("shown-history.yaml"),
        "{view}"
    );
    assert_eq!(view["command"], "up");
    let text = history(&["show", "2", "shown-history"])
        .run()
        .exited(0)
        .stdout;
    for part in [
        "shown-history.default revision 2 succeeded",
        "~ ConfigMap/shown-history/settings",
        "data.value",
        "apps",
    ] {
        assert!(text.contains(part), "`{part}` is missing:\n{text}");
    }
}

#[test]
fn a_way_back_is_shown_with_its_proof() {
    let project = Project::new("history-of-a-way-back")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.rewrite(
        "monitoring/job.yaml",
        &super::manifests::job("fails", "job-fails"),
    );
    project.up(&[]).run().exited(1);
    let view = project
        .command("history", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    assert_eq!(view["revisions"][1]["outcome"], "rolled-back");
    let view = history(&["show", "2", "history-of-a-way-back", "-o", "json"])
        .run()
        .exited(0)
        .json();
    assert_eq!(
        view["rollback"]["proof"]["differences"],
        serde_json::json!([])
    );
    assert!(
        view["cause"].as_str().unwrap().contains("monitoring"),
        "{view}"
    );
    let text = history(&["show", "2", "history-of-a-way-back"])
        .run()
        .exited(0)
        .stdout;
    assert!(
        text.contains("rolled back: ") && text.contains("0 differences"),
        "{text}"
    );
}

#[test]
fn what_is_not_there_is_said_in_words() {
    let refused = history(&["never-deployed", "--env", "dev"]).run().exited(2);
    assert!(
        refused
            .stderr
            .contains("never-deployed.dev has no revisions"),
        "{}",
        refused.stderr
    );
    let project =
        Project::new("history-of-one").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let refused = history(&["show", "7", "history-of-one"]).run().exited(2);
    assert!(
        refused.stderr.contains("no revision 7"),
        "{}",
        refused.stderr
    );
}
