use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api as KubeApi,
    api::{WatchEvent, WatchParams},
    core::PartialObjectMeta,
};
use tokio::sync::mpsc::UnboundedSender;

use super::{
    api::Api,
    stages::{OPERATORS, OperatorStages},
};

/// Sends each operator whose CRDs are served, once, also when a user creates the CRDs long after the start.
///
/// kwok ends at its start when the kind of a stage is not served, so every operator gets a kwok of its own at this moment.
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
        await_crds(&api).await;
    }
}

/// A CRD is served a moment before its neighbours are, so what is asked for is a resource that the stages name.
async fn is_served(api: &Api, operator: &OperatorStages) -> bool {
    let Ok(Some(list)) = api.get(operator.api).await else { return false };
    let served = |kind: &str| list["resources"].as_array().is_some_and(|all| all.iter().any(|resource| resource["kind"] == kind));
    let kinds = operator.stages.lines().filter_map(|line| line.trim().strip_prefix("kind: ")).filter(|kind| *kind != "Stage");
    kinds.into_iter().all(served)
}

/// Returns a moment after something has changed about the CRDs of the cluster.
async fn await_crds(api: &Api) {
    let crds: KubeApi<PartialObjectMeta<CustomResourceDefinition>> = KubeApi::all(api.client());
    // Without a version every watch begins with what is there, so only what comes later is of interest.
    let version = crds.list_metadata(&kube::api::ListParams::default()).await.ok().and_then(|list| list.metadata.resource_version);
    if let Some(version) = version
        && let Ok(events) = crds.watch_metadata(&WatchParams::default(), &version).await
    {
        let change = events.filter(|event| std::future::ready(matches!(event, Ok(WatchEvent::Added(_) | WatchEvent::Modified(_)))));
        let _ = std::pin::pin!(change).next().await;
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
}
