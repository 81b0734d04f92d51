//! What is kept although it is no longer wanted: data, and what it cannot be opened without.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::object::{
    HasKind as _, ManifestView, ObjectId,
    field::{list, text},
    pod_spec,
};

/// Which of the objects that are to go stay, and why: data, and the Secrets that the kept data
/// cannot be opened without.
///
/// `claims` are all claims in the namespaces concerned. Namespaces and definitions are not decided
/// here: they go where they are empty.
pub(crate) fn retained<'a>(
    to_go: &(impl Iterator<Item = (&'a ObjectId, &'a Value)> + Clone),
    claims: &[ObjectId],
    delete_data: bool,
) -> BTreeMap<ObjectId, String> {
    let mut retained = BTreeMap::new();
    if delete_data {
        return retained;
    }
    for (id, _) in to_go.clone().filter(|(id, _)| id.is_data()) {
        retained.insert(id.clone(), "it holds data".to_owned());
    }
    for (id, workload) in to_go.clone() {
        let Some(claim) = claims.iter().find(|claim| uses_claim(id, workload, claim)) else {
            continue;
        };
        for secret in secrets_of(id, workload) {
            if to_go.clone().any(|(id, _)| *id == secret) {
                retained.insert(
                    secret,
                    format!("{id}, whose data on {claim} is kept, reads it"),
                );
            }
        }
    }
    retained
}

/// Whether the pods of `workload` use `claim`: by name, or by one of its claim templates.
pub(crate) fn uses_claim(id: &ObjectId, workload: &Value, claim: &ObjectId) -> bool {
    if id.namespace != claim.namespace {
        return false;
    }
    let named = pod_spec(workload).is_some_and(|spec| {
        list(spec, "/volumes")
            .iter()
            .any(|volume| text(volume, "/persistentVolumeClaim/claimName") == Some(&claim.name))
    });
    named
        || list(workload, "/spec/volumeClaimTemplates")
            .iter()
            .any(|template| is_of_template(template, &id.name, &claim.name))
}

/// Whether `claim` is `TEMPLATE-WORKLOAD-NUMBER`.
pub(crate) fn is_of_template(template: &Value, workload: &str, claim: &str) -> bool {
    let number = claim
        .strip_prefix(ManifestView(template).name())
        .and_then(|rest| {
            rest.strip_prefix('-')?
                .strip_prefix(workload)?
                .strip_prefix('-')
        });
    number.is_some_and(|number| {
        !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The Secrets that the pods of `workload` read.
fn secrets_of(id: &ObjectId, workload: &Value) -> BTreeSet<ObjectId> {
    let mut names = BTreeSet::new();
    if let Some(spec) = pod_spec(workload) {
        collect_secret_names(spec, &mut names);
    }
    let secret = |name: &String| ObjectId::core("Secret", id.namespace.as_deref(), name);
    names.iter().map(secret).collect()
}

/// Every place in a pod's spec that names a Secret of which pods read something: `secretKeyRef`,
/// `secretRef`, volumes and projected volumes.
fn collect_secret_names(value: &Value, names: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, below) in map {
                let name = match key.as_str() {
                    "secretKeyRef" | "secretRef" => below.get("name"),
                    "secret" => below.get("secretName").or_else(|| below.get("name")),
                    _ => None,
                };
                names.extend(name.and_then(Value::as_str).map(str::to_owned));
                collect_secret_names(below, names);
            }
        }
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_secret_names(item, names)),
        _ => {}
    }
}
