//! Fields that cannot be changed, so that their object has to be deleted and created anew.

use serde_json::Value;

use super::{Finding, refusal::described};
use crate::{
    cluster::{Refusal, RefusalCause},
    finding::Check,
    object::{HasKind as _, ManifestView, Object, ObjectId, field::map},
};

/// How API servers say that a field of an object that is there cannot have another value. Tried on
/// 1.36: each kind has its own words.
const WORDS: [&str; 9] = [
    "immutable",
    "cannot change roleRef",
    "may not be changed",
    "may not change once set",
    "can not be unset",
    "cannot be changed",
    "updates to statefulset spec for fields other than",
    "updates may not change fields other than",
    "updates to parameters are forbidden",
];

/// Fields of a StatefulSet's `spec` that can be changed; all others cannot.
/// <https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/stateful-set-v1/>
const CHANGEABLE: [&str; 7] = [
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];

/// What cannot be changed in an object that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Immutable {
    /// The fields.
    pub(crate) fields: Vec<String>,
    /// What the API server says, where that is not only that.
    pub(crate) said: Option<String>,
}

impl Immutable {
    /// These `fields`, of which nothing else is said.
    pub(crate) fn of(fields: Vec<String>) -> Self {
        Self { fields, said: None }
    }

    /// The fields that `refusal` of a change is about, whose new values an object would be created
    /// with: whatever the words, it is the change that is refused. Where some of them say so, the
    /// others follow from it.
    pub(crate) fn by_refusal(refusal: &Refusal) -> Self {
        let is_said = |cause: &&RefusalCause| speaks_of_change(&cause.message);
        let all = || {
            refusal
                .causes
                .iter()
                .filter(|cause| !cause.field.is_empty())
        };
        let mut fields: Vec<String> = if all().any(|cause| is_said(&cause)) {
            all()
                .filter(is_said)
                .map(|cause| cause.field.clone())
                .collect()
        } else {
            all().map(|cause| cause.field.clone()).collect()
        };
        fields.dedup();
        Self {
            fields,
            said: Some(described(refusal)),
        }
    }
}

/// The fields of `sent` that the API server leaves as they are without a word, as `stored` shows:
/// the spec of a `CertificateSigningRequest`.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/registry/certificates/certificates/strategy.go>
pub(crate) fn silently_kept(id: &ObjectId, sent: &Value, stored: &Value) -> Vec<String> {
    if id.group_and_kind() == ("certificates.k8s.io", "CertificateSigningRequest") {
        fields_of_spec(sent, stored)
    } else {
        Vec::new()
    }
}

/// The fields of `sent` that `refusal` says cannot be changed in `live`; none where anything else
/// is wrong too, since then it does not help to create the object anew.
pub(crate) fn immutable_fields(refusal: &Refusal, sent: &Value, live: &Value) -> Vec<String> {
    let is_invalid = refusal.is_invalid() && !refusal.causes.is_empty();
    if !is_invalid
        || !refusal
            .causes
            .iter()
            .all(|cause| speaks_of_change(&cause.message))
    {
        return Vec::new();
    }
    let mut fields: Vec<String> = Vec::new();
    for cause in &refusal.causes {
        let field = cause.field.clone();
        let found = if field == "spec" {
            fields_of_spec(sent, live)
        } else {
            Vec::new()
        };
        fields.extend(if found.is_empty() { vec![field] } else { found });
    }
    fields.dedup();
    fields
}

/// Whether a cause's message says that a value cannot be changed. Only its end is looked at: the
/// value at fault stands before it.
fn speaks_of_change(message: &str) -> bool {
    let line = message.lines().next().unwrap_or_default();
    let said = line.rsplit(": ").next().unwrap_or(line);
    WORDS.iter().any(|words| said.contains(words))
}

/// The fields of `spec` that differ, where the server names only `spec`.
fn fields_of_spec(sent: &Value, live: &Value) -> Vec<String> {
    let is_stateful = ManifestView(sent).is_like_stateful_set();
    let fields = map(sent, "/spec").into_iter().flatten();
    let fields = fields.filter(|(name, _)| !is_stateful || !CHANGEABLE.contains(&name.as_str()));
    fields
        .filter(|(name, value)| !is_within(value, &live["spec"][name.as_str()]))
        .map(|(name, _)| format!("spec.{name}"))
        .collect()
}

