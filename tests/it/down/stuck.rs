//! What cannot go is named within a time limit, and does not stop the rest.

use serde_json::Value;

use super::{
    manifests::{config_map, documents},
    project::{Project, events, written},
    running::Running,
};
use crate::support::{eventually, get, kubectl, try_kubectl};

#[test]
fn a_stuck_finalizer_is_named_and_the_rest_goes() {
    let held = config_map("held", "1").replace(
        "{name: held}",
        "{name: held, finalizers: [shop.test/nobody]}",
    );
    let project = Project::new("down-stuck")
        .manifest("databases/settings.yaml", &config_map("settings", "1"))
        .manifest("apps/held.yaml", &held);
    project.deploy(&[]);

    let outcome = project
        .command("down", &["--yes", "--delete-timeout", "2s"])
        .run()
        .exited(3);
    let said = [
        "ConfigMap/down-stuck/held",
        "shop.test/nobody",
        "kubectl get configmap held -n down-stuck -o yaml",
        "`deployctl down down-stuck",
    ];
    for text in said {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(project.get("configmap/settings"), Value::Null);
    assert_eq!(project.last_revision()["outcome"], "failed");

    project.kubectl(&[
        "patch",
        "configmap",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    let log = project
        .command("down", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0)
        .events();
    assert!(
        written(&log).contains(&"deleted Namespace/down-stuck".to_owned()),
        "{:?}",
        written(&log)
    );
    assert_eq!(get("default", "namespace/down-stuck"), Value::Null);
    assert_eq!(project.last_revision()["outcome"], "succeeded");
}

/// A webhook that nobody answers, asked about each removal of what is labelled `guarded`.
const WEBHOOK: &str = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: down-webhook}
webhooks:
  - name: guard.shop.test
    clientConfig: {url: 'https://127.0.0.1:1/'}
    rules: [{apiGroups: [''], apiVersions: [v1], operations: [DELETE], resources: [configmaps]}]
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: down-webhook}}
    objectSelector: {matchLabels: {guarded: 'yes'}}
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
";

/// Whether the API server lets the ConfigMap `guarded` be deleted.
fn guarded_can_be_deleted() -> bool {
    let arguments = [
        "delete",
        "configmap",
        "guarded",
        "-n",
        "down-webhook",
        "--dry-run=server",
    ];
    try_kubectl(&arguments, "").status.success()
}

#[test]
fn a_webhook_that_nobody_answers_is_named_and_the_rest_goes() {
    let project = Project::new("down-webhook").manifest(
        "apps/settings.yaml",
        &documents(&[
            config_map("guarded", "1").replace(
                "{name: guarded}",
                "{name: guarded, labels: {guarded: 'yes'}}",
            ),
            config_map("free", "1"),
        ]),
    );
    project.deploy(&[]);
    let applied = try_kubectl(&["apply", "-f", "-"], WEBHOOK);
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    eventually("the webhook stands in the way", || {
        (!guarded_can_be_deleted()).then_some(())
    });

    let run = project
        .command("down", &["--yes", "-o", "jsonl"])
        .run()
        .exited(3);
    let log = run.events();
    let diagnosis = &events(&log, "failure-explained")[0]["diagnosis"];
    assert!(
        diagnosis.to_string().contains("guard.shop.test"),
        "{diagnosis:#}"
    );
    assert_eq!(project.get("configmap/free"), Value::Null);
    kubectl(&["delete", "validatingwebhookconfiguration", "down-webhook"]);
    eventually("the webhook is gone", || {
        guarded_can_be_deleted().then_some(())
    });
    project.command("down", &["--yes"]).run().exited(0);
    assert_eq!(get("default", "namespace/down-webhook"), Value::Null);
}

/// Controllers make objects for an owner that was deleted a moment ago, as a Deployment's
/// ReplicaSet: the garbage collector takes them when it has noticed, which here it cannot end.
#[test]
fn what_belongs_to_nothing_any_more_does_not_hold_the_namespace() {
    let project =
        Project::new("down-garbage").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    for (name, owner) in [("garbage", "gone"), ("of-garbage", "garbage")] {
        let uid = project.get(&format!("configmap/{owner}"))["metadata"]["uid"].clone();
        let uid = uid
            .as_str()
            .unwrap_or("00000000-0000-0000-0000-000000000000");
        let owners = format!(
            "{{name: {name}, finalizers: [shop.test/nobody], ownerReferences: [{{apiVersion: v1, kind: ConfigMap, name: {owner}, uid: {uid}}}]}}"
        );
        let object = config_map(name, "1").replace(&format!("{{name: {name}}}"), &owners);
        let applied = try_kubectl(&["apply", "-n", "down-garbage", "-f", "-"], &object);
        assert!(applied.status.success(), "{applied:?}");
    }

    let mut run = Running::start(project.command("down", &["--yes"]));
    run.until(|event| {
        event["event"] == "object-written"
            && event["result"] == "deleted"
            && event["object"]["kind"] == "Namespace"
    });
    for name in ["garbage", "of-garbage"] {
        project.kubectl(&[
            "patch",
            "configmap",
            name,
            "--type=merge",
            "-p",
            r#"{"metadata":{"finalizers":null}}"#,
        ]);
    }
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(0), "{stderr}");
    assert_eq!(get("default", "namespace/down-garbage"), Value::Null);
}
