//! What a run has done, entry by entry, and what that says about each object.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::ObjectRecord;
use crate::{object::ObjectId, ownership::ChangedPath};

/// One thing that a run has done, as it is remembered in the cluster.
///
/// What a run is going to do is in its program and its snapshot, stored before the first write. So
/// a write that the journal does not know of may have been done; [`ChangeLog`] of the objects
/// concerned are then worked out from what is there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(
    tag = "did",
    rename_all = "kebab-case",
    rename_all_fields = "camelCase"
)]
pub(crate) enum JournalEntry {
    /// Wrote an object.
    Wrote {
        object: ObjectId,
        /// uid that it has now.
        uid: String,
        /// Whether this write created it.
        created: bool,
        /// What the write changed of an object that was there.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        changed: Vec<ChangedPath>,
        /// What is to be remembered of it; `None` where it is not ours.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        record: Option<ObjectRecord>,
        /// Nothing was written: it belongs to this object, which was there before, and is only going
        /// to be deleted after that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        owner: Option<ObjectId>,
    },
    /// Deleted an object, or gave it up so that it is no longer ours.
    Removed {
        object: ObjectId,
        /// Whether it was deleted; else it is there, and no longer ours.
        deleted: bool,
    },
    /// A Job has done its work.
    Completed { object: ObjectId },
    /// Left an object that is no longer wanted, because something is in it.
    Kept { object: ObjectId },
    /// Created an object again, on the way back.
    Recreated {
        object: ObjectId,
        /// uid that it has now.
        uid: String,
    },
}

impl JournalEntry {
    /// The object that it is about.
    pub(crate) fn object(&self) -> &ObjectId {
        match self {
            Self::Wrote { object, .. }
            | Self::Removed { object, .. }
            | Self::Completed { object }
            | Self::Kept { object }
            | Self::Recreated { object, .. } => object,
        }
    }
}

/// What a run, and those interrupted before it that it goes on from, did with one object.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ObjectChanges {
    /// uids of the objects of this name that were created.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) created: Vec<String>,
    /// What was changed of the object that was there before, or of the one that was created again
    /// in its place.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) changed: Vec<ChangedPath>,
    /// A write was done whose answer nobody saw: what it changed is not known.
    #[serde(default, rename = "unseen", skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unconfirmed: bool,
    /// The object that was there before was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) deleted: bool,
    /// uid of the object that was created again in its place, on a way back that has not reached
    /// its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) recreated: Option<String>,
    /// It belongs to another object, and is to be deleted after that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) dependent: Option<Dependent>,
}

/// An object that was made by another, which is deleted first and by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dependent {
    /// uid that it has.
    pub(crate) uid: String,
    /// What made it.
    pub(crate) owner: ObjectId,
}

/// The traces of all objects that were, or may have been, written.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ChangeLog {
    by_id: BTreeMap<ObjectId, ObjectChanges>,
}

impl ChangeLog {
    /// The trace of `id`.
    pub(crate) fn get(&self, id: &ObjectId) -> Option<&ObjectChanges> {
        self.by_id.get(id)
    }

    /// The trace of `id`, made where there is none.
    pub(crate) fn of(&mut self, id: &ObjectId) -> &mut ObjectChanges {
        self.by_id.entry(id.clone()).or_default()
    }

    /// Forgets what was done with `id`.
    pub(crate) fn remove(&mut self, id: &ObjectId) {
        self.by_id.remove(id);
    }

    /// Every object with its trace, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&ObjectId, &ObjectChanges)> {
        self.by_id.iter()
    }

    /// Whether nothing was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Adds what `entries` say, oldest first.
    pub(crate) fn extend(&mut self, entries: &[JournalEntry]) {
        for entry in entries {
            self.add(entry);
        }
    }

    /// Adds what `entry` says.
    pub(crate) fn add(&mut self, entry: &JournalEntry) {
        match entry {
            JournalEntry::Wrote {
                object,
                uid,
                owner: Some(owner),
                ..
            } => {
                self.of(object).dependent = Some(Dependent {
                    uid: uid.clone(),
                    owner: owner.clone(),
                });
            }
            JournalEntry::Wrote {
                object,
                uid,
                created,
                changed,
                ..
            } => {
                let trace = self.of(object);
                if *created {
                    trace.created.push(uid.clone());
                } else if !trace.created.contains(uid) {
                    add_changes(&mut trace.changed, changed);
                }
            }
            JournalEntry::Removed {
                object,
                deleted: true,
            } => self.of(object).deleted = true,
            JournalEntry::Removed {
                object,
                deleted: false,
            } => self.of(object).unconfirmed = true,
            JournalEntry::Recreated { object, uid } => {
                let trace = self.of(object);
                // What was changed of the one before is changed no more. That it was deleted may be
                // known by this alone.
                (trace.unconfirmed, trace.changed, trace.deleted) = (false, Vec::new(), true);
                trace.recreated = Some(uid.clone());
            }
            JournalEntry::Completed { .. } | JournalEntry::Kept { .. } => {}
        }
    }
}

/// Adds `later` changes to `changes`; of a path that is in both, the later value counts.
fn add_changes(changes: &mut Vec<ChangedPath>, later: &[ChangedPath]) {
    changes.retain(|change| !later.iter().any(|other| other.path == change.path));
    changes.extend(later.iter().cloned());
}

impl<'a> FromIterator<&'a JournalEntry> for ChangeLog {
    fn from_iter<I: IntoIterator<Item = &'a JournalEntry>>(entries: I) -> Self {
        let mut traces = Self::default();
        entries.into_iter().for_each(|entry| traces.add(entry));
        traces
    }
}

impl Serialize for ChangeLog {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.by_id.iter())
    }
}

impl<'de> Deserialize<'de> for ChangeLog {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<(ObjectId, ObjectChanges)>::deserialize(deserializer)?;
        Ok(Self {
            by_id: entries.into_iter().collect(),
        })
    }
}
