//! The journal in the store: in the head as far as it fits, and in chunks.

use super::{Head, Store, StoreError};
use crate::release::{
    JournalEntry,
    compression::{compress, decompress_pieces},
};

/// Compressed bytes of the journal that its head holds; what is more goes into chunks. A run writes
/// its head several times a second.
const JOURNAL_BYTES: usize = 64 * 1024;

impl Store {
    /// The journal of `head`, oldest entry first.
    pub(crate) async fn journal(&self, head: &Head) -> Result<Vec<JournalEntry>, StoreError> {
        // A large piece goes on from one chunk to the next.
        let mut bytes = self.read_bytes(&head.journal_chunks).await?;
        bytes.extend(&head.journal);
        let pieces: Vec<Vec<JournalEntry>> = decompress_pieces(&bytes)
            .map_err(|why| self.damaged(&self.head_name(head.revision.number), &why))?;
        Ok(pieces.into_iter().flatten().collect())
    }

    /// Adds `entries` to the journal of `head` and stores it. What changed in an object is in its
    /// entry, so that few of them may be more than a head can hold.
    pub(crate) async fn append(
        &self,
        head: &mut Head,
        entries: &[JournalEntry],
    ) -> Result<(), StoreError> {
        let piece = compress(&entries);
        if head.journal.len() + piece.len() > JOURNAL_BYTES {
            head.journal_chunks
                .extend(self.write_bytes(&head.journal).await?);
            head.journal.clear();
        }
        if piece.len() > JOURNAL_BYTES {
            head.journal_chunks.extend(self.write_bytes(&piece).await?);
        } else {
            head.journal.extend(piece);
        }
        self.update(head).await
    }
}
