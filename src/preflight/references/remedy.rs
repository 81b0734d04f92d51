//! What to do about something that is lacking: the lines to add.

use std::collections::{BTreeMap, BTreeSet};

use super::judge::{Lack, Lacking, Surroundings};
use crate::object::{HasKind as _, MentionedPart, ObjectId};

/// What all that is lacking needs of the same object, and where the plan's own namespace is.
#[derive(Debug, Default)]
pub(crate) struct Remedies {
    /// The keys that anything needs of each object.
    keys: BTreeMap<ObjectId, BTreeSet<String>>,
    /// The namespace that declared Secrets go to where none is named.
    namespace: String,
    /// The Secrets that the plan declares.
    declared: BTreeSet<ObjectId>,
}

/// The remedies for all that is `lacking` of a plan whose namespace is `namespace`, and that
/// declares these Secrets.
pub(crate) fn remedies(
    lacking: &[Lacking<'_>],
    namespace: &str,
    declared: impl Iterator<Item = ObjectId>,
) -> Remedies {
    let mut keys: BTreeMap<ObjectId, BTreeSet<String>> = BTreeMap::new();
    for it in lacking {
        let known = keys.entry(it.mention.target.clone()).or_default();
        known.extend(it.parts.iter().filter_map(|part| match part {
            MentionedPart::Key(key) => Some(key.clone()),
            MentionedPart::Port(_) => None,
        }));
    }
    Remedies {
        keys,
        namespace: namespace.to_owned(),
        declared: declared.collect(),
    }
}

/// What to do about `lacking`.
pub(super) fn remedy(
    lacking: &Lacking<'_>,
    remedies: &Remedies,
    surroundings: &dyn Surroundings,
) -> String {
    let target = &lacking.mention.target;
    match &lacking.lack {
        Lack::Part(_) if target.is_service() => {
            format!("name a port that {target} has, or add one to it")
        }
        Lack::Part(_) => added_keys(lacking, remedies, surroundings),
        Lack::Sometimes => format!(
            "write `optional: true` there, or take it off the key in the plan's entry `{}` of `secrets`",
            target.name
        ),
        Lack::Going => format!("take the reference out, or keep {target} in the manifests"),
        Lack::LeftOut(by) => format!("run it first, or too: `--only {by}`"),
        Lack::Later(_) => format!(
            "put {target} into phase `{}` or an earlier one, by its annotation `deployctl.dev/phase`",
            lacking.referrer.phase
        ),
        Lack::Absent | Lack::Outside => missing(lacking, remedies),
    }
}

fn added_keys(
    lacking: &Lacking<'_>,
    remedies: &Remedies,
    surroundings: &dyn Surroundings,
) -> String {
    let target = &lacking.mention.target;
    if remedies.declared.contains(target) {
        let keys = data(remedies, target);
        return format!(
            "add to `{}` below `secrets` in the plan: `{keys}`",
            target.name
        );
    }
    match surroundings.provisions().get(target) {
        Some(provision) if provision.by != *target => {
            format!("let {} make the key, or name another", provision.by)
        }
        Some(_) => format!("add the key to {target}, or name another"),
        None => format!("name another key, or bring {target} into the plan"),
    }
}

/// What to do about something that nobody brings.
fn missing(lacking: &Lacking<'_>, remedies: &Remedies) -> String {
    let target = &lacking.mention.target;
    let add = if target.is_secret() {
        let entry = entry(lacking, remedies);
        format!("declare it in the plan, below `secrets`: `{entry}`")
    } else {
        let keys = remedies.keys.get(target).filter(|keys| !keys.is_empty());
        let keys = keys.map_or_else(String::new, |keys| {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            format!(" with `{}`", keys.join("`, `"))
        });
        format!("add {target}{keys} to the manifests, or create it first")
    };
    let is_made_by_others = target.is_configuration() || target.is_service() || target.is_claim();
    if is_made_by_others {
        let said = target.to_string();
        return format!("{add}; or say at what makes it: `deployctl.dev/provides: {said}`");
    }
    add
}

/// The entry of `secrets` that declares what `lacking` needs.
fn entry(lacking: &Lacking<'_>, remedies: &Remedies) -> String {
    let target = &lacking.mention.target;
    let own = target.namespace.as_ref();
    let namespaces = own.filter(|namespace| **namespace != remedies.namespace);
    let namespaces = namespaces.map_or_else(String::new, |namespace| {
        format!(", namespaces: [{namespace}]")
    });
    let at = &lacking.mention.at;
    if at.contains("/imagePullSecrets/") {
        return format!(
            "- {{name: {}{namespaces}, type: kubernetes.io/dockerconfigjson, data: {{registry: {{value: REGISTRY}}, username: {{value: USER}}, password: {{prompt: Password of the registry}}}}}}",
            target.name
        );
    }
    if at.starts_with("/spec/tls/") || at.contains("/certificateRefs/") {
        return format!(
            "- {{name: {}{namespaces}, type: kubernetes.io/tls, data: {{tls.crt: {{file: FILE}}, tls.key: {{file: FILE}}}}}}",
            target.name
        );
    }
    let data = data(remedies, target);
    format!("- {{name: {}{namespaces}, data: {{{data}}}}}", target.name)
}

/// The keys of `target` as they are declared: `user: {prompt: user}`.
fn data(remedies: &Remedies, target: &ObjectId) -> String {
    let keys = remedies.keys.get(target).into_iter().flatten();
    let mut keys: Vec<String> = keys
        .map(|key| format!("{key}: {{prompt: {key}}}"))
        .collect();
    if keys.is_empty() {
        keys.push("KEY: {prompt: KEY}".to_owned());
    }
    keys.join(", ")
}
