//! The cluster's Events about an object, of either API.

use crate::object::{
    ManifestView,
    field::{text, time},
};
use jiff::Timestamp;
use serde_json::Value;

/// An `Event` of the cluster, of `v1` or `events.k8s.io/v1`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClusterEvent<'a> {
    /// `Failed`, `FailedCreate`, `Unhealthy` and so on.
    pub(crate) reason: &'a str,
    /// For people.
    pub(crate) message: &'a str,
    /// Whether its type is `Warning`.
    pub(crate) warning: bool,
    /// The container of the pod, or its init container, where it is about one.
    pub(crate) container: Option<&'a str>,
    /// When it was first seen.
    pub(crate) first: Option<Timestamp>,
    /// When it was last seen.
    pub(crate) last: Option<Timestamp>,
}

impl ClusterEvent<'_> {
    /// Whether it may be about `container`: kubelets do not always say which one they mean.
    pub(crate) fn may_be_about(&self, container: &str) -> bool {
        self.container.is_none_or(|about| about == container)
    }
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
    if let (Some(left), Some(right)) = (text(regarded, "/uid"), ManifestView(object).uid()) {
        return left == right;
    }
    let view = ManifestView(object);
    let says = |path| text(regarded, path).unwrap_or_default();
    (says("/kind"), says("/name")) == (view.kind(), view.name())
        && text(regarded, "/namespace") == view.namespace()
}

/// What kubelets write as `spec.containers{NAME}`.
fn container(event: &Value) -> Option<&str> {
    let path =
        text(event, "/involvedObject/fieldPath").or_else(|| text(event, "/regarding/fieldPath"))?;
    let (_, name) = path.split_once('{')?;
    name.strip_suffix('}')
}

fn read(event: &Value) -> ClusterEvent<'_> {
    let first_of = |pointers: &[&str]| pointers.iter().find_map(|pointer| time(event, pointer));
    ClusterEvent {
        reason: text(event, "/reason").unwrap_or_default(),
        message: text(event, "/message")
            .or_else(|| text(event, "/note"))
            .unwrap_or_default(),
        warning: text(event, "/type") == Some("Warning"),
        container: container(event),
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
