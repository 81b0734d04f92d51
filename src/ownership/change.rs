//! Where two stored states of an object differ, path by path: what a write changed.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    path::{Element, Path},
    shape::Shape,
    system::{has_ordinary_status, is_of_system},
};

/// One place in which a write changed an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ChangedPath {
    /// The place.
    pub(crate) path: Path,
    /// What was stored there by the write; `None` where it removed what was there.
    ///
    /// For a path that ends in an order: the names of all items, in order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Value>,
}

/// Where two stored states of one object differ, leaving out what the system writes, and `status`
/// where it has a subresource.
///
/// List items are matched by the keys that the `managedFields` of either state show; other lists
/// are compared as wholes, as are maps that an entry holds as wholes. What came or went altogether
/// is one change, except for maps and lists to which everybody adds (labels, `data`, `env`): there
/// every key and item is one.
pub(crate) fn changed_paths(before: &Value, after: &Value) -> Vec<ChangedPath> {
    let mut comparison = Comparison {
        shape: &Shape::of(&[before, after]),
        ordinary_status: has_ordinary_status(&[before, after]),
        changes: Vec::new(),
    };
    comparison.compare(&Path::default(), Some(before), Some(after));
    comparison.changes
}

/// The changes of several writes to one object, in the order of the writes, as the changes of one.
pub(super) fn joined(changes: &[ChangedPath]) -> Vec<ChangedPath> {
    let mut joined: Vec<ChangedPath> = Vec::new();
    for change in changes {
        let whole = joined
            .iter_mut()
            .find(|earlier| change.path.is_within(&earlier.path) && change.path != earlier.path);
        if let Some(whole) = whole {
            change_within(whole, change);
        } else {
            joined.retain(|earlier| !earlier.path.is_within(&change.path));
            joined.push(change.clone());
        }
    }
    joined
}

/// Takes `later`, a change below `whole`, into what `whole` says was stored.
fn change_within(whole: &mut ChangedPath, later: &ChangedPath) {
    let below = later.path.below(&whole.path);
    let Some(stored) = &mut whole.after else {
        return;
    };
    match &later.after {
        Some(_) if later.path.is_order() => {}
        Some(value) => {
            below.put(stored, value.clone());
        }
        None => below.remove(stored),
    }
}

struct Comparison<'a> {
    shape: &'a Shape,
    ordinary_status: bool,
    changes: Vec<ChangedPath>,
}

impl<'a> Comparison<'a> {
    fn compare(&mut self, path: &Path, before: Option<&'a Value>, after: Option<&'a Value>) {
        if before == after || is_of_system(path, self.ordinary_status) {
            return;
        }
        if !self.compare_items(path, before, after) && !self.compare_fields(path, before, after) {
            self.changes.push(ChangedPath {
                path: path.clone(),
                after: after.cloned(),
            });
        }
    }

    /// Compares item by item; returns whether these are lists in which that is possible.
    fn compare_items(
        &mut self,
        path: &Path,
        before: Option<&'a Value>,
        after: Option<&'a Value>,
    ) -> bool {
        let shape = self.shape;
        if !shape.is_list_of_items(path) || is_nothing(before) && is_nothing(after) {
            return false;
        }
        let items =
            |list: Option<&'a Value>| list.map_or(Some(Vec::new()), |list| shape.items(path, list));
        let Some((before, after)) = items(before).zip(items(after)) else {
            return false;
        };
        let before_by_name: HashMap<&Element, &Value> =
            before.iter().map(|(name, item)| (name, *item)).collect();
        let after_by_name: HashMap<&Element, &Value> =
            after.iter().map(|(name, item)| (name, *item)).collect();
        for (name, item) in &before {
            self.compare(
                &path.child(name.clone()),
                Some(item),
                after_by_name.get(name).copied(),
            );
        }
        for (name, item) in after
            .iter()
            .filter(|(name, _)| !before_by_name.contains_key(name))
        {
            self.compare(&path.child(name.clone()), None, Some(item));
        }
        let stayed_before = before
            .iter()
            .map(|(name, _)| name)
            .filter(|name| after_by_name.contains_key(name));
        let stayed_after = after
            .iter()
            .map(|(name, _)| name)
            .filter(|name| before_by_name.contains_key(name));
        if !stayed_before.eq(stayed_after) {
            let names = after.iter().map(|(name, _)| name.key()).collect();
            self.changes.push(ChangedPath {
                path: path.child(Element::Order),
                after: Some(names),
            });
        }
        true
    }

    /// Compares field by field; returns whether these are maps in which that is possible.
    fn compare_fields(
        &mut self,
        path: &Path,
        before: Option<&'a Value>,
        after: Option<&'a Value>,
    ) -> bool {
        let is_map = |value: Option<&Value>| {
            value.map_or_else(|| self.shape.is_open(path), Value::is_object)
        };
        if self.shape.is_atomic(path)
            || is_nothing(before) && is_nothing(after)
            || !is_map(before)
            || !is_map(after)
        {
            return false;
        }
        let names: BTreeSet<&String> = [before, after]
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flat_map(Map::keys)
            .collect();
        for name in names {
            let field = |value: Option<&'a Value>| value.and_then(|value| value.get(name));
            self.compare(&path.field(name), field(before), field(after));
        }
        true
    }
}

