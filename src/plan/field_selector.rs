//! A field of objects as a plan names it, and what it names in an object.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A field of objects as a plan names it, spelled as messages spell fields:
/// `spec.template.spec.containers[name=web].resources`, `metadata.annotations["example.com/x"]`.
///
/// `[*]` stands for every item of a list, `[0]` for one by its position, `[name=web]` for those that
/// have such a field, `["x"]` for a field by its name, and `[="x"]` for a member of a set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct FieldSelector {
    written: String,
    steps: Vec<FieldStep>,
}

/// One step of a [`FieldSelector`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FieldStep {
    /// A field by its name.
    Field(String),
    /// The items of a list that have these fields.
    Having(Vec<(String, Scalar)>),
    /// The member of a set.
    Member(Scalar),
    /// The item of a list at a position.
    At(usize),
    /// Every item of a list.
    Every,
}

/// A scalar as people write it: `80` is a number, and a text as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scalar(String);

impl Scalar {
    /// Whether `value` is what is written.
    pub(crate) fn is(&self, value: &Value) -> bool {
        match value {
            Value::String(text) => *text == self.0,
            Value::Number(_) | Value::Bool(_) => {
                serde_json::from_str(&self.0).is_ok_and(|written: Value| written == *value)
            }
            _ => false,
        }
    }
}

impl FieldStep {
    /// Whether it names the item `item` of a list, which is at `position`.
    pub(crate) fn names(&self, position: usize, item: &Value) -> bool {
        match self {
            Self::Field(_) => false,
            Self::Having(fields) => fields
                .iter()
                .all(|(name, wanted)| item.get(name).is_some_and(|value| wanted.is(value))),
            Self::Member(member) => member.is(item),
            Self::At(index) => *index == position,
            Self::Every => true,
        }
    }
}

impl FieldSelector {
    /// The field that `written` names; else what is wrong with it, and what to write instead.
    pub(crate) fn parse(written: &str) -> Result<Self, String> {
        if written.starts_with('/') {
            return Err(format!(
                "`{written}` is a JSON pointer; write the field as in `spec.replicas`"
            ));
        }
        let mut steps = Vec::new();
        let mut rest = written;
        while !rest.is_empty() {
            let (step, after) = match rest.strip_prefix('[') {
                Some(inner) => in_brackets(inner)?,
                None if steps.is_empty() => name(rest)?,
                None => name(rest.strip_prefix('.').unwrap_or(rest))?,
            };
            steps.push(step);
            rest = after;
        }
        if steps.is_empty() {
            return Err("it names no field; write for example `spec.replicas`".to_owned());
        }
        Ok(Self {
            written: written.to_owned(),
            steps,
        })
    }

    /// Its steps, from the object on.
    pub(crate) fn steps(&self) -> &[FieldStep] {
        &self.steps
    }

    /// Whether it is the path of plain field names, or lies around it.
    pub(crate) fn covers(&self, path: &[&str]) -> bool {
        let is_same = |(step, name): (&FieldStep, &&str)| matches!(step, FieldStep::Field(field) if field == name);
        self.steps.len() <= path.len() && self.steps.iter().zip(path).all(is_same)
    }

    /// Whether `object` holds what it names.
    pub(crate) fn is_in(&self, object: &Value) -> bool {
        is_in(&self.steps, object)
    }

    /// Takes what it names out of `object`, with the maps and lists of which nothing is left.
    pub(crate) fn remove(&self, object: &mut Value) {
        remove(&self.steps, object);
    }

    /// Gives `object` what `from` holds of what it names. Items of lists are the same where they
    /// have the same name, or else the same position.
    pub(crate) fn copy(&self, from: &Value, object: &mut Value) {
        copy(&self.steps, from, object);
    }
}

/// A plain name at the start of `rest`, and what follows it.
fn name(rest: &str) -> Result<(FieldStep, &str), String> {
    let (name, after) = rest.split_at(rest.find(['.', '[']).unwrap_or(rest.len()));
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    if name.is_empty() || !name.chars().all(is_plain) {
        let example = "write names in brackets and quotes where they are more than letters, digits, `-` and `_`: `metadata.annotations[\"example.com/x\"]`";
        return Err(format!("`{name}` is not the name of a field; {example}"));
    }
    Ok((FieldStep::Field(name.to_owned()), after))
}

