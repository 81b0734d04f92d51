//! Why something cannot come up, on the real control plane: the most specific cause is told, on the
//! screen and as data, and soon.

use std::thread;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    manifests::{documents, faulty_deployment, workload},
    project::{Project, events, name},
};
use crate::support::{apply, eventually, kubectl, try_kubectl};

/// Longest time between the moment at which the failure budget is used up and the end of the run.
const SOON: f64 = 3.0;

/// Runs `up` on `manifest` without a way back, and returns what was explained of the first object
/// and all that was told.
#[track_caller]
fn explained(project: &Project) -> (Value, Vec<Value>) {
    let run = project
        .up(&["-o", "jsonl", "--no-rollback"])
        .run()
        .exited(3);
    let screen: Vec<&str> = run
        .stderr
        .lines()
        .skip_while(|line| !line.starts_with('✗'))
        .collect();
    assert!(
        (3..=15).contains(&screen.len()),
        "{} lines: {}",
        screen.len(),
        run.stderr
    );
    let log = run.events();
    let diagnosis = events(&log, "failure-explained")[0]["diagnosis"].clone();
    let command = diagnosis["more"][0].as_str().unwrap_or_default();
    assert!(command.starts_with("kubectl "), "{diagnosis:#}");
    (diagnosis["objects"][0].clone(), log)
}

#[track_caller]
fn assert_cause(diagnosis: &Value, parts: &[&str]) {
    let cause = diagnosis["cause"].as_str().unwrap_or_default();
    for part in parts {
        assert!(cause.contains(part), "`{part}` is missing: {diagnosis:#}");
    }
}

fn at(event: &Value) -> Timestamp {
    event["at"].as_str().unwrap().parse().unwrap()
}

/// Seconds from the verdict that something failed until the run ended.
#[track_caller]
fn seconds_after_the_verdict(log: &[Value]) -> f64 {
    let failed = events(log, "verdict-changed")
        .into_iter()
        .find(|event| event["to"]["state"] == "failed")
        .expect("a failure");
    (at(log.last().unwrap()) - at(failed))
        .total(jiff::Unit::Second)
        .unwrap()
}

fn project(name: &str, manifest: &str) -> Project {
    Project::new(name)
        .plan("phases: {apps: {timeout: 1m}}\n")
        .manifest("apps/web.yaml", manifest)
}

#[test]
fn an_init_container_that_crashes_is_named_with_its_log() {
    let crashing = faulty_deployment("web", "init-crash-loop").replace(
        "      containers:",
        "      initContainers: [{name: migrate, image: \"migrate:v1\"}]\n      containers:",
    );
    let (diagnosis, log) = explained(&project("cause-init", &crashing));
    assert_cause(&diagnosis, &["init container `migrate` exited with code 1"]);
    assert_eq!(diagnosis["container"], "migrate");
    assert!(
        !diagnosis["log"].as_array().unwrap().is_empty(),
        "{diagnosis:#}"
    );
    assert!(seconds_after_the_verdict(&log) < SOON);
}

#[test]
fn a_missing_key_is_named() {
    let message = "couldn't find key port in ConfigMap cause-key/settings";
    let missing = faulty_deployment("web", "missing-config").replace(
        "sandbox.deployctl.dev/fault: missing-config}",
        &format!("sandbox.deployctl.dev/fault: missing-config}}, annotations: {{sandbox.deployctl.dev/message: \"{message}\"}}"),
    );
    let (diagnosis, log) = explained(&project("cause-key", &missing));
    assert_cause(&diagnosis, &["CreateContainerConfigError", message]);
    assert!(seconds_after_the_verdict(&log) < SOON);
}

#[test]
fn a_volume_that_cannot_be_mounted_is_named() {
    let project = project("cause-mount", &faulty_deployment("web", "mount-fails"))
        .plan("phases: {apps: {timeout: 5s}}\n");
    let (diagnosis, _) = explained(&project);
    assert_cause(&diagnosis, &["FailedMount", "MountVolume.SetUp failed"]);
}

#[test]
fn a_quota_that_lets_no_pod_be_is_told_in_its_own_words() {
    let quota =
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n";
    let (diagnosis, log) = explained(&project(
        "cause-quota",
        &documents(&[quota.to_owned(), faulty_deployment("web", "")]),
    ));
    assert_eq!(name(&diagnosis["object"]), "Deployment/cause-quota/web");
    assert_cause(
        &diagnosis,
        &["pods cannot be created", "exceeded quota: none"],
    );
    assert!(seconds_after_the_verdict(&log) < SOON);
}