/// Whether `value` is absent or holds nothing: between those two there are no fields and items to
/// compare.
pub(super) fn is_nothing(value: Option<&Value>) -> bool {
    match value {
        None => true,
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        Some(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{super::tests::recorded::recorded, *};

    fn shown(changes: &[ChangedPath]) -> Vec<String> {
        let after = |change: &ChangedPath| {
            change
                .after
                .as_ref()
                .map_or("-".to_owned(), Value::to_string)
        };
        changes
            .iter()
            .map(|change| format!("{} {}", change.path, after(change)))
            .collect()
    }

    fn changed(name: &str) -> Vec<String> {
        shown(&changed_paths(
            &recorded(&format!("{name}.before")),
            &recorded(&format!("{name}.after")),
        ))
    }

    #[test]
    fn a_write_is_known_by_the_paths_that_it_changed() {
        assert_eq!(
            changed("deployment"),
            [
                "metadata.labels[\"deployctl.dev/shop.dev\"] \"\"",
                "spec.replicas 3",
                "spec.template.metadata.annotations.note \"new\"",
                "spec.template.spec.containers[name=\"api\"].env[name=\"C\"] {\"name\":\"C\",\"value\":\"3\"}",
                "spec.template.spec.containers[name=\"api\"].image \"example/api:2\"",
                concat!(
                    "spec.template.spec.containers[name=\"log\"] {\"image\":\"example/log:1\",\"imagePullPolicy\":\"IfNotPresent\",",
                    "\"name\":\"log\",\"resources\":{},\"terminationMessagePath\":\"/dev/termination-log\",",
                    "\"terminationMessagePolicy\":\"File\"}"
                ),
            ]
        );
    }

    #[test]
    fn an_image_is_one_change() {
        assert_eq!(
            changed("statefulset"),
            ["spec.template.spec.containers[name=\"db\"].image \"example/db:2\""]
        );
    }

    #[test]
    fn what_the_system_writes_is_no_change() {
        let before = recorded("deployment.before");
        let mut after = before.clone();
        for (path, value) in [
            ("resourceVersion", json!("9")),
            ("generation", json!(9)),
            ("deletionTimestamp", json!("now")),
        ] {
            after["metadata"][path] = value;
        }
        after["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = "9".into();
        after["status"] = json!({});
        assert_eq!(shown(&changed_paths(&before, &after)), [""; 0]);
    }

    #[test]
    fn moved_items_are_a_change_of_the_order_alone() {
        let before = json!({"metadata": {"finalizers": ["a", "b", "c"]}});
        let after = json!({"metadata": {"finalizers": ["c", "a"]}});
        assert_eq!(
            shown(&changed_paths(&before, &after)),
            [
                "metadata.finalizers[=\"b\"] -",
                "metadata.finalizers (order) [\"v:\\\"c\\\"\",\"v:\\\"a\\\"\"]",
            ]
        );
    }

    #[test]
    fn maps_to_which_everybody_adds_change_key_by_key_and_others_as_wholes() {
        let before = json!({"metadata": {"name": "a"}, "spec": {}});
        let after = json!({"metadata": {"name": "a", "labels": {"x": "1", "y": "2"}}, "spec": {"probe": {"port": 1, "path": "/"}}});
        assert_eq!(
            shown(&changed_paths(&before, &after)),
            [
                "metadata.labels.x \"1\"",
                "metadata.labels.y \"2\"",
                "spec.probe {\"path\":\"/\",\"port\":1}",
            ]
        );
    }

    #[test]
    fn lists_that_no_entry_tells_apart_change_as_wholes() {
        let (before, after) = (
            json!({"spec": {"args": ["a", "b"]}}),
            json!({"spec": {"args": ["a", "c"]}}),
        );
        assert_eq!(
            shown(&changed_paths(&before, &after)),
            ["spec.args [\"a\",\"c\"]"]
        );
    }

    #[test]
    fn of_several_writes_the_last_counts() {
        let probe = |value: Value| ChangedPath {
            path: Path::of_fields(&["spec", "probe"]),
            after: Some(value),
        };
        let port = ChangedPath {
            path: Path::of_fields(&["spec", "probe", "port"]),
            after: Some(json!(2)),
        };
        let gone = ChangedPath {
            path: Path::of_fields(&["spec", "probe", "path"]),
            after: None,
        };
        assert_eq!(
            joined(&[probe(json!({"port": 1, "path": "/"})), port.clone(), gone]),
            [probe(json!({"port": 2}))]
        );
        assert_eq!(
            joined(&[port, probe(json!({"port": 3}))]),
            [probe(json!({"port": 3}))]
        );
    }
}
