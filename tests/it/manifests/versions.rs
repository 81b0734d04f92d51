//! Definitions that serve other versions than before.

use std::thread;

use crate::support::{
    apply, established, eventually,
    manifests::{documents, faulty_deployment},
    project::Project,
    running::Running,
    try_kubectl,
};

fn definition(group: &str, versions: &str, conversion: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gauges.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Gauge, plural: gauges, singular: gauge}}
  {conversion}
  versions:
{versions}"
    )
}

fn version(name: &str, served: bool, stored: bool) -> String {
    format!(
        "  - name: {name}
    served: {served}
    storage: {stored}
    schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{size: {{type: integer}}}}}}}}}}}}
"
    )
}

fn gauge(group: &str, version: &str, size: u32) -> String {
    format!(
        "apiVersion: {group}/{version}\nkind: Gauge\nmetadata: {{name: main}}\nspec: {{size: {size}}}\n"
    )
}

/// <https://github.com/sky-uk/kfp-operator/issues/198>
#[test]
fn a_custom_resource_is_put_back_in_the_version_that_is_served_now() {
    let group = "moved.deployctl.test";
    let project = Project::new("definition-moved")
        .manifest(
            "apps/definition.yaml",
            &definition(group, &version("v1alpha1", true, true), ""),
        )
        .manifest("apps/gauge.yaml", &gauge(group, "v1alpha1", 1));
    project.deploy(&[]);
    let moved = version("v1alpha1", false, false) + &version("v1", true, true);
    project.rewrite("apps/definition.yaml", &definition(group, &moved, ""));
    project.rewrite("apps/gauge.yaml", &gauge(group, "v1", 2));
    project.rewrite(
        "monitoring/exporter.yaml",
        &faulty_deployment("exporter", "crash-loop"),
    );
    let run = project.up(&[]).run().exited(1);
    assert!(!run.stderr.contains("outside deployctl"), "{}", run.stderr);
    assert!(
        run.stderr.contains("CustomResourceDefinition"),
        "it stays: {}",
        run.stderr
    );
    let size = || project.get(&format!("gauges.{group}/main"))["spec"]["size"].clone();
    assert_eq!(size(), 1);
    // And forward.
    project.rewrite(
        "monitoring/exporter.yaml",
        &faulty_deployment("exporter", ""),
    );
    project.deploy(&[]);
    assert_eq!(size(), 2);
}

/// As Knative Eventing has moved its event types.
#[test]
fn an_earlier_revision_comes_back_although_its_definition_cannot() {
    let group = "stays.deployctl.test";
    let project = Project::new("definition-stays")
        .manifest(
            "apps/definition.yaml",
            &definition(group, &version("v1alpha1", true, true), ""),
        )
        .manifest("apps/gauge.yaml", &gauge(group, "v1alpha1", 1));
    project.deploy(&[]);
    let moved = version("v1alpha1", false, false) + &version("v1", true, true);
    project.rewrite("apps/definition.yaml", &definition(group, &moved, ""));
    project.rewrite("apps/gauge.yaml", &gauge(group, "v1", 2));
    project.deploy(&[]);
    let run = project.command("rollback", &["--yes"]).run().exited(0);
    let stays = format!(
        "CustomResourceDefinition/gauges.{group} is not restored: objects are stored in a version that it did not have then"
    );
    assert!(run.stderr.contains(&stays), "{}", run.stderr);
    let gauge = project.get(&format!("gauges.{group}/main"));
    assert_eq!(gauge["spec"]["size"], 1);
    assert_eq!(project.status()["standing"], "deployed");
}

/// A release of a Gauge of size 1 whose definition is not its own, `definition`, with another size and
/// another Gauge in a run whose last phase is not ready in time.
fn about_to_fail(name: &str, group: &str, definition: &str) -> Project {
    apply("default", definition);
    established(&format!("gauges.{group}"));
    let project = Project::new(name)
        .plan("phases: {monitoring: {timeout: 6s}}\n")
        .manifest("apps/gauge.yaml", &gauge(group, "v1alpha1", 1));
    project.deploy(&[]);
    let new = gauge(group, "v1alpha1", 2).replace("main", "new");
    project.rewrite(
        "apps/gauge.yaml",
        &documents(&[gauge(group, "v1alpha1", 2), new]),
    );
    project.rewrite(
        "monitoring/exporter.yaml",
        &faulty_deployment("exporter", "never-ready"),
    );
    project
}

