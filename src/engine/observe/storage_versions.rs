//! The version that each kind is stored in, in which snapshots are read and put back.

use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap},
};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use crate::engine::observe::undefined::defines;
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    event::ObjectNote,
    object::{Definition, HasKind as _, ManifestView, ObjectId, Scope},
    ownership::rename_version,
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

/// The kinds of `ids` in the versions in which they can be read and compared with `snapshot` now: the
/// one that the snapshot holds, or, where that is not served any more, the one that they are stored
/// in.
///
/// What a definition among `ids` defines is as that says, whatever was served when the run began;
/// as it was, where it is gone.
pub(crate) async fn served_now(
    cluster: &Cluster,
    served: &Served,
    ids: &BTreeSet<&ObjectId>,
    snapshot: &Snapshot,
) -> Result<Resources, RequestError> {
    let mut kinds = stored_as(cluster, served, ids.iter().copied()).await?;
    for (id, resource) in &mut kinds {
        let before = version_before(snapshot, id);
        let as_before = before.and_then(|version| served.exact(version, &id.kind));
        if let Some(as_before) = as_before {
            *resource = as_before.clone();
        }
    }
    let Some(definitions) = served.definitions() else {
        return Ok(kinds);
    };
    for definition in ids.iter().filter(|id| id.is_definition()) {
        let there = match cluster.get(definitions, None, &definition.name).await {
            Err(error) if error.is_forbidden() => None,
            there => there?,
        };
        let there = there.as_ref();
        let Some(definition) = there.or(snapshot.object(definition).map(AsRef::as_ref)) else {
            continue;
        };
        for id in ids.iter().filter(|id| defines(definition, id)) {
            let resource = defined_as(definition, version_before(snapshot, id));
            kinds.extend(resource.map(|resource| ((*id).clone(), resource)));
        }
    }
    // A controller may have defined the others since.
    let others: Vec<&ObjectId> = ids
        .iter()
        .copied()
        .filter(|id| !kinds.contains_key(*id))
        .collect();
    if !others.is_empty() {
        let now = cluster.discover().await?;
        kinds.extend(stored_as(cluster, &now, others.into_iter()).await?);
    }
    Ok(kinds)
}

/// `apiVersion` in which `snapshot` holds `id`.
fn version_before<'a>(snapshot: &'a Snapshot, id: &ObjectId) -> Option<&'a str> {
    snapshot
        .object(id)
        .map(|before| ManifestView(before).api_version())
}

/// `snapshot` in the versions of `kinds`, and the objects of it that nobody can translate, which
/// are left out.
///
/// A definition without a webhook changes nothing but the version's name.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definition-versioning/#specify-multiple-versions>
pub(crate) async fn translated<'a>(
    cluster: &Cluster,
    served: &Served,
    kinds: &Resources,
    snapshot: &'a Snapshot,
) -> Result<(Cow<'a, Snapshot>, Vec<ObjectNote>), RequestError> {
    let mut translated = Cow::Borrowed(snapshot);
    let mut unknown = Vec::new();
    for (id, resource) in kinds {
        let (before, now) = (version_before(snapshot, id), resource.api_version());
        let Some(before) = before.filter(|before| *before != now) else {
            continue;
        };
        let definition = definition_of(cluster, served, resource).await?;
        let definition = definition.as_ref().and_then(Definition::of);
        if definition.is_some_and(|definition| !definition.is_converted_by_webhook()) {
            translated.to_mut().rename_version(id, &now);
        } else {
            unknown.push(ObjectNote {
                object: id.clone(),
                what: format!("was read as {before}, which is not served any more"),
            });
        }
    }
    Ok((translated, unknown))
}

/// `resource` and `snapshot`, an object of that kind, in the version in which they can be read and
/// compared now: `resource` was to be read in one that is not served any more. `None` where nothing
/// is known that serves the kind, or nobody can translate.
pub(crate) async fn moved(
    cluster: &Cluster,
    served: &Served,
    resource: &Resource,
    snapshot: &Value,
) -> Result<Option<(Resource, Value)>, RequestError> {
    let definition = definition_of(cluster, served, resource).await?;
    let before = ManifestView(snapshot).api_version();
    let Some((definition, now)) = definition
        .as_ref()
        .and_then(|definition| Some((Definition::of(definition)?, defined(definition)?)))
    else {
        return Ok(None);
    };
    let version = now.api_version();
    if version != before && definition.is_converted_by_webhook() {
        return Ok(None);
    }
    let mut snapshot = snapshot.clone();
    rename_version(&mut snapshot, &version);
    Ok(Some((now, snapshot)))
}

/// The version that custom resources of a kind are stored in; `None` where it has no definition, or
/// that may not be read.
async fn storage_version(
    cluster: &Cluster,
    served: &Served,
    group: &str,
    kind: &str,
) -> Result<Option<String>, RequestError> {
    let Some(resource) = served.preferred(group, kind) else {
        return Ok(None);
    };
    let definition = definition_of(cluster, served, resource).await?;
    let definition = definition.as_ref().and_then(Definition::of);
    Ok(definition
        .and_then(|definition| definition.versions().find(|version| version.is_stored))
        .map(|version| version.name.to_owned()))
}

/// The definition of `resource`; `None` where it has none, or that may not be read.
async fn definition_of(
    cluster: &Cluster,
    served: &Served,
    resource: &Resource,
) -> Result<Option<Value>, RequestError> {
    let definitions = served.definitions();
    let Some(definitions) = definitions.filter(|_| resource.group.contains('.')) else {
        return Ok(None);
    };
    let name = format!("{}.{}", resource.plural, resource.group);
    match cluster.get(definitions, None, &name).await {
        Err(error) if error.is_forbidden() => Ok(None),
        definition => definition,
    }
}

/// The kind that `definition` defines, in the version that it is stored in, or another one where
/// that is not served.
pub(crate) fn defined(definition: &Value) -> Option<Resource> {
    defined_as(definition, None)
}

/// [`defined`], in the version that the `apiVersion` `wanted` names, where that is served.
fn defined_as(definition: &Value, wanted: Option<&str>) -> Option<Resource> {
    let definition = Definition::of(definition)?;
    let served = || definition.versions().filter(|version| version.is_served);
    let wanted = wanted.and_then(|wanted| wanted.split('/').nth(1));
    let version = served()
        .find(|version| Some(version.name) == wanted)
        .or_else(|| served().find(|version| version.is_stored))
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
