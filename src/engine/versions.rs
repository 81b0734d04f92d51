use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::write::Resources;
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    object::ObjectId,
};

/// Definitions that are asked for at once.
const PARALLEL: usize = 8;

/// The version that each of `ids` is read, stored and put back in: the preferred one of its kind, and of a custom resource the one that
/// it is stored in. Through another version, fields that it does not know would be lost.
///
/// A kind with one version only needs no request. Kinds that are not served are left out.
pub(super) async fn stored_as(
    cluster: &Cluster,
    served: &Served,
    ids: impl Iterator<Item = &ObjectId> + Clone,
) -> Result<Resources, RequestError> {
    let kinds: BTreeSet<(&str, &str)> = ids.clone().map(|id| (id.group.as_str(), id.kind.as_str())).collect();
    let asked: Vec<(&str, &str)> = kinds.into_iter().filter(|(group, kind)| served.versions(group, kind).count() > 1).collect();
    let stored: HashMap<(&str, &str), String> = stream::iter(asked)
        .map(|(group, kind)| async move { Ok(((group, kind), storage_version(cluster, served, group, kind).await?)) })
        .buffer_unordered(PARALLEL)
        .try_filter_map(|(kind, version)| async move { Ok::<_, RequestError>(version.map(|version| (kind, version))) })
        .try_collect()
        .await?;
    let resource = |id: &ObjectId| -> Option<Resource> {
        let stored = stored.get(&(id.group.as_str(), id.kind.as_str()));
        let of_version = stored.and_then(|version| served.versions(&id.group, &id.kind).find(|resource| resource.version == *version));
        of_version.or_else(|| served.preferred(&id.group, &id.kind)).cloned()
    };
    Ok(ids.filter_map(|id| Some((id.clone(), resource(id)?))).collect())
}

/// The version that custom resources of a kind are stored in; `None` where it has no definition, or that may not be read.
async fn storage_version(cluster: &Cluster, served: &Served, group: &str, kind: &str) -> Result<Option<String>, RequestError> {
    let definitions = served.preferred("apiextensions.k8s.io", "CustomResourceDefinition");
    let Some((definitions, resource)) = definitions.zip(served.preferred(group, kind)).filter(|_| group.contains('.')) else {
        return Ok(None);
    };
    let definition = match cluster.get(definitions, None, &format!("{}.{group}", resource.plural)).await {
        Ok(definition) => definition,
        Err(error) if error.code() == Some(403) => None,
        Err(error) => return Err(error),
    };
    let definition = definition.unwrap_or_default();
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array).into_iter().flatten();
    let stored = versions.filter(|version| version["storage"] == true).find_map(|version| version["name"].as_str().map(str::to_owned));
    Ok(stored)
}
