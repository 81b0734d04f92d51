//! What a chart makes anew with each rendering: passwords, certificates, times.

use std::collections::HashMap;

use serde_json::Value;

use super::manifests::{Loaded, Manifest};
use crate::{
    finding::Check,
    object::{ManifestView, ObjectId, Problem},
};

/// Marks in `loaded` which fields are others in `again`, another rendering of the same. An object
/// that is only in one of them has another name each time, which is said.
pub(super) fn mark_generated(loaded: &mut Loaded, again: &[Manifest]) {
    let others: HashMap<ObjectId, &Manifest> = again
        .iter()
        .filter_map(|manifest| Some((ObjectId::of(&manifest.value)?, manifest)))
        .collect();
    for manifest in &mut loaded.manifests {
        let Some(id) = ObjectId::of(&manifest.value) else {
            continue;
        };
        let Some(other) = others.get(&id) else {
            let message = "it has another name with each rendering, so that every run makes another one of it";
            let problem = Problem::of(Check::UnstableName, message)
                .at(&manifest.origin)
                .about(&id);
            loaded
                .problems
                .push(problem.hint("give it a fixed name by the chart's values"));
            continue;
        };
        let mut paths = Vec::new();
        collect(&manifest.value, &other.value, &mut Vec::new(), &mut paths);
        if ManifestView(&manifest.value).kind() == "Secret" {
            let first = paths.iter_mut().filter_map(|path| path.first_mut());
            first.for_each(|key| *key = stored(key));
        }
        manifest.hint.generated = paths;
    }
}

/// Where the API server keeps a field of a Secret.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-names-data>
fn stored(key: &str) -> String {
    if key == "stringData" { "data" } else { key }.to_owned()
}

/// Adds the paths of the values that are not the same in both.
fn collect(one: &Value, other: &Value, at: &mut Vec<String>, paths: &mut Vec<Vec<String>>) {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => {
            for (key, value) in one {
                at.push(key.clone());
                collect(value, other.get(key).unwrap_or(&Value::Null), at, paths);
                at.pop();
            }
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            for (index, (one, other)) in one.iter().zip(other).enumerate() {
                at.push(index.to_string());
                collect(one, other, at, paths);
                at.pop();
            }
        }
        _ if one == other => {}
        _ => paths.push(at.clone()),
    }
}
