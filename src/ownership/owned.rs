//! The values at the paths that an entry owns: what a record's digest is made of.

use serde_json::{Map, Value};

use super::{
    entries::entries,
    fields::Fields,
    path::{Element, Path},
};

/// The values that `object` holds at exactly the paths in `fields` (the form of `fieldsV1`,
/// KEP-555).
///
/// Paths that hold no value are left out, so a value that somebody removed makes a difference.
pub(crate) fn owned_values(object: &Value, fields: &Value) -> Value {
    let Some(fields) = fields.as_object() else {
        return Value::Null;
    };
    let children: Map<String, Value> = fields
        .iter()
        .filter(|(key, _)| key.as_str() != ".")
        .filter_map(|(key, below)| {
            let value = Element::parse(key)?.child(object)?;
            let is_leaf = below.as_object().is_none_or(Map::is_empty);
            Some((
                key.clone(),
                if is_leaf {
                    value.clone()
                } else {
                    owned_values(value, below)
                },
            ))
        })
        .collect();
    Value::Object(children)
}

/// The paths in `fields` at which `sent` says nothing but that there is a map or a list: others may
/// fill it, and what they write is theirs. Whoever changes a map that is held as a whole takes it
/// out of `fields`.
pub(crate) fn empty_paths(sent: &Value, fields: &Value) -> Vec<Path> {
    let is_empty = |path: &&Path| match path.get(sent) {
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Array(items)) => items.is_empty(),
        _ => false,
    };
    let fields = Fields::of(fields);
    fields.iter().filter(is_empty).cloned().collect()
}

/// Whether what is at the field `names` of `live` goes when `manager` does not send it any more: it
/// holds it, and nobody else does.
pub(crate) fn goes_with_ours(live: &Value, names: &[&str], manager: &str) -> bool {
    let path = Path::of_fields(names);
    let mut holders = entries(live)
        .filter(|entry| entry.fields().iter().any(|held| *held == path))
        .peekable();
    holders.peek().is_some() && holders.all(|entry| entry.manager() == manager)
}

/// Whether somebody other than `manager` holds what is at `path` as a whole, and not only parts of
/// it: a selector, a list without keys.
pub(crate) fn is_taken_whole(live: &Value, path: &Path, manager: &str) -> bool {
    let is_whole = |fields: &Fields| {
        let mut within = fields.iter().filter(|other| other.is_within(path));
        within.next() == Some(path) && within.next().is_none()
    };
    let mut others = entries(live).filter(|entry| entry.manager() != manager);
    others.any(|entry| is_whole(entry.fields()) && path.get(live).is_some_and(holds_something))
}

fn holds_something(value: &Value) -> bool {
    match value {
        Value::Object(fields) => !fields.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => true,
    }
}

/// `fields` without `paths`.
pub(crate) fn without_paths(fields: &Value, paths: &[Path]) -> Value {
    let fields = Fields::of(fields);
    let rest = fields.iter().filter(|path| !paths.contains(path));
    rest.cloned().collect::<Fields>().to_value()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_sent_empty_is_others_to_fill() {
        let fields = json!({
            "f:metadata": {"f:annotations": {}, "f:labels": {"f:a": {}}},
            "f:spec": {"f:containers": {"k:{\"name\":\"a\"}": {".": {}, "f:name": {}, "f:env": {}, "f:args": {}}}},
        });
        let sent = json!({
            "metadata": {"annotations": {}, "labels": {"a": ""}},
            "spec": {"containers": [{"name": "a", "env": [], "args": ["x"]}]},
        });
        let empty = empty_paths(&sent, &fields);
        let shown: Vec<String> = empty.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            ["metadata.annotations", "spec.containers[name=\"a\"].env"]
        );
    }

    #[test]
    fn only_owned_paths_count() {
        let object = json!({
            "metadata": {"name": "a", "labels": {"ours": "1", "theirs": "2"}, "finalizers": ["x", "y"]},
            "spec": {"replicas": 3, "ports": [{"port": 80, "protocol": "TCP", "name": "web"}, {"port": 81, "protocol": "TCP"}]},
        });
        let fields = json!({
            "f:metadata": {"f:labels": {"f:ours": {}, "f:gone": {}}, "f:finalizers": {"v:\"x\"": {}}},
            "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:name": {}}}},
        });
        let owned = owned_values(&object, &fields);
        assert_eq!(
            owned,
            json!({
                "f:metadata": {"f:labels": {"f:ours": "1"}, "f:finalizers": {"v:\"x\"": "x"}},
                "f:spec": {"f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {"f:name": "web"}}},
            })
        );
    }

    #[test]
    fn a_foreign_change_elsewhere_makes_no_difference_and_one_of_ours_does() {
        let fields = json!({"f:data": {"f:a": {}}});
        let before = owned_values(&json!({"data": {"a": "1", "b": "1"}}), &fields);
        assert_eq!(
            before,
            owned_values(&json!({"data": {"a": "1", "b": "2"}}), &fields)
        );
        assert_ne!(
            before,
            owned_values(&json!({"data": {"a": "2", "b": "1"}}), &fields)
        );
        assert_ne!(before, owned_values(&json!({"data": {"b": "1"}}), &fields));
    }
}
