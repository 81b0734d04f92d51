//! Findings have names, by which they are left out.

use serde_json::{Value, json};

use super::{Folder, smallest};

const SERVICE: &str = "apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
";

fn folder(keys: &str) -> Folder {
    Folder::new()
        .file("plans/shop.yaml", &smallest(keys))
        .file("manifests/other/web.yaml", SERVICE)
}

const SAID: &str = "it selects no pod of the plan: app=web [selects-nothing]";

#[test]
fn a_warning_is_shown_with_its_name_and_left_out_by_it() {
    let (_, stderr) = folder("").run(&["validate"]).success();
    assert!(stderr.contains(SAID), "{stderr}");
    let skipped = folder("").run(&["validate", "--skip-check", "selects-nothing"]);
    let (_, stderr) = skipped.success();
    assert!(!stderr.contains("Warning"), "{stderr}");
    let other = folder("").run(&["validate", "--skip-check", "unpinned-chart"]);
    let (_, stderr) = other.success();
    assert!(stderr.contains(SAID), "{stderr}");
}

#[test]
fn a_plan_leaves_checks_out_for_good() {
    let (_, stderr) = folder("preflight: {skip: [selects-nothing]}\n")
        .run(&["validate"])
        .success();
    assert!(!stderr.contains("Warning"), "{stderr}");
    let refused = folder("preflight: {skip: [select-nothing, manifest]}\n").run(&["validate"]);
    insta::assert_snapshot!(refused.refusal(), @r"
    Error: plans/shop.yaml has 2 errors
    plans/shop.yaml:3:20: there is no check `select-nothing`; did you mean `selects-nothing`?
      3 | preflight: {skip: [select-nothing, manifest]}
        |                    ^^^^^^^^^^^^^^
    plans/shop.yaml:3:36: the check `manifest` cannot be left out: nothing could be deployed all the same
      3 | preflight: {skip: [select-nothing, manifest]}
        |                                    ^^^^^^^^
    ");
}

#[test]
fn a_name_that_cannot_be_left_out_is_a_usage_error() {
    for (name, said) in [
        ("select-nothing", "did you mean `selects-nothing`?"),
        (
            "unknown-kind",
            "the check `unknown-kind` cannot be left out",
        ),
        ("x", "those that can be left out are `"),
    ] {
        let refused = folder("")
            .run(&["validate", "--skip-check", name])
            .refusal();
        assert!(refused.contains(said), "{refused}");
    }
}

#[test]
fn a_finding_is_an_object_of_its_own_in_json() {
    let (stdout, _) = folder("").run(&["validate", "-o", "json"]).success();
    let document: Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(
        document["findings"],
        json!([{
            "check": "selects-nothing",
            "severity": "warning",
            "file": "manifests/other/web.yaml",
            "line": 1,
            "object": "Service/default/web",
            "message": "it selects no pod of the plan: app=web"
        }])
    );
}
