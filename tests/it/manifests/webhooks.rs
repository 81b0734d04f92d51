//! Webhooks that refuse what is written, or that nothing answers.

use crate::support::{
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, events, name, written},
};

/// A webhook that is asked about Deployments and ConfigMaps of the namespace `name`, whose Service
/// does not exist.
fn dead_webhook(name: &str, policy: &str) -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {{name: {name}}}
webhooks:
  - name: check.{name}.example.org
    failurePolicy: {policy}
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 1
    clientConfig: {{service: {{name: checker, namespace: {name}}}}}
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}
    rules: [{{apiGroups: ['', apps], apiVersions: ['*'], operations: [CREATE, UPDATE], resources: [configmaps, deployments]}}]
"
    )
}

fn workloads(value: &str) -> String {
    documents(&[deployment("web"), config_map("settings", value)])
}

/// A release whose webhook is dead from its first revision on.
fn blocked(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("apps/webhook.yaml", &dead_webhook(name, "Fail"))
        .manifest("apps/web.yaml", &workloads("1"));
    project.deploy(&[]);
    project
}

fn order(log: &[serde_json::Value]) -> Vec<String> {
    events(log, "object-written")
        .iter()
        .map(|event| name(&event["object"]))
        .collect()
}

/// Tekton's webhook is asked about the ConfigMaps that its own server reads.
/// <https://github.com/tektoncd/pipeline/issues/4542>
#[test]
fn a_release_repairs_its_own_dead_webhook() {
    let name = "hook-repaired";
    let project = blocked(name);
    project.rewrite("apps/webhook.yaml", &dead_webhook(name, "Ignore"));
    project.rewrite("apps/web.yaml", &workloads("2"));
    let log = project.deploy(&[]);
    assert_eq!(
        order(&log),
        [
            "ValidatingWebhookConfiguration/hook-repaired",
            "ConfigMap/hook-repaired/settings"
        ]
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    project
        .command("down", &[&format!("--yes={name}.default")])
        .run()
        .exited(0);
}

#[test]
fn a_dead_webhook_that_is_not_wanted_any_more_goes_first() {
    let name = "hook-removed";
    let project = blocked(name);
    project.rewrite("apps/webhook.yaml", "");
    project.rewrite("apps/web.yaml", &workloads("2"));
    let log = project.deploy(&[]);
    assert_eq!(
        order(&log),
        [
            "ValidatingWebhookConfiguration/hook-removed",
            "ConfigMap/hook-removed/settings"
        ]
    );
}

#[test]
fn what_a_repaired_webhook_let_through_is_rolled_back_before_it() {
    let name = "hook-back";
    let project = blocked(name);
    project.rewrite("apps/webhook.yaml", &dead_webhook(name, "Ignore"));
    let broken = faulty_deployment("web", "crash-loop");
    project.rewrite(
        "apps/web.yaml",
        &documents(&[broken, config_map("settings", "2")]),
    );
    project.rewrite_plan("failureBudget: {restarts: 0, grace: 1s}\n");
    project.up(&[]).run().exited(1);
    let hook = format!("validatingwebhookconfiguration/{name}");
    assert_eq!(project.get(&hook)["webhooks"][0]["failurePolicy"], "Fail");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    crate::support::kubectl(&["delete", "validatingwebhookconfiguration", name]);
}
