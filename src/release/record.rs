//! What is remembered of one object after it was written: the skip rule compares with it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    object::{Digest, ManifestView, ObjectId, field::part},
    ownership::{Path, apply_entry, empty_paths, is_taken_whole, owned_values, without_paths},
    plan::PhaseId,
};

/// What is remembered of one object after it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "stored as they are, and each may be true without the others"
)]
pub(crate) struct ObjectRecord {
    /// The object.
    pub(crate) id: ObjectId,
    /// `apiVersion` that it was applied with.
    pub(crate) api_version: String,
    /// The phase that it belongs to.
    pub(crate) phase: PhaseId,
    /// Digest of what was sent.
    pub(crate) wanted: Digest,
    /// uid of the stored object.
    pub(crate) uid: String,
    /// Digest of our `fieldsV1`.
    pub(crate) entry: Digest,
    /// Digest of the stored values at the paths that we own. Admission may store others than were
    /// sent.
    pub(crate) stored: Digest,
    /// What was sent as an empty map or list, so that `stored` is about it no more: others may fill
    /// it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) empty: Vec<Path>,
    /// Whether the release created it: a Namespace or definition that was there before is never
    /// deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) created: bool,
    /// Whether it was there before the release wrote it, and no other release's: whoever uninstalls the
    /// release is told.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) found: bool,
    /// Whether it is a Job that has done its work and then removes itself: it is not run again
    /// where it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) completed: bool,
    /// Whether it is no longer wanted and was kept on purpose: data, and what the data cannot be
    /// opened without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) kept: bool,
    /// Who reads it when its pods start, and was no part of the run that changed its contents: the pods
    /// have started on others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) unread_by: Vec<UnreadBy>,
}

/// A workload whose pods have started before something that they read was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnreadBy {
    /// The workload.
    pub(crate) reader: ObjectId,
    /// Digest of the template of its pods then: with another one they have started since.
    pub(crate) template: Digest,
}

impl UnreadBy {
    /// `reader` as it is `there`.
    pub(crate) fn of(reader: &ObjectId, there: &Value) -> Self {
        let template = part(there, "/spec/template");
        Self {
            reader: reader.clone(),
            template: Digest::of(template.unwrap_or(&Value::Null)),
        }
    }
}

impl ObjectRecord {
    /// What is to be remembered of `answer`, the API server's answer to applying what was `sent`,
    /// which has the digest `wanted`; `None` where it is not ours.
    pub(crate) fn of_answer(
        id: &ObjectId,
        phase: &PhaseId,
        (sent, wanted): (&Value, &Digest),
        answer: &Value,
        manager: &str,
    ) -> Option<Self> {
        let entry = apply_entry(answer, manager)?;
        let view = ManifestView(answer);
        let empty = empty_paths(sent, entry);
        Some(Self {
            id: id.clone(),
            api_version: view.api_version().to_owned(),
            phase: phase.clone(),
            wanted: wanted.clone(),
            uid: view.uid().unwrap_or_default().to_owned(),
            entry: held(entry, &empty),
            stored: stored(answer, entry, &empty),
            empty,
            created: false,
            found: false,
            completed: false,
            kept: false,
            unread_by: Vec::new(),
        })
    }

    /// The same of `live`, which was given to `manager`, and of what is wanted then, which has the
    /// digest `wanted`.
    pub(crate) fn given_to(&self, manager: &str, live: &Value, wanted: &Digest) -> Option<Self> {
        let entry = apply_entry(live, manager)?;
        Some(Self {
            wanted: wanted.clone(),
            entry: held(entry, &self.empty),
            stored: stored(live, entry, &self.empty),
            ..self.clone()
        })
    }

    /// Whether `live` is still what this record says, so that nothing needs to be sent.
    pub(crate) fn holds(&self, live: &Value, manager: &str) -> bool {
        let Some(entry) = apply_entry(live, manager) else {
            return false;
        };
        let view = ManifestView(live);
        view.uid() == Some(self.uid.as_str())
            && !view.is_terminating()
            && !self
                .empty
                .iter()
                .any(|path| is_taken_whole(live, path, manager))
            && held(entry, &self.empty) == self.entry
            && stored(live, entry, &self.empty) == self.stored
    }
}

/// Digest of the paths in `entry` but those that are `empty`: whoever fills an empty map takes it
/// over.
fn held(entry: &Value, empty: &[Path]) -> Digest {
    if empty.is_empty() {
        Digest::of(entry)
    } else {
        Digest::of(&without_paths(entry, empty))
    }
}

