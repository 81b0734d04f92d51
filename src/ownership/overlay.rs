//! What an object would hold if what is sent were put over it, as far as that can be told without the
//! API server.

use serde_json::Value;

use super::{
    path::{Element, Path},
    shape::Shape,
};

/// `live` with everything that `sent` says put over it: maps field by field, lists whose items are told
/// apart item by item, everything else as a whole. Nothing is taken away.
///
/// What the API server fills in or writes in another form (`0.5` as `500m`) is not known here.
pub(crate) fn overlay(live: &Value, sent: &Value) -> Value {
    let shape = Shape::of(&[live]);
    put(&shape, &Path::default(), live, sent)
}

fn put(shape: &Shape, path: &Path, live: &Value, sent: &Value) -> Value {
    match (live, sent) {
        (Value::Object(there), Value::Object(fields)) if !shape.is_atomic(path) => {
            let mut joined = there.clone();
            for (name, value) in fields {
                let value = match there.get(name) {
                    Some(live) => put(shape, &path.field(name), live, value),
                    None => value.clone(),
                };
                joined.insert(name.clone(), value);
            }
            Value::Object(joined)
        }
        (Value::Array(_), Value::Array(_)) => {
            let by_name = put_items(shape, path, live, sent);
            let joined = by_name.or_else(|| put_in_place(shape, path, live, sent));
            joined.unwrap_or_else(|| sent.clone())
        }
        _ => sent.clone(),
    }
}

/// Both lists, item by item; `None` where their items cannot be told apart.
fn put_items(shape: &Shape, path: &Path, live: &Value, sent: &Value) -> Option<Value> {
    let there = shape.items(path, live)?;
    let wanted = shape.items(path, sent)?;
    let of = |items: &[(Element, &Value)], name: &Element| {
        let found = items.iter().find(|(other, _)| other == name);
        found.map(|(_, item)| (*item).clone())
    };
    let mut joined: Vec<Value> = there
        .iter()
        .map(|(name, item)| match of(&wanted, name) {
            Some(over) => put(shape, &path.child(name.clone()), item, &over),
            None => (*item).clone(),
        })
        .collect();
    let is_new = |(name, _): &&(Element, &Value)| of(&there, name).is_none();
    joined.extend(
        wanted
            .iter()
            .filter(is_new)
            .map(|(_, item)| (*item).clone()),
    );
    Some(Value::Array(joined))
}

/// Both lists, place by place: items whose names are filled in by the API server, such as the protocol of
/// a port. `None` where these are not as many maps.
fn put_in_place(shape: &Shape, path: &Path, live: &Value, sent: &Value) -> Option<Value> {
    let (there, wanted) = (live.as_array()?, sent.as_array()?);
    let are_maps = there.iter().chain(wanted).all(Value::is_object);
    if !shape.is_list_of_items(path) || there.len() != wanted.len() || !are_maps {
        return None;
    }
    let pairs = there.iter().zip(wanted).enumerate();
    let joined = pairs.map(|(position, (live, sent))| {
        put(shape, &path.child(Element::Index(position)), live, sent)
    });
    Some(joined.collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::overlay;

    #[test]
    fn what_is_sent_lies_over_what_is_there() {
        let live = json!({
            "metadata": {"name": "web", "labels": {"theirs": "1"}, "managedFields": [{
                "manager": "x", "operation": "Apply", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {"f:image": {}}}, "f:args": {}}},
            }]},
            "spec": {"replicas": 1, "args": ["a"], "containers": [
                {"name": "web", "image": "web:1", "pull": "Always"}, {"name": "theirs"},
            ]},
        });
        let sent = json!({
            "metadata": {"labels": {"ours": "1"}},
            "spec": {"args": ["b", "c"], "containers": [{"name": "log"}, {"name": "web", "image": "web:2"}]},
        });
        let joined = overlay(&live, &sent);
        assert_eq!(
            joined["metadata"]["labels"],
            json!({"theirs": "1", "ours": "1"})
        );
        assert_eq!(
            joined["spec"],
            json!({"replicas": 1, "args": ["b", "c"], "containers": [
                {"name": "web", "image": "web:2", "pull": "Always"}, {"name": "theirs"}, {"name": "log"},
            ]})
        );
    }
}
