//! Renews a lock in the background, and closes the fence where that does not succeed.

use tokio_util::sync::CancellationToken;

use super::{lease::Lease, lease_claim::LeaseClaim, lease_state::LeaseState};
use crate::cluster::{BootTime, Fence, RequestError};

/// Keeps a lock alive.
pub(super) struct Heartbeat {
    /// Its requests are not sent again but here: pauses that grow, and those that an API server asks
    /// for, may outlast the lock.
    pub(super) lease: Lease,
    pub(super) claim: LeaseClaim,
    pub(super) fence: Fence,
    /// What stands in the Lease since our last write.
    pub(super) state: LeaseState,
    /// When the last successful write was asked for.
    pub(super) renewed: BootTime,
    pub(super) stop: CancellationToken,
}

impl Heartbeat {
    /// Keeps the lock until told to stop or it is lost; then it is said who holds it now. Returns
    /// what stands in the Lease, as far as is known.
    pub(super) async fn run(self) -> LeaseState {
        let (lease, claim) = (self.lease.clone(), self.claim.clone());
        let (stop, fence) = (self.stop.clone(), self.fence.clone());
        let state = self.keep().await;
        if !stop.is_cancelled() {
            fence.tell(holder_now(&lease, &claim).await);
        }
        state
    }

    /// Renews the Lease three times within its expiry, and keeps the fence open with it, until told
    /// to stop or the lock is lost. Returns what stands in the Lease then, as far as is known.
    ///
    /// What fails is tried again until the lock would have expired; a Lease that is another's, or
    /// gone, is lost at once.
    async fn keep(mut self) -> LeaseState {
        let interval = self.claim.expiry / 3;
        let pause = interval / 4;
        let mut due = self.renewed + interval;
        let (stop, fence) = (self.stop.clone(), self.fence.clone());
        loop {
            let renewal = async {
                tokio::time::sleep(due.remaining()).await;
                let asked = BootTime::now();
                (asked, self.renew().await)
            };
            let (asked, renewed) = tokio::select! {
                () = stop.cancelled() => return self.state,
                renewal = fence.while_open(renewal) => match renewal {
                    Some(renewal) => renewal,
                    None => return self.state,
                },
            };
            match renewed {
                Ok(Some(state)) => {
                    self.state = state;
                    fence.extend(asked + self.claim.expiry);
                    due = asked + interval;
                }
                Ok(None) => fence.close(),
                Err(_) => due = BootTime::now() + pause,
            }
        }
    }

    /// What stands in the Lease after it was renewed; `None` where it is not ours any more.
    async fn renew(&self) -> Result<Option<LeaseState>, RequestError> {
        if let Some(state) = self.lease.write(&self.claim, &self.state).await? {
            return Ok(Some(state));
        }
        // It changed and may still be ours: the answer to a renewal was lost, or somebody annotated
        // it.
        match self.lease.read().await? {
            Some(state) if self.claim.made(&state) => self.lease.write(&self.claim, &state).await,
            _ => Ok(None),
        }
    }
}

/// Who holds a lock that `claim` has lost, as people read it; `None` where that cannot be read.
async fn holder_now(lease: &Lease, claim: &LeaseClaim) -> Option<String> {
    let state = lease.read().await.ok()?;
    let taken = state.filter(|state| !claim.made(state));
    Some(match taken.and_then(|state| state.holder) {
        Some(holder) => format!("now it is held by {holder}"),
        None => "nobody else holds it now".to_owned(),
    })
}
