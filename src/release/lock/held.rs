//! A lock that this run holds: its connection for writes, its loss, its end.

use std::future::Future;

use tokio::{task::JoinHandle, time::timeout};
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{
    LockError, heartbeat::Heartbeat, holder_observation::longest_write, lease::Lease,
    lease_claim::LeaseClaim, lease_state::LeaseState,
};
use crate::cluster::{BootTime, Cluster, Fence, RequestError};

/// A lock that this run holds, and that is kept alive in the background. Dropped without
/// [`Held::release`], it expires.
pub(crate) struct Held {
    cluster: Cluster,
    fence: Fence,
    lease: Lease,
    claim: LeaseClaim,
    heartbeat: JoinHandle<LeaseState>,
    stop: DropGuard,
}

/// How often the Lease may change while it is being deleted; only renewals of our own that were
/// still under way do that.
const ATTEMPTS: usize = 5;

impl Held {
    /// The lock that `claim` holds since `state` was asked for at `sent`.
    pub(super) fn new(
        cluster: &Cluster,
        lease: Lease,
        claim: LeaseClaim,
        state: LeaseState,
        sent: BootTime,
    ) -> Self {
        let fence = Fence::new(sent + claim.expiry, longest_write(claim.expiry));
        let stop = CancellationToken::new();
        let heartbeat = Heartbeat {
            lease: lease.tried_once(),
            claim: claim.clone(),
            fence: fence.clone(),
            state,
            renewed: sent,
            stop: stop.clone(),
        };
        Self {
            cluster: cluster.fenced(fence.clone()),
            fence,
            lease,
            claim,
            heartbeat: tokio::spawn(heartbeat.run()),
            stop: stop.drop_guard(),
        }
    }

    /// The connection for writes under this lock: once it is lost, they are refused with
    /// [`RequestError::LockLost`], and those under way are abandoned. Reads, dry runs and reviews
    /// are not concerned.
    pub(crate) fn cluster(&self) -> Cluster {
        self.cluster.clone()
    }

    /// Ends when the lock is lost: taken away, or not renewed in time. Nothing can be written any
    /// more then.
    pub(crate) fn lost(&self) -> impl Future<Output = ()> + Send + use<> {
        let fence = self.fence.clone();
        async move { fence.closed().await }
    }

    /// Who holds the lock now, as people read it, where this run has lost it.
    pub(crate) async fn holder_now(&self) -> Option<String> {
        if self.fence.is_open() {
            return None;
        }
        self.fence.holder().await
    }

    /// Frees the lock, by deleting the Lease. A lock that is lost is left alone; one that cannot be
    /// freed is an error, and expires.
    pub(crate) async fn release(self) -> Result<(), LockError> {
        let Self {
            fence,
            lease,
            claim,
            heartbeat,
            stop,
            ..
        } = self;
        if !fence.is_open() {
            return Ok(());
        }
        let remaining = fence.remaining();
        drop(stop);
        fence.close();
        let Ok(state) = heartbeat.await else {
            return Ok(());
        };
        // After that time it is free anyway.
        let freed = timeout(remaining, free(&lease, &claim, state)).await;
        freed
            .unwrap_or(Ok(()))
            .map_err(|error| lease.failed("free the lock", error))
    }
}

async fn free(
    lease: &Lease,
    claim: &LeaseClaim,
    mut state: LeaseState,
) -> Result<(), RequestError> {
    for _ in 0..ATTEMPTS {
        if lease.delete(&state).await? {
            break;
        }
        match lease.read().await? {
            Some(current) if claim.made(&current) => state = current,
            _ => break,
        }
    }
    Ok(())
}
