//! Whether an object is what it was in a snapshot, values and owners: the proof of a rollback.

use std::fmt;

use serde_json::Value;

use super::{
    change::{ChangedPath, changed_paths, joined},
    entries::Entry,
    path::Path,
    recreate::{remove_allocations, remove_bindings},
    sides::{Decision, Sides},
    system::remove_system_fields,
};
use crate::object::{ManifestView, group_of};

/// A place in which an object is not what it was. It holds no values: they may be secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldDifference {
    /// The place.
    pub(crate) path: Path,
    /// What is different, and by whom.
    pub(crate) reason: Reason,
}

/// Why a place is not what it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Others have changed it since: the manager that holds it. Removing leaves no trace of who did
    /// it.
    ByOthers(Option<String>),
    /// It should be as it was.
    NotAsBefore,
    /// It has the value that it had, and this manager, which held it, does not hold it, nor does
    /// anybody else who wrote since.
    NotHeldBy(String),
    /// It has the value that it had, and we hold it, and did not.
    HeldByUs,
}

impl FieldDifference {
    /// Whether this is how others want it, and nothing that a way back has missed.
    pub(crate) fn is_by_others(&self) -> bool {
        matches!(self.reason, Reason::ByOthers(_))
    }
}

impl fmt::Display for FieldDifference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.reason {
            Reason::ByOthers(Some(manager)) => write!(
                formatter,
                "{path} was changed outside deployctl by {manager}"
            ),
            Reason::ByOthers(None) => {
                write!(formatter, "{path} was changed or removed outside deployctl")
            }
            Reason::NotAsBefore => write!(formatter, "{path} is not as before"),
            Reason::NotHeldBy(manager) => {
                write!(formatter, "{path} is not managed by {manager} as before")
            }
            Reason::HeldByUs => write!(
                formatter,
                "{path} is managed by deployctl, and was not before"
            ),
        }
    }
}

/// Where `live` is not what `snapshot` was, values and owners, as a proof of a way back: by
/// comparing what is there, whatever was done.
///
/// Compared are the paths that the writes of `manager` changed, or with `None` the whole object.
/// `status` and what the system writes is left out. So is, where the object was created again in
/// the meantime (it has another uid), what a new object gets anew: addresses and ports of a
/// Service, the selector of a Job, the uids of its owners.
pub(crate) fn differences(
    snapshot: &Value,
    live: &Value,
    changed: Option<&[ChangedPath]>,
    manager: &str,
) -> Vec<FieldDifference> {
    if ManifestView(snapshot).uid() != ManifestView(live).uid() {
        let (snapshot, live) = (lasting(snapshot), lasting(live));
        return compare(
            &Sides::of(&snapshot, &live, manager),
            &changed_paths(&snapshot, &live),
            Compared::Anew,
        );
    }
    let sides = Sides::of(snapshot, live, manager);
    match changed {
        Some(changed) => compare(&sides, &joined(changed), Compared::Changes),
        None => compare(&sides, &changed_paths(snapshot, live), Compared::Everything),
    }
}

/// What of `object` another object of its name can have as well.
fn lasting(object: &Value) -> Value {
    let mut object = object.clone();
    remove_system_fields(&mut object);
    remove_bindings(&mut object);
    remove_allocations(&mut object);
    let references = Path::of_fields(&["metadata", "ownerReferences"]);
    references
        .get_mut(&mut object)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
        .for_each(|reference| {
            reference.remove("uid");
        });
    object
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// The paths that our writes changed.
    Changes,
    /// The whole object.
    Everything,
    /// The whole object, which was created again.
    Anew,
}

fn compare(sides: &Sides<'_>, changes: &[ChangedPath], compared: Compared) -> Vec<FieldDifference> {
    let reasons = changes
        .iter()
        .filter_map(|change| Some((&change.path, value_reason(sides, change, compared)?)));
    let values: Vec<FieldDifference> = reasons
        .map(|(path, reason)| FieldDifference {
            path: path.clone(),
            reason,
        })
        .collect();
    let lost = sides
        .before
        .iter()
        .filter_map(|entry| not_held_again(sides, entry, changes, compared));
    let gained = sides
        .now
        .iter()
        .filter_map(|entry| held_by_us(sides, entry, &values));
    let owners: Vec<FieldDifference> = lost.chain(gained).collect();
    values.into_iter().chain(owners).collect()
}

