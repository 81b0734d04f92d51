//! Reads types out of a tree of nodes, with all mistakes at once, each with its place.
//!
//! On purpose not serde-saphyr's own deserializer: it ends at the first mistake, and variables are
//! put in between its parser and the types, after which only the tree knows what stood where.

use std::{cell::RefCell, collections::HashSet, fmt};

use indexmap::IndexMap;
use serde::{
    de::{
        self, DeserializeOwned, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor,
        value::MapAccessDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    names::{listed, suggestion},
    node::{Content, Entry, Node, Position},
    problem::{Document, KeyPath, Problem},
};
use crate::finding::Check;

/// Reads `T` from `root`, a tree with the shape of `document`, and says all that is wrong with it;
/// the value is there only where nothing is.
///
/// A value that cannot be read is left out and the reading starts again, so that what is wrong
/// behind it is found too.
pub(super) fn read<T: DeserializeOwned>(
    root: &Node,
    document: &Document,
) -> (Option<T>, Vec<Problem>) {
    let reading = Reading::default();
    let mut problems = Vec::new();
    let value = loop {
        let error = match T::deserialize(NodeDeserializer {
            node: root,
            path: KeyPath::default(),
            reading: &reading,
        }) {
            Ok(value) => break Some(value),
            Err(error) => error,
        };
        let (position, path) = error
            .at
            .map_or_else(|| (root.position, KeyPath::default()), |at| *at);
        let consequence = error.is_missing
            && reading
                .skipped
                .borrow()
                .iter()
                .any(|skipped| skipped.parent().as_ref() == Some(&path));
        if !consequence {
            problems.push(document.problem(Check::Plan, position, &path, error.message));
        }
        // Nothing is left to read without the root, and nothing is gained by leaving out a value
        // twice.
        if path.parent().is_none() || !reading.skipped.borrow_mut().insert(path) {
            break None;
        }
    };
    let unknown = reading.unknown.into_inner();
    let is_whole = reading.skipped.borrow().is_empty();
    problems.extend(
        unknown
            .into_iter()
            .map(|(path, Unknown { position, message })| {
                document.problem(Check::Plan, position, &path, message)
            }),
    );
    (value.filter(|_| is_whole), problems)
}

/// What is found while reading.
#[derive(Default)]
struct Reading {
    /// Keys that no field answers to.
    unknown: RefCell<IndexMap<KeyPath, Unknown>>,
    /// Values that could not be read.
    skipped: RefCell<HashSet<KeyPath>>,
}

impl Reading {
    fn skips(&self, path: &KeyPath) -> bool {
        self.skipped.borrow().contains(path)
    }
}

/// A key that no field answers to.
struct Unknown {
    position: Position,
    message: String,
}

struct NodeDeserializer<'a, 'u> {
    node: &'a Node,
    path: KeyPath,
    reading: &'u Reading,
}

/// Why a value could not be read, in the words of the plan's author. Values are never quoted: they
/// may be secret.
#[derive(Debug)]
pub(super) struct ReadError {
    message: String,
    is_missing: bool,
    at: Option<Box<(Position, KeyPath)>>,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self {
            message,
            is_missing: false,
            at: None,
        }
    }

    fn at(mut self, position: Position, path: &KeyPath) -> Self {
        if self.at.is_none() {
            self.at = Some(Box::new((position, path.clone())));
            let place = path.to_string();
            if !place.is_empty() {
                self.message = format!("`{place}`: {}", self.message);
            }
        }
        self
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)
    }
}

impl std::error::Error for ReadError {}

impl de::Error for ReadError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format!(
            "expected {}, found {}",
            expectation(&expected.to_string()),
            found(unexpected)
        ))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!(
            "unknown value `{variant}`{}",
            suggestion(variant, expected.iter().copied())
        ))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!(
            "unknown key `{field}`{}",
            suggestion(field, expected.iter().copied())
        ))
    }

    fn missing_field(field: &'static str) -> Self {
        Self {
            is_missing: true,
            ..Self::new(format!("the key `{field}` is missing"))
        }
    }
}

