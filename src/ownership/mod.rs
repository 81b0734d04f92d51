//! `managedFields`: what is ours, what others hold, and the values at the paths that we own.
//! <https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management>

mod adopt;
mod adoptable;
mod change;
mod changers;
mod displaced;
mod dropped;
mod entries;
mod entry;
mod fields;
mod ignored;
mod leftover;
mod list;
mod outside;
mod overlay;
mod owned;
mod owners;
mod path;
mod proof;
mod recreate;
mod rename;
mod restore;
mod scaled;
mod search;
mod shape;
mod sides;
mod system;
#[cfg(test)]
mod tests;
mod written;

pub(crate) use adopt::{adoption, give_up_object, hold};
pub(crate) use adoptable::{Yields, taken_over_from, yields};
pub(crate) use change::{ChangedPath, changed_paths};
pub(crate) use changers::{changers, is_as_sent};
pub(crate) use displaced::displaced;
pub(crate) use dropped::{created_again, dropped_by_adoption, is_dropped_by_adoption};
pub(crate) use entries::rename_version;
pub(crate) use entry::other_releases;
pub(crate) use entry::{
    apply_entry, give_up, give_up_filled_in, has_managers, is_created_by, is_handed_over, is_ours,
    is_ours_to_remove, other_appliers, written_at_creation,
};
pub(crate) use ignored::{give_up_ignored, held_as_a_whole, is_ignored};
pub(crate) use leftover::{Leftover, clearing, leftovers};
pub(crate) use outside::{OutsideChange, changed_outside};
pub(crate) use overlay::overlay;
pub(crate) use owned::{empty_paths, goes_with_ours, is_taken_whole, owned_values, without_paths};
pub(crate) use path::Path;
pub(crate) use proof::differences;
pub(crate) use recreate::recreation;
pub(crate) use rename::{ReleaseMarks, Remarking};
pub(crate) use restore::{owners_patch, restore};
pub(crate) use scaled::scaled_by;
pub(crate) use written::{applied_at, is_recreated, last_written};
