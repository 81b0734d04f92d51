//! `up` after objects have left the plan.

use serde_json::Value;

use super::{
    manifests::{claim, config_map},
    project::{Project, position, written},
};
use crate::support::try_kubectl;

#[test]
fn a_renamed_object_is_replaced_once_everything_is_ready() {
    let project = Project::new("prune-renamed")
        .manifest(
            "databases/settings.yaml",
            &config_map("settings-abc123", "1"),
        )
        .manifest("apps/other.yaml", &config_map("other", "1"));
    project.deploy(&[]);
    project.rewrite(
        "databases/settings.yaml",
        &config_map("settings-def456", "2"),
    );
    let outcome = project.up(&["-o", "jsonl"]).run().exited(0);
    let log = outcome.events();
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/prune-renamed/settings-def456",
            "deleted ConfigMap/prune-renamed/settings-abc123"
        ]
    );
    assert!(
        outcome
            .stderr
            .contains("- ConfigMap/prune-renamed/settings-abc123"),
        "{}",
        outcome.stderr
    );
    for phase in ["databases", "apps"] {
        assert!(
            position(&log, "phase-finished", phase) < position(&log, "phase-started", "prune"),
            "it did not come last"
        );
    }
    assert_eq!(project.get("configmap/settings-abc123"), Value::Null);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_partial_run_prunes_in_its_phases_only() {
    let project = Project::new("prune-partial")
        .manifest("databases/old.yaml", &config_map("old-database", "1"))
        .manifest("databases/kept.yaml", &config_map("kept-database", "1"))
        .manifest("apps/old.yaml", &config_map("old-app", "1"))
        .manifest("apps/kept.yaml", &config_map("kept-app", "1"));
    project.deploy(&[]);
    project.rewrite("databases/old.yaml", "");
    project.rewrite("apps/old.yaml", "");
    assert_eq!(
        written(&project.deploy(&["--phase", "apps"])),
        ["deleted ConfigMap/prune-partial/old-app"]
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["deleted ConfigMap/prune-partial/old-database"]
    );
}

#[test]
fn data_is_kept_taken_up_again_and_goes_only_with_the_name() {
    let project = Project::new("prune-data")
        .manifest("storage/files.yaml", &claim("files", "standard"))
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let uid = project.get("persistentvolumeclaim/files")["metadata"]["uid"].clone();
    project.rewrite("storage/files.yaml", "");
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    let outcome = project.up(&[]).run().exited(0);
    assert!(
        outcome
            .stderr
            .contains("· PersistentVolumeClaim/prune-data/files  it holds data"),
        "{}",
        outcome.stderr
    );

    // The next run that wants it takes it up again: then it is no longer kept for its own sake.
    project.rewrite("storage/files.yaml", &claim("files", "standard"));
    project.deploy(&[]);
    assert_eq!(
        project.get("persistentvolumeclaim/files")["metadata"]["uid"],
        uid
    );

    project.rewrite("storage/files.yaml", "");
    let refused = project.up(&["--delete-data"]).run().exited(2);
    assert!(
        refused.stderr.contains("`--yes=prune-data.default`"),
        "{}",
        refused.stderr
    );
    let named = project
        .command(
            "up",
            &["--delete-data", "--yes=prune-data.default", "-o", "jsonl"],
        )
        .run()
        .exited(0);
    assert_eq!(
        written(&named.events()),
        ["deleted PersistentVolumeClaim/prune-data/files"]
    );
}

