use std::collections::BTreeSet;

use futures::future::try_join_all;

use crate::{
    cluster::{Cluster, RequestError, Served},
    object::ObjectId,
};

/// All PersistentVolumeClaims in `namespaces`; metadata is enough to know them.
pub(crate) async fn claims_in(
    cluster: &Cluster,
    served: &Served,
    namespaces: BTreeSet<&String>,
) -> Result<Vec<ObjectId>, RequestError> {
    let Some(resource) = served.exact("v1", "PersistentVolumeClaim") else {
        return Ok(Vec::new());
    };
    let lists = try_join_all(
        namespaces
            .into_iter()
            .map(|namespace| cluster.list_metadata(resource, Some(namespace), None)),
    )
    .await?;
    let claim = |object: &serde_json::Value| {
        let text = |pointer: &str| {
            object
                .pointer(pointer)
                .and_then(serde_json::Value::as_str)
                .map(str::to_owned)
        };
        let kind = resource.kind.clone();
        Some(ObjectId {
            group: String::new(),
            kind,
            namespace: text("/metadata/namespace"),
            name: text("/metadata/name")?,
        })
    };
    Ok(lists
        .iter()
        .flat_map(|listed| &listed.items)
        .filter_map(|item| claim(item))
        .collect())
}