/// The end of a run of `project` in which somebody else makes the definition `moved` while the last
/// phase waits; `meanwhile` goes on beside it from then on.
#[track_caller]
fn fails_after(
    project: &Project,
    moved: &str,
    meanwhile: impl FnOnce() + Send,
) -> (Option<i32>, String) {
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "monitoring");
    apply("default", moved);
    let (status, _, said) = thread::scope(|scope| {
        scope.spawn(meanwhile);
        run.end()
    });
    (status, said)
}

/// Does the garbage collector's work for `object`, once that is deleted: it learns only after a while
/// what is served now, and the longer the more definitions come and go.
fn collect(project: &Project, object: &str) {
    eventually("it is deleted", || {
        let there = project.get(object);
        let is_going = there["metadata"]["deletionTimestamp"].is_string();
        (there.is_null() || is_going).then_some(())
    });
    let patch = r#"{"metadata": {"finalizers": null}}"#;
    let name = project.name.as_str();
    // It may have been quicker.
    try_kubectl(
        &["patch", object, "-n", name, "--type=merge", "-p", patch],
        "",
    );
}

#[test]
fn what_somebody_has_moved_to_another_version_during_the_run_is_put_back_in_that() {
    let group = "meanwhile.deployctl.test";
    let before = definition(group, &version("v1alpha1", true, true), "");
    let project = about_to_fail("definition-meanwhile", group, &before);
    let moved = version("v1alpha1", false, false) + &version("v1", true, true);
    let collect = || collect(&project, &format!("gauges.{group}/new"));
    let (status, said) = fails_after(&project, &definition(group, &moved, ""), collect);
    assert_eq!(status, Some(1), "{said}");
    assert!(!said.contains("outside deployctl"), "{said}");
    let gauge = |name: &str| project.get(&format!("gauges.{group}/{name}"));
    assert_eq!(gauge("main")["spec"]["size"], 1, "{said}");
    assert!(gauge("new").is_null(), "{said}");
}

#[test]
fn what_is_not_served_when_a_run_is_rolled_back_is_a_difference_until_it_is() {
    let group = "unserved.deployctl.test";
    let before = definition(group, &version("v1alpha1", true, true), "");
    let project = about_to_fail("definition-unserved", group, &before);
    let unserved = definition(group, &version("v1alpha1", false, true), "");
    let (status, said) = fails_after(&project, &unserved, || ());
    assert_eq!(status, Some(3), "{said}");
    for name in ["main", "new"] {
        let differs = format!("Gauge/definition-unserved/{name}  could not be looked at");
        assert!(said.contains(&differs), "{said}");
    }
    apply("default", &before);
    established(&format!("gauges.{group}"));
    thread::scope(|scope| {
        scope.spawn(|| collect(&project, &format!("gauges.{group}/new")));
        project.command("rollback", &["--yes"]).run().exited(0);
    });
    let gauge = |name: &str| project.get(&format!("gauges.{group}/{name}"));
    assert_eq!(gauge("main")["spec"]["size"], 1);
    assert!(gauge("new").is_null());
}

#[test]
fn a_custom_resource_follows_its_definition_that_is_put_back_to_another_version() {
    let group = "returns.deployctl.test";
    let before = version("v1alpha1", true, true) + &version("v1", false, false);
    let project = Project::new("definition-returns")
        .manifest("apps/definition.yaml", &definition(group, &before, ""))
        .manifest("apps/gauge.yaml", &gauge(group, "v1alpha1", 1));
    project.deploy(&[]);
    let turned = version("v1alpha1", false, false) + &version("v1", true, true);
    project.rewrite("apps/definition.yaml", &definition(group, &turned, ""));
    project.rewrite("apps/gauge.yaml", &gauge(group, "v1", 2));
    project.rewrite(
        "monitoring/exporter.yaml",
        &faulty_deployment("exporter", "crash-loop"),
    );
    let run = project.up(&[]).run().exited(1);
    let gauge = project.get(&format!("gauges.{group}/main"));
    assert_eq!(gauge["spec"]["size"], 1, "{}", run.stderr);
    assert_eq!(gauge["apiVersion"], format!("{group}/v1alpha1"));
}
