//! The order of the items in a list: it matters for containers and environment variables, and
//! nobody holds it.

use serde_json::Value;

use super::{
    path::{Element, Path},
    shape::Shape,
};

/// What names the items of the list at `list`, in order; none where it is absent, `None` where they
/// cannot be told apart.
pub(super) fn names(object: &Value, list: &Path, shape: &Shape) -> Option<Vec<Element>> {
    let Some(value) = list.get(object) else {
        return Some(Vec::new());
    };
    shape
        .items(list, value)
        .map(|items| items.into_iter().map(|(name, _)| name).collect())
}

/// Those of `names` that all of `others` have too, in order.
pub(super) fn common<'a>(names: &'a [Element], others: &[&[Element]]) -> Vec<&'a Element> {
    names
        .iter()
        .filter(|name| others.iter().all(|other| other.contains(name)))
        .collect()
}

/// Moves the items `added` of the list at `list` to where they are in `model`: behind the nearest
/// item that comes before them there.
pub(super) fn place(
    added: &[Element],
    list: &Path,
    model: &Value,
    object: &mut Value,
    shape: &Shape,
) {
    let (Some(model), Some(now)) = (names(model, list, shape), names(object, list, shape)) else {
        return;
    };
    let mut order: Vec<Element> = now
        .into_iter()
        .filter(|name| !added.contains(name))
        .collect();
    for (index, name) in model
        .iter()
        .enumerate()
        .filter(|(_, name)| added.contains(name))
    {
        let nearest = model[..index]
            .iter()
            .rev()
            .find_map(|before| order.iter().position(|name| name == before));
        order.insert(nearest.map_or(0, |position| position + 1), name.clone());
    }
    arrange(&order, list, object);
}

/// Puts those items of the list at `list` that `model` has as well into the order that they have
/// there; the others stay where they are.
pub(super) fn reorder(list: &Path, model: &Value, object: &mut Value, shape: &Shape) {
    let (Some(model), Some(mut order)) = (names(model, list, shape), names(object, list, shape))
    else {
        return;
    };
    let known: Vec<Element> = common(&model, &[&order]).into_iter().cloned().collect();
    let slots: Vec<usize> = (0..order.len())
        .filter(|slot| known.contains(&order[*slot]))
        .collect();
    for (slot, name) in slots.into_iter().zip(known) {
        order[slot] = name;
    }
    arrange(&order, list, object);
}

fn arrange(order: &[Element], list: &Path, object: &mut Value) {
    let Some(value) = list.get_mut(object) else {
        return;
    };
    let items: Vec<Value> = order
        .iter()
        .filter_map(|name| name.child(value))
        .cloned()
        .collect();
    *value = Value::Array(items);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(letters: &str) -> Value {
        let members: Vec<String> = letters.chars().map(String::from).collect();
        json!({"metadata": {"finalizers": members}})
    }

    fn list() -> Path {
        Path::of_fields(&["metadata", "finalizers"])
    }

    #[test]
    fn an_added_item_goes_behind_its_predecessor() {
        let member = |letter: &str| Element::member(&json!(letter));
        let placed = |now: &str, added: &[&str]| {
            let mut object = set(now);
            let added: Vec<Element> = added.iter().map(|letter| member(letter)).collect();
            place(&added, &list(), &set("abcd"), &mut object, &Shape::of(&[]));
            object
        };
        assert_eq!(placed("acdb", &["b"]), set("abcd"));
        assert_eq!(placed("cxab", &["a", "b"]), set("abcx"));
        assert_eq!(placed("xacdb", &["b"]), set("xabcd"));
        assert_eq!(placed("dxcb", &["b", "c"]), set("bcdx"));
    }

    #[test]
    fn items_of_others_keep_their_places_when_ours_are_reordered() {
        let mut object = set("cxab");
        reorder(&list(), &set("abc"), &mut object, &Shape::of(&[]));
        assert_eq!(object, set("axbc"));
    }
}
