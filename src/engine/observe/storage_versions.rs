//! The version that each kind is stored in, in which snapshots are read and put back.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    object::{Definition, HasKind as _, ObjectId, Scope},
    release::Snapshot,
};

/// Kinds as they are served, by object.
pub(crate) type Resources = HashMap<ObjectId, Resource>;

/// The version that each of `ids` is read, stored and put back in: the preferred one of its kind,
/// and of a custom resource the one that it is stored in. Through another version, fields that it
/// does not know would be lost.
///
/// A kind with one version only needs no request. Kinds that are not served are left out.
pub(crate) async fn stored_as(
    cluster: &Cluster,
    served: &Served,
    ids: impl Iterator<Item = &ObjectId> + Clone,
) -> Result<Resources, RequestError> {
    let kinds: BTreeSet<(&str, &str)> = ids
        .clone()
        .map(|id| (id.group.as_str(), id.kind.as_str()))
        .collect();
    let asked: Vec<(&str, &str)> = kinds
        .into_iter()
        .filter(|(group, kind)| served.versions(group, kind).count() > 1)
        .collect();
    let stored: HashMap<(&str, &str), String> = stream::iter(asked)
        .map(|(group, kind)| async move {
            Ok((
                (group, kind),
                storage_version(cluster, served, group, kind).await?,
            ))
        })
        .buffer_unordered(Cluster::PARALLEL_LARGE)
        .try_filter_map(|(kind, version)| async move {
            Ok::<_, RequestError>(version.map(|version| (kind, version)))
        })
        .try_collect()
        .await?;
    let resource = |id: &ObjectId| -> Option<Resource> {
        let stored = stored.get(&(id.group.as_str(), id.kind.as_str()));
        let of_version = stored.and_then(|version| {
            served
                .versions(&id.group, &id.kind)
                .find(|resource| resource.version == *version)
        });
        of_version
            .or_else(|| served.preferred(&id.group, &id.kind))
            .cloned()
    };
    Ok(ids
        .filter_map(|id| Some((id.clone(), resource(id)?)))
        .collect())
}

/// Adds the kinds of `ids` that were not served when the run began, or are not any more, as the
/// definitions among `ids` define them: as those are, or were, where they are gone.
pub(crate) async fn add_defined(
    stored_as: &mut Resources,
    cluster: &Cluster,
    served: &Served,
    ids: &BTreeSet<&ObjectId>,
    snapshot: &Snapshot,
) -> Result<(), RequestError> {
    let unknown: Vec<&ObjectId> = ids
        .iter()
        .copied()
        .filter(|id| !stored_as.contains_key(id))
        .collect();
    let Some(definitions) = served
        .preferred(DEFINITIONS, "CustomResourceDefinition")
        .filter(|_| !unknown.is_empty())
    else {
        return Ok(());
    };
    for definition in ids.iter().filter(|id| id.is_definition()) {
        let there = match cluster.get(definitions, None, &definition.name).await {
            Err(error) if error.is_forbidden() => None,
            there => there?,
        };
        let Some(resource) = there
            .as_ref()
            .or(snapshot.object(definition).map(AsRef::as_ref))
            .and_then(defined)
        else {
            continue;
        };
        let of_kind = unknown
            .iter()
            .filter(|id| id.group == resource.group && id.kind == resource.kind);
        stored_as.extend(of_kind.map(|id| ((*id).clone(), resource.clone())));
    }
    Ok(())
}

const DEFINITIONS: &str = "apiextensions.k8s.io";

/// The version that custom resources of a kind are stored in; `None` where it has no definition, or
/// that may not be read.
async fn storage_version(
    cluster: &Cluster,
    served: &Served,
    group: &str,
    kind: &str,
) -> Result<Option<String>, RequestError> {
    let definitions = served.preferred(DEFINITIONS, "CustomResourceDefinition");
    let Some((definitions, resource)) = definitions
        .zip(served.preferred(group, kind))
        .filter(|_| group.contains('.'))
    else {
        return Ok(None);
    };
    let definition = match cluster
        .get(definitions, None, &format!("{}.{group}", resource.plural))
        .await
    {
        Ok(definition) => definition,
        Err(error) if error.is_forbidden() => None,
        Err(error) => return Err(error),
    };
    let definition = definition.as_ref().and_then(Definition::of);
    Ok(definition
        .and_then(|definition| definition.versions().find(|version| version.is_stored))
        .map(|version| version.name.to_owned()))
}

/// The kind that `definition` defines, in the version that it is stored in, or another one where
/// that is not served.
pub(crate) fn defined(definition: &Value) -> Option<Resource> {
    let definition = Definition::of(definition)?;
    let served = || definition.versions().filter(|version| version.is_served);
    let version = served()
        .find(|version| version.is_stored)
        .or_else(|| served().next())?;
    Some(Resource {
        group: definition.group().to_owned(),
        version: version.name.to_owned(),
        kind: definition.kind().to_owned(),
        plural: definition.plural().to_owned(),
        namespaced: definition.scope() == Some(Scope::Namespaced),
        verbs: Vec::new(),
        has_status: false,
    })
}
