//! How many more Secrets a quota lets into a namespace.

use serde_json::Value;

use crate::object::{ManifestView, amount, field::map};

/// How many more Secrets a namespace takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Room {
    /// The quota that leaves the least.
    pub(crate) quota: String,
    /// How many Secrets it still lets be made.
    pub(crate) left: u64,
}

/// The names under which quotas count Secrets.
/// <https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-on-object-count>
const COUNTED_AS: [&str; 2] = ["secrets", "count/secrets"];

impl Room {
    /// The least room that `quotas` leave; `None` where none of them counts Secrets, or has been
    /// counted up yet.
    pub(super) fn under<'a>(quotas: impl Iterator<Item = &'a Value>) -> Option<Self> {
        let rooms = quotas.flat_map(|quota| {
            COUNTED_AS
                .iter()
                .filter_map(move |name| Self::of(quota, name))
        });
        rooms.min_by_key(|room| room.left)
    }

    fn of(quota: &Value, counted_as: &str) -> Option<Self> {
        let number = |path: &str| map(quota, path)?.get(counted_as)?.as_str().and_then(amount);
        let left = (number("/status/hard")? - number("/status/used")?).max(0.0);
        let quota = ManifestView(quota).name().to_owned();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count, and none of it is below zero"
        )]
        Some(Self {
            quota,
            left: left as u64,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(name: &str, hard: &Value, used: &Value) -> Value {
        json!({"metadata": {"name": name}, "status": {"hard": hard, "used": used}})
    }

    #[test]
    fn the_quota_that_leaves_the_least_room_counts() {
        let wide = quota("wide", &json!({"secrets": "1k"}), &json!({"secrets": "7"}));
        let narrow = quota(
            "narrow",
            &json!({"count/secrets": "10", "pods": "0"}),
            &json!({"count/secrets": "8", "pods": "0"}),
        );
        assert_eq!(
            Room::under([&wide, &narrow].into_iter()),
            Some(Room {
                quota: "narrow".to_owned(),
                left: 2
            })
        );
        assert_eq!(
            Room::under([&wide].into_iter()),
            Some(Room {
                quota: "wide".to_owned(),
                left: 993
            })
        );
    }

    #[test]
    fn a_quota_that_is_exceeded_leaves_no_room() {
        let exceeded = quota("small", &json!({"secrets": "1"}), &json!({"secrets": "3"}));
        assert_eq!(
            Room::under([&exceeded].into_iter()),
            Some(Room {
                quota: "small".to_owned(),
                left: 0
            })
        );
    }

    #[test]
    fn quotas_of_other_things_or_not_counted_yet_say_nothing() {
        let pods = quota("pods", &json!({"pods": "1"}), &json!({"pods": "1"}));
        let new =
            json!({"metadata": {"name": "new"}, "spec": {"hard": {"secrets": "1"}}, "status": {}});
        assert_eq!(Room::under([&pods, &new].into_iter()), None);
    }
}
