//! Rule 18: what cannot be put back stays, is named, and is no fault of the way back.

use super::{
    manifests::{config_map, documents, faulty_deployment},
    project::Project,
    proof, remarks, uid,
};

/// A definition of widgets that are stored in the last of `versions`.
fn definition(group: &str, versions: &[&str]) -> String {
    let stored = versions.last().unwrap();
    let version = |name: &&str| {
        format!(
            "    - {{name: {name}, served: true, storage: {storage}, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, x-kubernetes-preserve-unknown-fields: true}}}}}}}}}}\n",
            storage = name == stored
        )
    };
    let versions: String = versions.iter().map(version).collect();
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.{group}}}\nspec:\n  group: {group}\n  scope: Namespaced\n  names: {{kind: Widget, plural: widgets, singular: widget}}\n  versions:\n{versions}"
    )
}

#[test]
fn a_definition_keeps_the_version_that_objects_are_stored_in() {
    let group = "moved.example.org";
    let widget = format!(
        "apiVersion: {group}/v1\nkind: Widget\nmetadata: {{name: first}}\nspec: {{size: 1}}\n"
    );
    let project = Project::new("moved-version")
        .manifest("namespace/widgets.yaml", &definition(group, &["v1"]))
        .manifest("apps/widget.yaml", &widget);
    project.deploy(&[]);
    project.rewrite("namespace/widgets.yaml", &definition(group, &["v1", "v2"]));
    project.rewrite(
        "apps/widget.yaml",
        &widget.replace("/v1", "/v2").replace("size: 1", "size: 2"),
    );
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let proof = proof(&run);
    assert!(remarks(&proof, "differences").is_empty(), "{proof}");
    let stays = remarks(&proof, "stays");
    assert!(
        matches!(stays.as_slice(), [one] if one.starts_with("CustomResourceDefinition/widgets.moved.example.org is not restored: objects are stored in version `v2`")),
        "{stays:?}"
    );
    assert_eq!(
        project.get("widgets.moved.example.org/first")["spec"]["size"],
        1
    );
}

#[test]
fn what_was_sealed_is_created_anew_as_it_was() {
    let sealed = |value: &str| config_map("settings", value) + "immutable: true\n";
    let project =
        Project::new("sealed").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let before = project.get("configmap/settings");
    project.rewrite(
        "apps/settings.yaml",
        &documents(&[sealed("2"), faulty_deployment("web", "crash-loop")]),
    );
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let proof = proof(&run);
    assert!(remarks(&proof, "differences").is_empty(), "{proof}");
    let after = project.get("configmap/settings");
    assert_eq!(
        (&after["data"], &after["immutable"]),
        (&before["data"], &before["immutable"])
    );
    assert_ne!(
        before["metadata"]["uid"],
        uid(&project, "configmap/settings")
    );
}
