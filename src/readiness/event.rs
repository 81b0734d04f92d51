//! The cluster's Events about an object, of either API.

use jiff::Timestamp;
use serde_json::Value;

use super::field::{text, time};

/// An `Event` of the cluster, of `v1` or `events.k8s.io/v1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterEvent<'a> {
    /// `Failed`, `FailedCreate`, `Unhealthy` and so on.
    pub(crate) reason: &'a str,
    /// For people.
    pub(crate) message: &'a str,
    /// Whether its type is `Warning`.
    pub(crate) warning: bool,
    /// When it was first seen.
    pub(crate) first: Option<Timestamp>,
    /// When it was last seen.
    pub(crate) last: Option<Timestamp>,
}

/// The events that are about `object`, the newest first.
pub(crate) fn events_about<'a>(events: &[&'a Value], object: &Value) -> Vec<ClusterEvent<'a>> {
    let mut about: Vec<_> = events
        .iter()
        .filter(|event| regards(event, object))
        .map(|event| read(event))
        .collect();
    about.sort_by_key(|event| std::cmp::Reverse(event.last));
    about
}

/// By uid where both sides have one, so that events of a namesake that was deleted do not count.
fn regards(event: &Value, object: &Value) -> bool {
    let Some(regarded) = event
        .get("involvedObject")
        .or_else(|| event.get("regarding"))
    else {
        return false;
    };
    if let (Some(left), Some(right)) = (text(regarded, "/uid"), text(object, "/metadata/uid")) {
        return left == right;
    }
    let same = |field: &str, pointer: &str| text(regarded, field) == text(object, pointer);
    same("/kind", "/kind")
        && same("/name", "/metadata/name")
        && same("/namespace", "/metadata/namespace")
}

fn read(event: &Value) -> ClusterEvent<'_> {
    let first_of = |pointers: &[&str]| pointers.iter().find_map(|pointer| time(event, pointer));
    ClusterEvent {
        reason: text(event, "/reason").unwrap_or_default(),
        message: text(event, "/message")
            .or_else(|| text(event, "/note"))
            .unwrap_or_default(),
        warning: text(event, "/type") == Some("Warning"),
        first: first_of(&[
            "/firstTimestamp",
            "/deprecatedFirstTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]),
        last: first_of(&[
            "/lastTimestamp",
            "/series/lastObservedTime",
            "/deprecatedLastTimestamp",
            "/eventTime",
            "/metadata/creationTimestamp",
        ]),
    }
}
