//! Custom resources whose `status` is nobody's but their author's.

use crate::support::{
    apply, established,
    manifests::faulty_deployment,
    project::{Project, written},
};

fn definition(group: &str, subresources: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: switches.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Switch, plural: switches, singular: switch}}
  versions:
    - name: v1
      served: true
      storage: true
      subresources: {subresources}
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec: {{type: object, properties: {{size: {{type: integer}}}}}}
            status: {{type: object, properties: {{position: {{type: string}}}}}}
"
    )
}

fn switch(group: &str, position: &str) -> String {
    format!(
        "apiVersion: {group}/v1\nkind: Switch\nmetadata: {{name: main}}\nspec: {{size: 1}}\nstatus: {{position: \"{position}\"}}\n"
    )
}

#[test]
fn a_status_without_a_subresource_is_sent_compared_and_restored() {
    let group = "status-field.deployctl.test";
    let object = format!("switches.{group}/main");
    let project = Project::new("status-field")
        .manifest("databases/definition.yaml", &definition(group, "{}"))
        .manifest("databases/switch.yaml", &switch(group, "on"));
    let position = || project.get(&object)["status"]["position"].clone();
    project.deploy(&[]);
    assert_eq!(position(), "on");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    let patch = r#"{"status":{"position":"edited"}}"#;
    project.kubectl(&[
        "patch",
        &object,
        "--type=merge",
        "--field-manager=kubectl-edit",
        "-p",
        patch,
    ]);
    let changed = format!("changed Switch/{}/main", project.name);
    assert_eq!(written(&project.deploy(&[])), [changed.as_str()]);
    assert_eq!(position(), "on");

    project.rewrite("databases/switch.yaml", &switch(group, "off"));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    project.up(&[]).run().exited(1);
    assert_eq!(position(), "on", "it is put back");

    // The definition among the manifests says it too.
    project.rewrite(
        "databases/definition.yaml",
        &definition(group, "{status: {}}"),
    );
    let outcome = project.command("validate", &[]).run().exited(0);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    let warning = "only the cluster sets `status`, so it is not sent";
    assert!(said.contains(warning), "{said}");

    // So does the cluster, where the definition is another release's.
    project.rewrite("databases/definition.yaml", &definition(group, "{}"));
    let other = "status-elsewhere.deployctl.test";
    apply("default", &definition(other, "{status: {}}"));
    established(&format!("switches.{other}"));
    project.rewrite("databases/other.yaml", &switch(other, "on"));
    let outcome = project
        .up(&["--only", &format!("Switch.{other}/main")])
        .args(["--timeout", "1s"])
        .run();
    assert!(outcome.stderr.contains(warning), "{}", outcome.stderr);
}
