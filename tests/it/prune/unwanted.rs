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
