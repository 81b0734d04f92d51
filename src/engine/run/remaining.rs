//! What is still there although it was to go, and what holds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::watch::cache::ResourceCache;
use crate::{
    cluster::Cluster,
    event::{Diagnosis, ObjectDiagnosis},
    object::{HasKind as _, ManifestView, ObjectId},
};

/// What is still there although it was to go, what holds it, and the commands that show more.
pub(crate) fn remaining(
    faults: Vec<(ObjectId, String)>,
    cache: &ResourceCache,
    cluster: &Cluster,
) -> Diagnosis {
    let mut by_object: BTreeMap<ObjectId, String> = BTreeMap::new();
    for (id, what) in faults {
        by_object.entry(id).or_insert(what);
    }
    let named =
        by_object.iter().map(
            |(id, what)| match cache.object(id).and_then(|there| held(there)) {
                Some(held) => (id.clone(), held),
                None => (id.clone(), what.clone()),
            },
        );
    let objects: Vec<ObjectDiagnosis> = named
        .map(|(object, cause)| {
            let verdict = cache.judge(&object, Timestamp::now());
            ObjectDiagnosis {
                object,
                verdict,
                pod: None,
                container: None,
                cause: Some(cause),
                log: Vec::new(),
                further: Vec::new(),
            }
        })
        .collect();
    let names = objects
        .iter()
        .map(|diagnosed| diagnosed.object.to_string())
        .collect::<Vec<_>>();
    let summary = match names.as_slice() {
        [name] => format!("{name} is still there"),
        names => format!(
            "{} objects are still there: {}",
            names.len(),
            names.join(", ")
        ),
    };
    let more = by_object
        .keys()
        .map(|id| look_command(id, cluster.kubectl()))
        .collect();
    Diagnosis {
        summary,
        objects,
        more,
        ..Diagnosis::default()
    }
}

/// What holds an object that is being deleted: finalizers, and what the namespace controller says
/// of a namespace.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/finalizers/>
fn held(there: &Value) -> Option<String> {
    let there = ManifestView(there);
    if !there.is_terminating() {
        return None;
    }
    let finalizers: Vec<&str> = there.finalizers().collect();
    let stuck: Vec<&str> = there
        .conditions()
        .filter(|condition| there.is_namespace() && condition.is_true())
        .map(|condition| condition.message)
        .filter(|message| !message.is_empty())
        .collect();
    match (stuck.as_slice(), finalizers.as_slice()) {
        ([], []) => None,
        ([], finalizers) => Some(format!(
            "it is being deleted, and waits for its finalizers: {}",
            finalizers.join(", ")
        )),
        (stuck, _) => Some(format!(
            "it is being deleted, and cannot be completed: {}",
            stuck.join("; ")
        )),
    }
}

/// The command that shows all of `id`.
fn look_command(id: &ObjectId, kubectl: &str) -> String {
    let kind = id.kind.to_lowercase();
    let kind = if id.group.is_empty() {
        kind
    } else {
        format!("{kind}.{}", id.group)
    };
    let namespace = id
        .namespace
        .as_ref()
        .map(|namespace| format!(" -n {namespace}"))
        .unwrap_or_default();
    format!("{kubectl} get {kind} {}{namespace} -o yaml", id.name)
}
