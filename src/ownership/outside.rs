//! What others have changed of what was sent, field by field, and who it was.

use jiff::Timestamp;
use serde_json::Value;

use super::{
    change::changed_paths,
    entries::{Entry, entries},
    fields::Fields,
    overlay::overlay,
    path::Path,
};

/// One field of ours that others have changed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct OutsideChange {
    /// The field.
    pub(crate) path: Path,
    /// What was sent.
    pub(crate) sent: Option<Value>,
    /// What is there now.
    pub(crate) live: Option<Value>,
    /// The manager that holds it now, as far as that can be told: of what is gone nobody does.
    pub(crate) by: Option<String>,
    /// When that manager wrote last.
    pub(crate) at: Option<Timestamp>,
}

/// What of `sent`, which `manager` applied, others have changed in `live`.
///
/// A field whose value another manager changes is theirs from then on and the applier's no longer. So
/// what the API server only writes in another form, and what admission made of it, are no changes.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#conflicts>
pub(crate) fn changed_outside(live: &Value, sent: &Value, manager: &str) -> Vec<OutsideChange> {
    let restored = overlay(live, sent);
    let ours = entries(live).find(|entry| entry.is_applied_by(manager));
    let is_ours = |path: &Path| ours.as_ref().is_some_and(|ours| holds(ours.fields(), path));
    let changes = changed_paths(live, &restored).into_iter();
    let lost = changes.filter(|change| !change.path.is_order() && !is_ours(&change.path));
    let found = lost.map(|change| {
        let there = change.path.get(live);
        let holder = there.and_then(|_| holder(live, manager, &change.path));
        OutsideChange {
            sent: change.after,
            live: there.cloned(),
            by: holder.as_ref().map(|holder| holder.manager().to_owned()),
            at: holder.and_then(|holder| time(&holder)),
            path: change.path,
        }
    });
    // What is sent as nothing is not stored.
    found
        .filter(|change| change.live.is_some() || change.sent.as_ref().is_some_and(says_something))
        .collect()
}

/// Whether `path`, something below it, or what it lies in as a whole is held in `fields`.
fn holds(fields: &Fields, path: &Path) -> bool {
    let is_whole = |above: &Path| fields.contains(above) && !fields.goes_below(above);
    fields.reaches(path) || path.ancestors().any(|above| is_whole(&above))
}

/// Who has written last of those that hold `path` in `live` and are not `manager`.
fn holder<'a>(live: &'a Value, manager: &str, path: &Path) -> Option<Entry<'a>> {
    let holders = entries(live).filter(|entry| {
        let is_of_us = entry.manager() == manager && entry.is_apply();
        !is_of_us && holds(entry.fields(), path)
    });
    holders.max_by_key(|entry| time(entry))
}

fn time(entry: &Entry<'_>) -> Option<Timestamp> {
    entry.time()?.parse().ok()
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::changed_outside;

    fn live(spec: &Value, entries: &Value) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "managedFields": entries}, "spec": spec,
        })
    }

    fn entry(manager: &str, operation: &str, time: &str, spec: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": time,
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": spec}})
    }

    /// A quantity that is stored in another form stays ours, and so does what nobody has touched.
    #[test]
    fn a_field_that_others_took_is_changed_by_them_and_one_of_another_form_is_not() {
        let entries = json!([
            entry(
                "deployctl.shop.dev",
                "Apply",
                "2026-01-01T00:00:00Z",
                &json!({"f:cpu": {}, "f:paused": {}})
            ),
            entry(
                "kubectl-edit",
                "Update",
                "2026-01-02T00:00:00Z",
                &json!({"f:replicas": {}})
            ),
            entry(
                "older",
                "Update",
                "2026-01-01T12:00:00Z",
                &json!({"f:replicas": {}})
            ),
        ]);
        let live = live(
            &json!({"replicas": 5, "cpu": "500m", "paused": true}),
            &entries,
        );
        let sent =
            json!({"spec": {"replicas": 2, "cpu": "0.5", "paused": true, "gone": 1, "empty": {}}});
        let changes = changed_outside(&live, &sent, "deployctl.shop.dev");
        let shown: Vec<String> = changes
            .iter()
            .map(|change| {
                let who = change.by.as_deref().unwrap_or("nobody");
                let at = change.at.map(|at| format!(" {at}")).unwrap_or_default();
                format!(
                    "{} {:?} {:?} {who}{at}",
                    change.path, change.sent, change.live
                )
            })
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r#"
        spec.gone Some(Number(1)) None nobody
        spec.replicas Some(Number(2)) Some(Number(5)) kubectl-edit 2026-01-02T00:00:00Z
        "#);
    }
}
