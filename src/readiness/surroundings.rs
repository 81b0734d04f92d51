//! What a rule may know beside the object: what belongs to it, the time, its storage class.

use jiff::Timestamp;
use serde_json::Value;

/// What belongs to an object and what is around it, as far as it was asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// The clock to judge by.
    pub(crate) now: Timestamp,
    /// Pods that the object owns, directly or through `ReplicaSet`s; for a claim: pods that mount
    /// it.
    pub(crate) pods: &'a [&'a Value],
    /// `ReplicaSet`s that the object owns.
    pub(crate) replica_sets: &'a [&'a Value],
    /// Claims that the object's pods mount.
    pub(crate) claims: &'a [&'a Value],
    /// When a claim's `StorageClass` binds; `None` where the class is not known.
    pub(crate) binding: Option<VolumeBinding>,
    /// Events of the object and of what belongs to it; others may be among them.
    pub(crate) events: &'a [&'a Value],
    /// Whether the object's definition has a status subresource, so that a controller is to write a
    /// status; `None` where that is not known.
    pub(crate) has_status_subresource: Option<bool>,
}

impl Surroundings<'_> {
    /// Nothing is known but the time.
    pub(crate) fn none(now: Timestamp) -> Self {
        Self {
            now,
            pods: &[],
            replica_sets: &[],
            claims: &[],
            binding: None,
            events: &[],
            has_status_subresource: None,
        }
    }
}

/// When volumes of a `StorageClass` are bound: its `volumeBindingMode`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum VolumeBinding {
    /// As soon as the claim is there.
    Immediate,
    /// When the first pod that uses the claim is scheduled.
    WaitForFirstConsumer,
    /// One of the two: the user may not read StorageClasses.
    Hidden,
}

impl VolumeBinding {
    /// The mode of a `StorageClass`; without one it is `Immediate`.
    pub(crate) fn of(storage_class: &Value) -> Self {
        match storage_class
            .get("volumeBindingMode")
            .and_then(Value::as_str)
        {
            Some("WaitForFirstConsumer") => VolumeBinding::WaitForFirstConsumer,
            _ => VolumeBinding::Immediate,
        }
    }
}
