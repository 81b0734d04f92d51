//! Kinds that a controller of the same release defines while it runs.

use serde_json::Value;

use super::{
    manifests::{definition, deployment, faulty_deployment, widget},
    project::{Project, events, name, written},
};
use crate::support::{apply, established, get, kubectl, running::Running};

/// A release whose operator is to define `widgets.GROUP`, of which there is an object in `apps`.
fn project(name: &str, group: &str, more: &str) -> Project {
    let expects = format!("expects: {{crds: [widgets.{group}]}}");
    let phase = format!("operators: {{after: [namespace], before: [secrets], {expects}{more}}}");
    Project::new(name)
        .plan(&format!("phases: {{{phase}}}\n"))
        .manifest("operators/operator.yaml", &deployment("operator"))
        .manifest("apps/widget.yaml", &widget(group, "1"))
}

/// Whether `event` says that the operator was written.
fn operator_was_written(event: &Value) -> bool {
    event["event"] == "object-written" && event["object"]["name"] == "operator"
}

/// Starts `up`, and plays the operator once that is there: `definitions` are created.
fn deployed(project: &Project, definitions: &str) -> (Option<i32>, Vec<Value>, String) {
    let mut run = Running::start(project.up(&[]));
    run.until(operator_was_written);
    apply("default", definitions);
    run.end()
}

#[test]
fn what_an_operator_defines_is_awaited_and_then_used() {
    let group = "expected.example.org";
    let project = project("expected", group, "");
    let (status, log, said) = deployed(&project, &definition(group));
    assert_eq!(status, Some(0), "{said}");
    let order: Vec<String> = events(&log, "object-written")
        .iter()
        .map(|event| format!("{} {}", event["result"], name(&event["object"])))
        .collect();
    assert_eq!(order, ["\"created\" Widget/expected/first"]);
    assert!(
        said.contains("3 to create") && !said.contains("to change"),
        "{said}"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    kubectl(&["delete", "crd", &format!("widgets.{group}")]);
}

#[test]
fn a_kind_of_the_cluster_and_a_plural_of_its_own_are_said_by_the_plan() {
    let group = "expected-cluster.example.org";
    let crd = definition(group)
        .replace("scope: Namespaced", "scope: Cluster")
        .replace("widgets", "thingies");
    let project = project("expected-cluster", group, "");
    project.rewrite_plan(&format!(
        "phases: {{operators: {{after: [namespace], before: [secrets], expects: {{crds: [{{name: thingies.{group}, kind: Widget, scope: Cluster}}]}}}}}}\n"
    ));
    let (status, _, said) = deployed(&project, &crd);
    assert_eq!(status, Some(0), "{said}");
    let there = get("default", &format!("thingies.{group}/first"));
    assert_eq!(there["spec"]["size"], 1);
    project
        .command("down", &["--yes=expected-cluster.default"])
        .run()
        .exited(0);
    kubectl(&["delete", "crd", &format!("thingies.{group}")]);
}

#[test]
fn a_definition_that_does_not_come_up_is_named_with_its_phase() {
    let group = "never.example.org";
    let project = project("never-defined", group, ", timeout: 3s");
    let run = project.up(&[]).run().exited(1);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("CustomResourceDefinition widgets.never.example.org, which the plan expects after phase `operators`, has not come up"),
        "{said}"
    );
    assert!(project.get("deployment/operator").is_null(), "rolled back");
}

#[test]
fn a_rollback_deletes_custom_resources_and_leaves_what_the_operator_defined() {
    let group = "expected-back.example.org";
    let project = project("expected-back", group, "").manifest(
        "ingress/broken.yaml",
        &faulty_deployment("broken", "never-ready"),
    );
    project.rewrite_plan(&format!(
        "phases: {{operators: {{after: [namespace], before: [secrets], expects: {{crds: [widgets.{group}]}}}}, ingress: {{timeout: 2s}}}}\n"
    ));
    let (status, log, said) = deployed(&project, &definition(group));
    assert_eq!(status, Some(1), "{said}");
    assert_eq!(log.last().unwrap()["outcome"], "rolled-back", "{said}");
    assert!(project.get(&format!("widgets.{group}/first")).is_null());
    established(&format!("widgets.{group}"));
    kubectl(&["delete", "crd", &format!("widgets.{group}")]);
}

#[test]
fn a_kind_that_nobody_brings_in_time_is_refused_before_the_first_write() {
    let group = "untimely.example.org";
    let project = project("untimely", group, "").manifest("operators/widget.yaml", "");
    project.rewrite("apps/widget.yaml", "");
    project.rewrite("operators/widget.yaml", &widget(group, "1"));
    let run = project.up(&[]).run().exited(2);
    assert!(
        run.stderr.contains("serves no kind `Widget`"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("expects: {crds:"), "{}", run.stderr);
    project.assert_nothing_was_written();

    // Without the phase that brings it, it does not come either.
    project.rewrite("operators/widget.yaml", "");
    project.rewrite("apps/widget.yaml", &widget(group, "1"));
    let run = project
        .up(&["--phase", "namespace", "--phase", "apps"])
        .run()
        .exited(2);
    assert!(
        run.stderr.contains("serves no kind `Widget`"),
        "{}",
        run.stderr
    );

    project.rewrite_plan("phases: {apps: {expects: {crds: [widgets]}}}\n");
    let run = project.command("validate", &[]).run().exited(2);
    assert!(
        run.stderr
            .contains("`widgets` cannot be the name of a CustomResourceDefinition"),
        "{}",
        run.stderr
    );
}
