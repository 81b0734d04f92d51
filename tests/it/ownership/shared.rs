//! Two releases and one object.

use serde_json::Value;

use super::{
    manifests::config_map,
    project::{Project, written},
};
use crate::support::{get, kubectl};

/// A release that brings the cluster role `name`.
fn platform(project: &str, role: &str) -> Project {
    let manifest = format!(
        "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {role}}}\nrules: [{{apiGroups: [''], resources: [nodes], verbs: [get]}}]\n"
    );
    Project::new(project)
        .manifest("monitoring/role.yaml", &manifest)
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
}

/// The managers that apply the cluster role `role`.
fn appliers(role: &str) -> Vec<String> {
    let text = kubectl(&[
        "get",
        "clusterrole",
        role,
        "-o",
        "json",
        "--show-managed-fields",
    ]);
    let role: Value = serde_json::from_str(&text).unwrap();
    let entries = role["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|entry| entry["operation"] == "Apply");
    let mut managers: Vec<String> = entries
        .map(|entry| entry["manager"].as_str().unwrap().to_owned())
        .collect();
    managers.sort_unstable();
    managers
}

#[test]
fn an_object_of_another_release_is_refused_before_the_first_write() {
    platform("owner-first", "owner-refused").deploy(&[]);
    let second = platform("owner-second", "owner-refused");
    let outcome = second.up(&[]).run().exited(5);
    for text in [
        "monitoring/role.yaml:1",
        "ClusterRole/owner-refused",
        "it is managed by release `owner-first.default`",
        "`--adopt`",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    second.assert_nothing_was_written();
    assert_eq!(appliers("owner-refused"), ["deployctl.owner-first.default"]);
}

#[test]
fn a_shared_object_stays_while_one_release_needs_it() {
    let (first, second) = (
        platform("share-first", "owner-shared"),
        platform("share-second", "owner-shared"),
    );
    first.deploy(&[]);
    second.deploy(&["--adopt"]);
    assert_eq!(
        appliers("owner-shared"),
        [
            "deployctl.share-first.default",
            "deployctl.share-second.default"
        ]
    );
    // Sharing is remembered, and the other release is not disturbed.
    assert_eq!(written(&second.deploy(&[])), Vec::<String>::new());
    assert_eq!(written(&first.deploy(&[])), Vec::<String>::new());

    let log = first
        .command("down", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert!(
        written(&log).contains(&"given-up ClusterRole/owner-shared".to_owned()),
        "{:?}",
        written(&log)
    );
    assert_eq!(appliers("owner-shared"), ["deployctl.share-second.default"]);
    assert_eq!(written(&second.deploy(&[])), Vec::<String>::new());

    second.command("down", &["--yes"]).run().exited(0);
    assert_eq!(get("default", "clusterrole/owner-shared"), Value::Null);
}

#[test]
fn objects_without_a_revision_are_refused_naming_the_state_namespace() {
    let project =
        Project::new("owner-lost").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let outcome = project
        .up(&["--state-namespace", "owner-lost"])
        .run()
        .exited(5);
    for text in [
        "ConfigMap/owner-lost/settings",
        "no revision recorded in namespace `owner-lost`",
        "`--state-namespace`",
        "`stateNamespace`",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