/// What serde expects, in the words of the plan's author.
fn expectation(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "a string" | "path string" => "text",
        "u16" => "a whole number from 0 to 65535",
        "u8" | "u32" | "u64" | "usize" => "a whole number that is not negative and not too large",
        other if other.starts_with("struct ") => "a map",
        other if other.starts_with("enum ") => "one of its values",
        other => other,
    }
}

fn found(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "`true` or `false`",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Str(_) | Unexpected::Char(_) => "text",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a map",
        _ => "something else",
    }
}

impl<'a, 'u> NodeDeserializer<'a, 'u> {
    fn entries(&self, entries: &'a [Entry]) -> EntryAccess<'a, 'u> {
        EntryAccess {
            entries: entries.iter().collect::<Vec<_>>().into_iter(),
            value: None,
            path: self.path.clone(),
            reading: self.reading,
        }
    }

    /// The entries that a struct has fields for; the others are noted as unknown.
    fn known_entries(
        &self,
        entries: &'a [Entry],
        fields: &'static [&'static str],
    ) -> EntryAccess<'a, 'u> {
        let (known, unknown): (Vec<&Entry>, Vec<&Entry>) = entries
            .iter()
            .partition(|entry| fields.contains(&entry.key.as_str()));
        let place = self.path.to_string();
        let place = if place.is_empty() {
            place
        } else {
            format!(" in `{place}`")
        };
        self.reading
            .unknown
            .borrow_mut()
            .extend(unknown.into_iter().map(|entry| {
                let message = format!(
                    "unknown key `{}`{place}{}",
                    entry.key,
                    suggestion(&entry.key, fields.iter().copied())
                );
                (
                    self.path.key(&entry.key),
                    Unknown {
                        position: entry.position,
                        message,
                    },
                )
            }));
        EntryAccess {
            entries: known.into_iter(),
            value: None,
            path: self.path.clone(),
            reading: self.reading,
        }
    }

    fn items(&self, items: &'a [Node]) -> ItemAccess<'a, 'u> {
        ItemAccess {
            items: items.iter().enumerate(),
            path: self.path.clone(),
            reading: self.reading,
        }
    }
}

impl<'de> de::Deserializer<'de> for NodeDeserializer<'de, '_> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.content {
            Content::Null => visitor.visit_unit(),
            Content::Bool(value) => visitor.visit_bool(*value),
            Content::Number(number, _) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(items) => visitor.visit_seq(self.items(items)),
            Content::Map(entries) => visitor.visit_map(self.entries(entries)),
        };
        result.map_err(|error| error.at(self.node.position, &self.path))
    }

    /// Text: numbers and booleans count as the text they are written as.
    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        let result = match &self.node.content {
            Content::Number(_, written) => visitor.visit_str(written),
            Content::Bool(value) => visitor.visit_str(if *value { "true" } else { "false" }),
            _ => return self.deserialize_any(visitor),
        };
        result.map_err(|error: ReadError| error.at(self.node.position, &self.path))
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// A list; nothing counts as an empty one, as where all its items are commented out.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Null => visitor.visit_seq(self.items(&[])),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match &self.node.content {
            Content::Null => visitor.visit_map(self.entries(&[])),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match &self.node.content {
            Content::Null => visitor.visit_map(self.entries(&[])),
            Content::Map(entries) => visitor.visit_map(self.known_entries(entries, fields)),
            _ => return self.deserialize_any(visitor),
        };
        result.map_err(|error| error.at(self.node.position, &self.path))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let result = match &self.node.content {
            Content::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            Content::Map(entries) if entries.len() == 1 => {
                visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries)))
            }
            _ => Err(ReadError::new(format!(
                "expected one of {}",
                listed(variants)
            ))),
        };
        result.map_err(|error| error.at(self.node.position, &self.path))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char bytes byte_buf unit unit_struct
        tuple tuple_struct identifier ignored_any
    }
}

struct EntryAccess<'a, 'u> {
    entries: std::vec::IntoIter<&'a Entry>,
    value: Option<&'a Entry>,
    path: KeyPath,
    reading: &'u Reading,
}

