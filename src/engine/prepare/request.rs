//! What a run is going to do to a release: whatever comes before the first write needs no more of
//! the plan than this, so that a release can be changed without its plan too.

use crate::engine::plan::selection::Selection;
use crate::{plan::ReleaseId, release::Author};

/// What is asked for.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a permission of its own that the user gives"
)]
pub(crate) struct Request<'a> {
    /// The release.
    pub(crate) release: &'a ReleaseId,
    /// Who asks for it.
    pub(crate) by: &'a Author,
    /// Which part of what is wanted is run.
    pub(crate) selection: &'a Selection,
    /// Whether objects of other releases are shared.
    pub(crate) adopt: bool,
    /// Whether fields that others own are taken over.
    pub(crate) force_conflicts: bool,
    /// Objects, as the user names them, that may be deleted and created anew where they are changed
    /// in what cannot be changed.
    pub(crate) recreate: &'a [String],
    /// Whether a run that fails is taken back, and must be permitted to be.
    pub(crate) rolls_back: bool,
    /// Whether data that is no longer wanted is deleted.
    pub(crate) delete_data: bool,
}

impl<'a> Request<'a> {
    /// All phases of `release` without any further permission.
    pub(crate) fn plain(release: &'a ReleaseId, by: &'a Author) -> Self {
        Self {
            release,
            by,
            selection: &Selection::All,
            adopt: false,
            force_conflicts: false,
            recreate: &[],
            // Whoever goes back already is not kept from it by what going back from there would
            // need.
            rolls_back: false,
            delete_data: false,
        }
    }
}
