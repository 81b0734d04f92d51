//! One field that the API server finds fault with.

use serde::Deserialize;

/// One field that is at fault.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RefusalCause {
    /// `CamelCase` reason, for example `FieldManagerConflict`.
    pub(crate) reason: String,
    /// Path of the field.
    pub(crate) field: String,
    /// The server's text.
    pub(crate) message: String,
}
