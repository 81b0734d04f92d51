//! What a Lease carries that this program holds as a lock.

/// Which part of what is kept about a release a lock is.
pub(in crate::release) const PART: &str = "lock";

/// Annotation of a Lease that holds the token of the run that holds it.
pub(super) const TOKEN: &str = "deployctl.dev/lock-token";
