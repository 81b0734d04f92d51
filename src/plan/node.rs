//! YAML as a tree that knows the line and column of every node.

use std::{fmt, ops::Range};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};
use serde_yaml::Spanned;

/// A place in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    /// Line.
    pub(super) line: u32,
    /// Column, in characters.
    pub(super) column: u32,
    /// Length of what stands there, in characters; 1 where it is not known.
    pub(super) width: u32,
}

/// A YAML node that knows where it stands. Entries keep the order of the file, which `serde_json`
/// does not.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Where it stands.
    pub(super) position: Position,
    /// The bytes of the file that a scalar is spelled with, its quotes among them and the head of
    /// its block not.
    pub(super) span: Range<usize>,
    /// What it is.
    pub(super) content: Content,
}

/// What a node is.
#[derive(Debug, Clone)]
pub(super) enum Content {
    /// Nothing, `null` or `~`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, and how it is written: `1.30` is another version than `1.3`.
    Number(Number, String),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map.
    Map(Vec<Entry>),
}

/// One entry of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) position: Position,
    /// The value.
    pub(super) value: Node,
}

impl Node {
    /// Parses a YAML document: duplicate keys are errors, `yes` and `no` are text.
    pub(super) fn parse(text: &str) -> Result<Self, serde_yaml::Error> {
        let options = serde_yaml::options! { strict_booleans: true, with_snippet: false };
        let spanned: Spanned<Unplaced> = serde_yaml::from_str_with_options(text, options)?;
        Ok(place(spanned, text))
    }

    /// The value at `key` of a map.
    pub(super) fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The entry at `key` of a map.
    pub(super) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value as JSON. A number that JSON would write differently (`1.30`) becomes text, so that
    /// nothing is lost.
    pub(super) fn to_value(&self) -> Value {
        match &self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(*value),
            Content::Number(number, written) if number.to_string() == *written => {
                Value::Number(number.clone())
            }
            Content::Number(_, written) => Value::String(written.clone()),
            Content::Text(text) => Value::String(text.clone()),
            Content::List(items) => items.iter().map(Node::to_value).collect(),
            Content::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.to_value()))
                    .collect(),
            ),
        }
    }
}

/// A node before its children's places are converted.
enum Unplaced {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Spanned<Unplaced>>),
    Map(Vec<(Spanned<String>, Spanned<Unplaced>)>),
}

fn place(node: Spanned<Unplaced>, text: &str) -> Node {
    let position = position(&node.defined);
    let span = span(&node.defined);
    let content = match node.value {
        Unplaced::Null => Content::Null,
        Unplaced::Bool(value) => Content::Bool(value),
        Unplaced::Number(number) => {
            let written = written(text, &span).unwrap_or_else(|| number.to_string());
            Content::Number(number, written)
        }
        Unplaced::Text(value) => Content::Text(value),
        Unplaced::List(items) => {
            Content::List(items.into_iter().map(|item| place(item, text)).collect())
        }
        Unplaced::Map(entries) => Content::Map(
            entries
                .into_iter()
                .map(|(key, value)| place_entry(key, value, text))
                .collect(),
        ),
    };
    Node {
        position,
        span,
        content,
    }
}

fn place_entry(key: Spanned<String>, value: Spanned<Unplaced>, text: &str) -> Entry {
    let position = position(&key.defined);
    Entry {
        key: key.value,
        position,
        value: place(value, text),
    }
}

fn position(location: &serde_yaml::Location) -> Position {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).max(1);
    Position {
        line: number(location.line()),
        column: number(location.column()),
        width: number(location.span().len()),
    }
}

/// The bytes that the parser read for it.
fn span(location: &serde_yaml::Location) -> Range<usize> {
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let start = number(location.span().byte_offset()).unwrap_or_default();
    start..start.saturating_add(number(location.span().byte_len()).unwrap_or_default())
}

/// How the scalar at `span` is written in `text`.
fn written(text: &str, span: &Range<usize>) -> Option<String> {
    Some(text.get(span.clone())?.trim().to_owned()).filter(|written| !written.is_empty())
}

impl<'de> Deserialize<'de> for Unplaced {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UnplacedVisitor)
    }
}

struct UnplacedVisitor;

impl<'de> Visitor<'de> for UnplacedVisitor {
    type Value = Unplaced;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Unplaced, E> {
        Ok(Unplaced::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Unplaced, E> {
        Ok(Unplaced::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Unplaced, E> {
        Ok(Unplaced::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Unplaced, E> {
        Number::from_f64(value)
            .map(Unplaced::Number)
            .ok_or_else(|| E::custom("a number must be finite"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Unplaced, E> {
        Ok(Unplaced::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Unplaced, E> {
        Ok(Unplaced::Null)
    }

    fn visit_none<E>(self) -> Result<Unplaced, E> {
        Ok(Unplaced::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Unplaced, D::Error> {
        Unplaced::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Unplaced, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Unplaced::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Unplaced, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Unplaced>)> = Vec::new();
        while let Some((key, value)) = access.next_entry::<Spanned<String>, Spanned<Unplaced>>()? {
            if entries.iter().any(|(other, _)| other.value == key.value) {
                return Err(A::Error::custom(format!(
                    "the key `{}` stands here twice",
                    key.value
                )));
            }
            entries.push((key, value));
        }
        Ok(Unplaced::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_know_where_they_stand() {
        let node = Node::parse("# comment\na:\n  bc: 1.30\n  d: [x, \"y\"]\n").unwrap();
        let entry = node.get("a").unwrap().entry("bc").unwrap();
        assert_eq!(
            (
                entry.position.line,
                entry.position.column,
                entry.position.width
            ),
            (3, 3, 2)
        );
        assert_eq!(
            (entry.value.position.line, entry.value.position.column),
            (3, 7)
        );
        assert!(
            matches!(&entry.value.content, Content::Number(_, written) if written == "1.30"),
            "{:?}",
            entry.value
        );
        let Content::List(items) = &node.get("a").unwrap().get("d").unwrap().content else {
            panic!("a list")
        };
        assert_eq!((items[1].position.line, items[1].position.column), (4, 10));
    }

    #[test]
    fn numbers_that_json_would_change_become_text() {
        let node = Node::parse("{a: 1.30, b: 3, c: 0644, d: true, e: yes, f: 1.5}").unwrap();
        assert_eq!(
            node.to_value(),
            serde_json::json!({"a": "1.30", "b": 3, "c": "0644", "d": true, "e": "yes", "f": 1.5}),
        );
    }

    #[test]
    fn a_duplicate_key_is_an_error_with_its_place() {
        let error = Node::parse("a: 1\nb: 2\na: 3\n").unwrap_err();
        assert_eq!(
            error.location().map(|location| location.line()),
            Some(3),
            "{error}"
        );
    }
}