/// Digest of the values that `object` holds at the paths in `entry` but those that are `empty`.
fn stored(object: &Value, entry: &Value, empty: &[Path]) -> Digest {
    let mut object = Cow::Borrowed(object);
    for path in empty {
        path.remove(object.to_mut());
    }
    let entry = if empty.is_empty() {
        Cow::Borrowed(entry)
    } else {
        Cow::Owned(without_paths(entry, empty))
    };
    Digest::of(&owned_values(&object, &entry))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live(value: &str, uid: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "a", "namespace": "n", "uid": uid, "managedFields": [
                {"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {"f:data": {"f:a": {}}}},
            ]},
            "data": {"a": value, "b": "others"},
        })
    }

    #[test]
    fn a_record_holds_until_our_values_or_the_object_change() {
        let answer = live("1", "u1");
        let id = ObjectId::of(&answer).expect("has an identity");
        let record = ObjectRecord::of_answer(
            &id,
            &PhaseId::declared("apps"),
            (&json!({}), &Digest::of(&json!({}))),
            &answer,
            "deployctl.shop.dev",
        )
        .expect("ours");
        assert!(record.holds(&answer, "deployctl.shop.dev"));
        assert!(!record.holds(&live("2", "u1"), "deployctl.shop.dev"));
        assert!(!record.holds(&live("1", "u2"), "deployctl.shop.dev"));
        assert!(!record.holds(&answer, "deployctl.shop.prod"));
    }

    #[test]
    fn what_others_put_into_a_map_that_was_sent_empty_is_theirs() {
        let live = |spec: Value| {
            json!({
                "apiVersion": "example.org/v1", "kind": "Gadget",
                "metadata": {"name": "a", "uid": "u1", "managedFields": [
                    {"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {"f:spec": {}}},
                ]},
                "spec": spec,
            })
        };
        let sent = json!({"apiVersion": "example.org/v1", "kind": "Gadget", "metadata": {"name": "a"}, "spec": {}});
        let answer = live(json!({"size": 1}));
        let id = ObjectId::of(&answer).expect("has an identity");
        let phase = PhaseId::declared("apps");
        let digest = Digest::of(&sent);
        let record =
            ObjectRecord::of_answer(&id, &phase, (&sent, &digest), &answer, "deployctl.shop.dev")
                .expect("ours");
        // Whoever fills the map may take it over.
        let mut taken = live(json!({"size": 5}));
        taken["metadata"]["managedFields"] = json!([
            {"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {}},
            {"manager": "operator", "operation": "Update", "fieldsV1": {"f:spec": {".": {}, "f:size": {}}}},
        ]);
        assert!(record.holds(&taken, "deployctl.shop.dev"));
        for theirs in [
            json!({"size": 1}),
            json!({"size": 2, "more": [1]}),
            json!({}),
        ] {
            assert!(record.holds(&live(theirs), "deployctl.shop.dev"));
        }
    }

    /// A selector is held as a whole: whoever puts something into it wants another one than ours.
    #[test]
    fn what_others_put_into_an_empty_map_that_is_held_as_a_whole_is_a_change() {
        let live = |selector: Value, entries: Value| {
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": "deny", "uid": "u1", "managedFields": entries},
                "spec": {"podSelector": selector, "policyTypes": ["Ingress"]},
            })
        };
        let entry = |manager: &str, operation: &str, fields: Value| json!({"manager": manager, "operation": operation, "fieldsV1": {"f:spec": fields}});
        let ours = |fields| entry("deployctl.shop.dev", "Apply", fields);
        let sent = live(json!({}), json!([]));
        let answer = live(
            json!({}),
            json!([ours(json!({"f:podSelector": {}, "f:policyTypes": {}}))]),
        );
        let id = ObjectId::of(&answer).expect("has an identity");
        let record = ObjectRecord::of_answer(
            &id,
            &PhaseId::declared("apps"),
            (&sent, &Digest::of(&sent)),
            &answer,
            "deployctl.shop.dev",
        )
        .expect("ours");
        assert!(record.holds(&answer, "deployctl.shop.dev"));
        let changed = live(
            json!({"matchLabels": {"app": "web"}}),
            json!([
                ours(json!({"f:policyTypes": {}})),
                entry("kubectl-edit", "Update", json!({"f:podSelector": {}})),
            ]),
        );
        assert!(!record.holds(&changed, "deployctl.shop.dev"));
    }
}