/// What stands in brackets, of which the first has been read, and what follows them.
fn in_brackets(inner: &str) -> Result<(FieldStep, &str), String> {
    let end = closing(inner).ok_or("a bracket is not closed; write for example `[name=web]`")?;
    let (inside, after) = (&inner[..end], &inner[end + 1..]);
    let step = if inside == "*" {
        FieldStep::Every
    } else if let Ok(index) = inside.parse() {
        FieldStep::At(index)
    } else if let Some(member) = inside.strip_prefix('=') {
        FieldStep::Member(scalar(member)?)
    } else if inside.starts_with(['"', '\'']) {
        FieldStep::Field(scalar(inside)?.0)
    } else {
        let fields = split(inside).into_iter().map(|field| {
            let (name, value) = field.split_once('=').ok_or_else(|| {
                format!("`[{inside}]` names no item; write `[name=web]`, `[0]`, `[*]` or, for a field, `[\"{inside}\"]`")
            })?;
            Ok((name.trim().to_owned(), scalar(value.trim())?))
        });
        FieldStep::Having(fields.collect::<Result<_, String>>()?)
    };
    Ok((step, after))
}

/// Where the closing bracket is: none that stands in quotes.
fn closing(inner: &str) -> Option<usize> {
    outside_of_quotes(inner).find_map(|(index, character)| (character == ']').then_some(index))
}

/// `inside`, split at the commas that do not stand in quotes.
fn split(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    for (index, _) in outside_of_quotes(inside).filter(|(_, character)| *character == ',') {
        parts.push(&inside[start..index]);
        start = index + 1;
    }
    parts.push(&inside[start..]);
    parts
}

/// The characters that do not stand in quotes, with their places.
fn outside_of_quotes(text: &str) -> impl Iterator<Item = (usize, char)> {
    let mut quote = None;
    text.char_indices().filter(move |(_, character)| {
        let is_outside = quote.is_none();
        match quote {
            None if matches!(character, '"' | '\'') => quote = Some(*character),
            Some(open) if *character == open => quote = None,
            _ => {}
        }
        is_outside
    })
}

/// A scalar, in quotes or without.
fn scalar(written: &str) -> Result<Scalar, String> {
    let Some(quote) = written
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))
    else {
        return Ok(Scalar(written.to_owned()));
    };
    let inside = written[1..].strip_suffix(quote);
    let inside = inside.filter(|inside| !inside.contains(quote));
    let inside = inside.ok_or_else(|| format!("`{written}` is not one text in quotes"))?;
    Ok(Scalar(inside.to_owned()))
}

/// The items of `list` that `step` names, by their positions.
fn positions(step: &FieldStep, list: &[Value]) -> Vec<usize> {
    let items = list.iter().enumerate();
    let named = items.filter(|(position, item)| step.names(*position, item));
    named.map(|(position, _)| position).collect()
}

fn is_in(steps: &[FieldStep], value: &Value) -> bool {
    let Some((first, below)) = steps.split_first() else {
        return true;
    };
    match (first, value) {
        (FieldStep::Field(name), Value::Object(fields)) => {
            fields.get(name).is_some_and(|value| is_in(below, value))
        }
        (FieldStep::Field(_), _) => false,
        (step, Value::Array(items)) => positions(step, items)
            .into_iter()
            .any(|position| is_in(below, &items[position])),
        _ => false,
    }
}