/// Why the value at a changed path is not what it was; `None` where it is.
fn value_reason(sides: &Sides<'_>, change: &ChangedPath, compared: Compared) -> Option<Reason> {
    let path = &change.path;
    if path.is_order() {
        return order_reason(sides, change, compared);
    }
    let (was, is) = (path.get(sides.snapshot), path.get(sides.live));
    if was == is {
        return None;
    }
    if let Some(other) = sides.other_holder(path) {
        return Some(Reason::ByOthers(Some(other)));
    }
    let is_removed_by_others = is.is_none()
        && match compared {
            Compared::Changes => change.after.is_some() || !sides.has_place(path),
            Compared::Everything => sides.was_held(path) && !sides.was_removed_by_us(path),
            Compared::Anew => false,
        };
    Some(if is_removed_by_others {
        Reason::ByOthers(None)
    } else {
        Reason::NotAsBefore
    })
}

fn order_reason(sides: &Sides<'_>, change: &ChangedPath, compared: Compared) -> Option<Reason> {
    match sides.by_order(change) {
        Decision::Same => None,
        Decision::Stays(_) if compared == Compared::Changes => Some(Reason::ByOthers(None)),
        Decision::Back | Decision::Stays(_) => Some(Reason::NotAsBefore),
    }
}

/// Something that the manager of `entry` held, and that is as it was, but that this manager has
/// lost through us: the first such path.
fn not_held_again(
    sides: &Sides<'_>,
    entry: &Entry<'_>,
    changes: &[ChangedPath],
    compared: Compared,
) -> Option<FieldDifference> {
    let is_ours = entry.manager() == sides.manager;
    let now = sides.now.iter().find(|now| now.is_same_as(entry));
    if entry.subresource() == "status" || !is_comparable(sides, entry, now) {
        return None;
    }
    let is_held = |path: &Path| now.is_some_and(|now| now.fields().contains(path));
    let is_touched = |path: &Path| {
        compared == Compared::Anew || changes.iter().any(|change| path.is_within(&change.path))
    };
    let by_us = |path: &Path| {
        is_ours
            || sides.is_adopted(entry)
            || is_touched(path)
            || ours(&sides.now, sides.manager).any(|now| now.fields().contains(path))
    };
    let mut lost = entry
        .fields()
        .iter()
        .filter(|path| sides.is_as_before(path) && !is_held(path) && by_us(path));
    let path = lost.find(|path| !sides.is_taken_by_others(path))?;
    Some(FieldDifference {
        path: path.clone(),
        reason: Reason::NotHeldBy(entry.manager().to_owned()),
    })
}

/// Whether it can be told by paths what the manager of `entry` has lost, which has the entry `now`:
/// those of another version of the API may be called otherwise. Of ours, which has no entry any
/// more, it can, unless the object has moved to another group.
fn is_comparable(sides: &Sides<'_>, entry: &Entry<'_>, now: Option<&Entry<'_>>) -> bool {
    let live = ManifestView(sides.live);
    match now {
        _ if entry.manager() != sides.manager => entry.api_version() == live.api_version(),
        Some(now) => now.api_version() == entry.api_version(),
        None => group_of(entry.api_version()) == live.group(),
    }
}

/// Something that `entry`, if it is ours, holds and did not, other than what stays with others: the
/// first such path.
fn held_by_us(
    sides: &Sides<'_>,
    entry: &Entry<'_>,
    values: &[FieldDifference],
) -> Option<FieldDifference> {
    if entry.manager() != sides.manager
        || entry.api_version() != ManifestView(sides.live).api_version()
    {
        return None;
    }
    let before = || ours(&sides.before, sides.manager);
    let is_of_same_version = |before: &Entry<'_>| before.api_version() == entry.api_version();
    if before().next().is_some() && !before().any(is_of_same_version) {
        return None;
    }
    let was_held = |path: &Path| before().any(|before| before.fields().contains(path));
    let stays = |path: &Path| values.iter().any(|value| path.is_within(&value.path));
    let path = entry
        .fields()
        .iter()
        .find(|path| !was_held(path) && !stays(path))?;
    Some(FieldDifference {
        path: path.clone(),
        reason: Reason::HeldByUs,
    })
}

fn ours<'b, 'a>(entries: &'b [Entry<'a>], manager: &'b str) -> impl Iterator<Item = &'b Entry<'a>> {
    entries
        .iter()
        .filter(move |entry| entry.manager() == manager)
}
