//! `diff`, `drift` and what is approved, against the real control plane: what would change is shown,
//! and nothing is written for it.

mod approved;
mod drift;
mod secrets;
mod shown;
mod terminal;
mod variables;

use serde_json::Value;

use crate::support::{Outcome, audit, manifests, project, pty, user};
use project::{Project, name};

/// What `diff` says as JSON.
#[track_caller]
fn diff(project: &Project, arguments: &[&str]) -> Value {
    let run = project.command("diff", arguments).args(["-o", "json"]);
    run.run().exited(0).json()
}

/// What happens to each object: `action KIND/NAMESPACE/NAME`, in the order of the document.
fn actions(diff: &Value) -> Vec<String> {
    let objects = diff["objects"].as_array().unwrap();
    let action = |it: &Value| format!("{} {}", it["action"].as_str().unwrap(), name(&it["object"]));
    objects.iter().map(action).collect()
}

/// The entry of `object`, a `KIND/NAMESPACE/NAME`.
#[track_caller]
fn entry<'a>(diff: &'a Value, object: &str) -> &'a Value {
    let objects = diff["objects"].as_array().unwrap();
    let found = objects.iter().find(|it| name(&it["object"]) == object);
    found.unwrap_or_else(|| panic!("no entry for {object}: {diff:#}"))
}

/// Each of `fields` as `path: before → after`.
fn fields(fields: &Value) -> Vec<String> {
    let fields = fields.as_array().unwrap();
    let field = |it: &Value| {
        let path = it["path"].as_str().unwrap();
        format!("{path}: {} → {}", it["before"], it["after"])
    };
    fields.iter().map(field).collect()
}

/// What each impact of `diff` is: `effect KIND/NAMESPACE/NAME: why`.
fn impact(diff: &Value) -> Vec<String> {
    let impact = diff["impact"].as_array().unwrap();
    let said = |it: &Value| {
        let (effect, why) = (it["effect"].as_str().unwrap(), it["why"].as_str().unwrap());
        format!("{effect} {}: {why}", name(&it["object"]))
    };
    impact.iter().map(said).collect()
}

/// The test fails where `outcome` holds one of `values` anywhere.
#[track_caller]
fn assert_hides(outcome: &Outcome, values: &[&str]) {
    for value in values {
        for text in [&outcome.stdout, &outcome.stderr] {
            assert!(!text.contains(value), "`{value}` is shown:\n{text}");
        }
    }
}
