//! Images in protected environments that are another one tomorrow.

use super::wanted::Wanted;
use crate::{
    finding::Check,
    object::{FieldPath, field::text},
    preflight::Finding,
};

/// Images without a tag, or with the tag `latest`, in an environment that is `protected`: what runs
/// there changes with the next restart, and a rollback does not bring it back.
/// <https://kubernetes.io/docs/concepts/containers/images/#image-names>
pub(super) fn floating_images(wanted: &Wanted<'_>) -> Vec<Finding> {
    if !wanted.plan.protected {
        return Vec::new();
    }
    let containers = wanted.containers();
    let floating = containers.filter_map(|(container, pointer)| {
        let image = text(container.body, "/image")?;
        let how = floats(image)?;
        let place = FieldPath::of_pointer(&format!("{pointer}/image"));
        let message = format!("`{place}` is `{image}`, {how}, in a protected environment");
        let finding = Finding::of(Check::FloatingImage, message).about(container.object);
        Some(finding.remedy("name a version, or a digest"))
    });
    floating.collect()
}

/// How `image` may change; `None` where it does not.
fn floats(image: &str) -> Option<&'static str> {
    if image.is_empty() || image.contains('@') {
        return None;
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    match last.split_once(':') {
        None => Some("which has no tag"),
        Some((_, "latest")) => Some("which is whatever was pushed last"),
        Some(_) => None,
    }
}
