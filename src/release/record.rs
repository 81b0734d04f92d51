use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JournalEntry;
use crate::{
    object::{Digest, ObjectId},
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
        Some(Self {
            id: id.clone(),
            api_version: answer
                .get("apiVersion")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            phase: phase.clone(),
            wanted: wanted.clone(),
            uid: answer
                .pointer("/metadata/uid")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
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

    /// Whether nothing is remembered.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Remembers `record` instead of what was remembered of its object.
    pub(crate) fn insert(&mut self, record: ObjectRecord) {
        self.by_id.insert(record.id.clone(), record);
    }

    /// Every object with the phase that it belongs to.
    pub(crate) fn phases(&self) -> impl Iterator<Item = (ObjectId, PhaseId)> {
        self.by_id
            .values()
            .map(|record| (record.id.clone(), record.phase.clone()))
    }

    /// Forgets what was remembered of `id`.
    pub(crate) fn remove(&mut self, id: &ObjectId) {
        self.by_id.remove(id);
    }

    /// Remembers that `id` was created again, from a snapshot, and has `uid` now.
    pub(crate) fn recreate(&mut self, id: &ObjectId, uid: &str) {
        if let Some(record) = self.by_id.get_mut(id) {
            uid.clone_into(&mut record.uid);
        }
    }

    /// Remembers that `id` is no longer wanted, and kept on purpose.
    pub(crate) fn keep(&mut self, id: &ObjectId) {
        if let Some(record) = self.by_id.get_mut(id) {
            record.kept = true;
        }
    }

    /// Adds what `journal` tells, oldest entry first.
    pub(crate) fn replay(&mut self, journal: &[JournalEntry]) {
        for entry in journal {
            match entry {
                // What was known of it does not hold any more, but it is still ours as far as it
                // was.
                JournalEntry::Wrote { record: None, .. } | JournalEntry::Recreated { .. } => {}
                JournalEntry::Removed { object, .. } => self.remove(object),
                JournalEntry::Wrote {
                    record: Some(record),
                    created,
                    ..
                } => self.insert(ObjectRecord {
                    created: *created
                        || record.created
                        || self
                            .get(&record.id)
                            .is_some_and(|known| known.created && known.uid == record.uid),
                    ..record.clone()
                }),
                JournalEntry::Kept { object } => self.keep(object),
                JournalEntry::Completed { object } => {
                    if let Some(record) = self.by_id.get_mut(object) {
                        record.completed = true;
                    }
                }
            }
        }
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
        Self {
            by_id: records
                .into_iter()
                .map(|record| (record.id.clone(), record))
                .collect(),
        }
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

    #[test]
    fn a_write_that_leaves_no_record_forgets_none() {
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
        let mut records = Records::from_iter([record.clone()]);
        let wrote = |record| JournalEntry::Wrote {
            object: id.clone(),
            uid: "u1".to_owned(),
            created: false,
            changed: Vec::new(),
            record,
        };
        records.replay(&[wrote(None)]);
        assert_eq!(records.get(&id), Some(&record));
        // What an interrupted run created stays known as created.
        let created = ObjectRecord {
            created: true,
            ..record
        };
        records.replay(&[wrote(Some(created.clone()))]);
        assert_eq!(records.get(&id), Some(&created));
        records.replay(&[JournalEntry::Removed {
            object: id.clone(),
            deleted: false,
        }]);
        assert_eq!(records.get(&id), None);
    }
}
