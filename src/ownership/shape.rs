//! How lists and maps of a kind merge, learnt from `managedFields` instead of from a schema.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::{Map, Value};

use super::{
    entries::entries,
    path::{Element, Path},
};
use crate::object::ManifestView;

/// How the items of a list are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListSort {
    /// By the values of these keys.
    Keyed(Vec<String>),
    /// By what they are.
    Set,
}

/// How the lists and maps of objects of a kind merge, learnt from what `managedFields` hold: where
/// an entry names items by their keys, the list is one of keyed items. Lists of which no entry
/// names items are atomic, as they are for the API server.
///
/// So no schema is needed: those of custom resources would have to be asked for, and would be of
/// one version.
#[derive(Debug, Default)]
pub(super) struct Shape {
    lists: BTreeMap<Path, ListSort>,
    branches: BTreeSet<Path>,
    leaves: BTreeSet<Path>,
}

/// Maps that take any keys: keys that different managers added stand beside each other, whoever
/// made the map.
///
/// In all other objects the fields belong together (a probe without its handler is none), which no
/// entry tells.
const OPEN_MAPS: [&str; 7] = [
    "metadata",
    "labels",
    "annotations",
    "data",
    "binaryData",
    "limits",
    "requests",
];

impl Shape {
    /// The shape that the entries of `objects` show.
    pub(super) fn of(objects: &[&Value]) -> Self {
        let mut shape = Self::default();
        // Of every object, whether an entry names them or not.
        shape
            .lists
            .insert(Path::of_fields(&["metadata", "finalizers"]), ListSort::Set);
        shape.lists.insert(
            Path::of_fields(&["metadata", "ownerReferences"]),
            ListSort::Keyed(vec!["uid".to_owned()]),
        );
        for object in objects {
            let version = ManifestView(object).api_version();
            for entry in entries(object).filter(|entry| entry.api_version() == version) {
                entry.fields().iter().for_each(|path| shape.learn(path));
            }
        }
        shape
    }

    fn learn(&mut self, path: &Path) {
        self.leaves.insert(path.for_any_item());
        let mut below = path.clone();
        while let Some((parent, last)) = below.split_last() {
            let general = parent.for_any_item();
            match last {
                Element::Item(keys) => {
                    let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
                    self.lists.insert(
                        general.clone(),
                        ListSort::Keyed(keys.keys().cloned().collect()),
                    );
                }
                Element::Member(_) => {
                    self.lists.insert(general.clone(), ListSort::Set);
                }
                Element::Field(_) | Element::Index(_) | Element::Order => {}
            }
            if !self.branches.insert(general) {
                break;
            }
            below = parent;
        }
    }

    /// Whether others can hold parts of what is at `path`, so that holding `path` says nothing of
    /// what lies below it.
    pub(super) fn is_branch(&self, path: &Path) -> bool {
        self.branches.contains(&path.for_any_item())
    }

    /// Whether what is at `path` is held as a whole.
    pub(super) fn is_atomic(&self, path: &Path) -> bool {
        !self.is_branch(path) && self.leaves.contains(&path.for_any_item())
    }

    /// The items of the list at `path` with what names them; `None` for an atomic list, and where
    /// the items cannot be told apart.
    pub(super) fn items<'a>(
        &self,
        path: &Path,
        list: &'a Value,
    ) -> Option<Vec<(Element, &'a Value)>> {
        let sort = self.lists.get(&path.for_any_item())?;
        let named = |item: &'a Value| Some((name(sort, item)?, item));
        let items: Vec<(Element, &Value)> =
            list.as_array()?.iter().map(named).collect::<Option<_>>()?;
        let names: HashSet<&Element> = items.iter().map(|(name, _)| name).collect();
        (names.len() == items.len()).then_some(items)
    }

    /// The keys that tell the items of the list at `path` apart; `None` where it has no such items.
    pub(super) fn keys(&self, path: &Path) -> Option<&[String]> {
        match self.lists.get(&path.for_any_item())? {
            ListSort::Keyed(keys) => Some(keys),
            ListSort::Set => None,
        }
    }

    /// Whether the list at `path` has items that can be told apart.
    pub(super) fn is_list_of_items(&self, path: &Path) -> bool {
        self.lists.contains_key(&path.for_any_item())
    }

    /// Whether what is at `path` holds parts that stand beside each other whoever added them.
    pub(super) fn is_open(&self, path: &Path) -> bool {
        let is_open_map = path.split_last().is_some_and(|(_, last)| match last {
            Element::Field(name) => OPEN_MAPS.contains(&name.as_str()),
            _ => false,
        });
        self.is_list_of_items(path) || (is_open_map && !self.is_atomic(path))
    }
}

fn name(sort: &ListSort, item: &Value) -> Option<Element> {
    match sort {
        ListSort::Set => Some(Element::member(item)),
        ListSort::Keyed(keys) => {
            let keys: Option<Map<String, Value>> = keys
                .iter()
                .map(|key| Some((key.clone(), item.get(key)?.clone())))
                .collect();
            keys.map(Element::item)
        }
    }
}
