use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::task::AbortOnDropHandle;

use super::{
    Found, Held, Holder, LockError, LockNotice, Presence,
    claim::Claim,
    lease::Lease,
    notice::Death,
    observed::{Judgement, Observed},
    process::ProcessMark,
    standing::Standing,
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
pub(crate) struct LockOptions {
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
        author: &Author,
        options: LockOptions,
        tell: impl FnMut(LockNotice),
    ) -> Result<Held, LockError> {
        let lease = Lease::new(
            cluster.answered_within(options.expiry / 3),
            served,
            state_namespace,
            release,
        );
        let claim = Claim::new(author, options.expiry);
        let until = options.wait.map(|wait| BootTime::now() + wait);
        let mut acquisition = Acquisition {
            lease,
            claim,
            until,
            tell,
            told: None,
        };
        let mut prepared = false;
        let (standing, sent) = loop {
            match Box::pin(acquisition.attempt()).await {
                Ok(Some(taken)) => break taken,
                Ok(None) => {}
                // The namespace is looked for only where it is missing: that costs no request each
                // time.
                Err(LockError::Request { source, .. })
                    if source.code() == Some(404) && !prepared =>
                {
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
            standing,
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
    claim: Claim,
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
    Cleared(Standing),
    /// Who holds it is dead.
    Abandoned(Standing, Death),
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
    async fn attempt(&mut self) -> Result<Option<(Standing, BootTime)>, LockError> {
        self.claim.acquired = Timestamp::now();
        let sent = BootTime::now();
        let created = self
            .lease
            .create(&self.claim)
            .await
            .map_err(|error| self.lease.failed("take the lock", error))?;
        if let Some(standing) = created {
            return Ok(self.if_fresh(standing, sent));
        }
        let read = self
            .lease
            .read()
            .await
            .map_err(|error| self.lease.failed("read the lock", error))?;
        let Some(standing) = read else {
            return Ok(None);
        };
        // The answer to an earlier attempt may have been lost.
        if self.claim.made(&standing) || standing.holder.is_none() {
            return self.take(&standing, None).await;
        }
        match self.until_free(standing).await? {
            Freed::Deleted => Ok(None),
            Freed::Cleared(standing) => self.take(&standing, None).await,
            Freed::Abandoned(standing, death) => {
                if death == Death::ProcessGone {
                    tokio::time::sleep(LAST_WRITES).await;
                }
                self.take(&standing, Some(death)).await
            }
        }
    }

    /// Takes the Lease over where it is still as in `before`: whoever renewed it in between, unseen
    /// by us, keeps it.
    async fn take(
        &mut self,
        before: &Standing,
        death: Option<Death>,
    ) -> Result<Option<(Standing, BootTime)>, LockError> {
        self.claim.acquired = Timestamp::now();
        let sent = BootTime::now();
        let written = self
            .lease
            .write(&self.claim, before)
            .await
            .map_err(|error| self.lease.failed("take the lock", error))?;
        let taken = written.and_then(|standing| self.if_fresh(standing, sent));
        if let (Some(_), Some(death), Some(holder)) = (&taken, death, &before.holder) {
            (self.tell)(LockNotice::TakenOver {
                holder: holder.clone(),
                death,
            });
        }
        Ok(taken)
    }

    /// A lock whose request went out too long ago is taken again: its time counts from then.
    fn if_fresh(&self, standing: Standing, sent: BootTime) -> Option<(Standing, BootTime)> {
        (sent.elapsed() < self.claim.expiry / 2).then_some((standing, sent))
    }

    /// Watches the Lease until nobody holds it, or whoever holds it is known to be dead, or is not
    /// to be waited for any longer.
    async fn until_free(&mut self, standing: Standing) -> Result<Freed, LockError> {
        let (_watch, mut seen) = self.watch(&standing);
        let mut observed = Observed::first(standing, BootTime::now());
        loop {
            let presence = observed
                .standing
                .process
                .as_ref()
                .map_or(Presence::Unknown, ProcessMark::presence);
            let judgement = observed.judge(presence, BootTime::now());
            let Some(holder) = observed.standing.holder.clone() else {
                return Ok(Freed::Cleared(observed.standing));
            };
            if let Judgement::Dead(death) = judgement {
                return Ok(Freed::Abandoned(observed.standing, death));
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
            self.tell_of(holder, &observed);
            let pause = self
                .until
                .unwrap_or(observed.dead_at())
                .min(observed.dead_at())
                .remaining()
                .min(LOOK);
            tokio::select! {
                Some(heard) = seen.recv() => match heard.what {
                    Watched::Changed(lease) => observed.see(Standing::read(&lease), BootTime::now()),
                    Watched::Gone(_) => return Ok(Freed::Deleted),
                    // Then only the attempt to take it over shows whether it changed.
                    Watched::Forbidden | Watched::All(..) => {}
                },
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn watch(&self, standing: &Standing) -> (AbortOnDropHandle<()>, UnboundedReceiver<Heard>) {
        let (sender, seen) = unbounded_channel();
        let Lease {
            cluster,
            resource,
            id,
            ..
        } = self.lease.clone();
        let watch = cluster.watch_object(resource, id, standing.resource_version.clone(), sender);
        (AbortOnDropHandle::new(tokio::spawn(watch)), seen)
    }

    /// Tells of each holder once.
    fn tell_of(&mut self, holder: Holder, observed: &Observed) {
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
                within: observed.dead_at().remaining(),
            },
        });
    }
}
