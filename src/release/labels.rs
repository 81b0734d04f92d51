//! What everything that is kept about a release carries, so that it is found and told apart.

/// Label of everything that is kept about a release; its value is the release.
pub(super) const RELEASE_LABEL: &str = "deployctl.dev/release";

/// Label that says which part of it an object is.
pub(super) const PART_LABEL: &str = "deployctl.dev/part";

/// Field manager of what is kept about releases.
pub(super) const MANAGER: &str = "deployctl";
