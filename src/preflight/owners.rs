//! Owners that a manifest names and that are not there.

use super::Finding;
use crate::{
    finding::Check,
    object::{Object, ObjectId},
};

/// An owner that a manifest names, and what is there under its name.
#[derive(Debug, Clone)]
pub(crate) struct NamedOwner<'a> {
    /// The owner.
    pub(crate) id: ObjectId,
    /// The uid that the manifest says it has.
    pub(crate) uid: &'a str,
    /// What was found.
    pub(crate) found: FoundOwner,
}

/// What is there under the name of an owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FoundOwner {
    /// The owner, as far as the user may look.
    Itself,
    /// Another object: it has another uid.
    Successor,
    /// Nothing.
    Nothing,
}

/// That `object` belongs to owners that are not there, as one does that was exported from another
/// cluster: the garbage collector would delete it seconds after it was written, or take the
/// reference out of it where another owner is there.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>
pub(crate) fn absent_owners(object: &Object, owners: &[NamedOwner<'_>]) -> Option<Finding> {
    let is_there = |owner: &&NamedOwner<'_>| owner.found == FoundOwner::Itself;
    let absent: Vec<String> = owners
        .iter()
        .filter(|owner| !is_there(owner))
        .map(described)
        .collect();
    if absent.is_empty() {
        return None;
    }
    let consequence = if absent.len() == owners.len() {
        "the garbage collector would delete it"
    } else {
        "the garbage collector would take the reference out again"
    };
    let message = format!("{}, so that {consequence}", absent.join(", and "));
    Some(Finding::of(Check::MissingOwner, message).about(object).remedy(
        "remove `metadata.ownerReferences` from the manifest: owners are named by uid, which is another one in each cluster",
    ))
}

fn described(owner: &NamedOwner<'_>) -> String {
    let NamedOwner { id, uid, found } = owner;
    match found {
        FoundOwner::Successor => {
            format!("its owner {id} with uid `{uid}` is gone, and has a successor of another uid")
        }
        FoundOwner::Itself | FoundOwner::Nothing => {
            format!("its owner {id} with uid `{uid}` does not exist")
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn said(found: &[FoundOwner]) -> Option<String> {
        let body = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}});
        let object = Object {
            id: ObjectId::of(&body).expect("has an identity"),
            api_version: "v1".to_owned(),
            body: Arc::new(body),
            origin: Origin {
                file: Arc::from(Path::new("a.yaml")),
                line: 3,
            },
        };
        let owner = |found: &FoundOwner| NamedOwner {
            id: ObjectId::core("ConfigMap", Some("shop"), "owner"),
            uid: "u",
            found: *found,
        };
        let owners: Vec<NamedOwner<'_>> = found.iter().map(owner).collect();
        absent_owners(&object, &owners).map(|finding| finding.message)
    }

    #[test]
    fn what_has_lost_all_of_its_owners_is_deleted() {
        use FoundOwner::{Itself, Nothing, Successor};
        assert_eq!(said(&[Itself, Itself]), None);
        assert_eq!(
            said(&[Nothing]).as_deref(),
            Some(
                "its owner ConfigMap/shop/owner with uid `u` does not exist, so that the garbage collector would delete it"
            )
        );
        assert_eq!(
            said(&[Successor, Itself]).as_deref(),
            Some(
                "its owner ConfigMap/shop/owner with uid `u` is gone, and has a successor of another uid, so that the garbage collector would take the reference out again"
            )
        );
    }
}
