//! Plays an operator as soon as the CRDs that it serves are there.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api as KubeApi,
    api::{ListParams, WatchEvent, WatchParams},
    core::PartialObjectMeta,
};
use serde_json::Value;
use tokio::sync::mpsc::UnboundedSender;

use super::{
    api::Api,
    stages::{OPERATORS, OperatorStages},
};

/// How long a CRD may take to be served after it was created, a few times over.
const LOOK_INTERVAL: Duration = Duration::from_millis(300);

/// Sends each operator whose CRDs are served, once, also when a user creates the CRDs long after
/// the start.
///
/// kwok ends at its start when the kind of a stage is not served, so every operator gets a kwok of
/// its own at this moment.
pub(super) async fn find_served(api: Api, found: UnboundedSender<&'static OperatorStages>) {
    let mut wanted: Vec<&'static OperatorStages> = OPERATORS.iter().collect();
    while !wanted.is_empty() {
        let mut rest = Vec::new();
        for operator in wanted {
            if is_served(&api, operator).await {
                let _ = found.send(operator);
            } else {
                rest.push(operator);
            }
        }
        wanted = rest;
        await_change(&api, &wanted).await;
    }
}

/// A CRD is served a moment before its neighbours are, and before its schema is published, without
/// which kwok ends: so what is asked for are the resources that the stages name, and their schemas.
/// <https://kubernetes.io/docs/concepts/overview/kubernetes-api/#openapi-v3>
async fn is_served(api: &Api, operator: &OperatorStages) -> bool {
    let kinds = operator
        .stages
        .lines()
        .filter_map(|line| line.trim().strip_prefix("kind: "))
        .filter(|kind| *kind != "Stage");
    let kinds: Vec<&str> = kinds.collect();
    let Ok(Some(served)) = api.get(operator.api).await else {
        return false;
    };
    if !kinds
        .iter()
        .all(|kind| names_kind(&served["resources"], kind))
    {
        return false;
    }
    let path = format!("/openapi/v3{}", operator.api);
    let Ok(Some(published)) = api.get(&path).await else {
        return false;
    };
    let schemas = published["components"]["schemas"].as_object();
    let described = |kind: &&str| {
        let mut schemas = schemas.into_iter().flat_map(serde_json::Map::values);
        schemas.any(|schema| names_kind(&schema["x-kubernetes-group-version-kind"], kind))
    };
    kinds.iter().all(described)
}

/// Whether one of `items` is of `kind`.
fn names_kind(items: &Value, kind: &str) -> bool {
    let mut items = items.as_array().into_iter().flatten();
    items.any(|item| item["kind"] == kind)
}

/// Returns when it is worth looking again: soon, while CRDs of a wanted operator are there that are
/// yet to be served, otherwise when something has changed about the CRDs of the cluster.
async fn await_change(api: &Api, wanted: &[&OperatorStages]) {
    let crds: KubeApi<PartialObjectMeta<CustomResourceDefinition>> = KubeApi::all(api.client());
    if let Ok(list) = crds.list_metadata(&ListParams::default()).await {
        let is_wanted = |name: &str| {
            wanted
                .iter()
                .any(|operator| name.ends_with(operator.group()))
        };
        let pending = list
            .items
            .iter()
            .filter_map(|crd| crd.metadata.name.as_deref())
            .any(is_wanted);
        if let (false, Some(version)) = (pending, list.metadata.resource_version)
            && let Ok(events) = crds.watch_metadata(&WatchParams::default(), &version).await
        {
            let change = events.filter(|event| {
                std::future::ready(matches!(
                    event,
                    Ok(WatchEvent::Added(_) | WatchEvent::Modified(_))
                ))
            });
            let _ = std::pin::pin!(change).next().await;
        }
    }
    tokio::time::sleep(LOOK_INTERVAL).await;
}
