//! Digests by which objects and values are compared without being kept.

use std::{fmt, io};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// SHA-256 of canonical JSON, as lower-case hexadecimal text cut to 128 bits.
///
/// Keys are sorted, so that the order in a manifest does not matter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Digest(String);

impl Digest {
    /// The digest of `value` written as JSON with sorted keys.
    pub(crate) fn of(value: &Value) -> Self {
        let mut hasher = Hasher(Sha256::new());
        serde_json::to_writer(&mut hasher, value).expect("hashing does not fail");
        Self::from_hash(&hasher.0.finalize())
    }

    /// The digest of raw bytes.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        Self::from_hash(&Sha256::digest(bytes))
    }

    fn from_hash(hash: &[u8]) -> Self {
        Self(
            hash.iter()
                .take(16)
                .fold(String::new(), |text, byte| text + &format!("{byte:02x}")),
        )
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

struct Hasher(Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
