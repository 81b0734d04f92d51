//! Whether a lock's holder is alive: a pure judgement of what was seen, by our own clock.

use std::time::Duration;

use super::{lease_state::LeaseState, notice::HolderDeath, process::Presence};
use crate::cluster::BootTime;

/// What has been seen of a lock's holder since we look.
///
/// Times in the Lease are by the holder's clock and are not looked at: a holder is alive when its
/// Lease changes while we look, and dead when it does not change for long enough by our own clock.
#[derive(Debug)]
pub(super) struct HolderObservation {
    pub(super) state: LeaseState,
    /// Since when it has stood like this, as far as we know.
    since: BootTime,
    /// Whether it changed since we look.
    changed: bool,
}

/// What is known of a holder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judgement {
    Alive,
    Dead(HolderDeath),
    /// Not yet known.
    Unknown,
}

impl HolderObservation {
    /// The first look, which ended at `now`.
    pub(super) fn first(state: LeaseState, now: BootTime) -> Self {
        Self {
            state,
            since: now,
            changed: false,
        }
    }

    /// Takes in another look, which ended at `now`.
    pub(super) fn see(&mut self, state: LeaseState, now: BootTime) {
        if !state.is_same_as(&self.state) {
            *self = Self {
                state,
                since: now,
                changed: true,
            };
        }
    }

    /// When the holder is dead if nothing changes until then: after its expiry, and the longest
    /// time for which a write may be under way that it sent before.
    pub(super) fn dead_at(&self) -> BootTime {
        self.since + self.state.expiry + longest_write(self.state.expiry)
    }

    /// What is known at `now`, where `presence` is what this machine says of the holder's process.
    pub(super) fn judge(&self, presence: Presence, now: BootTime) -> Judgement {
        if presence == Presence::Gone {
            Judgement::Dead(HolderDeath::ProcessGone)
        } else if now >= self.dead_at() {
            // Also where its process exists: it may have lost the network, or have been stopped.
            Judgement::Dead(HolderDeath::Silent)
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

    fn state(version: &str) -> LeaseState {
        LeaseState::read(&json!({
            "metadata": {"uid": "u", "resourceVersion": version}, "spec": {"holderIdentity": "a", "leaseDurationSeconds": 15},
        }))
    }

    fn at(seconds: u64) -> BootTime {
        BootTime::since_boot(Duration::from_secs(1_000 + seconds))
    }

    #[test]
    fn a_holder_is_dead_after_its_expiry_and_its_longest_write() {
        let observation = HolderObservation::first(state("1"), at(0));
        assert_eq!(
            observation.judge(Presence::Unknown, at(24)),
            Judgement::Unknown
        );
        assert_eq!(
            observation.judge(Presence::Unknown, at(25)),
            Judgement::Dead(HolderDeath::Silent)
        );
        assert_eq!(
            observation.judge(Presence::Running, at(25)),
            Judgement::Dead(HolderDeath::Silent)
        );
    }

    #[test]
    fn a_holder_whose_lease_changes_is_alive_until_it_falls_silent() {
        let mut observation = HolderObservation::first(state("1"), at(0));
        observation.see(state("1"), at(4));
        assert_eq!(
            observation.judge(Presence::Unknown, at(4)),
            Judgement::Unknown
        );
        observation.see(state("2"), at(5));
        assert_eq!(
            observation.judge(Presence::Unknown, at(29)),
            Judgement::Alive
        );
        // Hearing of the same state again is no sign of life.
        observation.see(state("2"), at(29));
        assert_eq!(
            observation.judge(Presence::Unknown, at(30)),
            Judgement::Dead(HolderDeath::Silent)
        );
    }

    #[test]
    fn a_process_of_this_machine_tells_at_once() {
        let observation = HolderObservation::first(state("1"), at(0));
        assert_eq!(
            observation.judge(Presence::Running, at(0)),
            Judgement::Alive
        );
        assert_eq!(
            observation.judge(Presence::Gone, at(0)),
            Judgement::Dead(HolderDeath::ProcessGone)
        );
    }
}
