//! Taking a lock: at once, after waiting, or from a holder that is dead.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Found, Held, Holder, LockError, LockNotice, Presence,
    holder_observation::{HolderObservation, Judgement},
    lease::Lease,
    lease_claim::LeaseClaim,
    lease_state::LeaseState,
    notice::HolderDeath,
    process::ProcessMark,
};
use crate::{
    cluster::{BootTime, Cluster, Heard, Served, Watched},
    plan::ReleaseId,
    release::{Author, Store},
};

/// The lock of a release: a Lease `deployctl.PLAN.ENV` beside its revisions, which one run at a
/// time holds.
pub(crate) struct Lock;

/// How a lock is taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LockOptions<'a> {
    /// Who takes it.
    pub(crate) author: &'a Author,
    /// Time without a sign of life after which this run has lost the lock. No write takes longer
    /// than two thirds of it.
    pub(crate) expiry: Duration,
    /// How long another run is waited for; `None`: not once it is known to be alive.
    pub(crate) wait: Option<Duration>,
}

impl Lock {
    /// Takes the lock of `release` in `state_namespace`, which is created where it does not exist.
    /// What happens meanwhile is told.
    ///
    /// A free lock takes one request. A holder whose process on this machine is gone is taken over
    /// a moment later; one whose Lease does not change for its own expiry and the longest time of
    /// its writes, by the clock of this machine, after that time. A living one is waited for as
    /// long as the options say, and is an error then. Abandoning this future may leave a lock that
    /// expires.
    pub(crate) async fn acquire(
        cluster: &Cluster,
        served: &Served,
        state_namespace: &str,
        release: &ReleaseId,
        options: LockOptions<'_>,
        tell: impl FnMut(LockNotice),
    ) -> Result<Held, LockError> {
        let lease = Lease::new(
            cluster.answered_within(options.expiry / 3),
            served,
            state_namespace,
            release,
        );
        let claim = LeaseClaim::new(options.author, options.expiry);
        let until = options.wait.map(|wait| BootTime::now() + wait);
        let mut acquisition = Acquisition {
            lease,
            claim,
            until,
            tell,
            told: None,
        };
        let mut prepared = false;
        let (state, sent) = loop {
            match Box::pin(acquisition.attempt()).await {
                Ok(Some(taken)) => break taken,
                Ok(None) => {}
                // The namespace is looked for only where it is missing: that costs no request each
                // time.
                Err(LockError::Request { source, .. }) if source.is_absent() && !prepared => {
                    Store::new(cluster, served, state_namespace, release)
                        .prepare()
                        .await?;
                    prepared = true;
                }
                Err(error) => return Err(error),
            }
        };
        Ok(Held::new(
            cluster,
            acquisition.lease,
            acquisition.claim,
            state,
            sent,
        ))
    }

    /// The lock of `release` as it stands; `None` where nobody holds it.
    pub(crate) async fn find(
        cluster: &Cluster,
        served: &Served,
        state_namespace: &str,
        release: &ReleaseId,
    ) -> Result<Option<Found>, LockError> {
        Found::look(Lease::new(
            cluster.clone(),
            served,
            state_namespace,
            release,
        ))
        .await
    }
}

/// Taking a lock.
struct Acquisition<T> {
    lease: Lease,
    claim: LeaseClaim,
    /// Until when somebody else is waited for.
    until: Option<BootTime>,
    tell: T,
    /// The holder that was told of last.
    told: Option<Holder>,
}

/// What a lock came to that somebody else held.
enum Freed {
    /// There is no Lease any more.
    Deleted,
    /// Nobody holds it.
    Cleared(LeaseState),
    /// Who holds it is dead.
    Abandoned(LeaseState, HolderDeath),
}

/// What a process had sent when it died is carried out or dropped by then: its connections end with
/// it, and the API server gives up requests whose connection has ended. Whoever is taken over for
/// its silence has had the longest time of its writes for that.
const LAST_WRITES: Duration = Duration::from_secs(1);

/// How often the processes of this machine, and the clock, are looked at.
const LOOK: Duration = Duration::from_millis(500);

