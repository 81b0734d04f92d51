//! The revisions of one release as those of another.

use super::{Head, Store, StoreError};
use crate::release::Revision;

impl Store {
    /// Stores what `from` stored as `names`; returns the names that it has here.
    pub(crate) async fn copy(
        &self,
        from: &Store,
        names: &[String],
    ) -> Result<Vec<String>, StoreError> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        self.write_bytes(&from.read_bytes(names).await?).await
    }

    /// Stores `revision`, which is that of `head`, with the journal that `from` stored of it.
    pub(crate) async fn create_copy(
        &self,
        from: &Store,
        head: &Head,
        revision: Revision,
    ) -> Result<(), StoreError> {
        let mut copy = Head {
            revision,
            journal_chunks: self.copy(from, &head.journal_chunks).await?,
            journal: head.journal.clone(),
            stored_as: String::new(),
        };
        // A part that was not copied would be lost with the other release.
        let is_here = |name: &str| name.starts_with(&self.chunk_prefix());
        if let Some(name) = copy.chunks().find(|name| !is_here(name)) {
            return Err(self.damaged(name, "it belongs to another release"));
        }
        self.store_new(&mut copy).await
    }
}
