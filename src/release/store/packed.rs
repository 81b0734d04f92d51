//! What is stored in chunks: packed once, so that their names are known before any of them is
//! written.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

use super::{Store, StoreError};
use crate::{
    cluster::Cluster,
    object::Digest,
    release::{compression::compress, labels::MANAGER},
};

/// Compressed bytes in one chunk; base64 and the envelope stay well under the API server's limit of
/// 1 MiB.
const CHUNK_BYTES: usize = 600 * 1024;

/// A value as it is stored: in pieces, each with the name of its chunk. Nothing has no pieces.
#[derive(Debug, Clone, Default)]
pub(crate) struct Packed(Vec<(String, Vec<u8>)>);

impl Packed {
    /// The names of the chunks, in the order in which they are read.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }
}

impl Store {
    /// `value` as it is stored.
    pub(crate) fn pack(&self, value: &impl Serialize) -> Packed {
        self.pack_bytes(&compress(value))
    }

    fn pack_bytes(&self, bytes: &[u8]) -> Packed {
        let pieces = bytes.chunks(CHUNK_BYTES);
        Packed(
            pieces
                .map(|piece| (self.chunk_name(piece), piece.to_vec()))
                .collect(),
        )
    }

    fn chunk_name(&self, piece: &[u8]) -> String {
        format!("{}{}", self.chunk_prefix(), Digest::of_bytes(piece))
    }

    /// What the names of all chunks of the release begin with.
    pub(super) fn chunk_prefix(&self) -> String {
        format!("deployctl.{}.chunk.", self.release)
    }

    /// Stores `packed` and returns the names of its chunks. Chunks that are there already are left
    /// as they are.
    pub(crate) async fn write(&self, packed: &Packed) -> Result<Vec<String>, StoreError> {
        let writes: Vec<_> = packed
            .0
            .iter()
            .map(|(name, piece)| self.write_chunk(name, piece))
            .collect();
        stream::iter(writes)
            .buffered(Cluster::PARALLEL_LARGE)
            .try_collect()
            .await
    }

    /// Stores `bytes` in chunks and returns their names.
    pub(super) async fn write_bytes(&self, bytes: &[u8]) -> Result<Vec<String>, StoreError> {
        self.write(&self.pack_bytes(bytes)).await
    }

    async fn write_chunk(&self, name: &str, piece: &[u8]) -> Result<String, StoreError> {
        let body = self.secret(name, "chunk", &[("chunk", piece)]);
        match self
            .cluster
            .create(&self.secrets, &self.id(name), &body, MANAGER)
            .await
        {
            Ok(_) => Ok(name.to_owned()),
            Err(error) if error.is_already_exists() => Ok(name.to_owned()),
            Err(error) => Err(self.failed("store a revision", error)),
        }
    }
}
