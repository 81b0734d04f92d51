//! What is written to the objects of a release that gets another name.

use serde_json::Value;

use crate::{
    cluster::{Cluster, RequestError, Resource},
    object::{ManifestView, ObjectId},
    ownership::{Remarking, owners_patch},
};

/// So often a write is tried whose object somebody else changes meanwhile.
const ATTEMPTS: usize = 5;

/// Writes to one object.
pub(super) struct Remark<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) resource: &'a Resource,
    pub(super) id: &'a ObjectId,
    pub(super) remarking: &'a Remarking,
}

impl Remark<'_> {
    /// Asks whether the object, which is `live`, may be given other marks. Nothing is stored.
    pub(super) async fn try_out(&self, live: &Value) -> Result<(), RequestError> {
        match self.remarking.label_patch(live) {
            Some(patch) => {
                let manager = &self.remarking.to.manager;
                let tried = self
                    .cluster
                    .json_patch_dry_run(self.resource, self.id, &patch, manager)
                    .await;
                match tried {
                    // Somebody has written to it since.
                    Err(error) if error.is_conflict() => Ok(()),
                    tried => tried,
                }
            }
            None => Ok(()),
        }
    }

    /// Gives the object, which is `live`, other marks; returns it as it is stored then, `None` where
    /// it is gone, or another one has its name.
    pub(super) async fn carry_out(&self, live: &Value) -> Result<Option<Value>, RequestError> {
        let uid = ManifestView(live).uid();
        let mut there = Some(live.clone());
        for attempt in 1.. {
            let Some(live) = there.filter(|there| ManifestView(there).uid() == uid) else {
                break;
            };
            match self.write(&live).await {
                Err(error) if attempt < ATTEMPTS && error.is_conflict() => {}
                Err(error) if error.is_absent() => break,
                written => return written.map(Some),
            }
            let namespace = self.id.namespace.as_deref();
            there = self
                .cluster
                .get(self.resource, namespace, &self.id.name)
                .await?;
        }
        Ok(None)
    }

    async fn write(&self, live: &Value) -> Result<Value, RequestError> {
        let Self {
            cluster,
            resource,
            id,
            remarking,
        } = self;
        let manager = &remarking.to.manager;
        let relabelled = match remarking.label_patch(live) {
            Some(patch) => cluster.json_patch(resource, id, &patch, manager).await?,
            None => live.clone(),
        };
        match remarking.owners(&relabelled) {
            Some(owners) => {
                let patch = owners_patch(&relabelled, &owners);
                cluster.json_patch(resource, id, &patch, manager).await
            }
            None => Ok(relabelled),
        }
    }
}
