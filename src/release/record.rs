use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    object::{Digest, ObjectId},
    ownership::{apply_entry, owned_values},
};

/// What is remembered of one object after it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    /// The object.
    pub(crate) id: ObjectId,
    /// `apiVersion` that it was applied with.
    pub(crate) api_version: String,
    /// The phase that it belongs to.
    pub(crate) phase: String,
    /// Digest of what was sent.
    pub(crate) wanted: Digest,
    /// uid of the stored object.
    pub(crate) uid: String,
    /// Digest of our `fieldsV1`.
    pub(crate) entry: Digest,
    /// Digest of the stored values at the paths that we own. Admission may store others than were sent.
    pub(crate) stored: Digest,
}

impl ObjectRecord {
    /// What is to be remembered of `answer`, the API server's answer to applying `wanted`; `None` where it is not ours.
    pub(crate) fn of_answer(id: &ObjectId, phase: &str, wanted: &Digest, answer: &Value, manager: &str) -> Option<Self> {
        let entry = apply_entry(answer, manager)?;
        Some(Self {
            id: id.clone(),
            api_version: answer.get("apiVersion").and_then(Value::as_str).unwrap_or_default().to_owned(),
            phase: phase.to_owned(),
            wanted: wanted.clone(),
            uid: answer.pointer("/metadata/uid").and_then(Value::as_str).unwrap_or_default().to_owned(),
            entry: Digest::of(entry),
            stored: Digest::of(&owned_values(answer, entry)),
        })
    }

    /// Whether `live` is still what this record says, so that nothing needs to be sent.
    pub(crate) fn holds(&self, live: &Value, manager: &str) -> bool {
        let Some(entry) = apply_entry(live, manager) else { return false };
        live.pointer("/metadata/uid").and_then(Value::as_str) == Some(self.uid.as_str())
            && live.pointer("/metadata/deletionTimestamp").is_none()
            && Digest::of(entry) == self.entry
            && Digest::of(&owned_values(live, entry)) == self.stored
    }
}

/// The records of a release's objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records {
    by_id: HashMap<ObjectId, ObjectRecord>,
}

impl Records {
    /// The record of `id`.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&ObjectRecord> {
        self.by_id.get(id)
    }

    /// Remembers `record` instead of what was remembered of its object.
    pub(crate) fn insert(&mut self, record: ObjectRecord) {
        self.by_id.insert(record.id.clone(), record);
    }

    /// All records, sorted by object, so that the same records are always stored as the same bytes.
    pub(crate) fn sorted(&self) -> Vec<&ObjectRecord> {
        let mut records: Vec<&ObjectRecord> = self.by_id.values().collect();
        records.sort_by(|left, right| left.id.cmp(&right.id));
        records
    }
}

impl FromIterator<ObjectRecord> for Records {
    fn from_iter<I: IntoIterator<Item = ObjectRecord>>(records: I) -> Self {
        Self { by_id: records.into_iter().map(|record| (record.id.clone(), record)).collect() }
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
        let record = ObjectRecord::of_answer(&id, "apps", &Digest::of(&json!({})), &answer, "deployctl.shop.dev").expect("ours");
        assert!(record.holds(&answer, "deployctl.shop.dev"));
        assert!(!record.holds(&live("2", "u1"), "deployctl.shop.dev"));
        assert!(!record.holds(&live("1", "u2"), "deployctl.shop.dev"));
        assert!(!record.holds(&answer, "deployctl.shop.prod"));
    }
}
