//! Where an object was written down, for messages.

use std::{fmt, path::Path, sync::Arc};

/// Where an object was written down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The file, as the user would name it: relative to the current folder where that is shorter.
    pub(crate) file: Arc<Path>,
    /// Line of the object's first key, from 1.
    pub(crate) line: u32,
}

impl fmt::Display for Origin {
    /// `FILE:LINE`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file.display(), self.line)
    }
}
