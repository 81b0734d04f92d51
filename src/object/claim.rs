//! Claims of storage.

use serde_json::Value;

use super::{HasKind as _, ManifestView, field::text};

/// Whether `object` is a claim that never got a volume, so that no data can be on it.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#binding>
pub(crate) fn is_unbound_claim(object: &Value) -> bool {
    ManifestView(object).is_claim()
        && text(object, "/spec/volumeName").is_none()
        && text(object, "/status/phase") == Some("Pending")
}