#[test]
fn a_stateful_set_whose_pods_are_refused_says_by_what() {
    let quota =
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: none}\nspec: {hard: {pods: '0'}}\n";
    let database = workload(
        "apps/v1",
        "StatefulSet",
        "database",
        "serviceName: database",
        "",
    );
    let (diagnosis, _) = explained(&project(
        "cause-stateful",
        &documents(&[quota.to_owned(), database]),
    ));
    assert_cause(
        &diagnosis,
        &["pods cannot be created", "exceeded quota: none"],
    );
}

#[test]
fn a_webhook_that_refuses_pods_is_told_in_its_own_words() {
    let project = project("cause-webhook", &faulty_deployment("web", ""));
    let policy = |kind: &str, spec: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}\nmetadata: {{name: cause-webhook}}\nspec: {spec}\n"
        )
    };
    let rules = "{resourceRules: [{apiGroups: [''], apiVersions: [v1], operations: [CREATE], resources: [pods]}], namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: cause-webhook}}}";
    let refuse = policy(
        "ValidatingAdmissionPolicy",
        &format!(
            "{{matchConstraints: {rules}, validations: [{{expression: 'false', message: 'images must be signed'}}]}}"
        ),
    );
    let bind = policy(
        "ValidatingAdmissionPolicyBinding",
        "{policyName: cause-webhook, validationActions: [Deny]}",
    );
    let applied = try_kubectl(
        &["apply", "-f", "-"],
        &documents(&[
            refuse,
            bind,
            "apiVersion: v1\nkind: Namespace\nmetadata: {name: cause-webhook}\n".to_owned(),
        ]),
    );
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    eventually("pods are refused", || {
        let tried = try_kubectl(
            &[
                "run",
                "probe",
                "-n",
                "cause-webhook",
                "--image=probe:v1",
                "--dry-run=server",
            ],
            "",
        );
        (!tried.status.success()
            && String::from_utf8_lossy(&tried.stderr).contains("images must be signed"))
        .then_some(())
    });
    let (diagnosis, log) = explained(&project);
    assert_cause(
        &diagnosis,
        &["pods cannot be created", "images must be signed"],
    );
    assert!(seconds_after_the_verdict(&log) < SOON);
    kubectl(&[
        "delete",
        "validatingadmissionpolicybinding,validatingadmissionpolicy",
        "cause-webhook",
    ]);
}

#[test]
fn a_claim_without_a_volume_is_named_with_its_class_and_the_provisioners_event() {
    let claim = super::manifests::claim("data", "standard").replace(
        "{name: data}",
        "{name: data, labels: {sandbox.deployctl.dev/fault: no-provision}}",
    );
    let web = faulty_deployment("web", "")
        + "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";
    let project =
        project("cause-claim", &documents(&[claim, web])).plan("phases: {apps: {timeout: 6s}}\n");
    let event =
        "apiVersion: v1\nkind: Event\nmetadata: {name: data.1}\ntype: Warning\nreason: ProvisioningFailed\nmessage: no space left in pool
reportingComponent: test\nreportingInstance: test\nsource: {component: test}
involvedObject: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: cause-claim, name: data, uid: UID}\n";
    let provisioner = thread::spawn(move || {
        let uid = eventually("the claim is there", || {
            let claim = crate::support::get("cause-claim", "pvc/data");
            claim["metadata"]["uid"].as_str().map(str::to_owned)
        });
        apply("cause-claim", &event.replace("UID", &uid));
    });
    let (_, log) = explained(&project);
    provisioner.join().unwrap();
    let diagnosis = &events(&log, "failure-explained")[0]["diagnosis"];
    let objects = diagnosis["objects"].as_array().unwrap();
    let of_claim = objects
        .iter()
        .find(|object| object["object"]["kind"] == "PersistentVolumeClaim")
        .expect("the claim is explained");
    let told = format!("{} {}", of_claim["cause"], of_claim["verdict"]["message"]);
    assert!(
        told.contains("no space left in pool") && told.contains("standard"),
        "{diagnosis:#}"
    );
}

