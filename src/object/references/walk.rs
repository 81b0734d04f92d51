//! The places in an object that a pattern of a table stands for.

use serde_json::Value;

use super::super::field::part;

/// The lists of containers in the spec of a pod.
const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// A place in an object: the JSON pointer to it, and what is there.
pub(super) type Place<'a> = (String, &'a Value);

/// The places in `value`, which is at `root` of its object, that `pattern` stands for: a JSON pointer
/// in which the step `*` stands for each entry, `*Ref` for each field whose name ends like that, and
/// `@` for each container.
pub(super) fn places<'a>(value: &'a Value, root: &str, pattern: &str) -> Vec<Place<'a>> {
    let mut found = vec![(root.to_owned(), value)];
    for step in pattern.split('/').skip(1) {
        found = found
            .into_iter()
            .flat_map(|(at, value)| below(value, &at, step))
            .collect();
    }
    found
}

fn below<'a>(value: &'a Value, at: &str, step: &str) -> Vec<Place<'a>> {
    if step == "@" {
        let lists = CONTAINERS
            .iter()
            .flat_map(|list| below(value, at, list))
            .collect::<Vec<_>>();
        return lists
            .into_iter()
            .flat_map(|(at, list)| below(list, &at, "*"))
            .collect();
    }
    let Some(ending) = step.strip_prefix('*') else {
        let there = part(value, &format!("/{step}"));
        return there
            .map(|there| (format!("{at}/{step}"), there))
            .into_iter()
            .collect();
    };
    match value {
        Value::Array(items) if ending.is_empty() => items
            .iter()
            .enumerate()
            .map(|(index, item)| (format!("{at}/{index}"), item))
            .collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| name.ends_with(ending))
            .map(|(name, value)| (format!("{at}/{}", escaped(name)), value))
            .collect(),
        _ => Vec::new(),
    }
}

/// `name` as a step of a JSON pointer.
/// <https://datatracker.ietf.org/doc/html/rfc6901>
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_pattern_stands_for_lists_maps_endings_and_containers() {
        let value = json!({
            "containers": [{"env": [{"x": 1}, {"x": 2}]}],
            "initContainers": [{"env": [{"x": 3}]}],
            "auth": {"tokenSecretRef": 4, "idSecretRef": 5, "region": 6, "a/b": {"x": 7}},
        });
        let at = |pattern: &str| -> Vec<String> {
            let places = places(&value, "/spec", pattern);
            let shown = places
                .into_iter()
                .map(|(at, value)| format!("{at}={value}"));
            shown.collect()
        };
        assert_eq!(
            at("/@/env/*/x"),
            [
                "/spec/initContainers/0/env/0/x=3",
                "/spec/containers/0/env/0/x=1",
                "/spec/containers/0/env/1/x=2"
            ]
        );
        let mut refs = at("/auth/*SecretRef");
        refs.sort();
        assert_eq!(
            refs,
            ["/spec/auth/idSecretRef=5", "/spec/auth/tokenSecretRef=4"]
        );
        assert_eq!(at("/auth/*/x"), ["/spec/auth/a~1b/x=7"]);
        assert_eq!(at("/absent/*"), [] as [&str; 0]);
    }
}
