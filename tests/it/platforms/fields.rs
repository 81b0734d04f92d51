//! Paths into objects: `spec.ports[name=http].port`, `data["a.yaml"] | groups[*].name`.

use std::borrow::Cow;

use serde_json::Value;

/// One step of a path.
#[derive(Debug, PartialEq)]
enum Step {
    Key(String),
    Index(usize),
    /// The item of a list whose field has this value.
    Item(String, String),
    /// Every item of a list, or every value of a map.
    All,
    /// The text so far is read as YAML.
    Parse,
}

/// What is at `path` in `value`; with `[*]` a list of what is there in each item. `None` where
/// nothing is.
pub(super) fn at(value: &Value, path: &str) -> Result<Option<Value>, String> {
    let steps = steps(path)?;
    let many = steps.contains(&Step::All);
    let mut found = vec![Cow::Borrowed(value)];
    for step in &steps {
        let mut next = Vec::new();
        for value in found {
            take(value, step, &mut next).map_err(|error| format!("`{path}`: {error}"))?;
        }
        found = next;
    }
    let mut found = found.into_iter().map(Cow::into_owned);
    Ok(if many {
        Some(Value::Array(found.collect()))
    } else {
        found.next()
    })
}

/// Appends what `step` leads to from `value`.
fn take<'a>(
    value: Cow<'a, Value>,
    step: &Step,
    found: &mut Vec<Cow<'a, Value>>,
) -> Result<(), String> {
    let inner = |get: &dyn Fn(&Value) -> Option<&Value>| match &value {
        Cow::Borrowed(value) => get(value).map(Cow::Borrowed),
        Cow::Owned(value) => get(value).cloned().map(Cow::Owned),
    };
    match step {
        Step::Key(key) => found.extend(inner(&|value| value.get(key))),
        Step::Index(index) => found.extend(inner(&|value| value.get(index))),
        Step::Item(key, wanted) => found.extend(inner(&|value| {
            let mut items = value.as_array()?.iter();
            items.find(|item| is_text(&item[key], wanted))
        })),
        Step::All => match value.into_owned() {
            Value::Array(items) => found.extend(items.into_iter().map(Cow::Owned)),
            Value::Object(map) => found.extend(map.into_iter().map(|(_, value)| Cow::Owned(value))),
            _ => {}
        },
        Step::Parse => {
            let text = value.as_str().ok_or("what is before `|` is no text")?;
            let parsed = serde_yaml::from_str(text).map_err(|error| error.to_string())?;
            found.push(Cow::Owned(parsed));
        }
    }
    Ok(())
}

/// Whether `value` is `wanted` as text, or a number or truth value that is written so.
fn is_text(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => text == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Bool(truth) => wanted == if *truth { "true" } else { "false" },
        _ => false,
    }
}

fn steps(path: &str) -> Result<Vec<Step>, String> {
    let mut steps = Vec::new();
    let mut rest = path.trim();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('|') {
            steps.push(Step::Parse);
            rest = after.trim_start();
        } else if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after).ok_or_else(|| format!("`{path}`: a `[` is not closed"))?;
            steps.push(bracket(&after[..end]));
            rest = after[end + 1..].trim_start();
        } else {
            let name = rest.strip_prefix('.').unwrap_or(rest);
            let end = name.find(['.', '[', '|']).unwrap_or(name.len());
            steps.push(Step::Key(name[..end].trim().to_owned()));
            rest = name[end..].trim_start();
        }
    }
    Ok(steps)
}

/// The position of the `]` that ends what begins with `text`, quoted ones apart.
fn closing(text: &str) -> Option<usize> {
    let mut quoted = false;
    text.char_indices().find_map(|(position, character)| {
        quoted ^= character == '"';
        (character == ']' && !quoted).then_some(position)
    })
}

fn bracket(text: &str) -> Step {
    let unquoted = |text: &str| text.trim().trim_matches('"').to_owned();
    if text == "*" {
        return Step::All;
    }
    if let Ok(index) = text.parse() {
        return Step::Index(index);
    }
    match text.split_once('=') {
        Some((key, value)) if !text.starts_with('"') => Step::Item(unquoted(key), unquoted(value)),
        _ => Step::Key(unquoted(text)),
    }
}

#[test]
fn paths_lead_into_maps_lists_and_texts() {
    let value = serde_json::json!({
        "spec": {"ports": [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]},
        "data": {"rules.yaml": "groups: [{name: a}, {name: b}]"},
    });
    for (path, wanted) in [
        ("spec.ports[name=metrics].port", "9090"),
        ("spec.ports[port=80].name", "\"http\""),
        ("spec.ports[0].name", "\"http\""),
        ("spec.ports[*].port", "[80,9090]"),
        ("data[\"rules.yaml\"] | groups[1].name", "\"b\""),
        ("data[rules.yaml]|groups[*].name", "[\"a\",\"b\"]"),
        ("", &value.to_string()),
    ] {
        assert_eq!(at(&value, path).unwrap().unwrap().to_string(), wanted);
    }
    assert_eq!(at(&value, "spec.ports[name=none].port"), Ok(None));
    assert!(at(&value, "spec | x").is_err());
    assert!(at(&value, "spec.ports[0").is_err());
}
