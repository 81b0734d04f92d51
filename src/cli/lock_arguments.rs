//! Arguments of commands that take the lock of a release, and what is said where it is not to be
//! had.

use std::time::Duration;

use super::session::Session;
use crate::{
    error::{CommandError, ExitCode},
    plan::{self, Address, ReleaseId},
    release::{Author, Held, Lock, LockError, LockNotice, LockOptions, Store},
    report::Output,
};

/// How the lock of the release is taken.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct LockArguments {
    /// If another run of the release is under way, wait this long for it, for example `5m`
    #[arg(long, value_name = "DURATION", env = "DEPLOYCTL_WAIT_FOR_LOCK", value_parser = plan::parse_duration)]
    wait_for_lock: Option<Duration>,
    /// Time without a renewal after which this run counts as dead; no single write may take longer
    /// than two thirds of it
    #[arg(
        long,
        value_name = "DURATION",
        env = "DEPLOYCTL_LOCK_EXPIRY",
        default_value = "15s",
        value_parser = expiry,
        hide_short_help = true
    )]
    lock_expiry: Duration,
}

/// Less leaves too little time for a request, and more keeps a dead run's lock too long.
const EXPIRY: (Duration, Duration) = (Duration::from_secs(2), Duration::from_mins(10));

fn expiry(text: &str) -> Result<Duration, String> {
    let expiry = plan::parse_duration(text)?;
    if (EXPIRY.0..=EXPIRY.1).contains(&expiry) {
        Ok(expiry)
    } else {
        Err("from 2 s to 10 minutes".to_owned())
    }
}

impl LockArguments {
    /// Takes the lock of the release at `address`, does `work` with a session and a store whose
    /// writes end with that lock, and frees it.
    pub(super) async fn locked<T>(
        &self,
        session: Session,
        address: &Address,
        by: &Author,
        output: &mut Output,
        work: impl AsyncFnOnce(Session, Store, &mut Output) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let held = self.acquire(&session, address, by, output).await?;
        let session = session.through(&held);
        let store = session.store(address);
        let mut result = work(session, store, output).await;
        if let Err(error) = &mut result
            && let Some(holder) = held.holder_now().await
        {
            let hint = format!("the lock of {} was lost; {holder}", address.release);
            error.hints.push(hint);
        }
        release(held, output).await;
        result
    }

    /// Takes the lock of the release at `address`, and says what happens meanwhile.
    async fn acquire(
        &self,
        session: &Session,
        address: &Address,
        by: &Author,
        output: &mut Output,
    ) -> Result<Held, CommandError> {
        let options = LockOptions {
            author: by,
            expiry: self.lock_expiry,
            wait: self.wait_for_lock,
        };
        let tell = |notice: LockNotice| output.note(&notice.to_string());
        let acquire = Lock::acquire(
            &session.cluster,
            &session.served,
            &address.state_namespace,
            &address.release,
            options,
            tell,
        );
        session
            .unless_interrupted(acquire)
            .await?
            .map_err(|error| lock_error(&error, session))
    }
}

/// Frees the lock; one that cannot be freed expires by itself.
async fn release(held: Held, output: &mut Output) {
    if let Err(error) = held.release().await {
        output.note(&format!(
            "Warning: the lock could not be freed, and expires by itself: {error}"
        ));
    }
}

/// `error` of a lock as users read it; nothing was written under it.
pub(super) fn lock_error(error: &LockError, session: &Session) -> CommandError {
    match error {
        LockError::Held { release, holder } => {
            let locked = CommandError::new(
                ExitCode::Locked,
                format!("{release} is locked by {holder}; nothing was changed"),
            );
            locked
                .hint("wait for that run with `--wait-for-lock 5m`")
                .hint(format!(
                    "if that run is certainly dead, remove its lock with `{}`",
                    unlock_command(release)
                ))
        }
        LockError::Request { source, .. } => {
            let failed = session.request_error(&error.to_string(), source);
            if source.is_forbidden() {
                failed.hint(
                    "the lock is a Lease beside the revisions, which can be recorded in a namespace of yours: `--state-namespace NAMESPACE`, \
                     or `stateNamespace` in the plan",
                )
            } else {
                failed
            }
        }
        LockError::Namespace(error) => session.store_error(error),
    }
}

/// The command that removes the lock of `release`.
fn unlock_command(release: &ReleaseId) -> String {
    format!(
        "deployctl unlock {} --env {}",
        release.plan, release.environment
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_leaves_time_for_requests() {
        assert_eq!(expiry("2s"), Ok(Duration::from_secs(2)));
        assert_eq!(expiry("10m"), Ok(Duration::from_mins(10)));
        for refused in ["1s", "11m", "soon"] {
            assert!(expiry(refused).is_err(), "{refused}");
        }
    }
}
