//! Replaces pods that have read, when they started, what was put back since.

use std::collections::HashSet;

use futures::future::try_join;
use jiff::Timestamp;
use serde_json::Value;

use super::{WriteOutcome, Writer, text, uid_of};
use crate::{
    cluster::{RequestError, Resource},
    event::WriteResult,
    object::ObjectId,
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
            let pod_id = ObjectId {
                group: String::new(),
                kind: "Pod".to_owned(),
                namespace: id.namespace.clone(),
                name: text(&pod, "/metadata/name").to_owned(),
            };
            self.context
                .cluster
                .evict(resource, &pod_id, uid_of(&pod))
                .await?;
            self.context
                .cluster
                .until_gone(resource, &pod_id, uid_of(&pod))
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
        let namespace = Some(text(workload, "/metadata/namespace"));
        let Some(replica_sets) = self.context.kinds.served.exact("apps/v1", "ReplicaSet") else {
            return Ok(Vec::new());
        };
        let cluster = &self.context.cluster;
        let (replica_sets, pods) = try_join(
            cluster.list_metadata(replica_sets, namespace, None),
            cluster.list_metadata(pods, namespace, None),
        )
        .await?;
        let mut owners = HashSet::from([uid_of(workload)]);
        owners.extend(
            replica_sets
                .items
                .iter()
                .filter(|set| owner_of(set) == Some(uid_of(workload)))
                .map(|set| uid_of(set)),
        );
        let belongs = |pod: &&Value| owner_of(pod).is_some_and(|owner| owners.contains(owner));
        let started = |pod: &&Value| {
            text(pod, "/metadata/creationTimestamp")
                .parse::<Timestamp>()
                .is_ok_and(|started| started >= since)
        };
        let staying = |pod: &&Value| pod.pointer("/metadata/deletionTimestamp").is_none();
        Ok(pods
            .items
            .iter()
            .map(AsRef::as_ref)
            .filter(belongs)
            .filter(started)
            .filter(staying)
            .cloned()
            .collect())
    }
}

/// The uid of the controller of `object`.
fn owner_of(object: &Value) -> Option<&str> {
    let owners = object
        .pointer("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    owners
        .into_iter()
        .find(|owner| owner["controller"] == true)
        .map(|owner| text(owner, "/uid"))
}
