//! A lock that somebody holds, as `status` shows it and `unlock` removes it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::{
    Holder, LockError, Presence, holder_observation::longest_write, lease::Lease,
    lease_state::LeaseState, process::ProcessMark,
};

/// A lock that some run holds.
pub(crate) struct Found {
    lease: Lease,
    state: LeaseState,
    holder: Holder,
    /// When it was looked at.
    looked: Instant,
}

/// What became of a lock that was to be removed.
#[derive(Debug)]
pub(crate) enum Removal {
    /// It is free.
    Removed,
    /// Another run took it in the meantime, and keeps it.
    TakenBy(Holder),
}

impl Found {
    /// The lock in `lease`; `None` where nobody holds it.
    pub(super) async fn look(lease: Lease) -> Result<Option<Self>, LockError> {
        let looked = Instant::now();
        let state = lease
            .read()
            .await
            .map_err(|error| lease.failed("read the lock", error))?;
        let held = state.and_then(|state| Some((state.holder.clone()?, state)));
        Ok(held.map(|(holder, state)| Self {
            lease,
            state,
            holder,
            looked,
        }))
    }

    /// Who holds it.
    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    /// What can be said of the holder's process from this machine.
    pub(crate) fn presence(&self) -> Presence {
        self.state
            .process
            .as_ref()
            .map_or(Presence::Unknown, ProcessMark::presence)
    }

    /// When the holder renewed it last, by its own clock; `None` where the Lease does not say.
    pub(crate) fn last_sign_of_life(&self) -> Option<Timestamp> {
        self.state.renewed.by_holder.or(self.holder.since)
    }

    /// Whether the holder seems to be dead: its process does not exist any more, or its Lease was not
    /// renewed for more than twice the time after which anybody may take it over.
    ///
    /// That is by the API server's clock, which says what time it is and when the Lease was written.
    /// A proxy in between, or another API server, may have another one.
    pub(crate) fn is_dead(&self) -> bool {
        let silence = self
            .state
            .renewed
            .by_server
            .zip(self.lease.cluster.server_time())
            .and_then(|(renewed, now)| Duration::try_from(now.duration_since(renewed)).ok());
        let expiry = self.state.expiry;
        let is_silent = || silence.is_some_and(|time| time > (expiry + longest_write(expiry)) * 2);
        match self.presence() {
            Presence::Gone => true,
            Presence::Running => false,
            Presence::Unknown => is_silent(),
        }
    }

    /// Removes it where its holder is dead; whether that was done.
    ///
    /// Where only clocks of others tell, ours has to as well: it is waited until anybody might take
    /// the lock over, and a holder that lives has renewed it by then, which makes it another one.
    pub(crate) async fn remove_dead(&self) -> Result<bool, LockError> {
        if !self.is_dead() {
            return Ok(false);
        }
        if self.presence() != Presence::Gone {
            let expiry = self.state.expiry;
            tokio::time::sleep_until(self.looked + expiry + longest_write(expiry)).await;
        }
        let removed = self.lease.delete(&self.state).await;
        removed.map_err(|error| self.lease.failed("remove the lock", error))
    }

    /// Removes it, also from a holder that is alive, but not from another one than was found.
    pub(crate) async fn remove(self) -> Result<Removal, LockError> {
        let mut found = self;
        loop {
            let Self { lease, state, .. } = &found;
            if lease
                .delete(state)
                .await
                .map_err(|error| lease.failed("remove the lock", error))?
            {
                return Ok(Removal::Removed);
            }
            // A living holder changes its Lease all the time.
            let (token, identity) = (state.token.clone(), found.holder.identity);
            match Self::look(found.lease).await? {
                None => return Ok(Removal::Removed),
                Some(current)
                    if (&current.state.token, &current.holder.identity) == (&token, &identity) =>
                {
                    found = current;
                }
                Some(current) => return Ok(Removal::TakenBy(current.holder)),
            }
        }
    }
}
