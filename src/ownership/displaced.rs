//! Items of lists that stand where ours have stood.

use serde_json::{Map, Value};

use super::{
    adoptable::is_at_a_terminal,
    entries::Entry,
    path::{Element, Path},
    search::Search,
};

/// The items of `live` that somebody at a terminal has made of ours: each lies in a list that lacks
/// an item of `sent`, and nobody but a kubectl holds it.
///
/// Whoever changes what tells the items of a list apart (a port of a Service, the name of a
/// container) has made another item of it: an apply of ours puts the old one beside it. Two
/// containers run then, or the API server refuses two ports of one name.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#merge-strategy>
pub(crate) fn displaced(live: &Value, sent: &Value, manager: &str) -> Vec<Path> {
    let is_other = |entry: &Entry<'_>| entry.manager() != manager && !is_at_a_terminal(entry);
    let search = Search::of(live, is_other);
    let mut found = Vec::new();
    for (path, there, wanted) in search.fields(sent) {
        within(&search, &path, (there, wanted), &mut found);
    }
    found
}

fn within(search: &Search<'_>, path: &Path, (live, sent): (&Value, &Value), found: &mut Vec<Path>) {
    match (live, sent) {
        (Value::Object(live), Value::Object(sent)) => {
            for (name, sent) in sent {
                if let Some(there) = live.get(name) {
                    within(search, &path.field(name), (there, sent), found);
                }
            }
        }
        (Value::Array(live), Value::Array(sent)) => items(search, path, (live, sent), found),
        _ => {}
    }
}

fn items(
    search: &Search<'_>,
    path: &Path,
    (live, sent): (&[Value], &[Value]),
    found: &mut Vec<Path>,
) {
    let Some(keys) = search.shape.keys(path) else {
        return;
    };
    // What the manifest leaves out of a key has a default that only the API server knows.
    let is = |wanted: &Value, there: &Value| {
        let mut said = keys.iter().filter_map(|key| Some((key, wanted.get(key)?)));
        said.all(|(key, value)| there.get(key) == Some(value))
    };
    let is_missing = |wanted: &Value| !live.iter().any(|there| is(wanted, there));
    let lacks_one = sent.iter().any(is_missing);
    for there in live {
        let named = keys
            .iter()
            .filter_map(|key| Some((key.clone(), there.get(key)?.clone())));
        let item = path.child(Element::item(named.collect::<Map<_, _>>()));
        match sent.iter().find(|wanted| is(wanted, there)) {
            Some(wanted) => within(search, &item, (there, wanted), found),
            None if lacks_one && !search.is_held(&item) => found.push(item),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MANAGER: &str = "deployctl.shop.dev";

    /// A Service with `ports`, each held by a manager.
    fn service(ports: &[(&str, u16, &str)]) -> Value {
        let key = |port: u16| json!({"port": port, "protocol": "TCP"});
        let entries = ports.iter().map(|(manager, port, _)| {
            let operation = if *manager == MANAGER {
                "Apply"
            } else {
                "Update"
            };
            json!({"manager": manager, "operation": operation, "fieldsV1":
                {"f:spec": {"f:ports": {format!("k:{}", key(*port)): {".": {}, "f:name": {}}}}}})
        });
        let items = ports
            .iter()
            .map(|(_, port, name)| json!({"port": port, "protocol": "TCP", "name": name}));
        json!({"metadata": {"managedFields": entries.collect::<Vec<_>>()}, "spec": {"ports": items.collect::<Vec<_>>()}})
    }

    fn found(live: &Value, sent: &Value) -> Vec<String> {
        let found = displaced(live, sent, MANAGER);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn an_item_whose_key_was_changed_stands_in_the_place_of_ours() {
        let sent = json!({"spec": {"ports": [{"port": 80, "name": "http"}, {"port": 443, "name": "https"}]}});
        let edited = service(&[(MANAGER, 443, "https"), ("kubectl-edit", 81, "http")]);
        assert_eq!(
            found(&edited, &sent),
            [r#"spec.ports[port=81,protocol="TCP"]"#]
        );
    }

    #[test]
    fn what_was_added_to_ours_or_is_a_programs_stays() {
        let sent = json!({"spec": {"ports": [{"port": 80, "name": "http"}]}});
        let added = service(&[(MANAGER, 80, "http"), ("kubectl-edit", 81, "debug")]);
        assert!(found(&added, &sent).is_empty());
        let of_a_program = service(&[("mesh-controller", 81, "http")]);
        assert!(found(&of_a_program, &sent).is_empty());
    }
}
