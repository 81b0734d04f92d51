use std::time::Duration;

use super::{notice::Death, process::Presence, standing::Standing};
use crate::cluster::BootTime;

/// What has been seen of a lock's holder since we look.
///
/// Times in the Lease are by the holder's clock and are not looked at: a holder is alive when its
/// Lease changes while we look, and dead when it does not change for long enough by our own clock.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) standing: Standing,
    /// Since when it has stood like this, as far as we know.
    since: BootTime,
    /// Whether it changed since we look.
    changed: bool,
}

/// What is known of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    Dead(Death),
    /// Not yet known.
    Unknown,
}

impl Observed {
    /// The first look, which ended at `now`.
    pub(super) fn first(standing: Standing, now: BootTime) -> Self {
        Self {
            standing,
            since: now,
            changed: false,
        }
    }

    /// Takes in another look, which ended at `now`.
    pub(super) fn see(&mut self, standing: Standing, now: BootTime) {
        if !standing.is_same_as(&self.standing) {
            *self = Self {
                standing,
                since: now,
                changed: true,
            };
        }
    }

    /// When the holder is dead if nothing changes until then: after its expiry, and the longest
    /// time for which a write may be under way that it sent before.
    pub(super) fn dead_at(&self) -> BootTime {
        self.since + self.standing.expiry + longest_write(self.standing.expiry)
    }

    /// What is known at `now`, where `presence` is what this machine says of the holder's process.
    pub(super) fn judge(&self, presence: Presence, now: BootTime) -> Judgement {
        if presence == Presence::Gone {
            Judgement::Dead(Death::ProcessGone)
        } else if now >= self.dead_at() {
            // Also where its process exists: it may have lost the network, or have been stopped.
            Judgement::Dead(Death::Silent)
        } else if self.changed || presence == Presence::Running {
            Judgement::Alive
        } else {
            Judgement::Unknown
        }
    }
}

/// The longest time that a write under a lock of this expiry may take.
pub(super) fn longest_write(expiry: Duration) -> Duration {
    expiry * 2 / 3
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn standing(version: &str) -> Standing {
        Standing::read(&json!({
            "metadata": {"uid": "u", "resourceVersion": version}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
        }))
    }

    fn at(seconds: u64) -> BootTime {
        BootTime::since_boot(Duration::from_secs(1_000 + seconds))
    }

    #[test]
    fn a_holder_is_dead_after_its_expiry_and_its_longest_write() {
        let observed = Observed::first(standing("1"), at(0));
        assert_eq!(
            observed.judge(Presence::Unknown, at(24)),
            Judgement::Unknown
        );
        assert_eq!(
            observed.judge(Presence::Unknown, at(25)),
            Judgement::Dead(Death::Silent)
        );
        assert_eq!(
            observed.judge(Presence::Running, at(25)),
            Judgement::Dead(Death::Silent)
        );
    }

    #[test]
    fn a_holder_whose_lease_changes_is_alive_until_it_falls_silent() {
        let mut observed = Observed::first(standing("1"), at(0));
        observed.see(standing("1"), at(4));
        assert_eq!(observed.judge(Presence::Unknown, at(4)), Judgement::Unknown);
        observed.see(standing("2"), at(5));
        assert_eq!(observed.judge(Presence::Unknown, at(29)), Judgement::Alive);
        // Hearing of the same state again is no sign of life.
        observed.see(standing("2"), at(29));
        assert_eq!(
            observed.judge(Presence::Unknown, at(30)),
            Judgement::Dead(Death::Silent)
        );
    }

    #[test]
    fn a_process_of_this_machine_tells_at_once() {
        let observed = Observed::first(standing("1"), at(0));
        assert_eq!(observed.judge(Presence::Running, at(0)), Judgement::Alive);
        assert_eq!(
            observed.judge(Presence::Gone, at(0)),
            Judgement::Dead(Death::ProcessGone)
        );
    }
}
