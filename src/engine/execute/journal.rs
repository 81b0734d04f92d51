//! What was written, remembered for the run and stored in its revision while it goes on.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::engine::execute::policy::CancelSignals;
use crate::{
    object::ObjectId,
    release::{Head, JournalEntry, JournalFlusher, Store, StoreError},
};

/// Where whoever writes says what was done: remembered here, and stored in the journal where the
/// run has one. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct JournalWriter {
    noted: Arc<Mutex<Noted>>,
    flusher: Arc<Mutex<Option<JournalFlusher>>>,
}

#[derive(Default)]
struct Noted {
    entries: Vec<JournalEntry>,
    deleted: HashSet<ObjectId>,
    left: BTreeMap<ObjectId, Left>,
}

/// Why something that was to be deleted was left.
#[derive(Debug, Clone)]
pub(crate) struct Left {
    /// In words.
    pub(crate) why: String,
    /// Objects of the release among what is in it.
    pub(crate) ours: Vec<ObjectId>,
}

impl Left {
    /// Left because of `why`, which is nothing that is in it.
    pub(crate) fn because(why: impl Into<String>) -> Self {
        Self {
            why: why.into(),
            ours: Vec::new(),
        }
    }
}

impl JournalWriter {
    /// Notes that are also stored, in the journal of `head`. Returns with them what is cancelled
    /// when nothing may be written any more: the lock was lost, or the journal cannot be written.
    pub(crate) fn open(
        store: &Store,
        head: Head,
        stops: &CancelSignals,
    ) -> (Self, CancellationToken) {
        let flusher = JournalFlusher::open(store.clone(), head);
        let fenced = either(&stops.lock_lost, flusher.broken());
        (
            Self {
                noted: Arc::default(),
                flusher: Arc::new(Mutex::new(Some(flusher))),
            },
            fenced,
        )
    }

    /// Stores what is not stored yet, and returns the head as it is stored then; `None` where
    /// nothing is stored. Nothing that is noted later is.
    pub(crate) async fn close(&self) -> Option<(Head, Result<(), StoreError>)> {
        let flusher = self
            .flusher
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        Some(flusher?.close().await)
    }

    /// Returns when all that was noted is stored, or cannot be, which stops the run.
    pub(crate) async fn stored(&self) {
        let stored = {
            let flusher = self.flusher.lock().unwrap_or_else(PoisonError::into_inner);
            flusher.as_ref().map(JournalFlusher::stored)
        };
        if let Some(stored) = stored {
            // Where the journal is broken nothing is told.
            let _ = stored.await;
        }
    }

    /// Notes `entry`.
    pub(crate) fn note(&self, entry: JournalEntry) {
        if let Some(flusher) = self
            .flusher
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
        {
            flusher.note(entry.clone());
        }
        let mut noted = self.lock();
        if let JournalEntry::Removed {
            object,
            deleted: true,
        } = &entry
        {
            noted.deleted.insert(object.clone());
        }
        noted.entries.push(entry);
    }

    /// Notes that `id`, which was to be deleted, is left, and why.
    pub(crate) fn leave(&self, id: &ObjectId, why: Left) {
        self.note(JournalEntry::Kept { object: id.clone() });
        self.lock().left.insert(id.clone(), why);
    }

    /// What was to be deleted and was left, and why.
    pub(crate) fn left(&self) -> BTreeMap<ObjectId, Left> {
        self.lock().left.clone()
    }

    /// Whether `id` was deleted.
    pub(crate) fn was_deleted(&self, id: &ObjectId) -> bool {
        self.lock().deleted.contains(id)
    }

    /// The uid of what was written last of `id`.
    pub(crate) fn uid_written(&self, id: &ObjectId) -> Option<String> {
        let noted = self.lock();
        let mut newest_first = noted.entries.iter().rev();
        newest_first.find_map(|entry| match entry {
            JournalEntry::Wrote { object, uid, .. } if object == id => Some(uid.clone()),
            _ => None,
        })
    }

    /// Whether anything was deleted.
    pub(crate) fn has_deleted(&self) -> bool {
        !self.lock().deleted.is_empty()
    }

    /// Everything that was noted, oldest first.
    pub(crate) fn entries(&self) -> Vec<JournalEntry> {
        self.lock().entries.clone()
    }

    /// Whether nothing was noted.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().entries.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A token that is cancelled when one of two is.
fn either(one: &CancellationToken, other: &CancellationToken) -> CancellationToken {
    let token = one.child_token();
    let (child, other) = (token.clone(), other.clone());
    tokio::spawn(async move {
        other.cancelled().await;
        child.cancel();
    });
    token
}
