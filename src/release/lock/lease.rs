//! The Lease of a release and the guarded requests about it.

use super::{
    LockError,
    lease_claim::{LeaseClaim, guard},
    lease_state::LeaseState,
};
use crate::{
    cluster::{Cluster, DeleteOptions, RequestError, Resource, Served},
    object::{ManifestView, ObjectId},
    plan::ReleaseId,
    release::labels::MANAGER,
};

/// The Lease of a release, and the requests about it.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) cluster: Cluster,
    pub(super) resource: Resource,
    pub(super) id: ObjectId,
    pub(super) release: ReleaseId,
}

/// The kind that locks are of.
pub(crate) fn resource(served: &Served) -> Resource {
    served.or_known(Resource::leases())
}

impl Lease {
    /// The Lease of `release` in `namespace`.
    pub(super) fn new(
        cluster: Cluster,
        served: &Served,
        namespace: &str,
        release: &ReleaseId,
    ) -> Self {
        let resource = resource(served);
        let id = ObjectId {
            group: resource.group.clone(),
            kind: resource.kind.clone(),
            namespace: Some(namespace.to_owned()),
            name: format!("deployctl.{release}"),
        };
        Self {
            cluster,
            resource,
            id,
            release: release.clone(),
        }
    }

    /// The same, whose requests are not sent again.
    pub(super) fn tried_once(&self) -> Self {
        Self {
            cluster: self.cluster.tried_once(),
            ..self.clone()
        }
    }

    /// What stands in it; `None` where there is none.
    pub(super) async fn read(&self) -> Result<Option<LeaseState>, RequestError> {
        let lease = self
            .cluster
            .get(&self.resource, self.id.namespace.as_deref(), &self.id.name)
            .await?;
        Ok(lease.as_ref().map(LeaseState::read))
    }

    /// Creates it for `claim`; `None` where there is one.
    pub(super) async fn create(
        &self,
        claim: &LeaseClaim,
    ) -> Result<Option<LeaseState>, RequestError> {
        let body = claim.lease(&self.id, &self.release, None);
        match self
            .cluster
            .create(&self.resource, &self.id, &body, MANAGER)
            .await
        {
            Ok(lease) => Ok(Some(LeaseState::read(&lease))),
            Err(error) if error.is_conflict() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes `claim` into it; `None` where it is not as in `before` any more, or is being deleted.
    pub(super) async fn write(
        &self,
        claim: &LeaseClaim,
        before: &LeaseState,
    ) -> Result<Option<LeaseState>, RequestError> {
        let body = claim.lease(&self.id, &self.release, Some(before));
        match self
            .cluster
            .replace(&self.resource, &self.id, &body, MANAGER)
            .await
        {
            Ok(lease) if ManifestView(&lease).is_terminating() => Ok(None),
            Ok(lease) => Ok(Some(LeaseState::read(&lease))),
            Err(error) if is_moved(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Deletes it. Whether that was done; not where it is not as in `before` any more.
    pub(super) async fn delete(&self, before: &LeaseState) -> Result<bool, RequestError> {
        let options = DeleteOptions {
            uid: Some(before.uid.clone()),
            resource_version: Some(before.resource_version.clone()),
            ..DeleteOptions::default()
        };
        match self
            .cluster
            .delete(&self.resource, &self.id, &options)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if is_moved(&error) => Ok(false),
            // Who may not delete it can still say that nobody holds it.
            Err(error) if error.is_forbidden() => self.clear(before).await.map_err(|_| error),
            Err(error) => Err(error),
        }
    }

    /// Takes the holder out of it.
    async fn clear(&self, before: &LeaseState) -> Result<bool, RequestError> {
        let Some(mut lease) = self
            .cluster
            .get(&self.resource, self.id.namespace.as_deref(), &self.id.name)
            .await?
        else {
            return Ok(true);
        };
        guard(&mut lease, before);
        lease["spec"] = serde_json::json!({});
        match self
            .cluster
            .replace(&self.resource, &self.id, &lease, MANAGER)
            .await
        {
            Ok(_) => Ok(true),
            Err(error) if is_moved(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// `source`, which came when the program was about to do `what`.
    pub(super) fn failed(&self, what: &'static str, source: RequestError) -> LockError {
        LockError::Request {
            what,
            namespace: self.id.namespace.clone().unwrap_or_default(),
            source,
        }
    }
}

/// Whether a guarded write was refused because the Lease is not as it was: changed, deleted, or
/// another one of its name.
fn is_moved(error: &RequestError) -> bool {
    error.is_absent() || error.is_conflict()
}
