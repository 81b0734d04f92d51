//! How many requests of one step are under way at once.

use super::request::Cluster;

impl Cluster {
    /// LISTs, GETs and reviews of permissions of one look, dry runs of one check.
    pub(crate) const PARALLEL: usize = 16;

    /// Requests whose bodies or answers are large: parts of revisions, definitions.
    pub(crate) const PARALLEL_LARGE: usize = 8;
}
