//! What a run is going to do to a release, and what its user said about it: whatever comes before
//! the first write needs no more of the plan than this, so that a release can be changed without
//! its plan too.

use std::collections::BTreeSet;

use crate::{engine::Selection, object::ObjectId, plan::ReleaseId};

/// What a command does to a release, as its question says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Deploy,
    RollBack,
    Uninstall,
    DeleteOrphans,
}

impl Verb {
    /// `Deploy shop.prod to context prod?`
    pub(super) fn question(self, release: &ReleaseId, context: &str) -> String {
        match self {
            Self::Deploy => format!("Deploy {release} to context {context}?"),
            Self::RollBack => format!("Roll back {release} in context {context}?"),
            Self::Uninstall => format!("Uninstall {release} from context {context}?"),
            Self::DeleteOrphans => format!("Delete orphans of {release} in context {context}?"),
        }
    }
}

/// What is going to be done to a release.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a permission of its own that the user gives"
)]
pub(super) struct ChangeRequest<'a> {
    /// The release.
    pub(super) release: &'a ReleaseId,
    /// What is done to it.
    pub(super) verb: Verb,
    /// Which phases are run.
    pub(super) selection: &'a Selection,
    /// Whether the release's name must be typed before anything is changed.
    pub(super) protected: bool,
    /// What `--yes` was given as; `None`: the user is asked.
    pub(super) yes: Option<&'a str>,
    /// Whether objects of other releases are shared.
    pub(super) adopt: bool,
    /// Whether fields that others own are taken over.
    pub(super) force_conflicts: bool,
    /// Objects, as the user names them, that may be deleted and created anew where they are changed
    /// in what cannot be changed.
    pub(super) recreate: &'a [String],
    /// Whether a run that fails is taken back, and must be permitted to be.
    pub(super) rolls_back: bool,
    /// Whether data that is no longer wanted is deleted.
    pub(super) delete_data: bool,
    /// Variables whose values do not come from the plan file, with their values: shown before
    /// asking.
    pub(super) foreign_variables: Vec<(String, String)>,
    /// Secrets that are declared, and become wanted once their values are known.
    pub(super) declared: Vec<ObjectId>,
    /// Wanted objects that are left as they are, whatever they are like.
    pub(super) left_alone: BTreeSet<ObjectId>,
}

impl<'a> ChangeRequest<'a> {
    /// All phases of `release`, to do `verb` to it, without any further permission; `yes` is what
    /// `--yes` was given as.
    pub(super) fn plain(
        release: &'a ReleaseId,
        verb: Verb,
        protected: bool,
        yes: Option<&'a str>,
    ) -> Self {
        Self {
            release,
            verb,
            selection: &Selection::All,
            protected,
            yes,
            adopt: false,
            force_conflicts: false,
            recreate: &[],
            // Whoever goes back already is not kept from it by what going back from there would
            // need.
            rolls_back: false,
            delete_data: false,
            foreign_variables: Vec::new(),
            declared: Vec::new(),
            left_alone: BTreeSet::new(),
        }
    }
}
