//! Whether the API server's no to a dry run may become a yes once the run has written something
//! else first.
//!
//! A dry run is answered by the cluster as it is. Admission and authorization look at other objects
//! for their answer, and where those are of the same run, the answer says nothing yet: then the
//! object is tried in its turn.

use serde_json::Value;

use super::webhook::{dead_webhook, webhook_in};
use crate::{
    cluster::Refusal,
    object::{
        Definition, HasKind as _, Object, ObjectId,
        field::{list, text},
    },
};

/// The objects of a run.
pub(crate) struct RunObjects<'a> {
    /// What the release wants, written or not.
    pub(crate) wanted: Vec<&'a Object>,
    /// What the run writes.
    pub(crate) written: Vec<&'a Object>,
    /// Webhook configurations as they are, that the run changes or removes: before everything else
    /// where nothing answers them.
    pub(crate) rewritten: Vec<&'a Value>,
}

/// How the API server speaks of a refusal that other objects decide about.
struct Rule {
    /// One of these is in its message.
    words: &'static [&'static str],
    /// Whether the run writes what decides.
    decides: fn(&Object, &Refusal, &RunObjects<'_>) -> bool,
}

/// Tried on 1.36; the words are those of the admission plugins and of the registries.
const RULES: &[Rule] = &[
    // kube-apiserver: pkg/registry/rbac/validation. A user may grant what the user holds.
    Rule {
        words: &["attempting to grant RBAC permissions not currently held"],
        decides: writes_rbac,
    },
    // pkg/registry/rbac/rolebinding/policybased: the role of a binding is looked up for a user who
    // may not bind any. An apply is answered as if the binding were missing.
    Rule {
        words: &["not found"],
        decides: writes_its_role,
    },
    // plugin/pkg/admission: limitranger, resourcequota.
    Rule {
        words: &[
            "exceeded quota: ",
            "failed quota: ",
            "maximum ",
            "minimum ",
            "max limit to request ratio",
        ],
        decides: writes_limits,
    },
    // pod-security-admission: the labels of the Namespace say what is permitted.
    Rule {
        words: &["violates PodSecurity"],
        decides: writes_namespace,
    },
    // apiserver: admission/plugin/webhook, apiextensions-apiserver: conversion.
    Rule {
        words: &[
            "admission webhook \"",
            "failed calling webhook \"",
            "conversion webhook for ",
        ],
        decides: writes_what_a_webhook_is_of,
    },
    // apiserver: admission/plugin/policy.
    Rule {
        words: &["ValidatingAdmissionPolicy '", "MutatingAdmissionPolicy '"],
        decides: writes_what_a_policy_is_of,
    },
    // pkg/registry/core/service: ports and addresses that another Service has.
    Rule {
        words: &["already allocated"],
        decides: writes_another_service,
    },
];

/// Whether what the run writes before `object` may change the answer `refusal` to it.
pub(crate) fn is_undecided(object: &Object, refusal: &Refusal, run: &RunObjects<'_>) -> bool {
    if is_about_the_user(refusal) {
        return false;
    }
    let speaks = |rule: &&Rule| {
        rule.words
            .iter()
            .any(|words| refusal.message.contains(words))
    };
    let by_rule = RULES
        .iter()
        .filter(speaks)
        .any(|rule| (rule.decides)(object, refusal, run));
    by_rule || names_what_is_written(object, refusal, run) || writes_definition(object, run)
}

/// Whether a webhook, a policy or a quota refused it: where the object was tried in another
/// namespace than its own, that says nothing about it.
pub(crate) fn is_of_admission(refusal: &Refusal) -> bool {
    const WORDS: [&str; 6] = [
        "admission webhook \"",
        "failed calling webhook \"",
        "AdmissionPolicy '",
        "exceeded quota: ",
        "failed quota: ",
        "violates PodSecurity",
    ];
    WORDS.iter().any(|words| refusal.message.contains(words))
}

/// Whether a webhook or a policy refused it.
pub(crate) fn is_of_policy(refusal: &Refusal) -> bool {
    const WORDS: [&str; 3] = [
        "admission webhook \"",
        "failed calling webhook \"",
        "AdmissionPolicy '",
    ];
    WORDS.iter().any(|words| refusal.message.contains(words))
}

/// Whether a quota has no room for it beside what is there.
pub(crate) fn is_over_quota(refusal: &Refusal) -> bool {
    refusal.is_forbidden() && refusal.message.contains("exceeded quota: ")
}

/// Whether the user has not the permission for the request itself: `User "x" cannot create resource
/// "roles" in API group …`. What grants it would have to be written by somebody who has it.
pub(super) fn is_about_the_user(refusal: &Refusal) -> bool {
    refusal.is_forbidden()
        && refusal.message.contains(" cannot ")
        && refusal.message.contains(" resource \"")
}

/// Whether the message names an object that the run writes: a Role that is not found, a
/// `PriorityClass` that there is not, a ServiceAccount that cannot be looked up.
fn names_what_is_written(object: &Object, refusal: &Refusal, run: &RunObjects<'_>) -> bool {
    let is_sought = ["not found", "was found", "does not exist"]
        .iter()
        .any(|words| refusal.message.contains(words));
    if !is_sought || is_of_admission(refusal) {
        return false;
    }
    let names = |other: &Object| {
        if other.id.name == object.id.name {
            is_named_with_its_kind(&other.id, &refusal.message)
        } else {
            is_word(&other.id.name, &refusal.message)
        }
    };
    let own_namespace = |other: &Object| {
        other.id.is_namespace() && object.id.namespace.as_deref() == Some(other.id.name.as_str())
    };
    let others = run.written.iter();
    let mut others = others.filter(|other| other.id != object.id && !own_namespace(other));
    others.any(|other| names(other))
}

