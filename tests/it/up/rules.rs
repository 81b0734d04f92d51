//! Rules of a plan about when its objects are ready, and custom resources that nobody looks after.

use serde_json::Value;

use super::{
    manifests::config_map,
    project::{Project, events, name},
    running::Running,
};
use crate::support::{established, try_kubectl};

/// Defines machines in a group of the test's own, which have a status of any form.
fn define(group: &str) {
    let schema = "{type: object, properties: {spec: {type: object, x-kubernetes-preserve-unknown-fields: true}, status: {type: object, x-kubernetes-preserve-unknown-fields: true}}}";
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: machines.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Machine, plural: machines, singular: machine}}
  versions: [{{name: v1, served: true, storage: true, subresources: {{status: {{}}}}, schema: {{openAPIV3Schema: {schema}}}}}]
"
    );
    let applied = try_kubectl(&["apply", "-f", "-"], &definition);
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    established(&format!("machines.{group}"));
}

fn machine(group: &str) -> String {
    format!("apiVersion: {group}/v1\nkind: Machine\nmetadata: {{name: first}}\nspec: {{size: 1}}\n")
}

/// A project with a machine, and a phase after it.
fn project(name: &str, plan: &str) -> Project {
    let group = format!("{name}.example.org");
    define(&group);
    Project::new(name)
        .plan(plan)
        .manifest("apps/machine.yaml", &machine(&group))
        .manifest("monitoring/later.yaml", &config_map("later", "1"))
}

const RULE: &str = "readiness:
  - kind: Machine
    ready: status.phase == 'Grinding'
    failed: status.phase == 'Jammed'
";

fn set_phase(project: &Project, phase: &str) {
    let patch = format!("{{\"status\":{{\"phase\":{phase:?}}}}}");
    let resource = format!("machines.{}.example.org/first", project.name);
    project.kubectl(&[
        "patch",
        &resource,
        "--subresource=status",
        "--type=merge",
        "-p",
        &patch,
    ]);
}

/// Starts `up` and waits until the machine is told to be on its way.
fn waiting(project: &Project) -> Running {
    let mut run = Running::start(project.up(&["--no-rollback"]));
    run.until(|event| {
        event["event"] == "verdict-changed"
            && event["object"]["kind"] == "Machine"
            && event["to"]["state"] == "in-progress"
    });
    run
}

/// The last verdict about the machine.
fn last(log: &[Value]) -> Value {
    let mut verdicts = events(log, "verdict-changed")
        .into_iter()
        .filter(|event| event["object"]["kind"] == "Machine");
    verdicts.next_back().expect("a verdict")["to"].clone()
}

#[test]
fn an_object_is_ready_when_its_rule_says_so() {
    let project = project("rule-ready", RULE);
    let run = waiting(&project);
    set_phase(&project, "Warming");
    set_phase(&project, "Grinding");
    let (status, log, stderr) = run.end();
    assert_eq!(status, Some(0), "{stderr}");
    let verdict = last(&log);
    assert_eq!(
        (&verdict["state"], &verdict["reason"]),
        (&"ready".into(), &"UserRule".into()),
        "{verdict}"
    );
    // The revision remembers the rule: `status` needs no plan for it.
    let status = project.status();
    assert!(status.to_string().contains("UserRule"), "{status:#}");
}

#[test]
fn an_object_has_failed_when_its_rule_says_so() {
    let project = project("rule-failed", RULE);
    let run = waiting(&project);
    set_phase(&project, "Jammed");
    let (status, log, stderr) = run.end();
    assert_eq!(status, Some(3), "{stderr}");
    assert!(
        stderr.contains("status.phase == 'Jammed'") && stderr.contains("rule-failed.yaml:8"),
        "{stderr}"
    );
    assert!(
        !log.iter().any(|event| event["event"] == "object-written"
            && name(&event["object"]).ends_with("/later"))
    );
}

#[test]
fn an_object_that_takes_longer_than_its_rule_allows_has_failed() {
    let project = project("rule-late", &format!("{RULE}    timeout: 2s\n"));
    let run = project
        .up(&["--no-rollback", "-o", "jsonl"])
        .run()
        .exited(3);
    let verdict = last(&run.events());
    assert_eq!(
        (&verdict["state"], &verdict["reason"]),
        (&"failed".into(), &"NotInTime".into()),
        "{verdict}"
    );
    assert!(
        run.stderr.contains("not ready within 2 s"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_custom_resource_of_which_nobody_takes_notice_is_not_ready() {
    let project = project("rule-nobody", "phases: {apps: {timeout: 3s}}\n");
    let run = project
        .up(&["--no-rollback", "-o", "jsonl"])
        .run()
        .exited(3);
    let verdict = last(&run.events());
    assert_eq!(
        (&verdict["state"], &verdict["reason"]),
        (&"in-progress".into(), &"NoStatus".into()),
        "{verdict}"
    );
    assert!(
        run.stderr
            .contains("Machine.rule-nobody.example.org/rule-nobody/first")
            || run.stderr.contains("Machine/rule-nobody/first"),
        "{}",
        run.stderr
    );
    let conditions = r#"{"status":{"conditions":[{"type":"Ready","status":"True","lastTransitionTime":"2026-01-01T00:00:00Z"}]}}"#;
    project.kubectl(&[
        "patch",
        "machines.rule-nobody.example.org/first",
        "--subresource=status",
        "--type=merge",
        "-p",
        conditions,
    ]);
    project.up(&[]).run().exited(0);
}