impl<T: FnMut(LockNotice)> Acquisition<T> {
    /// What stands in the Lease once this run holds it, and when that was asked for; `None` where
    /// it has to be tried again.
    async fn attempt(&mut self) -> Result<Option<(LeaseState, BootTime)>, LockError> {
        self.claim.acquired = Timestamp::now();
        let sent = BootTime::now();
        let created = self
            .lease
            .create(&self.claim)
            .await
            .map_err(|error| self.lease.failed("take the lock", error))?;
        if let Some(state) = created {
            return Ok(self.if_fresh(state, sent));
        }
        let read = self
            .lease
            .read()
            .await
            .map_err(|error| self.lease.failed("read the lock", error))?;
        let Some(state) = read else {
            return Ok(None);
        };
        // The answer to an earlier attempt may have been lost.
        if self.claim.made(&state) || state.holder.is_none() {
            return self.take(&state, None).await;
        }
        match self.until_free(state).await? {
            Freed::Deleted => Ok(None),
            Freed::Cleared(state) => self.take(&state, None).await,
            Freed::Abandoned(state, death) => {
                if death == HolderDeath::ProcessGone {
                    tokio::time::sleep(LAST_WRITES).await;
                }
                self.take(&state, Some(death)).await
            }
        }
    }

    /// Takes the Lease over where it is still as in `before`: whoever renewed it in between, unseen
    /// by us, keeps it.
    async fn take(
        &mut self,
        before: &LeaseState,
        death: Option<HolderDeath>,
    ) -> Result<Option<(LeaseState, BootTime)>, LockError> {
        self.claim.acquired = Timestamp::now();
        let sent = BootTime::now();
        let written = self
            .lease
            .write(&self.claim, before)
            .await
            .map_err(|error| self.lease.failed("take the lock", error))?;
        let taken = written.and_then(|state| self.if_fresh(state, sent));
        if let (Some(_), Some(death), Some(holder)) = (&taken, death, &before.holder) {
            (self.tell)(LockNotice::TakenOver {
                holder: holder.clone(),
                death,
            });
        }
        Ok(taken)
    }

    /// A lock whose request went out too long ago is taken again: its time counts from then.
    fn if_fresh(&self, state: LeaseState, sent: BootTime) -> Option<(LeaseState, BootTime)> {
        (sent.elapsed() < self.claim.expiry / 2).then_some((state, sent))
    }

    /// Watches the Lease until nobody holds it, or whoever holds it is known to be dead, or is not
    /// to be waited for any longer.
    async fn until_free(&mut self, state: LeaseState) -> Result<Freed, LockError> {
        let (_watch, mut seen) = self.watch(&state);
        let mut observation = HolderObservation::first(state, BootTime::now());
        loop {
            let presence = observation
                .state
                .process
                .as_ref()
                .map_or(Presence::Unknown, ProcessMark::presence);
            let judgement = observation.judge(presence, BootTime::now());
            let Some(holder) = observation.state.holder.clone() else {
                return Ok(Freed::Cleared(observation.state));
            };
            if let Judgement::Dead(death) = judgement {
                return Ok(Freed::Abandoned(observation.state, death));
            }
            let time_is_up = self.until.map_or(judgement == Judgement::Alive, |until| {
                until.remaining().is_zero()
            });
            if time_is_up {
                return Err(LockError::Held {
                    release: self.lease.release.clone(),
                    holder,
                });
            }
            self.tell_of(holder, &observation);
            let pause = self
                .until
                .unwrap_or(observation.dead_at())
                .min(observation.dead_at())
                .remaining()
                .min(LOOK);
            tokio::select! {
                Some(heard) = seen.recv() => match heard.what {
                    Watched::Changed(lease) => observation.see(LeaseState::read(&lease), BootTime::now()),
                    Watched::Gone(_) => return Ok(Freed::Deleted),
                    // Then only the attempt to take it over shows whether it changed.
                    Watched::Forbidden(_) | Watched::All(..) => {}
                },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn watch(&self, state: &LeaseState) -> (AbortOnDropHandle<()>, UnboundedReceiver<Heard>) {
        let (sender, seen) = unbounded_channel();
        let Lease {
            cluster,
            resource,
            id,
            ..
        } = self.lease.clone();
        let watch = cluster.watch_object(resource, id, state.resource_version.clone(), sender);
        (AbortOnDropHandle::new(tokio::spawn(watch)), seen)
    }

    /// Tells of each holder once.
    fn tell_of(&mut self, holder: Holder, observation: &HolderObservation) {
        if self.told.as_ref() == Some(&holder) {
            return;
        }
        self.told = Some(holder.clone());
        (self.tell)(match self.until {
            Some(until) => LockNotice::Waiting {
                holder,
                at_most: until.remaining(),
            },
            None => LockNotice::Watching {
                holder,
                within: observation.dead_at().remaining(),
            },
        });
    }
}
