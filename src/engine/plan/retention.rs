//! What is kept although it is no longer wanted: data, and what it cannot be opened without.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    cluster::Live,
    object::{
        HasKind as _, ManifestView, ObjectId,
        field::{list, text},
        is_unbound_claim, pod_spec,
    },
};

/// Which of the objects that are to go stay, and why: data, and the Secrets that the kept data
/// cannot be opened without.
///
/// `claims` are all claims in the namespaces concerned on which there may be data. Those that a
/// StatefulSet among what goes has made are named too. Namespaces and definitions are not decided
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
    let holds_data = |(id, live): &(&ObjectId, &Value)| id.is_data() && !is_unbound_claim(live);
    for (id, _) in to_go.clone().filter(holds_data) {
        retained.insert(id.clone(), "it holds data".to_owned());
    }
    for (id, set) in to_go.clone() {
        for claim in claims.iter().filter(|claim| is_made_by(id, set, claim)) {
            let why = || format!("it holds the data of {id}");
            retained.entry(claim.clone()).or_insert_with(why);
        }
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
    named || is_made_by(id, workload, claim)
}

/// Whether `claim` was made of a claim template of `set`.
pub(crate) fn is_made_by(id: &ObjectId, set: &Value, claim: &ObjectId) -> bool {
    let is_of = |template: &Value| is_of_template(template, &id.name, &claim.name);
    id.is_like_stateful_set()
        && id.namespace == claim.namespace
        && list(set, "/spec/volumeClaimTemplates").iter().any(is_of)
}

/// Those of the claims in `live` on which there may be data.
pub(crate) fn claims_with_data(live: &Live) -> Vec<ObjectId> {
    let claims = live.present().filter(|(id, _)| id.is_claim());
    claims
        .filter(|(_, claim)| !is_unbound_claim(claim))
        .map(|(id, _)| id.clone())
        .collect()
}

/// The Secrets that `workloads` read which use a claim without a volume: should it get one after
/// all, what is on it may not be opened without them.
pub(crate) fn needed_by_unbound<'a>(
    workloads: impl Iterator<Item = (&'a ObjectId, &'a Value)>,
    live: &Live,
) -> BTreeSet<ObjectId> {
    let uses_unbound = |id: &ObjectId, workload: &Value| {
        let mut claims = live.present();
        claims.any(|(claim, there)| is_unbound_claim(there) && uses_claim(id, workload, claim))
    };
    let using = workloads.filter(|(id, workload)| uses_unbound(id, workload));
    using
        .flat_map(|(id, workload)| secrets_of(id, workload))
        .collect()
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
pub(crate) fn secrets_of(id: &ObjectId, workload: &Value) -> BTreeSet<ObjectId> {
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
