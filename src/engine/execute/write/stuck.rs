//! Deletes pods of a StatefulSet that stand in the way of its next revision.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::{Writer, text, uid_of};
use crate::{
    cluster::{DeleteOptions, RequestError, Resource},
    object::{ObjectId, field::list},
};

/// How long the controller may take to notice that the StatefulSet was written.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// Why a container that waits does not come up without another manifest.
const BROKEN: [&str; 7] = [
    "CrashLoopBackOff",
    "ImagePullBackOff",
    "ErrImagePull",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
];

impl Writer<'_> {
    /// Deletes those pods of the StatefulSet `id`, which is `stored` now, that another revision of
    /// it has made and that are `stuck`.
    ///
    /// A StatefulSet waits for each pod to become ready before it replaces it, also for one that
    /// never will.
    /// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback>
    pub(super) async fn delete_stuck_pods(
        &self,
        id: &ObjectId,
        stored: &Value,
        stuck: fn(&Value) -> bool,
    ) -> Result<(), RequestError> {
        let Some(pods) = self
            .context
            .kinds
            .served
            .exact("v1", "Pod")
            .filter(|_| is_stateful_set(id))
        else {
            return Ok(());
        };
        let cluster = &self.context.cluster;
        let written = number(stored, "/metadata/generation");
        let is_noticed = |live: &Value| number(live, "/status/observedGeneration") >= written;
        // Where it is not noticed in time nothing is known about its pods; whoever waits for it
        // will tell.
        let Ok(noticed) = timeout(
            NOTICED_WITHIN,
            cluster.until(self.stored_as(id), id, is_noticed),
        )
        .await
        else {
            return Ok(());
        };
        noticed?;
        let Some(live) = self.read(id).await? else {
            return Ok(());
        };
        let listed = cluster.list(pods, id.namespace.as_deref(), None).await?;
        let of_another = |pod: &&Value| {
            pod.pointer("/metadata/labels/controller-revision-hash")
                != live.pointer("/status/updateRevision")
        };
        let belongs = |pod: &&Value| {
            list(pod, "/metadata/ownerReferences")
                .iter()
                .any(|owner| text(owner, "/uid") == uid_of(&live))
        };
        let stays = |pod: &&Value| pod.pointer("/metadata/deletionTimestamp").is_none();
        let pods_in_the_way = listed
            .items
            .iter()
            .map(AsRef::as_ref)
            .filter(belongs)
            .filter(of_another)
            .filter(stays);
        for pod in pods_in_the_way.filter(|pod| stuck(pod)) {
            self.delete_pod(pods, pod).await?;
        }
        Ok(())
    }

    /// Deletes `pod`, but no other one of its name.
    async fn delete_pod(&self, pods: &Resource, pod: &Value) -> Result<(), RequestError> {
        let id = ObjectId {
            group: String::new(),
            kind: "Pod".to_owned(),
            namespace: Some(text(pod, "/metadata/namespace").to_owned()),
            name: text(pod, "/metadata/name").to_owned(),
        };
        let options = DeleteOptions {
            uid: Some(uid_of(pod).to_owned()),
            ..DeleteOptions::default()
        };
        match self.context.cluster.delete(pods, &id, &options).await {
            // It is another pod by now.
            Err(error) if error.code() == Some(409) => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// Whether `id` is a StatefulSet of Kubernetes itself.
pub(super) fn is_stateful_set(id: &ObjectId) -> bool {
    id.group == "apps" && id.kind == "StatefulSet"
}

/// Whether `pod` is not ready.
pub(super) fn is_not_ready(pod: &Value) -> bool {
    !list(pod, "/status/conditions")
        .iter()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Whether a container of `pod` waits for what does not come by itself.
pub(super) fn is_broken(pod: &Value) -> bool {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .flat_map(|path| list(pod, path));
    statuses
        .into_iter()
        .any(|status| BROKEN.contains(&text(status, "/state/waiting/reason")))
}

fn number(object: &Value, pointer: &str) -> i64 {
    object
        .pointer(pointer)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pod_that_starts_is_not_broken() {
        let waiting = |reason: &str| json!({"status": {"containerStatuses": [{"state": {"waiting": {"reason": reason}}}]}});
        assert!(is_broken(&waiting("CrashLoopBackOff")));
        assert!(!is_broken(&waiting("ContainerCreating")));
        assert!(is_not_ready(&waiting("ContainerCreating")));
        assert!(!is_not_ready(
            &json!({"status": {"conditions": [{"type": "Ready", "status": "True"}]}})
        ));
    }
}
