//! What is kept for data is said in the journal before the first deletion: once what reads a Secret
//! is gone, nobody could tell any more that the data on a claim needs it.

use crate::{
    object::{HasKind as _, ObjectId},
    release::{Head, JournalEntry, Store, StoreError},
};

/// Stores in the journal of `head` that the Secrets among `retained` are kept. Nothing is stored
/// where there are none.
pub(crate) async fn record_kept(
    store: &Store,
    head: &mut Head,
    retained: impl Iterator<Item = &ObjectId>,
) -> Result<(), StoreError> {
    let entries: Vec<JournalEntry> = retained
        .filter(|id| id.is_secret())
        .map(|id| JournalEntry::Kept { object: id.clone() })
        .collect();
    if entries.is_empty() {
        return Ok(());
    }
    store.append(head, &entries).await
}