/// Whether `message` names the object `id`, and no other one: with its namespace or its kind.
pub(crate) fn is_named(id: &ObjectId, message: &str) -> bool {
    let qualified = |namespace: &String| is_word(&format!("{namespace}/{}", id.name), message);
    id.namespace.as_ref().is_some_and(qualified) || is_named_with_its_kind(id, message)
}

/// Whether `message` names `id` where its name alone may be another object's.
fn is_named_with_its_kind(id: &ObjectId, message: &str) -> bool {
    let kind = id.kind.to_lowercase();
    let (name, group) = (id.name.to_lowercase(), &id.group);
    let spellings = [
        format!("{kind} \"{name}\""),
        format!("{kind}s \"{name}\""),
        format!("{kind}s.{group} \"{name}\""),
        format!("{kind} with name {name} "),
    ];
    let message = message.to_lowercase();
    spellings.iter().any(|spelling| message.contains(spelling))
}

/// Whether `name` stands in `message` as a word of its own.
fn is_word(name: &str, message: &str) -> bool {
    let is_of_name =
        |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ':');
    message.match_indices(name).any(|(start, _)| {
        let before = message[..start].chars().next_back();
        let mut after = message[start + name.len()..].chars();
        let (next, one_after) = (after.next(), after.next());
        let ends = match next {
            // The end of a sentence, or what introduces the next part of it.
            Some('.' | ':') => !one_after.is_some_and(is_of_name),
            next => !next.is_some_and(is_of_name),
        };
        !before.is_some_and(is_of_name) && ends
    })
}

/// Whether the run writes the definition of the object's kind: its schema may be another one then.
fn writes_definition(object: &Object, run: &RunObjects<'_>) -> bool {
    run.written.iter().any(|other| writes_kind(other, object))
}

/// Whether `definition` is that of the object's kind.
fn writes_kind(definition: &Object, object: &Object) -> bool {
    Definition::of(&definition.body).is_some_and(|definition| {
        definition.group() == object.id.group && definition.kind() == object.id.kind
    })
}

fn writes_rbac(object: &Object, _: &Refusal, run: &RunObjects<'_>) -> bool {
    run.written
        .iter()
        .any(|other| other.id != object.id && other.id.group == "rbac.authorization.k8s.io")
}

fn writes_its_role(object: &Object, _: &Refusal, run: &RunObjects<'_>) -> bool {
    let (kind, name) = (
        text(&object.body, "/roleRef/kind"),
        text(&object.body, "/roleRef/name"),
    );
    kind.is_some()
        && run.written.iter().any(|other| {
            other.id.group == object.id.group
                && Some(other.id.kind.as_str()) == kind
                && Some(other.id.name.as_str()) == name
        })
}

fn writes_limits(object: &Object, _: &Refusal, run: &RunObjects<'_>) -> bool {
    run.written
        .iter()
        .any(|other| other.id.is_limit() && other.id.namespace == object.id.namespace)
}

fn writes_namespace(object: &Object, _: &Refusal, run: &RunObjects<'_>) -> bool {
    run.written.iter().any(|other| {
        other.id.is_namespace() && object.id.namespace.as_deref() == Some(other.id.name.as_str())
    })
}

/// Whether the webhook that `refusal` names is of the release, and the run writes it or anything
/// that may be behind it.
fn writes_what_a_webhook_is_of(object: &Object, refusal: &Refusal, run: &RunObjects<'_>) -> bool {
    let is_named_here = |other: &&Object| {
        let hooks = list(&other.body, "/webhooks").iter();
        let mut names = hooks.filter_map(|hook| text(hook, "/name"));
        let converts = refusal.message.contains("conversion webhook for ")
            && Definition::of(&other.body).is_some_and(Definition::is_converted_by_webhook)
            && writes_kind(other, object);
        converts
            || other.id.is_webhook_configuration()
                && names.any(|name| refusal.message.contains(name))
    };
    let is_rewritten = |name: &str| {
        run.rewritten
            .iter()
            .any(|it| webhook_in(it, name).is_some())
    };
    dead_webhook(refusal).is_some_and(is_rewritten)
        || run.wanted.iter().any(is_named_here) && writes_another(object, run)
}

/// Whether the policy that `refusal` names, or its binding, is of the release, and the run writes
/// it or anything that may be its parameters.
fn writes_what_a_policy_is_of(object: &Object, refusal: &Refusal, run: &RunObjects<'_>) -> bool {
    let is_named_here = |other: &&Object| {
        other.id.group == "admissionregistration.k8s.io"
            && !other.id.is_webhook_configuration()
            && is_word(&other.id.name, &refusal.message)
    };
    run.wanted.iter().any(is_named_here) && writes_another(object, run)
}

fn writes_another_service(object: &Object, _: &Refusal, run: &RunObjects<'_>) -> bool {
    run.written
        .iter()
        .any(|other| other.id.is_service() && other.id != object.id)
}

fn writes_another(object: &Object, run: &RunObjects<'_>) -> bool {
    run.written.iter().any(|other| other.id != object.id)
}

#[cfg(test)]
mod tests;
