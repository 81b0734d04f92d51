//! What others have done to an object since it was written.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{object::field::list, ownership::owned_values, release::ObjectRecord};

/// What others have done to an object since it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Drift {
    /// They changed what is ours: the managers that hold another value than ours now, as far as
    /// that can be told.
    Changed(BTreeSet<String>),
    /// They deleted it.
    Deleted,
}

/// What others have done to the object of `record` since that was made; `None` where it is as it
/// was. `sent` is what was sent of it, where that is known.
pub(crate) fn drift(
    record: &ObjectRecord,
    live: Option<&Value>,
    sent: Option<&Value>,
    manager: &str,
) -> Option<Drift> {
    match live {
        None if record.completed => None,
        None => Some(Drift::Deleted),
        Some(live) if record.holds(live, manager) => None,
        Some(live) => Some(Drift::Changed(
            sent.map(|sent| changers(live, sent, manager))
                .unwrap_or_default(),
        )),
    }
}

/// The managers that hold fields of `live` whose values are others than in `sent`.
///
/// Who changes a field becomes its holder, and the one before loses it where the value is another.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>
fn changers(live: &Value, sent: &Value, manager: &str) -> BTreeSet<String> {
    let entries = list(live, "/metadata/managedFields").iter();
    let others =
        entries.filter(|entry| entry["manager"] != manager && entry.get("subresource").is_none());
    let changes = others.filter(|entry| {
        let fields = &entry["fieldsV1"];
        differs(&owned_values(sent, fields), &owned_values(live, fields))
    });
    changes
        .filter_map(|entry| entry["manager"].as_str().map(str::to_owned))
        .collect()
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
