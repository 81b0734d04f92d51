//! What stands in a Lease.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{Holder, labels::TOKEN, process::ProcessMark};
use crate::object::{
    ManifestView,
    field::{integer, text, time},
    one_line,
};
use crate::ownership::last_written;

/// What stands in a Lease.
#[derive(Debug, Clone)]
pub(super) struct LeaseState {
    pub(super) uid: String,
    pub(super) resource_version: String,
    /// Token of the run that holds it; none where something else than this program wrote it.
    pub(super) token: Option<String>,
    /// Who holds it; `None`: nobody.
    pub(super) holder: Option<Holder>,
    /// Time without a sign of life after which the holder has lost it.
    pub(super) expiry: Duration,
    /// The holder's process.
    pub(super) process: Option<ProcessMark>,
    /// When it was renewed last.
    pub(super) renewed: Renewed,
    /// How often it went from one hand to another.
    pub(super) transitions: i64,
}

/// When a Lease was renewed last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Renewed {
    /// By its holder's clock; for people alone.
    pub(super) by_holder: Option<Timestamp>,
    /// By the API server's clock.
    pub(super) by_server: Option<Timestamp>,
}

/// The expiry of a Lease that says none.
const EXPIRY: Duration = Duration::from_secs(15);
/// Characters of a holder's name that are shown.
const IDENTITY: usize = 200;

impl LeaseState {
    /// Reads a Lease.
    /// <https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/lease-v1/>
    pub(super) fn read(lease: &Value) -> Self {
        let view = ManifestView(lease);
        let owned = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let identity =
            text(lease, "/spec/holderIdentity").filter(|identity| !identity.trim().is_empty());
        let seconds = integer(lease, "/spec/leaseDurationSeconds")
            .and_then(|seconds| u64::try_from(seconds).ok())
            .filter(|seconds| *seconds > 0);
        Self {
            uid: owned(view.uid()),
            resource_version: owned(view.resource_version()),
            token: view.annotation(TOKEN).map(str::to_owned),
            holder: identity.map(|identity| Holder {
                identity: one_line(identity, IDENTITY),
                since: time(lease, "/spec/acquireTime"),
            }),
            expiry: seconds.map_or(EXPIRY, Duration::from_secs),
            process: ProcessMark::read(view),
            renewed: Renewed {
                by_holder: time(lease, "/spec/renewTime"),
                by_server: last_written(lease),
            },
            transitions: integer(lease, "/spec/leaseTransitions").unwrap_or_default(),
        }
    }

    /// Whether nothing was written between this look and `other`.
    pub(super) fn is_same_as(&self, other: &Self) -> bool {
        (&self.uid, &self.resource_version) == (&other.uid, &other.resource_version)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_made_by_hand_is_understood() {
        let state = LeaseState::read(&json!({
            "metadata": {"uid": "u", "resourceVersion": "7"},
            "spec": {"holderIdentity": "a\u{1b}[2J\nb", "leaseDurationSeconds": 2, "acquireTime": "2026-11-21T10:00:00.000000Z"},
        }));
        assert_eq!(
            (state.uid.as_str(), state.resource_version.as_str()),
            ("u", "7")
        );
        assert_eq!(state.expiry, Duration::from_secs(2));
        let holder = state.holder.expect("somebody holds it").to_string();
        assert!(
            holder.ends_with(" b, since 2026-11-21 10:00:00 UTC") && !holder.contains('\u{1b}'),
            "{holder}"
        );
        assert!(state.token.is_none() && state.process.is_none());
    }

    #[test]
    fn a_lease_without_a_holder_is_free() {
        for spec in [
            json!({}),
            json!({"holderIdentity": ""}),
            json!({"holderIdentity": null, "leaseDurationSeconds": 0}),
        ] {
            let state = LeaseState::read(&json!({"metadata": {}, "spec": spec}));
            assert!(state.holder.is_none());
            assert_eq!(state.expiry, EXPIRY);
        }
    }
}