/// Takes out what `steps` name, and says whether anything was.
fn remove(steps: &[FieldStep], value: &mut Value) -> bool {
    let Some((first, below)) = steps.split_first() else {
        return false;
    };
    match (first, value) {
        (FieldStep::Field(name), Value::Object(fields)) => {
            if below.is_empty() {
                return fields.remove(name).is_some();
            }
            let Some(part) = fields.get_mut(name) else {
                return false;
            };
            let removed = remove(below, part);
            if removed && is_empty(part) {
                fields.remove(name);
            }
            removed
        }
        (FieldStep::Field(_), _) => false,
        (step, Value::Array(items)) => {
            let named = positions(step, items);
            if below.is_empty() {
                for position in named.iter().rev() {
                    items.remove(*position);
                }
                return !named.is_empty();
            }
            let removed = named
                .into_iter()
                .filter(|position| remove(below, &mut items[*position]));
            removed.count() > 0
        }
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn copy(steps: &[FieldStep], from: &Value, to: &mut Value) {
    let Some((first, below)) = steps.split_first() else {
        to.clone_from(from);
        return;
    };
    match (first, from) {
        (FieldStep::Field(name), Value::Object(fields)) => {
            let Some(there) = fields.get(name).filter(|there| is_in(below, there)) else {
                return;
            };
            let Some(fields) = to.as_object_mut() else {
                return;
            };
            let empty = if there.is_array() {
                Value::Array(Vec::new())
            } else {
                Value::Object(serde_json::Map::new())
            };
            copy(below, there, fields.entry(name).or_insert(empty));
        }
        (FieldStep::Field(_), _) => {}
        (step, Value::Array(items)) => {
            let Some(others) = to.as_array_mut() else {
                return;
            };
            for position in positions(step, items) {
                let item = &items[position];
                match counterpart(position, item, others) {
                    Some(other) => copy(below, item, &mut others[other]),
                    None if below.is_empty() => others.push(item.clone()),
                    // An item of which only some fields are known is none.
                    None => {}
                }
            }
        }
        _ => {}
    }
}

/// Which of `others` is the item `item`, which is at `position`.
fn counterpart(position: usize, item: &Value, others: &[Value]) -> Option<usize> {
    match item.get("name") {
        Some(name) => others
            .iter()
            .position(|other| other.get("name") == Some(name)),
        None if item.is_object() => (position < others.len()).then_some(position),
        None => others.iter().position(|other| other == item),
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.written)
    }
}

impl TryFrom<String> for FieldSelector {
    type Error = String;

    fn try_from(written: String) -> Result<Self, Self::Error> {
        Self::parse(&written)
    }
}

impl From<FieldSelector> for String {
    fn from(selector: FieldSelector) -> Self {
        selector.written
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn selector(written: &str) -> FieldSelector {
        FieldSelector::parse(written).expect("a field")
    }

    fn object() -> Value {
        json!({
            "metadata": {"annotations": {"example.com/x": "1"}, "finalizers": ["a", "b"]},
            "spec": {"replicas": 2, "ports": [{"port": 80, "name": "http"}, {"port": 443}], "containers": [
                {"name": "web", "resources": {"limits": {"cpu": "1"}}},
                {"name": "log", "resources": {"limits": {"cpu": "2"}}},
            ]},
        })
    }

    #[test]
    fn a_field_is_taken_out_with_what_is_empty_then() {
        let without = |written: &str| {
            let mut object = object();
            let selector = selector(written);
            assert!(selector.is_in(&object), "{written}");
            selector.remove(&mut object);
            assert!(!selector.is_in(&object), "{written}");
            object
        };
        let annotations = without("metadata.annotations[\"example.com/x\"]");
        assert_eq!(annotations["metadata"], json!({"finalizers": ["a", "b"]}));
        assert_eq!(
            without("metadata.finalizers[=\"a\"]")["metadata"]["finalizers"],
            json!(["b"])
        );
        assert!(without("spec.replicas")["spec"].get("replicas").is_none());
        for written in [
            "spec.containers[name=web].resources.limits.cpu",
            "spec.containers[name=\"web\"].resources",
            "spec.containers[0]['resources']",
        ] {
            let containers = &without(written)["spec"]["containers"];
            assert_eq!(containers[0], json!({"name": "web"}), "{written}");
            assert_eq!(containers[1]["resources"]["limits"]["cpu"], "2");
        }
        assert_eq!(
            without("spec.containers[*].resources")["spec"]["containers"],
            json!([{"name": "web"}, {"name": "log"}])
        );
        assert_eq!(
            without("spec.ports[port=80,name=http]")["spec"]["ports"],
            json!([{"port": 443}])
        );
    }

    #[test]
    fn what_is_there_is_copied_item_by_item() {
        let mut from = object();
        from["spec"]["replicas"] = json!(9);
        from["spec"]["containers"] = json!([
            {"name": "injected", "resources": {"limits": {"cpu": "8"}}},
            {"name": "log", "resources": {"limits": {"cpu": "7"}}},
            {"name": "web", "resources": {"limits": {"cpu": "5"}, "requests": {"cpu": "3"}}},
        ]);
        let mut to = object();
        to["metadata"] = json!({});
        for written in [
            "spec.replicas",
            "spec.containers[*].resources.limits",
            "metadata.annotations[\"example.com/x\"]",
            "spec.paused",
        ] {
            selector(written).copy(&from, &mut to);
        }
        assert_eq!(
            to["metadata"],
            json!({"annotations": {"example.com/x": "1"}})
        );
        assert_eq!(to["spec"]["replicas"], 9);
        assert_eq!(
            to["spec"]["containers"],
            json!([
                {"name": "web", "resources": {"limits": {"cpu": "5"}}},
                {"name": "log", "resources": {"limits": {"cpu": "7"}}},
            ])
        );
    }

    #[test]
    fn what_names_no_field_says_what_to_write() {
        for (written, said) in [
            ("", "names no field"),
            ("/spec/replicas", "`spec.replicas`"),
            (".spec", "is not the name of a field"),
            ("spec..x", "is not the name of a field"),
            ("metadata.annotations.example.com/x", "brackets and quotes"),
            ("spec.containers[name=web", "not closed"),
            ("spec.containers[web]", "names no item"),
            ("metadata.labels[\"a]", "not closed"),
        ] {
            let error = FieldSelector::parse(written).expect_err(written);
            assert!(error.contains(said), "{written}: {error}");
        }
    }

    #[test]
    fn a_field_covers_what_lies_in_it() {
        assert!(selector("metadata.labels").covers(&["metadata", "labels", "a/b"]));
        assert!(selector("metadata.labels[\"a/b\"]").covers(&["metadata", "labels", "a/b"]));
        assert!(!selector("metadata.labels.c").covers(&["metadata", "labels", "a/b"]));
        assert!(!selector("metadata.labels.c").covers(&["metadata"]));
    }
}
