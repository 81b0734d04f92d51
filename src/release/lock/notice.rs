//! What people are told while a lock is taken.

use std::{fmt, time::Duration};

use super::Holder;

/// What happens before a lock is held, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum LockNotice {
    /// Somebody holds it, and whether that run is alive will be known after `within` at the latest.
    Watching { holder: Holder, within: Duration },
    /// Somebody holds it, and is waited for.
    Waiting { holder: Holder, at_most: Duration },
    /// It was taken from a run that is dead.
    TakenOver { holder: Holder, death: HolderDeath },
}

/// How a dead run was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HolderDeath {
    /// It ran on this machine, and its process is dead.
    ProcessGone,
    /// It has not renewed its Lease for longer than it promised.
    Silent,
}

impl fmt::Display for LockNotice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LockNotice::Watching { holder, within } => {
                write!(
                    formatter,
                    "Locked by {holder}; checking whether that run is alive (timeout {} s)",
                    whole(*within)
                )
            }
            LockNotice::Waiting { holder, at_most } => {
                write!(
                    formatter,
                    "Locked by {holder}; waiting for it (timeout {} s)",
                    whole(*at_most)
                )
            }
            LockNotice::TakenOver { holder, death } => {
                let how = match death {
                    HolderDeath::ProcessGone => "its process is dead",
                    HolderDeath::Silent => "it has not renewed the lock in time",
                };
                write!(formatter, "Took the lock over from {holder}: {how}")
            }
        }
    }
}

/// Seconds, rounded up.
fn whole(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_name_the_holder() {
        let holder = || Holder {
            identity: "ann@laptop pid 42 up".to_owned(),
            since: None,
        };
        let notices = [
            LockNotice::Watching {
                holder: holder(),
                within: Duration::from_millis(3_400),
            },
            LockNotice::Waiting {
                holder: holder(),
                at_most: Duration::from_mins(5),
            },
            LockNotice::TakenOver {
                holder: holder(),
                death: HolderDeath::ProcessGone,
            },
            LockNotice::TakenOver {
                holder: holder(),
                death: HolderDeath::Silent,
            },
        ];
        assert_eq!(
            notices.map(|notice| notice.to_string()),
            [
                "Locked by ann@laptop (pid 42, up); checking whether that run is alive (timeout 4 s)",
                "Locked by ann@laptop (pid 42, up); waiting for it (timeout 300 s)",
                "Took the lock over from ann@laptop (pid 42, up): its process is dead",
                "Took the lock over from ann@laptop (pid 42, up): it has not renewed the lock in time",
            ]
        );
    }
}
