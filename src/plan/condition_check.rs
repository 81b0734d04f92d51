//! Whether the conditions in a plan file can be judged at all.

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    condition::{Condition, Conditions},
    file::{PlanFile, Variable},
    problem::{Document, KeyPath, Problem},
    substitute::BUILT_IN,
};

/// Checks every `when` and `unless` of `file`: that it says one thing, and that its variable is
/// among the `declared` ones or those with `values`.
pub(super) fn check(
    document: &Document,
    file: &PlanFile,
    declared: &IndexMap<String, Variable>,
    values: &IndexMap<String, Value>,
    problems: &mut Vec<Problem>,
) {
    let mut variables: Vec<&str> = declared.keys().map(String::as_str).collect();
    let built_in = values.keys().map(String::as_str).chain(BUILT_IN);
    for name in built_in {
        if !variables.contains(&name) {
            variables.push(name);
        }
    }
    for (path, conditions) in all(file) {
        conditions.check(document, &path, &variables, problems);
    }
}

/// The conditions of every part of `file` that has some, and where the part stands.
fn all(file: &PlanFile) -> Vec<(KeyPath, Conditions)> {
    let mut all: Vec<(KeyPath, Conditions)> = Vec::new();
    let sources = KeyPath::top("sources");
    let source = file.sources.iter().enumerate();
    all.extend(source.map(|(index, source)| (sources.item(index), source.conditions())));
    let secrets = KeyPath::top("secrets");
    let secret = file.secrets.iter().enumerate();
    all.extend(secret.map(|(index, secret)| (secrets.item(index), secret.conditions())));
    let required = KeyPath::top("requires").key("crds");
    let crds = file.requires.crds.iter().enumerate();
    all.extend(crds.map(|(index, crd)| (required.item(index), crd.conditions())));
    for (name, phase) in &file.phases {
        let path = KeyPath::top("phases").key(name);
        let only = |when: Option<&Condition>| Conditions::new(when, None);
        for (key, actions) in [
            ("beforeApply", &phase.before_apply),
            ("afterReady", &phase.after_ready),
        ] {
            let actions = actions.iter().enumerate();
            let path = path.key(key);
            all.extend(actions.map(|(index, it)| (path.item(index), only(it.when.as_ref()))));
        }
        let checks = phase.checks.iter().enumerate();
        let of_checks = path.key("checks");
        all.extend(checks.map(|(index, it)| (of_checks.item(index), only(it.when.as_ref()))));
        all.push((path, phase.conditions()));
    }
    all.retain(|(_, conditions)| !conditions.is_empty());
    all
}
