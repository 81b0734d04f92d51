//! What goes when an object is taken over from kubectl or Helm.

use serde_json::Value;

use super::{
    adoptable::Adoption,
    entries::entries,
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