/// Whether all that `part` says holds in `whole`, which may say more: the API server adds defaults.
pub(crate) fn is_within(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| match whole.get(name) {
                Some(other) => is_within(value, other),
                None => value.is_null(),
            })
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len()
                && part
                    .iter()
                    .zip(whole)
                    .all(|(part, whole)| is_within(part, whole))
        }
        (part, whole) => part == whole,
    }
}

/// Why an object of this kind is never deleted and created anew; `None` where it may be.
pub(crate) fn never_recreated(id: &ObjectId) -> Option<&'static str> {
    if id.is_data() {
        Some("the data on it would go with it")
    } else if id.is_container() {
        Some("everything in it would go with it")
    } else {
        None
    }
}

/// The finding that something of `object` cannot be changed, with all ways to allow that it is
/// created anew.
pub(crate) fn unchangeable(object: &Object, immutable: &Immutable) -> Finding {
    let id = &object.id;
    let remedy = match never_recreated(id) {
        Some(why) => format!(
            "take the change back: deployctl never deletes and creates a {} again, because {why}",
            id.kind
        ),
        None => format!(
            "to let it be deleted and created again, give `--recreate {id}`, write the annotation `deployctl.dev/recreate: \"true\"` on it, \
             or `recreate: true` into a `match` entry of the plan that fits it"
        ),
    };
    let what = match immutable.fields.as_slice() {
        [] => "it".to_owned(),
        fields => quoted(fields),
    };
    let said = immutable.said.iter().map(|said| format!(": {said}"));
    let message = format!(
        "{what} cannot be changed in what is there{}",
        said.collect::<String>()
    );
    Finding::of(Check::ImmutableField, message)
        .about(object)
        .remedy(remedy)
}

fn quoted(fields: &[String]) -> String {
    fields
        .iter()
        .map(|field| format!("`{field}`"))
        .collect::<Vec<_>>()
        .join(" and ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fields(causes: &[(&str, &str)], sent: &Value, live: &Value) -> Vec<String> {
        let causes = causes.iter().map(|(field, message)| RefusalCause {
            field: (*field).to_owned(),
            message: (*message).to_owned(),
            ..RefusalCause::default()
        });
        immutable_fields(
            &Refusal {
                code: 422,
                causes: causes.collect(),
                ..Refusal::default()
            },
            sent,
            live,
        )
    }

    #[test]
    fn what_cannot_be_changed_is_known_by_the_servers_words() {
        for (field, message) in [
            (
                "spec.selector",
                r#"Invalid value: {"matchLabels":{"app":"a"}}: field is immutable"#,
            ),
            (
                "roleRef",
                r#"Invalid value: {"Kind":"Role","Name":"b"}: cannot change roleRef"#,
            ),
            (
                "data",
                "Forbidden: field is immutable when `immutable` is set",
            ),
            (
                "spec.clusterIPs[0]",
                r#"Invalid value: ["10.0.0.7"]: may not change once set"#,
            ),
            ("value", "Forbidden: may not be changed in an update."),
        ] {
            assert_eq!(
                fields(&[(field, message)], &json!({}), &json!({})),
                [field],
                "{message}"
            );
        }
    }

    #[test]
    fn what_is_wrong_in_itself_is_not_helped_by_creating_it_anew() {
        let immutable = ("spec.selector", "Invalid value: {}: field is immutable");
        assert!(
            fields(
                &[immutable, ("spec.x", "Required value")],
                &json!({}),
                &json!({})
            )
            .is_empty()
        );
        assert!(
            fields(
                &[(
                    "spec.x",
                    r#"Invalid value: "immutable": must be lower case"#
                )],
                &json!({}),
                &json!({})
            )
            .is_empty()
        );
    }

    #[test]
    fn fields_of_a_stateful_set_are_told_by_comparison() {
        let message = "Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals' are forbidden";
        let sent = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "spec": {"replicas": 2, "serviceName": "b", "selector": {"matchLabels": {"app": "a"}}}});
        let live = json!({"spec": {"replicas": 1, "serviceName": "a", "selector": {"matchLabels": {"app": "a"}}, "podManagementPolicy": "x"}});
        assert_eq!(
            fields(&[("spec", message)], &sent, &live),
            ["spec.serviceName"]
        );
    }
}
