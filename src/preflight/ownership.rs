//! Objects that another release holds, or that this one holds and does not remember.

use serde_json::Value;

use super::Finding;
use crate::{
    finding::Check,
    object::{ObjectId, Origin},
    ownership::{is_ours, other_releases},
    plan::ReleaseId,
};

/// A wanted object that is there.
pub(crate) struct Existing<'a> {
    /// The object.
    pub(crate) id: &'a ObjectId,
    /// Where it was written down.
    pub(crate) origin: Origin,
    /// What is there.
    pub(crate) live: &'a Value,
}

impl Existing<'_> {
    fn finding(self, check: Check, message: String, remedy: &str) -> Finding {
        Finding {
            at: Some(self.origin),
            object: Some(self.id.clone()),
            ..Finding::of(check, message).remedy(remedy)
        }
    }
}

/// Objects that another release has applied, and this one has not: two releases that both bring one
/// would fight about it.
pub(crate) fn held_by_other_releases<'a>(
    existing: impl Iterator<Item = Existing<'a>>,
    release: &ReleaseId,
) -> Vec<Finding> {
    let manager = release.field_manager();
    let foreign = existing.filter(|existing| !is_ours(existing.live, &manager));
    let held = foreign
        .map(|existing| (other_releases(existing.live, &manager), existing))
        .filter(|(others, _)| !others.is_empty());
    held.map(|(others, existing)| {
        let message = format!("it is managed by release `{}`", others.join("` and `"));
        existing.finding(
            Check::OtherRelease,
            message,
            &shared_or_renamed(&others, release),
        )
    })
    .collect()
}

/// What to do about an object of `release` that `others` manage.
fn shared_or_renamed(others: &[String], release: &ReleaseId) -> String {
    let shared = "leave it out of one of the two, rename it, or share it with `--adopt`";
    match others {
        [other] => format!(
            "where {release} was called {other} until now, take that release along with `deployctl rename {other} {release}`; else {shared}"
        ),
        _ => shared.to_owned(),
    }
}

/// Objects that this release has applied, although no revision of it is known: they are kept
/// somewhere else, and starting over would forget what they remember.
pub(crate) fn unremembered<'a>(
    existing: impl Iterator<Item = Existing<'a>>,
    release: &ReleaseId,
    state_namespace: &str,
) -> Vec<Finding> {
    let manager = release.field_manager();
    let ours = existing.filter(|existing| is_ours(existing.live, &manager));
    ours.map(|existing| {
        let message = format!(
            "it is labelled with release `{release}`, which has no revision recorded in namespace `{state_namespace}`"
        );
        let remedy = "name the namespace that its revisions are recorded in with `--state-namespace` or the plan's `stateNamespace`; where they are lost, \
                      `--adopt` starts over with what is there; where a `deployctl rename` to this name was interrupted, run it again";
        existing.finding(Check::UnknownRevision, message, remedy)
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;

    fn applied_by(managers: &[&str]) -> Value {
        let entries: Vec<Value> =
            managers.iter().map(|manager| json!({"manager": manager, "operation": "Apply", "fieldsV1": {"f:data": {}}})).collect();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n", "managedFields": entries}})
    }

    fn findings(
        managers: &[&str],
        find: impl Fn(Existing<'_>, &ReleaseId) -> Vec<Finding>,
    ) -> Vec<String> {
        let live = applied_by(managers);
        let id = ObjectId::of(&live).expect("has an identity");
        let release = ReleaseId {
            plan: "shop".to_owned(),
            environment: "dev".to_owned(),
        };
        let origin = Origin {
            file: Arc::from(Path::new("a.yaml")),
            line: 3,
        };
        find(
            Existing {
                id: &id,
                origin,
                live: &live,
            },
            &release,
        )
        .into_iter()
        .map(|finding| finding.message)
        .collect()
    }

    #[test]
    fn what_another_release_applies_is_refused_unless_it_is_shared_already() {
        let held = |existing: Existing<'_>, release: &ReleaseId| {
            held_by_other_releases(std::iter::once(existing), release)
        };
        assert_eq!(
            findings(&["deployctl.other.dev"], held),
            ["it is managed by release `other.dev`"]
        );
        assert!(findings(&["deployctl.other.dev", "deployctl.shop.dev"], held).is_empty());
        assert!(findings(&["argocd"], held).is_empty());
    }

    #[test]
    fn what_is_ours_without_a_revision_is_refused() {
        let lost = |existing: Existing<'_>, release: &ReleaseId| {
            unremembered(std::iter::once(existing), release, "elsewhere")
        };
        assert_eq!(findings(&["deployctl.shop.dev"], lost).len(), 1);
        assert!(findings(&["deployctl.other.dev"], lost).is_empty());
    }
}
