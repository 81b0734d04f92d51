use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use backon::{ConstantBuilder, Retryable as _};
use serde_json::Value;

use super::{
    execute::Resources,
    wanted::{Wanted, WantedObject},
};
use crate::{
    cluster::{Cluster, Force, Live, RequestError, Resource},
    event::WriteResult,
    object::ObjectId,
    ownership::give_up,
    release::ObjectRecord,
};

/// Applies wanted objects. Cheap to clone.
#[derive(Clone)]
pub(super) struct Writer<'a> {
    cluster: &'a Cluster,
    wanted: &'a Wanted,
    live: &'a Live,
    resources: Arc<Resources>,
    manager: Arc<str>,
    force_conflicts: bool,
}

/// What a write did.
pub(super) struct Written {
    pub(super) result: WriteResult,
    /// The object as it is stored now.
    pub(super) object: Value,
    /// What is to be remembered of it.
    pub(super) record: Option<ObjectRecord>,
    pub(super) took: Duration,
}

/// How long a kind that was just defined may take until it is served.
const SERVED_WITHIN: Duration = Duration::from_secs(10);
const SERVED_AGAIN: Duration = Duration::from_millis(200);

impl<'a> Writer<'a> {
    pub(super) fn new(cluster: &'a Cluster, wanted: &'a Wanted, live: &'a Live, resources: Resources, force_conflicts: bool) -> Self {
        let manager = wanted.release.field_manager().into();
        Self { cluster, wanted, live, resources: Arc::new(resources), manager, force_conflicts }
    }

    /// The kind of `id` as it is served.
    pub(super) fn resource(&self, id: &ObjectId) -> Option<&Resource> {
        self.resources.get(id)
    }

    /// Applies `id` as wanted.
    pub(super) async fn apply(&self, id: &ObjectId, force: bool) -> Result<Written, RequestError> {
        let started = Instant::now();
        let wanted = &self.wanted.objects[id];
        let resource = &self.resources[id];
        let force = if force || self.force_conflicts { Force::Yes } else { Force::No };
        self.give_up_replicas(id, wanted, resource).await?;
        let attempt = || self.cluster.apply(resource, id, &wanted.sent, &self.manager, force);
        let applied = if self.wanted.defined_here(&wanted.object).is_some() {
            // The definition is established, but the API server may need a moment until it serves the kind.
            let times = usize::try_from(SERVED_WITHIN.as_millis() / SERVED_AGAIN.as_millis()).unwrap_or(usize::MAX);
            let pauses = ConstantBuilder::default().with_delay(SERVED_AGAIN).with_max_times(times);
            attempt.retry(pauses).when(|error| error.code() == Some(404)).await?
        } else {
            attempt().await?
        };
        let result = self.result(id, &applied.object, applied.created);
        let record = ObjectRecord::of_answer(id, &wanted.phase, &wanted.digest, &applied.object, &self.manager);
        Ok(Written { result, object: slim(applied.object), record, took: started.elapsed() })
    }

    /// Hands the replicas of something that an autoscaler scales over to it, where we still own them.
    ///
    /// A status that changes in between makes the patch fail; then the object is read again.
    async fn give_up_replicas(&self, id: &ObjectId, wanted: &WantedObject, resource: &Resource) -> Result<(), RequestError> {
        const REPLICAS: [&str; 2] = ["spec", "replicas"];
        if !wanted.scaled_by_others {
            return Ok(());
        }
        let mut live = self.live.object(id).map(|live| live.as_ref().clone());
        while let Some(patch) = live.as_ref().and_then(|live| give_up(live, &self.manager, &REPLICAS)) {
            match self.cluster.json_patch(resource, id, &patch, &self.manager).await {
                Ok(_) => return Ok(()),
                Err(error) if matches!(error.code(), Some(409 | 422)) => {
                    live = self.cluster.get(resource, id.namespace.as_deref(), &id.name).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn result(&self, id: &ObjectId, answer: &Value, created: bool) -> WriteResult {
        let version = |object: &Value| object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
        if created {
            WriteResult::Created
        } else if self.live.object(id).is_some_and(|before| version(before) == version(answer)) {
            WriteResult::Unchanged
        } else {
            WriteResult::Changed
        }
    }
}

/// `object` without the list of who owns what: half of its size, and never looked at after the record was made.
fn slim(mut object: Value) -> Value {
    if let Some(Value::Object(metadata)) = object.get_mut("metadata") {
        metadata.remove("managedFields");
    }
    object
}