#[test]
fn what_somebody_else_applies_too_is_given_up() {
    let project = Project::new("prune-applied")
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/other.yaml", &config_map("other", "1"));
    project.deploy(&[]);
    let applied = try_kubectl(
        &[
            "apply",
            "--server-side",
            "--field-manager=argocd",
            "-n",
            "prune-applied",
            "-f",
            "-",
        ],
        &config_map("settings", "1"),
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    project.rewrite("apps/settings.yaml", "");
    assert_eq!(
        written(&project.deploy(&[])),
        ["given-up ConfigMap/prune-applied/settings"]
    );
    let there = project.get("configmap/settings");
    assert_eq!(
        (&there["data"]["value"], &there["metadata"]["labels"]),
        (&"1".into(), &Value::Null),
        "{there:#}"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_a_controller_made_is_never_pruned_although_it_bears_our_label() {
    let project =
        Project::new("prune-copied").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let owner = project.get("configmap/settings")["metadata"]["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    let copy = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: copy\n  labels: {{deployctl.dev/prune-copied.default: ''}}\n  ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: settings, uid: {owner}, controller: true}}]\n"
    );
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager=deployctl.prune-copied.default",
        "-n",
        "prune-copied",
        "-f",
        "-",
    ];
    let applied = try_kubectl(&arguments, &copy);
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_ne!(project.get("configmap/copy"), Value::Null);
}

#[test]
fn what_cannot_go_is_named_and_the_next_run_finishes_it() {
    let held = config_map("held", "1").replace(
        "{name: held}",
        "{name: held, finalizers: [shop.test/nobody]}",
    );
    let project = Project::new("prune-held")
        .manifest("apps/held.yaml", &held)
        .manifest("apps/other.yaml", &config_map("other", "1"));
    project.deploy(&[]);
    project.rewrite("apps/held.yaml", "");
    let outcome = project.up(&["--timeout", "5s"]).run().exited(0);
    assert!(
        outcome.stderr.contains("ConfigMap/prune-held/held")
            && outcome.stderr.contains("shop.test/nobody"),
        "{}",
        outcome.stderr
    );
    project.kubectl(&[
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.get("configmap/held"), Value::Null);
}

/// The phases of the run as its last event tells them: name, objects, changed and deleted.
fn phases(events: &[Value]) -> Vec<(String, u64, u64, u64)> {
    let finished = events.last().expect("a run tells how it ended");
    let phases = finished["phases"].as_array().expect("it has phases");
    let number = |phase: &Value, key: &str| phase[key].as_u64().unwrap_or_default();
    phases
        .iter()
        .map(|phase| {
            let name = phase["name"].as_str().unwrap_or_default().to_owned();
            let [objects, changed, deleted] =
                ["objects", "changed", "deleted"].map(|key| number(phase, key));
            (name, objects, changed, deleted)
        })
        .collect()
}

#[test]
fn a_plan_may_name_its_phases_like_those_of_the_program() {
    let project = Project::new("prune-names")
        .plan(
            "phases: {prune: {after: [apps]}, others: {after: [prune]}, orphans: {after: [others]}, kept: {after: [orphans]}}\n",
        )
        .manifest("apps/old.yaml", &config_map("old", "1"))
        .manifest("prune/a.yaml", &config_map("in-prune", "1"))
        .manifest("others/a.yaml", &config_map("in-others", "1"))
        .manifest("orphans/a.yaml", &config_map("in-orphans", "1"))
        .manifest("kept/a.yaml", &config_map("in-kept", "1"));
    project.deploy(&[]);
    for name in ["prune", "others", "orphans", "kept"] {
        project.rewrite(
            &format!("{name}/a.yaml"),
            &config_map(&format!("in-{name}"), "2"),
        );
    }
    project.rewrite("apps/old.yaml", "");
    let log = project.deploy(&[]);
    let declared = ["phases/prune", "phases/others", "phases/orphans", "kept"];
    let mut expected = vec![("namespace".to_owned(), 1, 0, 0)];
    expected.extend(declared.map(|name| (name.to_owned(), 1, 1, 0)));
    expected.push(("prune".to_owned(), 1, 0, 1));
    assert_eq!(phases(&log), expected);
    for name in declared {
        assert!(
            position(&log, "phase-finished", name) < position(&log, "phase-started", "prune"),
            "what is no longer wanted went before `{name}` was ready"
        );
    }
    // What left a phase of the plan goes with that phase alone, whatever it is called.
    project.rewrite("others/a.yaml", "");
    let of_another = project.deploy(&["--phase", "prune"]);
    assert_eq!(written(&of_another), Vec::<String>::new());
    let of_its_own = project.deploy(&["--phase", "others"]);
    assert_eq!(
        written(&of_its_own),
        ["deleted ConfigMap/prune-names/in-others"]
    );
    project.rewrite("kept/a.yaml", "");
    let shown = project.up(&[]).run().exited(0).stderr;
    assert!(
        !shown.contains("\nkept "),
        "it is no phase of what stays:\n{shown}"
    );
}
