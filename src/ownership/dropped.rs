//! What goes when an object is taken over from kubectl or Helm.

use serde_json::{Map, Value};

use super::{
    adoptable::Adoption,
    entries::entries,
    overlay::overlay,
    path::{Element, Path},
};

/// Whether taking `live` over makes an apply of `sent` take something away: what was taken over
/// ([`Adoption`]), and `sent` does not hold. A dry run before that finds both.
pub(crate) fn is_dropped_by_adoption(live: &Value, sent: &Value, manager: &str) -> bool {
    let is_metadata = |path: &Path| {
        let first = path.elements().first();
        matches!(first, Some(Element::Field(name)) if name == "metadata")
    };
    dropped_by_adoption(live, sent, manager)
        .iter()
        .any(|path| !is_metadata(path))
}

/// What an apply of `sent` takes away once `live` is taken over ([`Adoption`]): a dry run before that
/// finds it beside what is wanted.
pub(crate) fn dropped_by_adoption(live: &Value, sent: &Value, manager: &str) -> Vec<Path> {
    let adoption = Adoption::of(live, manager);
    let is_dropped = |path: &&Path| {
        let is_left = path.get(live).is_some() && path.get(sent).is_none();
        is_left && adoption.holds(path)
    };
    let taken: Vec<_> = entries(live)
        .filter(|entry| adoption.takes(entry))
        .collect();
    let paths = taken.iter().flat_map(|entry| entry.fields().iter());
    paths.filter(is_dropped).cloned().collect()
}

/// What is there once `live` has been deleted and `sent` created in its place: of what is not sent, only
/// what nobody holds, as the API server fills it in anew.
pub(crate) fn created_again(live: &Value, sent: &Value) -> Value {
    let mut after = overlay(live, sent);
    let entries: Vec<_> = entries(live).collect();
    let status = Path::of_fields(&["status"]);
    let held = entries.iter().flat_map(|entry| entry.fields().iter());
    let gone = held.filter(|path| !path.is_within(&status) && !is_sent(sent, path));
    let mut gone: Vec<&Path> = gone.collect();
    // An item goes before what it is named by.
    gone.sort_by_key(|path| path.elements().len());
    for path in gone {
        path.remove(&mut after);
    }
    after
}

/// Whether `path` is in `sent`, which may leave out what an item is named by where that has a default.
fn is_sent(sent: &Value, path: &Path) -> bool {
    let child = |value: &Value, element: &Element| -> Option<Value> {
        let Element::Item(keys) = element else {
            return element.child(value).cloned();
        };
        let keys: Map<String, Value> = serde_json::from_str(keys).ok()?;
        let is_it = |item: &&Value| {
            let mut keys = keys.iter();
            keys.all(|(key, value)| item.get(key).is_none_or(|said| said == value))
        };
        let mut item = value.as_array()?.iter().find(is_it)?.clone();
        for (key, value) in &keys {
            item[key] = value.clone();
        }
        Some(item)
    };
    let mut elements = path.elements().iter();
    let found = elements.try_fold(sent.clone(), |value, element| child(&value, element));
    found.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_hold_is_gone_once_an_object_is_created_again() {
        let live = json!({
            "metadata": {"name": "web", "annotations": {"theirs": "a", "ours": "b"}, "managedFields": [
                {"manager": "deployctl.shop.dev", "operation": "Apply", "fieldsV1": {
                    "f:metadata": {"f:annotations": {"f:ours": {}}},
                    "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}},
                }},
                {"manager": "theirs", "operation": "Update", "fieldsV1": {
                    "f:metadata": {"f:annotations": {"f:theirs": {}}},
                    "f:spec": {"f:ports": {"k:{\"port\":81,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}, "f:protocol": {}}}},
                    "f:status": {"f:ready": {}},
                }},
            ]},
            "spec": {"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}, {"port": 81, "protocol": "TCP"}]},
            "status": {"ready": true},
        });
        let sent = json!({"metadata": {"name": "web", "annotations": {"ours": "c"}}, "spec": {"ports": [{"port": 80, "protocol": "TCP"}]}});
        let mut after = created_again(&live, &sent);
        after["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("managedFields");
        assert_eq!(
            after,
            json!({
                "metadata": {"name": "web", "annotations": {"ours": "c"}},
                "spec": {"type": "ClusterIP", "ports": [{"port": 80, "protocol": "TCP"}]},
                "status": {"ready": true},
            })
        );
    }

    #[test]
    fn what_kubectl_sent_and_is_not_wanted_any_more_is_dropped() {
        let live = |manager: &str| {
            json!({"metadata": {"annotations": {"a": "b"}, "managedFields": [
                {"manager": manager, "operation": "Update", "fieldsV1": {
                    "f:metadata": {"f:annotations": {"f:a": {}}},
                    "f:spec": {"f:minAvailable": {}, "f:selector": {}},
                }},
            ]}, "spec": {"minAvailable": 1, "selector": {}}})
        };
        let sent = json!({"spec": {"maxUnavailable": 1, "selector": {}}});
        let is_dropped = |manager: &str, sent: &Value| {
            is_dropped_by_adoption(&live(manager), sent, "deployctl.shop.dev")
        };
        assert!(is_dropped("kubectl-client-side-apply", &sent));
        assert!(is_dropped("before-first-apply", &sent));
        assert!(is_dropped("deployctl.shop.dev", &sent));
        assert!(is_dropped("kubectl-edit", &sent));
        assert!(
            !is_dropped("kubectl-label", &sent),
            "nobody takes that over"
        );
        let all = json!({"spec": {"minAvailable": 1, "selector": {}}});
        assert!(!is_dropped("kubectl-client-side-apply", &all));
    }
}
