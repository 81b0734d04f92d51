//! Webhooks that refuse what is written, or that nothing answers.

use crate::support::{
    Helm, apply, eventually, kubectl,
    manifests::{config_map, deployment, documents, faulty_deployment, service},
    namespace,
    project::{Project, events, name, written},
    try_kubectl,
    user::User,
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

/// That the Service does not exist would be found.
const NO_SERVICE: [&str; 2] = ["--skip-check", "missing-service"];

/// A release whose webhook is dead from its first revision on.
fn blocked(name: &str) -> Project {
    let project = Project::new(name)
        .manifest("apps/webhook.yaml", &dead_webhook(name, "Fail"))
        .manifest("apps/web.yaml", &workloads("1"));
    project.deploy(&NO_SERVICE);
    asked(name);
    project
}

/// Waits until the API server asks the webhook of `name`.
fn asked(name: &str) {
    let probe = [
        "create",
        "configmap",
        "probe",
        "--dry-run=server",
        "-n",
        name,
    ];
    eventually("the API server asks the webhook", || {
        (!try_kubectl(&probe, "").status.success()).then_some(())
    });
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

/// A hook of a chart that is there is deleted and created anew.
#[test]
fn a_chart_repairs_its_own_dead_webhook_where_a_hook_has_run_already() {
    let name = "hook-upgrade";
    let webhook = |policy: &str| {
        dead_webhook(name, policy)
            .replace("['', apps]", "['', apps, batch]")
            .replace("deployments]", "deployments, jobs]")
    };
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: migrate, annotations: {helm.sh/hook: \"pre-install,pre-upgrade\"}}\nspec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: migrate}]}}}\n";
    let sources = "\n- {helm: {chart: ../manifests/chart, release: my}}";
    let project = Project::with_sources(name, sources)
        .manifest(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        )
        .manifest("chart/templates/webhook.yaml", &webhook("Fail"))
        .manifest("chart/templates/migrate.yaml", job)
        .manifest(
            "chart/templates/settings.yaml",
            &config_map("settings", "1"),
        );
    let up = || {
        let arguments = [&NO_SERVICE[..], &["-o", "jsonl"]].concat();
        Helm::Four
            .of(project.up(&arguments))
            .run()
            .exited(0)
            .events()
    };
    let migrated = || project.get("job/migrate")["metadata"]["uid"].clone();
    up();
    asked(name);
    let before = migrated();
    project.rewrite("chart/templates/webhook.yaml", &webhook("Ignore"));
    project.rewrite(
        "chart/templates/settings.yaml",
        &config_map("settings", "2"),
    );
    let order = order(&up());
    assert_eq!(order[0], "ValidatingWebhookConfiguration/hook-upgrade");
    assert_eq!(order.last().unwrap(), "ConfigMap/hook-upgrade/settings");
    assert_ne!(migrated(), before, "{order:?}");
    kubectl(&["delete", "validatingwebhookconfiguration", name]);
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
    kubectl(&["delete", "validatingwebhookconfiguration", name]);
}

/// What is said, as one line.
fn said(stderr: &str) -> String {
    stderr.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Nothing of the run can bring up a webhook that refuses all of it.
#[test]
fn a_dead_webhook_that_the_run_does_not_change_is_named_before_the_first_write() {
    let name = "hook-dead";
    let project = blocked(name);
    project.rewrite("apps/web.yaml", &workloads("2"));
    let run = project.up(&[]).run().exited(5);
    let text = said(&run.stderr);
    for part in [
        "nothing was changed",
        "set up by ValidatingWebhookConfiguration/hook-dead (failurePolicy `Fail`)",
        "answered by Service/hook-dead/checker, which does not exist",
        "delete validatingwebhookconfiguration hook-dead`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    kubectl(&["delete", "validatingwebhookconfiguration", name]);
}

/// The webhook of somebody else: its Service is there, and nothing behind it.
#[test]
fn a_webhook_of_others_is_named_with_its_service_and_without_permission_with_whom_to_ask() {
    let name = namespace("hook-others");
    let idle = service("checker", "").replace("port: 80,", "port: 443,");
    apply(&name, &idle);
    apply(&name, &dead_webhook(&name, "Fail"));
    asked(&name);
    let project = Project::new(&name).manifest("apps/settings.yaml", &config_map("settings", "1"));
    let run = project.up(&[]).run().exited(5);
    let text = said(&run.stderr);
    assert!(text.contains("failed calling webhook"), "{text}");
    assert!(text.contains("which has no ready endpoints"), "{text}");
    assert!(text.contains("get endpointslices -n"), "{text}");

    let user = User::without_rights();
    let binding = ["-n", &name, "--clusterrole=admin", "--user", &user.name];
    kubectl(&[&["create", "rolebinding", "deployer"], binding.as_slice()].concat());
    project.rewrite_plan(&format!("stateNamespace: {name}\n"));
    let run = user.runs(project.up(&[])).run();
    let text = said(&run.stderr);
    assert!(
        text.contains("you may not list webhook configurations"),
        "{text}"
    );
    kubectl(&["delete", "validatingwebhookconfiguration", &name]);
}

/// Something else of the run could have brought the webhook up, and has not.
#[test]
fn what_a_dead_webhook_refuses_half_way_is_explained_and_rolled_back() {
    let name = "hook-late";
    let hook = dead_webhook(name, "Fail").replace("[configmaps, deployments]", "[deployments]");
    let project = Project::new(name)
        .manifest("apps/webhook.yaml", &hook)
        .manifest("apps/web.yaml", &workloads("1"));
    project.deploy(&NO_SERVICE);
    let probe = ["annotate", "deployment", "web", "a=b", "--dry-run=server"];
    eventually("the API server asks the webhook", || {
        let answer = try_kubectl(&[&probe[..], &["-n", name]].concat(), "");
        (!answer.status.success()).then_some(())
    });
    let web = deployment("web").replace("web:v1", "web:v2");
    project.rewrite(
        "apps/web.yaml",
        &documents(&[web, config_map("settings", "2")]),
    );
    let run = project.up(&[]).run().exited(1);
    let text = said(&run.stderr);
    assert!(
        text.contains("set up by ValidatingWebhookConfiguration/hook-late (failurePolicy `Fail`)"),
        "{text}"
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    kubectl(&["delete", "validatingwebhookconfiguration", name]);
}
