//! A clock that nobody sets and that goes on while the machine sleeps: locks are measured by
//! it.

use std::{ops::Add, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// A moment of this machine's clock that nobody sets and that goes on while the machine sleeps.
///
/// A run whose laptop was closed must find its lock expired when it goes on, because others saw it
/// expire meanwhile. The clock behind `Instant` and the runtime's timers stands still during sleep
/// on Linux. Moments of two machines are never compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct BootTime(Duration);

/// `CLOCK_BOOTTIME` where the system tells it from the monotonic clock, which on macOS counts sleep
/// anyway.
const CLOCK: ClockId = if cfg!(target_os = "macos") {
    ClockId::Monotonic
} else {
    ClockId::Boottime
};

impl BootTime {
    /// Now.
    pub(crate) fn now() -> Self {
        // What starts at the machine's start is never negative.
        Self(Duration::try_from(clock_gettime(CLOCK)).unwrap_or_default())
    }

    /// The moment that lies `after` behind the machine's start.
    pub(crate) fn since_boot(after: Duration) -> Self {
        Self(after)
    }

    /// How long ago the machine had started at this moment.
    pub(super) fn after_boot(self) -> Duration {
        self.0
    }

    /// The time from this moment to `later`; zero where that lies before.
    pub(crate) fn until(self, later: Self) -> Duration {
        later.0.saturating_sub(self.0)
    }

    /// The time from now to this moment; zero where it has passed.
    pub(crate) fn remaining(self) -> Duration {
        Self::now().until(self)
    }

    /// The time from this moment to now.
    pub(crate) fn elapsed(self) -> Duration {
        self.until(Self::now())
    }
}

impl Add<Duration> for BootTime {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_in_order() {
        let start = BootTime::now();
        let later = start + Duration::from_mins(1);
        assert!(later > start);
        assert_eq!(start.until(later), Duration::from_mins(1));
        assert_eq!(later.until(start), Duration::ZERO);
        assert!(later.remaining() > Duration::from_secs(50));
        assert!(BootTime::now() >= start);
    }
}
