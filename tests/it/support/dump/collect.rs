//! Listing what is in the cluster.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use serde_json::Value;

use super::Scope;
use crate::support::{
    api::wait_for,
    kinds::{ServedKind, served},
    upstream::BoxError,
};

/// One object of the cluster.
pub(super) struct Found {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) value: Value,
}

impl Found {
    /// `value` of `kind`, which is said with the list alone.
    fn of(kind: &ServedKind, value: Value) -> Self {
        let text = |key: &str| value["metadata"][key].as_str().map(str::to_owned);
        let (namespace, name) = (text("namespace"), text("name").unwrap_or_default());
        Self {
            group: kind.group.clone(),
            kind: kind.kind.clone(),
            namespace,
            name,
            value,
        }
    }

    /// `KIND/NAMESPACE/NAME`, and `KIND.GROUP` where there is a group: no two objects share it.
    pub(super) fn identity(&self) -> String {
        let kind = if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        };
        match &self.namespace {
            Some(namespace) => format!("{kind}/{namespace}/{}", self.name),
            None => format!("{kind}/{}", self.name),
        }
    }
}

/// How many requests are under way at a time.
const REQUESTS: usize = 4;
const JSON: &str = "application/json";
/// An object's metadata alone: those of the cluster's definitions are a hundredth of what the
/// definitions are.
const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

/// Lists every kind in the namespaces of `scope`, or in all of them, and objects outside of
/// namespaces. Of those that are not in `scope` it is only found out that they are there.
pub(super) fn collect(scope: &Scope) -> Vec<Found> {
    wait_for(collect_all(scope)).expect("the API server answers")
}

async fn collect_all(scope: &Scope) -> Result<Vec<Found>, BoxError> {
    let kinds = served(scope.api()).await?;
    let lists = kinds
        .iter()
        .flat_map(|kind| paths(kind, scope).into_iter().map(move |path| (kind, path)));
    let found: Vec<Vec<Found>> = stream::iter(lists)
        .map(|(kind, path)| list(kind, path, scope))
        .buffer_unordered(REQUESTS)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

fn paths(kind: &ServedKind, scope: &Scope) -> Vec<String> {
    match scope.namespaces.as_ref().filter(|_| kind.namespaced) {
        Some(names) => {
            let shared = scope.shared.iter().map(|(namespace, _)| namespace);
            let names: BTreeSet<&String> = names.iter().chain(shared).collect();
            names
                .into_iter()
                .map(|name| kind.collection(Some(name)))
                .collect()
        }
        None => vec![kind.collection(None)],
    }
}

async fn list(kind: &ServedKind, path: String, scope: &Scope) -> Result<Vec<Found>, BoxError> {
    // Whose volumes they are is not in their metadata.
    let is_whole =
        kind.namespaced || scope.holds_all_cluster_objects() || kind.kind == "PersistentVolume";
    let accept = if is_whole { JSON } else { METADATA };
    let mut answer = read(scope, &path, accept).await?;
    let items = answer["items"].as_array_mut().map(std::mem::take);
    let mut found: Vec<Found> = items
        .into_iter()
        .flatten()
        .map(|item| Found::of(kind, item))
        .collect();
    if !is_whole {
        for object in found.iter_mut().filter(|object| scope.includes(object)) {
            let whole = read(scope, &format!("{path}/{}", object.name), JSON).await?;
            // What is gone meanwhile was there.
            if !whole.is_null() {
                object.value = whole;
            }
        }
    }
    Ok(found)
}

/// What is at `path`; null where nothing is.
async fn read(scope: &Scope, path: &str, accept: &str) -> Result<Value, BoxError> {
    loop {
        let (status, answer) = scope.api().read(path, accept).await?;
        match status {
            // Another test may have removed the kind's definition.
            StatusCode::OK | StatusCode::NOT_FOUND => return Ok(answer),
            // A kind that was defined just now is not stored yet; the server asks to come again in
            // a second.
            StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return Err(format!("GET {path}: {status}: {answer}").into()),
        }
    }
}
