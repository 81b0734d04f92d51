//! Jobs that remove themselves, and those that install what their release brings.

use crate::support::{
    kubectl,
    manifests::{deployment, faulty_deployment, job},
    project::{Project, events, position, written},
};

/// <https://github.com/kubernetes/ingress-nginx/issues/13474>
#[test]
fn a_job_that_removes_itself_beside_something_slower_is_done() {
    let short =
        job("certificates", "").replacen("spec:\n", "spec:\n  ttlSecondsAfterFinished: 0\n", 1);
    let slow = faulty_deployment("controller", "slow").replacen(
        "metadata: {labels: {app: controller",
        "metadata: {annotations: {sandbox.deployctl.dev/seconds: \"6\"}, labels: {app: controller",
        1,
    );
    let project = Project::new("short-job")
        .plan("phases: {apps: {timeout: 1m}}\n")
        .manifest("apps/certificates.yaml", &short)
        .manifest("apps/controller.yaml", &slow);
    project.deploy(&[]);
    assert!(project.get("job/certificates").is_null());
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");
}

/// An install Job that patches the webhook configuration of its own release, as every chart with
/// certgen has one: it cannot end before that is there.
/// <https://github.com/kubernetes/ingress-nginx/tree/main/charts/ingress-nginx/templates/admission-webhooks>
#[test]
fn a_webhook_does_not_wait_for_the_job_that_patches_it() {
    let webhook = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: patched-webhook}
webhooks:
  - name: check.patched-webhook.example.org
    failurePolicy: Ignore
    sideEffects: None
    admissionReviewVersions: [v1]
    clientConfig: {service: {name: checker, namespace: patched-webhook}}
    rules: [{apiGroups: [patched.example.org], apiVersions: [v1], operations: [CREATE], resources: [nothing]}]
";
    let patch = job("patch", "slow").replacen(
        "metadata: {labels: {app: patch",
        "metadata: {annotations: {sandbox.deployctl.dev/seconds: \"5\"}, labels: {app: patch",
        1,
    );
    let project = Project::new("patched-webhook")
        .manifest("apps/webhook.yaml", webhook)
        .manifest("apps/checker.yaml", &deployment("checker"))
        .manifest("apps/patch.yaml", &patch);
    let log = project.deploy(&[]);
    let at = |what: &str, kind: &str, fits: &dyn Fn(&serde_json::Value) -> bool| {
        log.iter().position(|event| {
            event["event"] == what && event["object"]["kind"] == kind && fits(event)
        })
    };
    let webhook = at("object-written", "ValidatingWebhookConfiguration", &|_| {
        true
    });
    let patched = at("verdict-changed", "Job", &|event| {
        event["to"]["state"] == "ready"
    });
    assert!(webhook.unwrap() < patched.unwrap(), "{log:#?}");
    kubectl(&[
        "delete",
        "validatingwebhookconfiguration",
        "patched-webhook",
    ]);
}

/// A Pod of its own that ends.
fn pod(policy: &str, image: &str, fault: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: migrate, labels: {{sandbox.deployctl.dev/fault: {fault}}}, annotations: {{sandbox.deployctl.dev/seconds: \"3\", sandbox.deployctl.dev/log: \"42 tables migrated\"}}}}
spec:
  restartPolicy: {policy}
  containers: [{{name: main, image: \"{image}\"}}]
"
    )
}

#[test]
fn a_pod_that_runs_to_completion_is_done_once_it_has_succeeded_and_is_not_run_again() {
    let project = Project::new("once")
        .manifest(
            "databases/migrate.yaml",
            &pod("Never", "migrate:v1", "slow"),
        )
        .manifest("apps/web.yaml", &deployment("web"));
    let log = project.deploy(&[]);
    assert_eq!(project.get("pod/migrate")["status"]["phase"], "Succeeded");
    let verdicts: Vec<&str> = events(&log, "verdict-changed")
        .into_iter()
        .filter(|event| event["object"]["kind"] == "Pod")
        .map(|event| event["to"]["state"].as_str().unwrap())
        .collect();
    assert_eq!(verdicts.last(), Some(&"ready"), "{verdicts:?}");
    assert!(verdicts.contains(&"in-progress"), "{verdicts:?}");
    let lines: Vec<&str> = events(&log, "log-written")
        .into_iter()
        .map(|event| event["line"].as_str().unwrap())
        .collect();
    assert_eq!(lines[0], "42 tables migrated");
    assert!(
        position(&log, "phase-finished", "databases") < position(&log, "phase-started", "apps")
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    // Nor is it where something has cleaned up; a changed one is, as a Job.
    project.kubectl(&["delete", "pod/migrate"]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");
    project.rewrite(
        "databases/migrate.yaml",
        &pod("Never", "migrate:v2", "slow"),
    );
    assert_eq!(written(&project.deploy(&[])), ["created Pod/once/migrate"]);
    project.rewrite(
        "databases/migrate.yaml",
        &pod("OnFailure", "migrate:v3", "slow"),
    );
    let log = project.deploy(&[]);
    assert_eq!(
        written(&log),
        ["created Pod/once/migrate", "deleted Pod/once/migrate"]
    );
    assert_eq!(project.get("pod/migrate")["status"]["phase"], "Succeeded");
    let lines = events(&log, "log-written");
    assert_eq!(lines[0]["line"], "42 tables migrated", "{lines:?}");
}

#[test]
fn a_pod_that_runs_to_completion_and_fails_ends_the_run() {
    let project = Project::new("once-failed")
        .manifest(
            "databases/migrate.yaml",
            &pod("Never", "migrate:v1", "job-fails"),
        )
        .manifest("apps/web.yaml", &deployment("web"));
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let diagnosis =
        events(&run.events(), "failure-explained")[0]["diagnosis"]["objects"][0].clone();
    assert_eq!(diagnosis["object"]["name"], "migrate");
    assert!(
        diagnosis["cause"]
            .as_str()
            .unwrap()
            .contains("exited with code 1"),
        "{diagnosis:#}"
    );
    assert_eq!(diagnosis["log"][0], "42 tables migrated");
    assert!(project.get("deployment/web").is_null());

    // One that is started again shows what each attempt writes, until it is given up.
    let again = pod("OnFailure", "migrate:v1", "job-fails");
    project.rewrite("databases/migrate.yaml", &again);
    let log = project.up(&["-o", "jsonl"]).run().exited(1).events();
    let lines = events(&log, "log-written");
    assert_eq!(lines[0]["line"], "42 tables migrated", "{lines:?}");
}
