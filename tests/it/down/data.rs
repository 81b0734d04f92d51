//! Data and the Secrets that it cannot be opened without.

use serde_json::Value;

use super::{
    manifests::{config_map, documents, service, workload},
    project::{Project, written},
};
use crate::support::{
    eventually, get,
    proxy::{Fault, Proxy, Requests, Rule, When},
};

/// A database on a volume of its own, whose password is generated.
fn database(name: &str, more: &str) -> Project {
    let spec = format!(
        "serviceName: database
  {more}
  volumeClaimTemplates:
    - metadata: {{name: data}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}"
    );
    let set = workload("apps/v1", "StatefulSet", "database", &spec, "").replace(
        "image: \"database:v1\"",
        "image: \"database:v1\", env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: database, key: password}}}]",
    );
    Project::new(name)
        .plan("secrets:\n  - {name: database, data: {password: {generate: {length: 24}}}}\n")
        .manifest(
            "databases/database.yaml",
            &documents(&[set, service("database", "")]),
        )
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
}

/// The uid of the claim, and the password.
fn data(project: &Project) -> (Value, Value) {
    let claim = project.get("persistentvolumeclaim/data-database-0");
    (
        claim["metadata"]["uid"].clone(),
        project.get("secret/database")["data"]["password"].clone(),
    )
}

#[test]
fn down_and_up_find_the_database_with_its_password() {
    let project = database("down-password", "");
    project.deploy(&[]);
    let before = data(&project);
    assert!(before.0.is_string() && before.1.is_string(), "{before:?}");

    let outcome = project.command("down", &["--yes"]).run().exited(0);
    for text in [
        "Secret/down-password/database is kept: StatefulSet.apps/down-password/database",
        "Namespace/down-password is kept: it holds",
    ] {
        let shorter = text.replace("StatefulSet.apps", "StatefulSet");
        assert!(
            outcome.stderr.contains(text) || outcome.stderr.contains(&shorter),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(data(&project), before);
    assert_eq!(project.get("statefulset/database"), Value::Null);

    // Another one knows no workload that reads the Secret, and keeps it all the same.
    project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(data(&project), before);

    project.deploy(&[]);
    assert_eq!(data(&project), before);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.revisions().last().unwrap()["outcome"], "succeeded");
}

#[test]
fn a_secret_that_kept_data_needs_does_not_go_with_what_has_taken_it_over() {
    let project =
        database("down-taken-over", "").manifest("apps/owner.yaml", &config_map("owner", "1"));
    project.deploy(&[]);
    let before = data(&project);
    project.hand_over("secret/database", "owner");
    let outcome = project.command("down", &["--yes"]).run().exited(0);
    let kept = "Secret/down-taken-over/database is kept: StatefulSet";
    assert!(outcome.stderr.contains(kept), "{}", outcome.stderr);
    assert_eq!(project.get("configmap/owner"), Value::Null);
    // Without an owner nothing collects it.
    let owners = &project.get("secret/database")["metadata"]["ownerReferences"];
    assert_eq!(*owners, Value::Null);
    assert_eq!(data(&project), before);
    project.rewrite("apps/owner.yaml", "");
    project.deploy(&[]);
    assert_eq!(data(&project), before);
}

#[test]
fn a_stateful_set_that_takes_its_claims_along_is_kept_from_it() {
    let project = database(
        "down-retention",
        "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}",
    );
    project.deploy(&[]);
    let before = data(&project);
    project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(project.get("statefulset/database"), Value::Null);
    assert_eq!(project.get("pod/database-0"), Value::Null);
    assert_eq!(data(&project), before);
    let claim = project.get("persistentvolumeclaim/data-database-0");
    assert_eq!(
        (
            &claim["metadata"]["deletionTimestamp"],
            &claim["metadata"]["ownerReferences"]
        ),
        (&Value::Null, &Value::Null),
        "{claim:#}"
    );
    assert_eq!(
        project.kubectl(&["get", "controllerrevisions", "-o", "name"]),
        ""
    );
}

#[test]
fn data_goes_only_with_the_flag_and_the_name() {
    let project = database("down-data", "");
    project.deploy(&[]);
    let refused = project
        .command("down", &["--delete-data", "--yes"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("data would be deleted"),
        "{}",
        refused.stderr
    );
    assert!(
        refused.stderr.contains("`--yes=down-data.default`"),
        "{}",
        refused.stderr
    );
    assert_ne!(project.get("statefulset/database"), Value::Null);

    project
        .command(
            "down",
            &["--delete-data", "--purge", "--yes=down-data.default"],
        )
        .run()
        .exited(0);
    eventually("the namespace is gone", || {
        get("default", "namespace/down-data")
            .is_null()
            .then_some(())
    });
    project.assert_no_revision();
}

#[test]
fn the_newest_revision_stays_where_something_is_kept() {
    let project = database("down-purge-kept", "");
    project.deploy(&[]);
    let outcome = project
        .command("down", &["--yes", "--purge"])
        .run()
        .exited(0);
    assert!(
        outcome
            .stderr
            .contains("except for revision 2, which records what is kept"),
        "{}",
        outcome.stderr
    );
    assert_eq!(project.revisions().len(), 1);
    assert_eq!(project.last_revision()["by"]["command"], "down");
}

/// Its pods belong to nobody then.
#[test]
fn the_pods_of_a_stateful_set_go_although_down_is_killed_once_that_is_gone() {
    let project = database(
        "down-orphans",
        "persistentVolumeClaimRetentionPolicy: {whenDeleted: Delete, whenScaled: Retain}",
    );
    project.deploy(&[]);
    let before = data(&project);
    let proxy = Proxy::start();
    let deletion = Requests::mutating().about("/statefulsets/database");
    proxy.inject([Rule::new(deletion, Fault::Kill(When::After)).only(1)]);
    proxy
        .run(project.command("down", &["--yes"]))
        .exited(128 + 9);
    eventually("the workload is gone", || {
        project.get("statefulset/database").is_null().then_some(())
    });
    assert_ne!(project.get("pod/database-0"), Value::Null);
    project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(project.get("pod/database-0"), Value::Null);
    let left = project.kubectl(&["get", "controllerrevisions", "-o", "name"]);
    assert_eq!(left, "");
    assert_eq!(data(&project), before);
}
