//! Refuses writes as soon as the lock under which they are made may be lost.

use std::{
    future::Future,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio_util::sync::CancellationToken;

use super::boot_time::BootTime;

/// Lets writes through for as long as the lock is held under which they are made. Cheap to clone.
///
/// An API server cannot be told to refuse the writes of whoever has lost a lock, so the writer
/// refuses them itself: by its own clock, and never later than anybody else may take the lock over.
/// Once closed, a fence stays closed.
#[derive(Debug, Clone)]
pub(crate) struct Fence(Arc<State>);

#[derive(Debug)]
struct State {
    /// Nanoseconds after the machine's start until which the lock is certainly ours.
    open_until: AtomicU64,
    longest_write: Duration,
    closed: CancellationToken,
    /// Who holds the lock now that it is lost, as people read it.
    holder: OnceLock<Option<String>>,
    told: CancellationToken,
}

/// How often the clock is looked at: timers of the runtime stand still while the machine sleeps,
/// and the fence's time does not.
const LOOK: Duration = Duration::from_secs(1);

/// How long is waited at most to be told who holds a lost lock.
const TOLD: Duration = Duration::from_secs(5);

impl Fence {
    /// A fence that is open until `open_until`, and through which no write takes longer than
    /// `longest_write`.
    pub(crate) fn new(open_until: BootTime, longest_write: Duration) -> Self {
        let open_until = AtomicU64::new(nanoseconds(open_until));
        Self(Arc::new(State {
            open_until,
            longest_write,
            closed: CancellationToken::new(),
            holder: OnceLock::new(),
            told: CancellationToken::new(),
        }))
    }

    /// Keeps it open until `open_until`, if that is later than before and it has not closed yet.
    pub(crate) fn extend(&self, open_until: BootTime) {
        self.0
            .open_until
            .fetch_max(nanoseconds(open_until), Ordering::Relaxed);
    }

    /// Closes it for good.
    pub(crate) fn close(&self) {
        self.0.closed.cancel();
    }

    /// Whether writes may be sent. Where its time is up, it closes for good.
    pub(crate) fn is_open(&self) -> bool {
        if self.remaining().is_zero() {
            self.close();
        }
        !self.0.closed.is_cancelled()
    }

    /// The time until it closes if nobody extends it.
    pub(crate) fn remaining(&self) -> Duration {
        BootTime::since_boot(Duration::from_nanos(
            self.0.open_until.load(Ordering::Relaxed),
        ))
        .remaining()
    }

    /// Ends when the fence is closed.
    pub(crate) async fn closed(&self) {
        while self.is_open() {
            tokio::select! {
                () = self.0.closed.cancelled() => {}
                () = tokio::time::sleep(self.remaining().min(LOOK)) => {}
            }
        }
    }

    /// Tells who holds the lock now that it is lost; `None` where that cannot be known.
    pub(crate) fn tell(&self, holder: Option<String>) {
        let _ = self.0.holder.set(holder);
        self.0.told.cancel();
    }

    /// Who holds the lock now, where it is lost; waits a moment for being told.
    pub(crate) async fn holder(&self) -> Option<String> {
        let told = tokio::time::timeout(TOLD, self.0.told.cancelled()).await;
        told.ok().and_then(|()| self.0.holder.get()?.clone())
    }

    /// What `work` gives, or `None` where the fence closes before: then it was begun, and is
    /// abandoned.
    pub(crate) async fn while_open<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.closed() => None,
            result = work => Some(result),
        }
    }

    /// The longest time that a write may take, at the API server too.
    pub(super) fn longest_write(&self) -> Duration {
        self.0.longest_write
    }
}

fn nanoseconds(moment: BootTime) -> u64 {
    u64::try_from(moment.after_boot().as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    fn fence(open_for: Duration) -> Fence {
        Fence::new(BootTime::now() + open_for, Duration::from_secs(1))
    }

    #[tokio::test]
    async fn what_is_held_lets_work_end() {
        assert_eq!(
            fence(Duration::from_mins(1)).while_open(ready(7)).await,
            Some(7)
        );
    }

    #[tokio::test]
    async fn work_under_way_is_abandoned_when_the_time_is_up() {
        let fence = fence(Duration::from_millis(20));
        assert_eq!(fence.while_open(pending::<()>()).await, None);
        assert!(!fence.is_open());
    }

    #[tokio::test]
    async fn work_under_way_is_abandoned_when_the_lock_is_lost() {
        let fence = fence(Duration::from_mins(1));
        let loses = async {
            fence.close();
            pending::<()>().await;
        };
        assert_eq!(fence.while_open(loses).await, None);
    }

    #[tokio::test]
    async fn extending_keeps_it_open() {
        let fence = fence(Duration::from_millis(200));
        fence.extend(BootTime::now() + Duration::from_mins(1));
        // An answer to an earlier renewal that comes late takes nothing away.
        fence.extend(BootTime::now());
        assert!(fence.is_open());
        assert!(fence.remaining() > Duration::from_secs(50));
    }

    #[tokio::test]
    async fn what_has_closed_stays_closed() {
        let fence = fence(Duration::ZERO);
        assert_eq!(fence.while_open(ready(())).await, None);
        fence.extend(BootTime::now() + Duration::from_mins(1));
        assert!(!fence.is_open());
        fence.closed().await;
    }
}
