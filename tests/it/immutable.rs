//! What cannot be changed in place: Jobs, fixed fields, claims; and what others hold.

mod adoption;
mod autoscalers;
mod claims;
mod denied;
mod fields;
mod jobs;
mod stays;

use crate::support::{Outcome, manifests, project, project::Project, running};
use serde_json::Value;

/// The uid of an object in the project's namespace.
fn uid(project: &Project, object: &str) -> String {
    project.get(object)["metadata"]["uid"]
        .as_str()
        .unwrap_or_else(|| panic!("there is no {object}"))
        .to_owned()
}

/// What the rollback of a run came to.
fn proof(run: &Outcome) -> Value {
    let log = run.events();
    let proved = project::events(&log, "rollback-proved");
    assert_eq!(
        proved.len(),
        1,
        "stdout:\n{}\nstderr:\n{}",
        run.stdout,
        run.stderr
    );
    proved[0]["proof"].clone()
}

/// The remarks of one kind, each as `OBJECT what`.
fn remarks(proof: &Value, kind: &str) -> Vec<String> {
    let remarks = proof[kind].as_array().unwrap().iter();
    remarks
        .map(|remark| {
            format!(
                "{} {}",
                project::name(&remark["object"]),
                remark["what"].as_str().unwrap()
            )
        })
        .collect()
}
