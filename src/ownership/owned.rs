//! The values at the paths that an entry owns: what a record's digest is made of.

use serde_json::{Map, Value};

use super::path::Element;

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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::owned_values;

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
