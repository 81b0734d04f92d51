//! Provisions claims whose storage class was meant for another cluster.

use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::api::core::v1::PersistentVolumeClaim;
use kube::{
    Api as KubeApi,
    api::{WatchEvent, WatchParams},
};
use serde_json::json;

use super::{api::Api, bootstrap::PROVISIONER};

/// The volume controller names the provisioner of a claim's `StorageClass` here; the stage in
/// `stages/volume.yaml` provisions what carries it
/// (<https://kubernetes.io/docs/reference/labels-annotations-taints/#volume-kubernetes-io-storage-provisioner>).
const PROVISIONER_ANNOTATION: &str = "volume.kubernetes.io/storage-provisioner";

/// Has claims provisioned whose `StorageClass` does not exist here, because a plan was written for
/// another cluster.
///
/// Classes that exist need nothing of it: the volume controller names their provisioner, after the
/// first consumer where the class waits for one.
pub(super) async fn annotate_claims_without_class(api: Api) {
    let claims: KubeApi<PersistentVolumeClaim> = KubeApi::all(api.client());
    loop {
        // Version 0 begins with all claims that there are.
        if let Ok(events) = claims.watch(&WatchParams::default(), "0").await {
            let mut events = std::pin::pin!(events);
            while let Some(Ok(event)) = events.next().await {
                if let WatchEvent::Added(claim) | WatchEvent::Modified(claim) = event {
                    annotate(&api, &claim).await;
                }
            }
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

async fn annotate(api: &Api, claim: &PersistentVolumeClaim) {
    let Some(specification) = &claim.spec else {
        return;
    };
    let annotated = claim
        .metadata
        .annotations
        .as_ref()
        .is_some_and(|annotations| annotations.contains_key(PROVISIONER_ANNOTATION));
    let class = specification
        .storage_class_name
        .as_deref()
        .unwrap_or_default();
    if class.is_empty()
        || specification.volume_name.is_some()
        || annotated
        || claim.metadata.deletion_timestamp.is_some()
    {
        return;
    }
    if !matches!(
        api.get(&format!("/apis/storage.k8s.io/v1/storageclasses/{class}"))
            .await,
        Ok(None)
    ) {
        return;
    }
    let namespace = claim.metadata.namespace.as_deref().unwrap_or_default();
    let name = claim.metadata.name.as_deref().unwrap_or_default();
    let path = format!("/api/v1/namespaces/{namespace}/persistentvolumeclaims/{name}");
    // A claim that is gone meanwhile needs no volume.
    let _ = api
        .merge(
            &path,
            &json!({"metadata": {"annotations": {PROVISIONER_ANNOTATION: PROVISIONER}}}),
        )
        .await;
}
