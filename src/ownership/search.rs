//! Looking through an object for what nobody wants in it.

use serde_json::Value;

use super::{
    entries::{Entry, entries},
    path::Path,
    shape::Shape,
};

/// An object that is looked through beside what is sent of it.
pub(super) struct Search<'a> {
    live: &'a Value,
    /// What is theirs is wanted.
    others: Vec<Entry<'a>>,
    /// How its lists merge.
    pub(super) shape: Shape,
}

impl<'a> Search<'a> {
    /// `live`, in which all that an entry holds which `is_other` is somebody else's.
    pub(super) fn of(live: &'a Value, is_other: impl Fn(&Entry<'_>) -> bool) -> Self {
        Self {
            live,
            others: entries(live).filter(|entry| is_other(entry)).collect(),
            shape: Shape::of(&[live]),
        }
    }

    /// The fields at the top that are sent and there, each with its path, what is there and what is sent.
    /// The metadata has no unions and no lists of ours, and the rest of it is the system's.
    pub(super) fn fields<'s>(
        &self,
        sent: &'s Value,
    ) -> impl Iterator<Item = (Path, &'a Value, &'s Value)> {
        let live = self.live;
        let sent = sent.as_object().into_iter().flatten();
        sent.filter(|(name, _)| *name != "metadata")
            .filter_map(move |(name, wanted)| {
                Some((Path::of_fields(&[name]), live.get(name)?, wanted))
            })
    }

    /// Whether somebody else holds `path`, or anything below it.
    pub(super) fn is_held(&self, path: &Path) -> bool {
        self.others.iter().any(|entry| entry.fields().reaches(path))
    }
}