impl<'de> de::MapAccess<'de> for EntryAccess<'de, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self
            .entries
            .find(|entry| !self.reading.skips(&self.path.key(&entry.key)))
        else {
            return Ok(None);
        };
        self.value = Some(entry);
        let key = seed.deserialize(de::value::BorrowedStrDeserializer::new(&entry.key));
        key.map(Some)
            .map_err(|error: ReadError| error.at(entry.position, &self.path))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let entry = self
            .value
            .take()
            .expect("a value is asked for after its key");
        seed.deserialize(NodeDeserializer {
            node: &entry.value,
            path: self.path.key(&entry.key),
            reading: self.reading,
        })
    }
}

struct ItemAccess<'a, 'u> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    path: KeyPath,
    reading: &'u Reading,
}

impl<'de> de::SeqAccess<'de> for ItemAccess<'de, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self
            .items
            .find(|(index, _)| !self.reading.skips(&self.path.item(*index)))
        else {
            return Ok(None);
        };
        seed.deserialize(NodeDeserializer {
            node,
            path: self.path.item(index),
            reading: self.reading,
        })
        .map(Some)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::file::PlanFile;

    fn problems(text: &str) -> Vec<String> {
        let document = Document::parse(Path::new("p.yaml"), text.to_owned()).unwrap();
        let (value, problems) = read::<PlanFile>(&document.root, &document);
        assert_eq!(
            value.is_some(),
            problems
                .iter()
                .all(|problem| problem.message.contains("unknown key"))
        );
        problems
            .iter()
            .map(|problem| {
                format!(
                    "{}:{} {}",
                    problem.line.unwrap(),
                    problem.column.unwrap(),
                    problem.message
                )
            })
            .collect()
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = "
apiVersion: deployctl.dev/v1
sources: [a, {kustomiz: b}, [c]]
soruces: 3
phases:
  apps: {timeout: 15, onFailure: halt, when: {crds: x}}
  databases: 7
open: {api: {service: api, port: 70000}}
";
        assert_eq!(
            problems(text),
            [
                "3:15 `sources[1]`: unknown key `kustomiz`; did you mean `kustomize`?",
                "3:29 `sources[2]`: expected a path, `{path: …}`, `{kustomize: …}` or `{helm: …}`, found a list",
                "6:19 `phases.apps.timeout`: `15` is not a duration; write for example `90s`, `15m` or `1h 30m`",
                "6:34 `phases.apps.onFailure`: unknown value `halt`; there is `rollback`, `stop`",
                "7:14 `phases.databases`: expected a map, found a number",
                "8:34 `open.api.port`: expected a whole number from 0 to 65535, found a number",
                "4:1 unknown key `soruces`; did you mean `sources`?",
                "6:47 unknown key `crds` in `phases.apps.when`; did you mean `crd`?",
            ]
        );
    }

    #[test]
    fn what_is_missing_because_it_could_not_be_read_is_not_told() {
        assert_eq!(
            problems(
                "apiVersion: deployctl.dev/v1\nsources: 3\nopen: {api: {service: [], port: x}}\n"
            ),
            [
                "2:10 `sources`: expected a list, found a number",
                "3:23 `open.api.service`: expected text, found a list",
                "3:33 `open.api.port`: expected a whole number from 0 to 65535, found text",
            ]
        );
    }

    #[test]
    fn values_are_never_quoted() {
        let text = "apiVersion: deployctl.dev/v1\nsources: [a]\nsecrets: [{name: a, data: {b: hunter2, c: 1234}}]\n";
        let found = problems(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(
            !found.concat().contains("hunter2") && !found.concat().contains("1234"),
            "{found:?}"
        );
    }

    #[test]
    fn nothing_counts_as_empty_and_numbers_as_text_where_text_is_meant() {
        let text = "apiVersion: deployctl.dev/v1\nsources: [a]\nsecrets:\nphases: {apps: }\nrequires: {kubernetes: 1.30}\n";
        let document = Document::parse(Path::new("p.yaml"), text.to_owned()).unwrap();
        let (file, problems) = read::<PlanFile>(&document.root, &document);
        assert_eq!(problems, []);
        assert_eq!(file.unwrap().requires.kubernetes.as_deref(), Some("1.30"));
    }
}
