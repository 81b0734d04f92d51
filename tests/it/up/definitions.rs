//! `CustomResourceDefinition`s with their custom resources, and admission webhooks.

use super::{
    manifests::{config_map, definition, deployment, documents, widget},
    project::{Project, events, name, written},
};

fn order(log: &[serde_json::Value]) -> Vec<String> {
    events(log, "object-written")
        .iter()
        .map(|event| name(&event["object"]))
        .collect()
}

#[test]
fn a_definition_in_the_same_phase_is_established_first() {
    let group = "one-phase.example.org";
    let project = Project::new("one-phase").manifest(
        "apps/widgets.yaml",
        &documents(&[widget(group, "1"), definition(group)]),
    );
    let log = project.deploy(&[]);
    assert_eq!(
        order(&log),
        [
            "Namespace/one-phase",
            "CustomResourceDefinition/widgets.one-phase.example.org",
            "Widget/one-phase/first"
        ]
    );
    assert_eq!(
        project.get("widgets.one-phase.example.org/first")["spec"]["size"],
        1
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_a_definition_of_the_same_run_defines_is_shown_as_created() {
    let group = "shown-new.example.org";
    let project = Project::new("shown-new").manifest(
        "apps/widgets.yaml",
        &documents(&[widget(group, "1"), definition(group)]),
    );
    let shown = project.command("up", &[]).run().exited(2).stderr;
    for line in ["+ Widget/shown-new/first", "Total  3 to create\n"] {
        assert!(shown.contains(line), "`{line}` is missing:\n{shown}");
    }
}

#[test]
fn a_definition_in_an_earlier_phase_is_enough() {
    let group = "two-phases.example.org";
    let project = Project::new("two-phases")
        .manifest("namespace/widgets.yaml", &definition(group))
        .manifest("apps/widget.yaml", &widget(group, "1"));
    let log = project.deploy(&[]);
    assert_eq!(order(&log).last().unwrap(), "Widget/two-phases/first");
    // The kind is served now, so that the object can be tried before it is written.
    project.rewrite("apps/widget.yaml", &widget(group, "big"));
    let outcome = project.up(&[]).run().exited(2);
    assert!(
        outcome.stderr.contains("Widget/two-phases/first") && outcome.stderr.contains("spec.size"),
        "{}",
        outcome.stderr
    );
    project.rewrite("apps/widget.yaml", &widget(group, "2"));
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Widget/two-phases/first"]
    );
}

#[test]
fn a_definition_in_a_later_folder_comes_first_all_the_same() {
    let group = "late-file.example.org";
    let project = Project::new("late-file")
        .manifest("ingress/definition.yaml", &definition(group))
        .manifest("secrets/widget.yaml", &widget(group, "1"));
    let shown = project.command("render", &["--phases"]).run().exited(0);
    assert!(
        shown
            .stdout
            .contains("before Widget/late-file/first, not in `ingress` (folder `ingress`)"),
        "{}",
        shown.stdout
    );
    let log = project.deploy(&[]);
    assert_eq!(
        order(&log),
        [
            "Namespace/late-file",
            "CustomResourceDefinition/widgets.late-file.example.org",
            "Widget/late-file/first"
        ]
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn a_definition_that_is_annotated_to_come_too_late_is_refused_before_the_first_write() {
    let group = "late-note.example.org";
    let late = definition(group).replace(
        "metadata: {name:",
        "metadata: {annotations: {deployctl.dev/phase: ingress}, name:",
    );
    let project = Project::new("late-note")
        .manifest("definition.yaml", &late)
        .manifest("secrets/widget.yaml", &widget(group, "1"));
    let warned = project.command("validate", &[]).run().exited(0);
    let named = ["secrets/widget.yaml:", "definition.yaml:"];
    assert!(
        named.iter().all(|file| warned.stderr.contains(file)),
        "{}",
        warned.stderr
    );
    let refused = project.up(&[]).run().exited(2);
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>();
    assert!(
        said.join(" ").contains("which phase `ingress` creates"),
        "{}",
        refused.stderr
    );
    project.assert_nothing_was_written();
    // Once it is there, it may come when it likes.
    crate::support::apply("default", &definition(group));
    crate::support::established(&format!("widgets.{group}"));
    project.deploy(&[]);
}

#[test]
fn a_condition_on_a_definition_of_the_same_plan_holds() {
    let group = "conditional.example.org";
    let project = Project::new("conditional")
        .plan("phases: {widgets: {after: [apps], when: {crd: widgets.conditional.example.org}}}\n")
        .manifest("namespace/definition.yaml", &definition(group))
        .manifest("widgets/widget.yaml", &widget(group, "1"));
    let log = project.deploy(&[]);
    assert_eq!(order(&log).last().unwrap(), "Widget/conditional/first");
}

#[test]
fn a_webhook_is_written_when_everything_else_of_its_phase_is_ready() {
    // Nobody answers behind its Service: whatever is written after it would be refused.
    let webhook = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: webhook-last}
webhooks:
  - name: check.webhook-last.example.org
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 1
    clientConfig: {service: {name: checker, namespace: webhook-last}}
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: webhook-last}}
    rules: [{apiGroups: ['', apps], apiVersions: ['*'], operations: [CREATE, UPDATE], resources: [configmaps, deployments, pods]}]
";
    let checker = "apiVersion: v1
kind: Service
metadata: {name: checker}
spec: {ports: [{port: 443}]}
";
    let project = Project::new("webhook-last")
        .manifest("apps/a-webhook.yaml", webhook)
        .manifest("apps/checker.yaml", checker)
        .manifest(
            "apps/web.yaml",
            &documents(&[deployment("web"), config_map("settings", "1")]),
        );
    let log = project.deploy(&[]);
    assert_eq!(
        order(&log).last().unwrap(),
        "ValidatingWebhookConfiguration/webhook-last"
    );
    assert_eq!(log.last().unwrap()["outcome"], "succeeded");
    crate::support::kubectl(&["delete", "validatingwebhookconfiguration", "webhook-last"]);
}
