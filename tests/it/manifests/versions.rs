//! Definitions that serve other versions than before.

use crate::support::{manifests::faulty_deployment, project::Project};

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
