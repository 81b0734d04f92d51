//! Custom resources whose operators write into what people have written.

use crate::support::{
    manifests::{definition_of, documents},
    project::{Project, written},
};

const ENGINE: &str = "size: {type: integer}, mode: {type: string, default: auto}, image: {type: string}, options: {type: object, additionalProperties: {type: string}}";

/// What an operator fills in beside what was written is its own. What it changes of that is a
/// conflict, until the plan leaves it to the operator.
#[test]
fn what_an_operator_fills_in_is_its_own_and_what_it_changes_can_be_left_to_it() {
    let group = "operators.deployctl.test";
    let engine = |image: &str| {
        format!(
            "apiVersion: {group}/v1\nkind: Engine\nmetadata: {{name: main}}\nspec: {{size: 1, image: \"{image}\", options: {{}}}}\n"
        )
    };
    let manifest =
        |image: &str| documents(&[definition_of("Engine", group, ENGINE), engine(image)]);
    let project = Project::new("operators").manifest("apps/engine.yaml", &manifest("a"));
    project.deploy(&[]);
    let object = format!("engines.{group}/main");
    let operate = |patch: &str| {
        let operator = [
            "--type=merge",
            "--field-manager=engine-operator",
            "-p",
            patch,
        ];
        project.kubectl(&[&["patch", &object], operator.as_slice()].concat());
    };
    operate(
        r#"{"metadata":{"finalizers":["example.org/engine"]},"spec":{"mode":"fast","options":{"a":"1"}}}"#,
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");

    operate(r#"{"spec":{"size":3}}"#);
    let refused = project.up(&[]).run().exited(5);
    assert!(
        refused
            .stderr
            .contains("`spec.size` is managed by \"engine-operator\"")
            && refused.stderr.contains("`ignoreFields`"),
        "{}",
        refused.stderr
    );
    project.rewrite_plan("ignoreFields: [{match: [{kind: Engine}], fields: [spec.size]}]\n");
    project.rewrite("apps/engine.yaml", &manifest("b"));
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Engine/operators/main"]
    );
    let spec = project.get(&object)["spec"].clone();
    assert_eq!(
        spec,
        serde_json::json!({"size": 3, "mode": "fast", "image": "b", "options": {"a": "1"}})
    );
    operate(r#"{"spec":{"size":4}}"#);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    operate(r#"{"metadata":{"finalizers":null}}"#);
}
