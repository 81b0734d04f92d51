//! What a run writes into a Lease to hold it.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    labels::{PART, TOKEN},
    lease_state::LeaseState,
    process::ProcessMark,
};
use crate::{
    object::ObjectId,
    plan::ReleaseId,
    release::{
        Author,
        labels::{PART_LABEL, RELEASE_LABEL},
    },
};

/// What one run writes into a Lease to hold it.
#[derive(Debug, Clone)]
pub(super) struct LeaseClaim {
    /// Drawn for this run alone: two runs of one user, in containers of one name, would otherwise
    /// look the same.
    token: String,
    identity: String,
    /// Time without a sign of life after which the lock may be taken over.
    pub(super) expiry: Duration,
    /// When the lock was taken, for people.
    pub(super) acquired: Timestamp,
    process: Option<ProcessMark>,
}

impl LeaseClaim {
    /// A claim of this process, which runs as `author`.
    pub(super) fn new(author: &Author, expiry: Duration) -> Self {
        Self {
            token: format!("{:032x}", rand::random::<u128>()),
            identity: format!("{} pid {} {}", author.who, author.process, author.operation),
            expiry,
            acquired: Timestamp::now(),
            process: ProcessMark::own(),
        }
    }

    /// Whether this run wrote what stands in a Lease.
    pub(super) fn made(&self, state: &LeaseState) -> bool {
        state.token.as_deref() == Some(self.token.as_str())
    }

    /// The Lease that says that this run holds it, instead of `before`.
    pub(super) fn lease(
        &self,
        id: &ObjectId,
        release: &ReleaseId,
        before: Option<&LeaseState>,
    ) -> Value {
        let mut annotations = self
            .process
            .as_ref()
            .map(ProcessMark::annotations)
            .unwrap_or_default();
        annotations.insert(TOKEN.to_owned(), self.token.clone().into());
        let transitions = before.map_or(0, |before| {
            before.transitions + i64::from(!self.made(before))
        });
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {
                "name": id.name, "namespace": id.namespace,
                "labels": {RELEASE_LABEL: release.to_string(), PART_LABEL: PART},
                "annotations": annotations,
            },
            "spec": {
                "holderIdentity": self.identity,
                "leaseDurationSeconds": self.expiry.as_secs() + u64::from(self.expiry.subsec_nanos() > 0),
                "acquireTime": micro_time(self.acquired),
                "renewTime": micro_time(Timestamp::now()),
                "leaseTransitions": transitions,
            },
        });
        if let Some(before) = before {
            guard(&mut lease, before);
        }
        lease
    }
}

/// Makes the replacement of a Lease by `lease` fail where it is not as in `before` any more.
/// Without the uid, one that was deleted would be created again.
pub(super) fn guard(lease: &mut Value, before: &LeaseState) {
    lease["metadata"]["uid"] = before.uid.clone().into();
    lease["metadata"]["resourceVersion"] = before.resource_version.clone().into();
}

/// The form of times in a Lease, which always has six decimal places.
fn micro_time(time: Timestamp) -> String {
    format!("{time:.6}")
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::release::Operation;

    /// A claim with a token of its own.
    pub(in crate::release::lock) fn claim() -> LeaseClaim {
        LeaseClaim::new(
            &Author::this_process(Operation::Deploy),
            Duration::from_millis(2_500),
        )
    }

    fn names() -> (ObjectId, ReleaseId) {
        let id = ObjectId {
            group: "g".to_owned(),
            kind: "Lease".to_owned(),
            namespace: Some("s".to_owned()),
            name: "n".to_owned(),
        };
        (
            id,
            ReleaseId {
                plan: "shop".to_owned(),
                environment: "dev".to_owned(),
            },
        )
    }

    #[test]
    fn a_lease_tells_what_a_claim_says() {
        let (id, release) = names();
        let claim = claim();
        let lease = claim.lease(&id, &release, None);
        assert_eq!(
            lease["metadata"]["labels"],
            json!({"deployctl.dev/release": "shop.dev", "deployctl.dev/part": "lock"})
        );
        assert!(
            lease["spec"]["acquireTime"]
                .as_str()
                .is_some_and(|time| time.len() == "2026-11-21T10:00:00.000000Z".len())
        );
        let state = LeaseState::read(&lease);
        assert!(claim.made(&state) && !self::claim().made(&state));
        // Whole seconds, and never less than what the holder itself counts with.
        assert_eq!(state.expiry, Duration::from_secs(3));
        let holder = state.holder.expect("somebody holds it");
        assert!(
            holder
                .identity
                .ends_with(&format!(" pid {} up", std::process::id())),
            "{}",
            holder.identity
        );
        assert_eq!(state.process, ProcessMark::own());
    }

    #[test]
    fn replacing_is_guarded_and_counts_hands_it_went_through() {
        let (id, release) = names();
        let (ours, theirs) = (claim(), claim());
        let mut stored = theirs.lease(&id, &release, None);
        stored["metadata"]["uid"] = "u".into();
        stored["metadata"]["resourceVersion"] = "7".into();
        let lease = ours.lease(&id, &release, Some(&LeaseState::read(&stored)));
        assert_eq!(
            (
                &lease["metadata"]["uid"],
                &lease["metadata"]["resourceVersion"]
            ),
            (&"u".into(), &"7".into())
        );
        assert_eq!(lease["spec"]["leaseTransitions"], 1);
        let renewed = ours.lease(&id, &release, Some(&LeaseState::read(&lease)));
        assert_eq!(renewed["spec"]["leaseTransitions"], 1);
    }
}
