//! The sides of a three-way restoration, and what is decided about each changed path.

use serde_json::Value;

use super::{
    adoptable::Adoption,
    change::ChangedPath,
    entries::{Entry, entries},
    list::{common, names},
    path::{Element, Path},
    shape::Shape,
};

/// What becomes of a changed path.
pub(super) enum Decision {
    /// It holds what the snapshot holds.
    Same,
    /// It gets what the snapshot holds.
    Back,
    /// It stays, with the manager that holds it.
    Stays(Option<String>),
}

pub(super) type Decisions = Vec<(ChangedPath, Decision)>;

/// What there was and what there is.
pub(super) struct Sides<'a> {
    pub(super) snapshot: &'a Value,
    pub(super) live: &'a Value,
    pub(super) manager: &'a str,
    pub(super) before: Vec<Entry<'a>>,
    pub(super) now: Vec<Entry<'a>>,
    pub(super) shape: Shape,
    /// What was taken over of the object as it was.
    adoption: Adoption<'a>,
}

impl<'a> Sides<'a> {
    pub(super) fn of(snapshot: &'a Value, live: &'a Value, manager: &'a str) -> Self {
        let shape = Shape::of(&[snapshot, live]);
        Self {
            snapshot,
            live,
            manager,
            before: entries(snapshot).collect(),
            now: entries(live).collect(),
            adoption: Adoption::of(snapshot, manager),
            shape,
        }
    }

    pub(super) fn by_answers(&self, changes: Vec<ChangedPath>) -> Decisions {
        changes
            .into_iter()
            .map(|change| with(change, |change| self.by_answer(change)))
            .collect()
    }

    fn by_answer(&self, change: &ChangedPath) -> Decision {
        if change.path.is_order() {
            return self.by_order(change);
        }
        let (was, is) = (change.path.get(self.snapshot), change.path.get(self.live));
        if is == was {
            return Decision::Same;
        }
        match self.other_holder(&change.path) {
            None if is == change.after.as_ref()
                && (was.is_none() || self.has_place(&change.path)) =>
            {
                Decision::Back
            }
            holder => Decision::Stays(holder),
        }
    }

    pub(super) fn by_ownership(&self, changes: Vec<ChangedPath>) -> Decisions {
        let is_ours_alone = changes
            .iter()
            .all(|change| self.other_holder(&change.path).is_none());
        changes
            .into_iter()
            .map(|change| with(change, |change| self.by_holder(&change.path, is_ours_alone)))
            .collect()
    }

    fn by_holder(&self, path: &Path, is_ours_alone: bool) -> Decision {
        match self.other_holder(path) {
            None if path.is_order() || path.get(self.live).is_some() => Decision::Back,
            None if (self.was_removed_by_us(path) || is_ours_alone && !self.was_held(path))
                && self.has_place(path) =>
            {
                Decision::Back
            }
            holder => Decision::Stays(holder),
        }
    }

    /// Nobody holds the order of items: it is ours while they stand as our write put them.
    pub(super) fn by_order(&self, change: &ChangedPath) -> Decision {
        self.order_of(change).unwrap_or(Decision::Stays(None))
    }

    fn order_of(&self, change: &ChangedPath) -> Option<Decision> {
        let (list, _) = change.path.split_last()?;
        let ours = change.after.as_ref()?.as_array()?;
        let ours: Vec<Element> = ours
            .iter()
            .filter_map(Value::as_str)
            .filter_map(Element::parse)
            .collect();
        let was = names(self.snapshot, &list, &self.shape)?;
        let is = names(self.live, &list, &self.shape)?;
        let now = common(&is, &[&was, &ours]);
        Some(if now == common(&was, &[&is, &ours]) {
            Decision::Same
        } else if now == common(&ours, &[&was, &is]) {
            Decision::Back
        } else {
            Decision::Stays(None)
        })
    }

    /// A manager other than ours that holds `path`, or something in it.
    pub(super) fn other_holder(&self, path: &Path) -> Option<String> {
        let other = self
            .now
            .iter()
            .find(|entry| entry.manager() != self.manager && holds(entry, path, &self.shape))?;
        Some(other.manager().to_owned())
    }

    /// Whether `entry`, which was there, is one that adoption took over.
    pub(super) fn is_adopted(&self, entry: &Entry<'_>) -> bool {
        self.adoption.is_from_others(entry) && !self.now.iter().any(|now| now.is_same_as(entry))
    }

    /// Whether a manager other than ours holds `path` that did not: it has written it since.
    pub(super) fn is_taken_by_others(&self, path: &Path) -> bool {
        let held = |like: &Entry<'_>| {
            self.before
                .iter()
                .any(|entry| entry.is_same_as(like) && entry.fields().contains(path))
        };
        let mut others = self
            .now
            .iter()
            .filter(|entry| entry.manager() != self.manager);
        others.any(|entry| entry.fields().contains(path) && !held(entry))
    }

    pub(super) fn was_removed_by_us(&self, path: &Path) -> bool {
        let ours = |entry: &&Entry<'_>| entry.manager() == self.manager || self.is_adopted(entry);
        self.before
            .iter()
            .filter(ours)
            .any(|entry| holds(entry, path, &self.shape))
    }

    pub(super) fn was_held(&self, path: &Path) -> bool {
        self.before
            .iter()
            .any(|entry| holds(entry, path, &self.shape))
    }

    /// Whether what is at `path` was there with the value that it has. For what has parts that
    /// others hold, being there is enough.
    pub(super) fn is_as_before(&self, path: &Path) -> bool {
        match (path.get(self.snapshot), path.get(self.live)) {
            (Some(was), Some(is)) => self.shape.is_branch(path) || was == is,
            _ => false,
        }
    }

    /// Whether what `path` lies in is still there, or is made by whoever puts something into it.
    pub(super) fn has_place(&self, path: &Path) -> bool {
        let mut missing = path
            .ancestors()
            .take_while(|ancestor| ancestor.get(self.live).is_none());
        missing.all(|ancestor| self.shape.is_open(&ancestor))
    }
}

fn with(change: ChangedPath, decide: impl Fn(&ChangedPath) -> Decision) -> (ChangedPath, Decision) {
    let decision = decide(&change);
    (change, decision)
}

/// Whether `entry` holds `path`, a part of it, or as an atom something that it is a part of.
fn holds(entry: &Entry<'_>, path: &Path, shape: &Shape) -> bool {
    entry.fields().reaches(path)
        || path
            .ancestors()
            .any(|ancestor| shape.is_atomic(&ancestor) && entry.fields().contains(&ancestor))
}
