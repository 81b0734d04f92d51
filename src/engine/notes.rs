use std::{
    collections::{BTreeMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    object::ObjectId,
    release::{JournalEntry, Ledger},
};

/// Where whoever writes says what was done: remembered here, and stored in the journal where the run has one. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Notes {
    noted: Arc<Mutex<Noted>>,
    ledger: Arc<Mutex<Option<Ledger>>>,
}

#[derive(Default)]
struct Noted {
    entries: Vec<JournalEntry>,
    deleted: HashSet<ObjectId>,
    left: BTreeMap<ObjectId, String>,
}

impl Notes {
    /// Notes that are also stored in `ledger`.
    pub(super) fn stored_in(ledger: Ledger) -> Self {
        Self { noted: Arc::default(), ledger: Arc::new(Mutex::new(Some(ledger))) }
    }

    /// The journal that the notes are stored in. Nothing that is noted later is stored.
    pub(super) fn take_ledger(&self) -> Option<Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Notes `entry`.
    pub(super) fn note(&self, entry: JournalEntry) {
        if let Some(ledger) = self.ledger.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            ledger.note(entry.clone());
        }
        let mut noted = self.lock();
        if let JournalEntry::Removed { object, deleted: true } = &entry {
            noted.deleted.insert(object.clone());
        }
        noted.entries.push(entry);
    }

    /// Notes that `id`, which was to be deleted, is left, and why.
    pub(super) fn leave(&self, id: &ObjectId, why: String) {
        self.note(JournalEntry::Kept { object: id.clone() });
        self.lock().left.insert(id.clone(), why);
    }

    /// What was to be deleted and was left, and why.
    pub(super) fn left(&self) -> BTreeMap<ObjectId, String> {
        self.lock().left.clone()
    }

    /// Whether `id` was deleted.
    pub(super) fn was_deleted(&self, id: &ObjectId) -> bool {
        self.lock().deleted.contains(id)
    }

    /// Everything that was noted, oldest first.
    pub(super) fn entries(&self) -> Vec<JournalEntry> {
        self.lock().entries.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Noted> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
