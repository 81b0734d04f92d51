//! Files and streams that hold secret values.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{check::LARGEST_SECRET, error::SecretError, value::SecretBytes};

/// The content of `file`, for the value or flag `needed_by`.
pub(super) fn read_file(file: &Path, needed_by: &str) -> Result<SecretBytes, SecretError> {
    let content = File::open(file).and_then(|mut opened| read_limited(&mut opened));
    content.map_err(|source| SecretError::Unreadable {
        file: file.to_owned(),
        needed_by: needed_by.to_owned(),
        source,
    })
}

/// Reads at most one byte more than a Secret can hold, so that a device is not read for ever and
/// what is too large is noticed.
pub(super) fn read_limited(reader: &mut dyn Read) -> io::Result<SecretBytes> {
    // Room is taken at once: a vector that grows leaves copies of what it held behind.
    let mut bytes = Vec::with_capacity(LARGEST_SECRET + 2);
    reader
        .take(LARGEST_SECRET as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(SecretBytes::new(bytes))
}
