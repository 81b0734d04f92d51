//! Claims that StatefulSets have made: what is on them is kept and named, and what never got a volume
//! goes.

use serde_json::Value;

use super::{
    manifests::{faulty_deployment, workload},
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

/// A StatefulSet `db` of `replicas` pods at once that run, with claims of the template `template`,
/// and a policy for them.
fn running(replicas: u32, template: &str, labels: &str, policy: &str) -> String {
    let spec = format!(
        "serviceName: db
  replicas: {replicas}
  podManagementPolicy: Parallel
  persistentVolumeClaimRetentionPolicy: {{{policy}}}
  volumeClaimTemplates:
    - metadata: {{name: {template}, labels: {{{labels}}}}}
      spec: {{accessModes: [ReadWriteOnce], storageClassName: standard, resources: {{requests: {{storage: 1Gi}}}}}}"
    );
    workload("apps/v1", "StatefulSet", "db", &spec, "")
}

/// A release whose StatefulSet is `before`, and then `after` beside something that fails in a later
/// phase.
fn changed(name: &str, before: &str, after: &str) -> Project {
    let project = Project::new(name)
        .plan("phases: {databases: {timeout: 15s}, apps: {timeout: 30s}}\n")
        .manifest("databases/db.yaml", before);
    project.deploy(&[]);
    project.rewrite("databases/db.yaml", after);
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    project
}

fn claims(project: &str) -> Vec<String> {
    let claims = crate::support::list(project, "persistentvolumeclaims");
    let staying = claims
        .iter()
        .filter(|claim| claim["metadata"].get("deletionTimestamp").is_none());
    let mut names: Vec<String> = staying
        .map(|claim| claim["metadata"]["name"].as_str().unwrap().to_owned())
        .collect();
    names.sort_unstable();
    names
}

#[test]
fn claims_of_pods_that_only_the_run_wanted_are_named() {
    let project = changed(
        "claims-scaled",
        &running(1, "data", "", ""),
        &running(3, "data", "", ""),
    );
    project.up(&[]).run().exited(1);
    assert_eq!(
        kept(&project),
        [
            "PersistentVolumeClaim/claims-scaled/data-db-1",
            "PersistentVolumeClaim/claims-scaled/data-db-2",
        ]
    );
    assert_eq!(
        claims("claims-scaled"),
        ["data-db-0", "data-db-1", "data-db-2"]
    );
}

#[test]
fn claims_of_another_template_are_named() {
    let project = changed(
        "claims-template",
        &running(2, "data", "", ""),
        &running(2, "store", "", ""),
    );
    project
        .up(&["--recreate", "StatefulSet/db"])
        .run()
        .exited(1);
    // How many of its pods the controller had replaced by then is up to it.
    let made: Vec<String> = claims("claims-template")
        .into_iter()
        .filter(|claim| claim.starts_with("store-db-"))
        .map(|claim| format!("PersistentVolumeClaim/claims-template/{claim}"))
        .collect();
    assert!(!made.is_empty());
    assert_eq!(kept(&project), made);
}

#[test]
fn claims_of_pods_that_only_the_run_wanted_go_without_a_volume() {
    let project = Project::new("claims-scaled-unbound")
        .plan("phases: {databases: {timeout: 6s}}\n")
        .manifest("databases/db.yaml", &running(0, "data", UNPROVIDED, ""));
    project.deploy(&[]);
    project.rewrite("databases/db.yaml", &running(2, "data", UNPROVIDED, ""));
    project.up(&[]).run().exited(1);
    assert_eq!(kept(&project), Vec::<String>::new());
    assert_eq!(claims("claims-scaled-unbound"), Vec::<String>::new());
}

#[test]
fn a_claim_that_went_with_its_pod_is_a_difference() {
    let policy = "whenScaled: Delete";
    let project = changed(
        "claims-lost",
        &running(3, "data", "", policy),
        &running(1, "data", "", policy),
    );
    let shown = project.command("diff", &[]).run();
    let lost = "`whenScaled: Delete` deletes the claims of the pods that go, with their data";
    assert!(shown.stdout.contains(lost), "{}", shown.stdout);
    project.up(&[]).run().exited(3);
    let proof = project.last_revision()["rollback"]["proof"].clone();
    let differences = proof["differences"].as_array().unwrap();
    let mut names: Vec<String> = differences.iter().map(|it| name(&it["object"])).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "PersistentVolumeClaim/claims-lost/data-db-1",
            "PersistentVolumeClaim/claims-lost/data-db-2",
        ],
        "{proof:#}"
    );
}
