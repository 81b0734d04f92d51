//! What is remembered of one object after it was written: the skip rule compares with it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    object::{Digest, ManifestView, ObjectId},
    ownership::{apply_entry, owned_values},
    plan::PhaseId,
};

/// What is remembered of one object after it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether the release created it: a Namespace or definition that was there before is never
    /// deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) created: bool,
    /// Whether it is a Job that has done its work and then removes itself: it is not run again
    /// where it is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) completed: bool,
    /// Whether it is no longer wanted and was kept on purpose: data, and what the data cannot be
    /// opened without.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) kept: bool,
}

impl ObjectRecord {
    /// What is to be remembered of `answer`, the API server's answer to applying `wanted`; `None`
    /// where it is not ours.
    pub(crate) fn of_answer(
        id: &ObjectId,
        phase: &PhaseId,
        wanted: &Digest,
        answer: &Value,
        manager: &str,
    ) -> Option<Self> {
        let entry = apply_entry(answer, manager)?;
        let view = ManifestView(answer);
        Some(Self {
            id: id.clone(),
            api_version: view.api_version().to_owned(),
            phase: phase.clone(),
            wanted: wanted.clone(),
            uid: view.uid().unwrap_or_default().to_owned(),
            entry: Digest::of(entry),
            stored: Digest::of(&owned_values(answer, entry)),
            created: false,
            completed: false,
            kept: false,
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
            && Digest::of(entry) == self.entry
            && Digest::of(&owned_values(live, entry)) == self.stored
    }
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
            &Digest::of(&json!({})),
            &answer,
            "deployctl.shop.dev",
        )
        .expect("ours");
        assert!(record.holds(&answer, "deployctl.shop.dev"));
        assert!(!record.holds(&live("2", "u1"), "deployctl.shop.dev"));
        assert!(!record.holds(&live("1", "u2"), "deployctl.shop.dev"));
        assert!(!record.holds(&answer, "deployctl.shop.prod"));
    }
}