#[test]
fn an_image_is_named_with_the_registrys_answer_within_the_budget() {
    let (diagnosis, log) = explained(&project(
        "cause-image",
        &faulty_deployment("web", "image-pull"),
    ));
    assert_cause(&diagnosis, &["web:v1", "not found"]);
    assert!(seconds_after_the_verdict(&log) < SOON);
    let first = events(&log, "verdict-changed")
        .into_iter()
        .find(|event| event["to"]["message"].to_string().contains("web:v1"))
        .expect("it was told while it was tolerated");
    assert_ne!(
        first["to"]["state"], "failed",
        "an image that cannot be had is tolerated for a while"
    );
    let tolerated = (at(log.last().unwrap()) - at(first))
        .total(jiff::Unit::Second)
        .unwrap();
    assert!(tolerated < 20.0 + SOON, "{tolerated} s");
}

#[test]
fn the_budget_of_a_phase_is_its_own() {
    let project = project("cause-budget", &faulty_deployment("web", "image-pull"))
        .plan("phases: {apps: {timeout: 1m, failureBudget: {restarts: 1, grace: 2s}}}\n");
    let (diagnosis, log) = explained(&project);
    assert_cause(&diagnosis, &["web:v1"]);
    let phase = events(&log, "phase-finished")
        .into_iter()
        .find(|event| event["phase"] == "apps")
        .unwrap();
    assert!(
        phase["took"].as_f64().unwrap() < 2.0 + 2.0 * SOON,
        "{phase}"
    );
}

/// The web server crashes as long as the database that it names is not ready; that is no failure of
/// the web server's.
#[test]
fn a_crash_is_tolerated_while_a_dependency_of_the_same_phase_is_not_ready() {
    let database = workload("apps/v1", "Deployment", "database", "replicas: 1", "slow");
    let database = database.replace(
        "metadata: {labels: {app: database",
        "metadata: {annotations: {sandbox.deployctl.dev/seconds: '10'}, labels: {app: database",
    );
    let service = super::manifests::service("database", "");
    let web = faulty_deployment("web", "crash-loop").replace(
        "ports: [{containerPort: 8080}]",
        "env: [{name: DATABASE, value: 'postgres://database:5432/web'}]",
    );
    let project = project("cause-dependency", &documents(&[database, service, web]));
    let (diagnosis, log) = explained(&project);
    assert_eq!(
        name(&diagnosis["object"]),
        "Deployment/cause-dependency/web"
    );
    let ready = events(&log, "verdict-changed")
        .into_iter()
        .find(|event| {
            event["object"]["name"] == "database"
                && event["object"]["kind"] == "Deployment"
                && event["to"]["state"] == "ready"
        })
        .expect("the database came up");
    let failed = events(&log, "verdict-changed")
        .into_iter()
        .find(|event| event["object"]["name"] == "web" && event["to"]["state"] == "failed")
        .expect("then the web server was given up");
    assert!(at(failed) > at(ready));
}

#[test]
fn all_that_fails_in_a_phase_is_told_and_a_long_error_to_its_end() {
    let error = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: \
                 unable to start container process: error during container init: while joining the namespaces of its \
                 sandbox: exec: serve: executable file not found in $PATH: unknown";
    let unstartable = faulty_deployment("unstartable", "missing-config").replace(
        "sandbox.deployctl.dev/fault: missing-config}",
        &format!("sandbox.deployctl.dev/fault: missing-config}}, annotations: {{sandbox.deployctl.dev/message: \"{error}\"}}"),
    );
    let project = Project::new("cause-all")
        .plan("failureBudget: {restarts: 9, grace: 5s}\n")
        .manifest(
            "apps/web.yaml",
            &documents(&[
                faulty_deployment("crashing", "crash-loop"),
                faulty_deployment("imageless", "image-pull"),
                unstartable,
                faulty_deployment("starting", "slow"),
            ]),
        );
    let run = project
        .up(&["-o", "jsonl", "--no-rollback"])
        .run()
        .exited(3);
    let diagnosis = events(&run.events(), "failure-explained")[0]["diagnosis"].clone();
    let objects = diagnosis["objects"].as_array().unwrap();
    let mut names: Vec<&str> = objects
        .iter()
        .map(|object| object["object"]["name"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["crashing", "imageless", "unstartable"]);
    for part in [
        "exited with code 1",
        "imageless:v1",
        "failed to create containerd task",
        "exec: serve: executable file not found in $PATH: unknown",
    ] {
        let is_told = |object: &Value| object["cause"].as_str().unwrap().contains(part);
        assert!(objects.iter().any(is_told), "{part}: {diagnosis:#}");
        assert!(run.stderr.contains(part), "{part}:\n{}", run.stderr);
    }
}
