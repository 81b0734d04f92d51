//! Putting an object back to what a snapshot holds, three-way: what others changed since stays.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    change::{ChangedPath, changed_paths, is_nothing, joined},
    entries::{Entry, owners_operation, same_version},
    list::{place, reorder},
    owners::{Owners, is_same},
    path::{Element, Path},
    sides::{Decision, Decisions, Sides},
};
use crate::object::strip_managed_fields;

/// How an object is put back: a PUT of `body`, then a JSON patch of `managedFields`.
///
/// The PUT alone would leave the restored fields with whoever wrote them; a write that changes
/// nothing but `managedFields` is taken as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Restoration {
    /// The content to PUT: what is live, with the restored paths, and with the live uid and
    /// resource version, which guard the write.
    pub(crate) body: Value,
    /// Whether the PUT is needed.
    pub(crate) content_differs: bool,
    /// The `managedFields` to set after the PUT, see [`owners_patch`].
    pub(crate) managed_fields: Value,
    /// Whether the patch is needed. A PUT always needs it.
    pub(crate) owners_differ: bool,
    /// What stays as it is, because others changed it too.
    pub(crate) by_others: Vec<Stayed>,
}

/// A path that is not put back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stayed {
    /// The path.
    pub(crate) path: Path,
    /// The field manager that holds it now; `None` where nobody does, for example because it was
    /// removed.
    pub(crate) manager: Option<String>,
}

/// Puts `live` back to what `snapshot` holds, three-way: what others changed since stays.
///
/// `changed` is what the writes of `manager` changed, in their order, as [`changed_paths`] told
/// from their answers. Such a path goes back where `live` still holds what the write stored and no
/// other manager has declared the same since. Everything else is left as it is; of the changed
/// paths it is listed. Paths that hold the snapshot's value already, of an earlier attempt for
/// example, only get their owners back.
///
/// With `None` the answer of a write was lost, so that nobody knows what it changed, nor whether it
/// arrived. Then whoever holds a path that differs from the snapshot tells who changed it, because
/// every write makes its manager the holder of what it changes:
/// - held by another manager: it was changed by that one, and stays;
/// - held by `manager`, by `Apply`, or by `Update` as an interrupted restoration leaves it: it goes
///   back;
/// - held by nobody: a default that took the place of a field that was left out. Only a holder can
///   leave a field out, so it goes back;
/// - gone: an apply removes only what its manager held, so it comes back where the snapshot shows
///   it as held by `manager`, or by an entry of `kubectl apply` that adoption took over, and stays
///   away where others held it. (Whoever removes by hand what we held leaves no trace, so that
///   comes back as well.) What nobody held was removed by the API server because of another change,
///   for example the node ports of a Service that has none any more: it comes back where no others
///   changed anything.
///
/// Both must be of the same object and read in the same version of the API. `status` and what the
/// system writes is not looked at.
pub(crate) fn restore(
    snapshot: &Value,
    changed: Option<&[ChangedPath]>,
    live: &Value,
    manager: &str,
) -> Restoration {
    let sides = Sides::of(snapshot, live, manager);
    let decisions = match changed {
        Some(changed) => sides.by_answers(joined(changed)),
        None => sides.by_ownership(changed_paths(snapshot, live)),
    };
    let content = sides.composed(&decisions);
    let (stayed, restored): (Vec<_>, Vec<_>) = decisions
        .iter()
        .partition(|(_, decision)| matches!(decision, Decision::Stays(_)));
    let owners = Owners {
        sides: &sides,
        content: &content,
        restored: paths(restored),
        stayed: paths(stayed),
    }
    .composed();
    let content_differs = content != *live;
    Restoration {
        content_differs,
        managed_fields: owners.iter().map(Entry::to_value).collect(),
        owners_differ: content_differs || !is_same(&owners, &sides.now),
        body: without_owners(content),
        by_others: decisions
            .iter()
            .filter_map(|(change, decision)| stayed_by(change, decision))
            .collect(),
    }
}

/// The JSON patch that gives `written`, the answer of the PUT (or `live`, where none was needed),
/// these `managedFields`.
///
/// It fails with 409 where somebody has written since; the restoration is then composed again from
/// what is live.
pub(crate) fn owners_patch(written: &Value, managed_fields: &Value) -> Value {
    serde_json::json!([
        same_version(written),
        owners_operation(managed_fields.clone())
    ])
}

fn paths(decisions: Vec<&(ChangedPath, Decision)>) -> Vec<&Path> {
    decisions
        .into_iter()
        .map(|(change, _)| &change.path)
        .collect()
}

fn stayed_by(change: &ChangedPath, decision: &Decision) -> Option<Stayed> {
    match decision {
        Decision::Stays(manager) => Some(Stayed {
            path: change.path.clone(),
            manager: manager.clone(),
        }),
        Decision::Same | Decision::Back => None,
    }
}

fn without_owners(mut content: Value) -> Value {
    strip_managed_fields(&mut content);
    content
}

impl Sides<'_> {
    /// What is live, with what goes back.
    fn composed(&self, decisions: &Decisions) -> Value {
        let back = decisions
            .iter()
            .filter(|(_, decision)| matches!(decision, Decision::Back))
            .map(|(change, _)| &change.path);
        let (orders, values): (Vec<&Path>, Vec<&Path>) = back.partition(|path| path.is_order());
        let mut content = self.live.clone();
        let mut added: BTreeMap<Path, Vec<Element>> = BTreeMap::new();
        for path in values {
            match (path.get(self.snapshot), path.split_last()) {
                (Some(value), Some((list, name))) => {
                    path.put(&mut content, value.clone());
                    if path.get(self.live).is_none() {
                        added.entry(list).or_default().push(name.clone());
                    }
                }
                _ => self.take_away(path, &mut content),
            }
        }
        for (list, names) in &added {
            place(names, list, self.snapshot, &mut content, &self.shape);
        }
        for (list, _) in orders.iter().filter_map(|path| path.split_last()) {
            reorder(&list, self.snapshot, &mut content, &self.shape);
        }
        content
    }

    /// Removes what is at `path`, and the maps and lists around it that are empty then and that the
    /// snapshot does not have.
    fn take_away(&self, path: &Path, content: &mut Value) {
        path.remove(content);
        let is_left_over = |holder: &Path, content: &Value| {
            let is_empty = holder
                .get(content)
                .is_some_and(|value| is_nothing(Some(value)));
            is_empty && self.shape.is_open(holder) && holder.get(self.snapshot).is_none()
        };
        for holder in path.ancestors() {
            if !is_left_over(&holder, content) {
                break;
            }
            holder.remove(content);
        }
    }
}
