//! What the words of the table cannot say: each a small function of one kind.

pub(super) mod contour;
pub(super) mod elastic;
pub(super) mod karmada;
pub(super) mod kruise;
pub(super) mod olm;
pub(super) mod otel;
pub(super) mod promoter;
pub(super) mod rollout;
pub(super) mod secrets;
pub(super) mod spark;
