//! A lock that somebody holds, as `status` shows it and `unlock` removes it.

use jiff::Timestamp;

use super::{
    Holder, LockError, Presence, lease::Lease, lease_state::LeaseState, process::ProcessMark,
};

/// A lock that some run holds.
pub(crate) struct Found {
    lease: Lease,
    state: LeaseState,
    holder: Holder,
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
        let state = lease
            .read()
            .await
            .map_err(|error| lease.failed("read the lock", error))?;
        let held = state.and_then(|state| Some((state.holder.clone()?, state)));
        Ok(held.map(|(holder, state)| Self {
            lease,
            state,
            holder,
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
        self.state.renewed.or(self.holder.since)
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
