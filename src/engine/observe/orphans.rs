//! Objects with the marks of a release that none of its revisions remembers: a lost history and a
//! hand leave them.

use std::{
    collections::{BTreeSet, HashSet},
    sync::Arc,
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::engine::{observe::desired_state::read_desired_state, observe::objects::Observation};
use crate::{
    cluster::{Cluster, RequestError, Resource, Seen, Served},
    object::ObjectId,
    ownership::is_ours_to_remove,
    plan::ReleaseId,
    release::{Head, Store, StoreError},
};

/// Lists that are under way at once.
const PARALLEL: usize = 16;

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
            known
                .ids
                .extend(read_desired_state(store, head).await?.objects.into_keys());
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
    let mut listed: Vec<Kind<'_>> = stream::iter(kinds)
        .map(|resource| list_kind(cluster, resource, &namespaces, &label))
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    listed.sort_by_key(|kind| (&kind.resource.group, &kind.resource.kind));
    let mut found = Orphans::default();
    let mut uids = known.uids.clone();
    for kind in listed {
        if !kind.is_complete {
            found.incomplete_kinds.push(kind.resource.kind.clone());
        }
        for item in kind
            .items
            .into_iter()
            .filter(|item| is_ours_to_remove(item, &manager))
        {
            let uid = item
                .pointer("/metadata/uid")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
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

/// What of one kind carries our label.
struct Kind<'a> {
    resource: &'a Resource,
    items: Vec<Arc<Value>>,
    is_complete: bool,
}

/// Lists one kind over all namespaces, or in `namespaces` alone where only that is permitted.
async fn list_kind<'a>(
    cluster: &Cluster,
    resource: &'a Resource,
    namespaces: &BTreeSet<&str>,
    label: &str,
) -> Result<Kind<'a>, RequestError> {
    match cluster.list(resource, None, Some(label)).await {
        Ok(listed) => {
            return Ok(Kind {
                resource,
                items: listed.items,
                is_complete: true,
            });
        }
        // Its definition has just gone, or it cannot be listed although it says so.
        Err(error) if matches!(error.code(), Some(404 | 405)) => {
            return Ok(Kind {
                resource,
                items: Vec::new(),
                is_complete: true,
            });
        }
        Err(RequestError::Refused(_)) => {}
        Err(error) => return Err(error),
    }
    let mut items = Vec::new();
    for namespace in namespaces.iter().filter(|_| resource.namespaced) {
        match cluster.list(resource, Some(namespace), Some(label)).await {
            Ok(listed) => items.extend(listed.items),
            Err(RequestError::Refused(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Kind {
        resource,
        items,
        is_complete: false,
    })
}
