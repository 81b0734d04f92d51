//! Owners that manifests name by uid.

use super::wanted::Wanted;
use crate::{finding::Check, object::ManifestView, preflight::Finding};

/// Objects that name owners: a uid is another one in each cluster, and where it is not that of the
/// owner, the garbage collector deletes the object.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>
pub(super) fn owner_references(wanted: &Wanted<'_>) -> Vec<Finding> {
    let owned = wanted.objects().filter_map(|object| {
        let owner = ManifestView(&object.body).owners().next()?;
        let message = format!(
            "`metadata.ownerReferences` names {} `{}` by its uid, which is another one in each cluster",
            owner.kind, owner.name
        );
        let finding = Finding::of(Check::OwnerReference, message).about(object);
        Some(finding.remedy("remove it from the manifest"))
    });
    owned.collect()
}
