//! Objects with the marks of a release that none of its revisions remembers: a lost history and a
//! hand leave them.

use std::collections::{BTreeSet, HashSet};

use crate::engine::{observe::desired_state::read_desired_state, observe::objects::Observation};
use crate::{
    cluster::{Cluster, ListScope, RequestError, Resource, Seen, Served, Tolerated},
    object::{ManifestView, ObjectId},
    ownership::is_ours_to_remove,
    plan::ReleaseId,
    release::{Head, Store, StoreError},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};

/// All that the revisions of a release know.
#[derive(Debug, Default)]
pub(crate) struct KnownObjects {
    ids: BTreeSet<ObjectId>,
    /// The same object may be served under several groups.
    uids: HashSet<String>,
}

impl KnownObjects {
    /// What any of `heads` wanted, or remembers.
    pub(crate) async fn read(store: &Store, heads: &[Head]) -> Result<Self, StoreError> {
        let mut known = Self::default();
        for head in heads {
            let wanted = read_desired_state(store, head).await?;
            known.ids.extend(wanted.objects.into_keys());
            let hooks = wanted.hooks.into_iter();
            known.ids.extend(hooks.map(|hook| hook.object.id));
            for record in store.records(head).await?.sorted() {
                known.ids.insert(record.id.clone());
                known.uids.insert(record.uid.clone());
            }
        }
        Ok(known)
    }

    fn namespaces(&self) -> BTreeSet<&str> {
        self.ids
            .iter()
            .filter_map(|id| id.namespace.as_deref())
            .collect()
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Orphans {
    /// The objects as they are.
    pub(crate) observation: Observation,
    /// The objects, to be decided about.
    pub(crate) ids: Vec<ObjectId>,
    /// Kinds that the user may not list everywhere, or that nobody answers for: there may be more
    /// of them.
    pub(crate) incomplete_kinds: Vec<String>,
}

/// Looks among all kinds for objects that carry the label and the Apply entry of `release` and are
/// not `known`. What a controller made is its controller's, whatever labels it has copied.
pub(crate) async fn orphans(
    cluster: &Cluster,
    served: &Served,
    release: &ReleaseId,
    known: &KnownObjects,
) -> Result<Orphans, RequestError> {
    let (label, manager, namespaces) =
        (release.label(), release.field_manager(), known.namespaces());
    let can_be_listed = |resource: &&Resource| resource.verbs.iter().any(|verb| verb == "list");
    let is_preferred =
        |resource: &&Resource| served.preferred(&resource.group, &resource.kind) == Some(*resource);
    let kinds = served.kinds().filter(can_be_listed).filter(is_preferred);
    let scope = ListScope::Everywhere {
        otherwise: &namespaces,
    };
    let list_kind = |resource| {
        let (label, tolerated) = (Some(label.as_str()), Tolerated::Refused);
        async move {
            let listing = cluster.list_permitted(resource, scope, label, tolerated);
            Ok::<_, RequestError>((resource, listing.await?))
        }
    };
    let mut listed: Vec<_> = stream::iter(kinds)
        .map(list_kind)
        .buffer_unordered(Cluster::PARALLEL)
        .try_collect()
        .await?;
    listed.sort_by_key(|(resource, _)| (&resource.group, &resource.kind));
    let mut found = Orphans::default();
    let mut uids = known.uids.clone();
    for (resource, listing) in listed {
        if !listing.complete {
            found.incomplete_kinds.push(resource.kind.clone());
        }
        for item in listing
            .items
            .into_iter()
            .filter(|item| is_ours_to_remove(item, &manager))
        {
            let uid = ManifestView(&item).uid().unwrap_or_default().to_owned();
            let Some(id) =
                ObjectId::of(&item).filter(|id| !known.ids.contains(id) && uids.insert(uid))
            else {
                continue;
            };
            found.ids.push(id.clone());
            found.observation.live.note(id, Seen::Present(item));
        }
    }
    Ok(found)
}
