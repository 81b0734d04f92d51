//! Who has changed what was sent.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{entries::entries, entry::apply_entry, owned_values};

/// The managers that hold fields of `live` whose values are others than in `sent`.
///
/// Who changes a field becomes its holder, and the one before loses it where the value is another.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>
pub(crate) fn changers(live: &Value, sent: &Value, manager: &str) -> BTreeSet<String> {
    let others =
        entries(live).filter(|entry| entry.manager() != manager && entry.subresource().is_empty());
    let changes = others.filter(|entry| {
        let changed = |fields| differs(&owned_values(sent, fields), &owned_values(live, fields));
        entry.fields_v1().is_some_and(changed)
    });
    changes.map(|entry| entry.manager().to_owned()).collect()
}

/// Whether all that `manager` holds of `live` by apply is as it was `sent`.
pub(crate) fn is_as_sent(live: &Value, sent: &Value, manager: &str) -> bool {
    apply_entry(live, manager)
        .is_some_and(|fields| !differs(&owned_values(sent, fields), &owned_values(live, fields)))
}

/// Whether a value that was sent is another one now; what was not sent does not count.
fn differs(sent: &Value, live: &Value) -> bool {
    match sent.as_object() {
        Some(fields) => fields
            .iter()
            .any(|(name, value)| live.get(name).is_none_or(|live| differs(value, live))),
        None => sent != live,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::changers;

    #[test]
    fn who_holds_another_value_than_was_sent_has_changed_it() {
        let entry = |manager: &str, fields: serde_json::Value| json!({"manager": manager, "operation": "Update", "fieldsV1": fields});
        let live = json!({"metadata": {"managedFields": [
            entry("deployctl.shop.dev", json!({"f:data": {"f:a": {}}})),
            entry("kubectl-edit", json!({"f:data": {"f:b": {}}})),
            entry("controller", json!({"f:data": {"f:theirs": {}}})),
            entry("same", json!({"f:data": {"f:a": {}}})),
        ]}, "data": {"a": "1", "b": "2", "theirs": "3"}});
        let sent = json!({"data": {"a": "1", "b": "1"}});
        assert_eq!(
            changers(&live, &sent, "deployctl.shop.dev")
                .into_iter()
                .collect::<Vec<_>>(),
            ["kubectl-edit"]
        );
    }
}
