//! What is remembered of all objects of a release, and how a journal changes it.

use std::collections::HashMap;

use super::{JournalEntry, ObjectRecord};
use crate::{object::ObjectId, plan::PhaseId};

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
                } => {
                    let known = self.get(&record.id);
                    let known = known.filter(|known| known.uid == record.uid);
                    self.insert(ObjectRecord {
                        created: *created
                            || record.created
                            || known.is_some_and(|known| known.created),
                        found: record.found || known.is_some_and(|known| known.found),
                        ..record.clone()
                    });
                }
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
    use crate::object::Digest;

    #[test]
    fn a_write_that_leaves_no_record_forgets_none() {
        let written = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        let id = ObjectId::of(&written).expect("has an identity");
        let record = ObjectRecord {
            id: id.clone(),
            api_version: "v1".to_owned(),
            phase: PhaseId::declared("apps"),
            wanted: Digest::of(&written),
            uid: "u1".to_owned(),
            entry: Digest::of(&json!({})),
            stored: Digest::of(&json!({})),
            empty: Vec::new(),
            created: false,
            found: false,
            completed: false,
            kept: false,
            unread_by: Vec::new(),
        };
        let mut records = Records::from_iter([record.clone()]);
        let wrote = |record| JournalEntry::Wrote {
            object: id.clone(),
            uid: "u1".to_owned(),
            created: false,
            changed: Vec::new(),
            record,
            owner: None,
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
