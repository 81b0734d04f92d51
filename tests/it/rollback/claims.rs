//! Claims that StatefulSets have made: what is on them is kept and named, and what never got a volume
//! goes.

use serde_json::Value;

use super::{
    manifests::workload,
    project::{Project, name},
};
use crate::support::proxy::{Fault, Proxy, Requests, Rule, When};

/// Nobody provides a volume for such a claim.
const UNPROVIDED: &str = "sandbox.deployctl.dev/fault: no-provision";

/// A StatefulSet of three pods at once that crash, each with a claim that bears `labels`, and a
/// password of its own.
fn database(name: &str, labels: &str) -> Project {
    let spec = format!(
        "serviceName: db
  replicas: 3
  podManagementPolicy: Parallel
  volumeClaimTemplates:
    - metadata: {{name: data, labels: {{{labels}}}}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}"
    );
    let set = workload("apps/v1", "StatefulSet", "db", &spec, "crash-loop").replace(
        "image: \"db:v1\"",
        "image: \"db:v1\", env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]",
    );
    Project::new(name)
        .plan("phases: {databases: {timeout: 6s}}\nsecrets:\n  - {name: db, data: {password: {generate: {length: 24}}}}\n")
        .manifest("databases/db.yaml", &set)
}

/// What the proof says is kept.
fn kept(project: &Project) -> Vec<String> {
    let proof = project.last_revision()["rollback"]["proof"].clone();
    let kept = proof["kept"].as_array().cloned().unwrap_or_default();
    assert_eq!(proof["differences"], Value::Array(Vec::new()), "{proof:#}");
    let mut names: Vec<String> = kept.iter().map(|note| name(&note["object"])).collect();
    names.sort_unstable();
    names
}

#[test]
fn every_claim_that_a_stateful_set_has_made_is_named() {
    let project = database("claims-named", "");
    project.up(&[]).run().exited(1);
    assert_eq!(
        kept(&project),
        [
            "Namespace/claims-named",
            "PersistentVolumeClaim/claims-named/data-db-0",
            "PersistentVolumeClaim/claims-named/data-db-1",
            "PersistentVolumeClaim/claims-named/data-db-2",
            "Secret/claims-named/db",
        ]
    );
}

/// Once the workload is gone nobody can tell any more that its claims need the Secret.
#[test]
fn a_secret_is_kept_for_its_data_however_often_the_rollback_is_killed() {
    let project = database("claims-killed", "");
    let proxy = Proxy::start();
    let deletion = Requests::mutating().about("/statefulsets/db");
    // The second write to it, after its creation.
    proxy.inject([Rule::new(deletion, Fault::Kill(When::After)).only(2)]);
    proxy.run(project.up(&[])).exited(128 + 9);
    crate::support::eventually("the workload is gone", || {
        project.get("statefulset/db").is_null().then_some(())
    });
    project.command("rollback", &["--yes"]).run().exited(0);
    let password = project.get("secret/db")["data"]["password"].clone();
    assert!(password.is_string(), "the data cannot be opened any more");
    assert!(kept(&project).contains(&"Secret/claims-killed/db".to_owned()));
}

#[test]
fn a_claim_that_never_got_a_volume_goes_and_takes_nothing_along() {
    let project = database("claims-unbound", UNPROVIDED);
    project.up(&[]).run().exited(1);
    assert_eq!(kept(&project), Vec::<String>::new());
    let namespace = crate::support::get("default", "namespace/claims-unbound");
    assert!(
        namespace.is_null() || namespace["metadata"]["deletionTimestamp"].is_string(),
        "{namespace:#}"
    );
}

#[test]
fn down_deletes_claims_that_never_got_a_volume() {
    let project = database("claims-down", UNPROVIDED);
    project.up(&["--no-rollback"]).run().exited(3);
    let claim = project.get("persistentvolumeclaim/data-db-0");
    assert_eq!(claim["status"]["phase"], "Pending");
    let down = project.command("down", &["--yes"]).run().exited(0);
    assert!(!down.stderr.contains("is kept"), "{}", down.stderr);
    let claims = crate::support::list("claims-down", "persistentvolumeclaims");
    assert_eq!(claims, Vec::<Value>::new());
}
