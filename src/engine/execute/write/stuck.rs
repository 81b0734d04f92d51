//! Deletes pods of a StatefulSet that stand in the way of its next revision.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::Writer;
use crate::{
    cluster::{DeleteOptions, RequestError, Resource},
    object::{
        HasKind as _, ManifestView, ObjectId,
        field::{integer, list, text},
    },
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
            .filter(|_| id.is_stateful_set())
        else {
            return Ok(());
        };
        let cluster = &self.context.cluster;
        let written = ManifestView(stored).generation().unwrap_or_default();
        let is_noticed = |live: &Value| {
            integer(live, "/status/observedGeneration").unwrap_or_default() >= written
        };
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
        let listed = match cluster.list(pods, id.namespace.as_deref(), None).await {
            // The rollout is the same without; it may only take until somebody deletes them.
            Err(error) if error.is_forbidden() => return Ok(()),
            listed => listed?,
        };
        let uid = ManifestView(&live).uid().unwrap_or_default();
        let revision = text(&live, "/status/updateRevision");
        let is_in_the_way = |pod: ManifestView<'_>| {
            pod.owners().any(|owner| owner.uid == uid)
                && pod.label("controller-revision-hash") != revision
                && !pod.is_terminating()
        };
        let pods_in_the_way = listed
            .items
            .iter()
            .map(AsRef::as_ref)
            .filter(|pod| is_in_the_way(ManifestView(pod)));
        for pod in pods_in_the_way.filter(|pod| stuck(pod)) {
            self.delete_pod(pods, pod).await?;
        }
        Ok(())
    }

    /// Deletes `pod`, but no other one of its name.
    async fn delete_pod(&self, pods: &Resource, pod: &Value) -> Result<(), RequestError> {
        let pod = ManifestView(pod);
        let id = ObjectId::core("Pod", pod.namespace(), pod.name());
        let options = DeleteOptions {
            uid: Some(pod.uid().unwrap_or_default().to_owned()),
            ..DeleteOptions::default()
        };
        match self.context.cluster.delete(pods, &id, &options).await {
            // It is another pod by now, or one for somebody else to delete.
            Err(error) if error.is_conflict() || error.is_forbidden() => Ok(()),
            answer => answer.map(drop),
        }
    }
}

/// Whether `pod` is not ready.
pub(super) fn is_not_ready(pod: &Value) -> bool {
    let ready = ManifestView(pod).condition("Ready");
    !ready.is_some_and(|ready| ready.is_true())
}

/// Whether a container of `pod` waits for what does not come by itself.
pub(super) fn is_broken(pod: &Value) -> bool {
    let statuses = ["/status/initContainerStatuses", "/status/containerStatuses"]
        .into_iter()
        .flat_map(|path| list(pod, path));
    statuses
        .into_iter()
        .filter_map(|status| text(status, "/state/waiting/reason"))
        .any(|reason| BROKEN.contains(&reason))
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
