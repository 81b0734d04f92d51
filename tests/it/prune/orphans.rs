//! `prune --orphans`: what no revision remembers.

use serde_json::Value;

use super::{
    manifests::config_map,
    project::{Project, written},
};
use crate::support::{
    Deployctl, kubectl,
    proxy::{Fault, Proxy, Requests, Rule, When},
    try_kubectl,
};

/// Applies a `ConfigMap` with the label of `project`, as `manager`; `more` is added to its
/// metadata.
#[track_caller]
fn labelled(project: &Project, name: &str, manager: &str, more: &str) {
    let label = format!("deployctl.dev/{}", project.release());
    let manifest = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n  labels: {{{label}: ''}}\n{more}"
    );
    let manager = format!("--field-manager={manager}");
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
        &manifest,
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
}

/// The field manager of `project`.
fn ours(project: &Project) -> String {
    format!("deployctl.{}", project.release())
}

/// `prune --orphans` from a folder without any plan.
fn prune(project: &Project, arguments: &[&str]) -> Deployctl {
    let prune = Deployctl::in_sandbox().current_dir("/").args([
        "prune",
        "--orphans",
        &project.name,
        "--env",
        "default",
    ]);
    prune.args(arguments.iter().copied())
}

#[test]
fn only_what_bears_both_marks_and_no_revision_knows_goes() {
    let project =
        Project::new("orphans-found").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let before = project.last_revision();
    labelled(&project, "left-behind", &ours(&project), "");
    labelled(&project, "label-alone", "somebody", "");
    let owner = project.get("configmap/settings")["metadata"]["uid"]
        .as_str()
        .unwrap()
        .to_owned();
    let controller = format!(
        "  ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: settings, uid: {owner}, controller: true}}]\n"
    );
    labelled(&project, "controlled", &ours(&project), &controller);

    let outcome = prune(&project, &["--yes", "-o", "jsonl"]).run().exited(0);
    assert_eq!(
        written(&outcome.events()),
        ["deleted ConfigMap/orphans-found/left-behind"]
    );
    assert!(
        outcome
            .stderr
            .contains("- ConfigMap/orphans-found/left-behind"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.get("configmap/left-behind"), Value::Null);
    for name in ["settings", "label-alone", "controlled"] {
        assert_ne!(
            project.get(&format!("configmap/{name}")),
            Value::Null,
            "{name}"
        );
    }

    // It is a revision that wants what the one before wanted, and can be seen in the history.
    let revision = project.last_revision();
    assert_eq!(
        (&revision["by"]["command"], &revision["outcome"]),
        (&"prune".into(), &"succeeded".into())
    );
    assert_eq!(
        (&revision["objects"], &revision["records"]),
        (&before["objects"], &before["records"])
    );
    assert_eq!(revision["phases"], before["phases"]);
    assert!(
        !revision["snapshot"].as_array().unwrap().is_empty(),
        "it can be taken back"
    );
    assert_eq!(project.status()["standing"], "deployed");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn where_nothing_is_orphaned_nothing_is_written() {
    let project =
        Project::new("orphans-none").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let outcome = prune(&project, &["--yes"]).run().exited(0);
    assert!(
        outcome
            .stderr
            .contains("No orphans of orphans-none.default"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn what_others_apply_too_is_given_up_and_data_is_kept() {
    let project =
        Project::new("orphans-shared").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    labelled(&project, "shared", &ours(&project), "");
    let theirs = [
        "apply",
        "--server-side",
        "--field-manager=argocd",
        "-n",
        &project.name,
        "-f",
        "-",
    ];
    assert!(
        try_kubectl(&theirs, &config_map("shared", "1"))
            .status
            .success()
    );
    let claim = format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: files, labels: {{deployctl.dev/{}: ''}}}}\nspec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}\n",
        project.release()
    );
    let manager = format!("--field-manager={}", ours(&project));
    assert!(
        try_kubectl(
            &[
                "apply",
                "--server-side",
                &manager,
                "-n",
                &project.name,
                "-f",
                "-"
            ],
            &claim
        )
        .status
        .success()
    );

    let outcome = prune(&project, &["--yes", "-o", "jsonl"]).run().exited(0);
    assert_eq!(
        written(&outcome.events()),
        ["given-up ConfigMap/orphans-shared/shared"]
    );
    assert!(
        outcome
            .stderr
            .contains("PersistentVolumeClaim/orphans-shared/files is kept: it holds data"),
        "{}",
        outcome.stderr
    );
    assert_ne!(project.get("configmap/shared"), Value::Null);
    let refused = prune(&project, &["--delete-data", "--yes"]).run().exited(2);
    assert!(
        refused.stderr.contains("`--yes=orphans-shared.default`"),
        "{}",
        refused.stderr
    );
    assert_ne!(project.get("persistentvolumeclaim/files"), Value::Null);
}

#[test]
fn without_any_revision_nothing_is_taken_for_an_orphan() {
    let project =
        Project::new("orphans-lost").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let outcome = prune(&project, &["--yes", "--state-namespace", "default"])
        .run()
        .exited(5);
    for text in [
        "no revision recorded in namespace `default`",
        "`--state-namespace`",
        "--adopt",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_ne!(project.get("configmap/settings"), Value::Null);
}

#[test]
fn a_run_that_is_not_finished_is_finished_first() {
    let project = Project::new("orphans-unsettled")
        .plan("phases: {apps: {timeout: 1s}}\n")
        .manifest(
            "apps/web.yaml",
            &super::manifests::faulty_deployment("web", "never-ready"),
        );
    project.up(&["--no-rollback"]).run().exited(3);
    let outcome = prune(&project, &["--yes"]).run().exited(5);
    assert!(
        outcome.stderr.contains(
            "revision 1 of orphans-unsettled.default is neither completed nor rolled back"
        ),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn what_goes_on_from_a_rollback_that_was_killed_is_up() {
    let project =
        Project::new("orphans-back").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.deploy(&[]);
    let proxy = Proxy::start();
    proxy.inject([Rule::new(
        Requests::mutating().about("/configmaps/settings"),
        Fault::Kill(When::Before),
    )]);
    proxy
        .run(project.command("rollback", &["--to", "1", "--yes"]))
        .exited(137);
    let outcome = prune(&project, &["--yes"]).run().exited(5);
    let hint = "`deployctl up orphans-back --env default` continues from there, `deployctl rollback orphans-back --env default` restores";
    assert!(outcome.stderr.contains(hint), "{}", outcome.stderr);
}

#[test]
fn prune_alone_says_what_it_is_for() {
    let project =
        Project::new("orphans-usage").manifest("apps/settings.yaml", &config_map("settings", "1"));
    let outcome = project.command("prune", &["--yes"]).run().exited(2);
    assert!(
        outcome.stderr.contains("`--orphans`") && outcome.stderr.contains("`deployctl up`"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_is_taken_down_stays_so_when_its_orphans_go() {
    let project =
        Project::new("orphans-down").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.command("down", &["--yes"]).run().exited(0);
    kubectl(&["create", "namespace", "orphans-down"]);
    labelled(&project, "left-behind", &ours(&project), "");
    let log = prune(&project, &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert_eq!(
        written(&log),
        ["deleted ConfigMap/orphans-down/left-behind"]
    );
    assert_eq!(project.status()["standing"], "taken-down");
    // What is gone back to is what was deployed before it was taken down.
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
}

/// The remedy that the error names.
#[test]
fn a_head_that_cannot_be_read_may_be_deleted_and_what_it_left_is_found() {
    let project = Project::new("orphans-of-damaged")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite("apps/more.yaml", &config_map("more", "hunter2"));
    project.deploy(&[]);
    let head = format!("deployctl.{}.v2", project.release());
    kubectl(&[
        "patch",
        "secret",
        "-n",
        "deployctl-system",
        &head,
        "--type=merge",
        "-p",
        r#"{"data":{"head":"aHVudGVyMg=="}}"#,
    ]);
    for (command, arguments) in [
        ("status", &[][..]),
        ("up", &["--yes"]),
        ("rollback", &["--yes"]),
        ("down", &["--yes"]),
    ] {
        let refused = project.command(command, arguments).run().exited(1);
        assert!(
            refused
                .stderr
                .contains(&format!("Secret `deployctl-system/{head}` cannot be read")),
            "{}",
            refused.stderr
        );
        assert!(
            refused.stderr.contains("delete the head") && !refused.stderr.contains("hunter2"),
            "{}",
            refused.stderr
        );
    }
    assert_eq!(
        project.get("configmap/more")["data"]["value"],
        "hunter2",
        "nothing was written"
    );

    kubectl(&["delete", "secret", "-n", "deployctl-system", &head]);
    project.rewrite("apps/more.yaml", "");
    project.deploy(&[]);
    let outcome = prune(&project, &["--yes", "-o", "jsonl"]).run().exited(0);
    assert_eq!(
        written(&outcome.events()),
        ["deleted ConfigMap/orphans-of-damaged/more"]
    );
}
