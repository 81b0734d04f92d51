//! Replaces pods that have read, when they started, what was put back since.

use std::collections::HashSet;

use futures::future::try_join;
use jiff::Timestamp;
use serde_json::Value;

use super::{WriteOutcome, Writer};
use crate::{
    cluster::{RequestError, Resource},
    event::WriteResult,
    object::{ManifestView, ObjectId},
    readiness::{Surroundings, judge},
};

impl Writer<'_> {
    /// Has those pods of the workload `id` replaced that started at `since` or later: they have
    /// read what is put back now.
    ///
    /// One by one, by the eviction API, which heeds PodDisruptionBudgets; the next one goes when
    /// the workload is ready again.
    /// <https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/>
    pub(super) async fn restart_pods(
        &self,
        id: &ObjectId,
        since: Timestamp,
    ) -> Result<WriteOutcome, RequestError> {
        let Some(live) = self.read(id).await? else {
            return Ok((WriteResult::Unchanged, None));
        };
        let Some(resource) = self.context.kinds.served.exact("v1", "Pod") else {
            return Ok((WriteResult::Unchanged, Some(live)));
        };
        let mut result = WriteResult::Unchanged;
        for pod in self.pods_since(&live, resource, since).await? {
            let pod = ManifestView(&pod);
            let (pod_id, uid) = (
                ObjectId::core("Pod", id.namespace.as_deref(), pod.name()),
                pod.uid().unwrap_or_default(),
            );
            self.context.cluster.evict(resource, &pod_id, uid).await?;
            self.context
                .cluster
                .until_gone(resource, &pod_id, uid)
                .await?;
            let is_ready =
                |live: &Value| judge(live, &Surroundings::none(Timestamp::now())).passes();
            self.context
                .cluster
                .until(self.stored_as(id), id, is_ready)
                .await?;
            result = WriteResult::Changed;
        }
        Ok((result, self.read(id).await?))
    }

    /// The pods of `workload`, its own and those of its ReplicaSets, that started at `since` or
    /// later.
    async fn pods_since(
        &self,
        workload: &Value,
        pods: &Resource,
        since: Timestamp,
    ) -> Result<Vec<Value>, RequestError> {
        let namespace = ManifestView(workload).namespace();
        let Some(replica_sets) = self.context.kinds.served.exact("apps/v1", "ReplicaSet") else {
            return Ok(Vec::new());
        };
        let cluster = &self.context.cluster;
        let (replica_sets, pods) = try_join(
            cluster.list_metadata(replica_sets, namespace, None),
            cluster.list_metadata(pods, namespace, None),
        )
        .await?;
        let uid = ManifestView(workload).uid().unwrap_or_default();
        let mut owners = HashSet::from([uid]);
        owners.extend(
            replica_sets
                .items
                .iter()
                .map(|set| ManifestView(set))
                .filter(|set| controller_of(*set) == Some(uid))
                .filter_map(ManifestView::uid),
        );
        let is_concerned = |pod: ManifestView<'_>| {
            controller_of(pod).is_some_and(|owner| owners.contains(owner))
                && pod.created().is_some_and(|started| started >= since)
                && !pod.is_terminating()
        };
        Ok(pods
            .items
            .iter()
            .map(AsRef::as_ref)
            .filter(|pod| is_concerned(ManifestView(pod)))
            .cloned()
            .collect())
    }
}

/// The uid of the controller of `object`.
fn controller_of(object: ManifestView<'_>) -> Option<&str> {
    object.controller().map(|owner| owner.uid)
}
