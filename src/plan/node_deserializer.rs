use std::{cell::RefCell, fmt};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Expected, IntoDeserializer, Unexpected, Visitor, value::MapAccessDeserializer},
    forward_to_deserialize_any,
};

use super::{
    names::{listed, suggestion},
    node::{Content, Entry, Node, Position},
    problem::{Document, KeyPath, Problem, Severity},
};

/// Reads `T` from `root`, a tree with the shape of `document`. Every unknown key is a problem and is left out; the first value of a
/// wrong type ends the reading.
pub(super) fn read<'a, T: Deserialize<'a>>(root: &'a Node, document: &Document) -> (Option<T>, Vec<Problem>) {
    let unknown = RefCell::new(Vec::new());
    let result = T::deserialize(NodeDeserializer { node: root, path: KeyPath::default(), unknown: &unknown });
    let mut problems: Vec<Problem> = unknown
        .into_inner()
        .into_iter()
        .map(|Unknown { path, position, message }| document.problem(Severity::Error, position, &path, message))
        .collect();
    match result {
        Ok(value) => (Some(value), problems),
        Err(error) => {
            let at = error.at.map(|place| *place);
            problems.push(match at {
                Some((position, path)) => document.problem(Severity::Error, position, &path, error.message),
                None => document.error(&KeyPath::default(), error.message),
            });
            (None, problems)
        }
    }
}

/// A key that no field answers to.
struct Unknown {
    path: KeyPath,
    position: Position,
    message: String,
}

struct NodeDeserializer<'a, 'u> {
    node: &'a Node,
    path: KeyPath,
    unknown: &'u RefCell<Vec<Unknown>>,
}

/// Why a value could not be read, in the words of the plan's author. Values are never quoted: they may be secret.
#[derive(Debug)]
pub(super) struct ReadError {
    message: String,
    at: Option<Box<(Position, KeyPath)>>,
}

impl ReadError {
    fn new(message: String) -> Self {
        Self { message, at: None }
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
        Self::new(format!("expected {}, found {}", expectation(&expected.to_string()), found(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown value `{variant}`{}", suggestion(variant, expected.iter().copied())))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format!("unknown key `{field}`{}", suggestion(field, expected.iter().copied())))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::new(format!("the key `{field}` is missing"))
    }
}

/// What serde expects, in the words of the plan's author.
fn expectation(expected: &str) -> &str {
    match expected {
        "a sequence" => "a list",
        "a boolean" => "`true` or `false`",
        "a string" | "path string" => "text",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number that is not negative and not too large",
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
        EntryAccess { entries: entries.iter().collect::<Vec<_>>().into_iter(), value: None, path: self.path.clone(), unknown: self.unknown }
    }

    /// The entries that a struct has fields for; the others are noted as unknown.
    fn known_entries(&self, entries: &'a [Entry], fields: &'static [&'static str]) -> EntryAccess<'a, 'u> {
        let (known, unknown): (Vec<&Entry>, Vec<&Entry>) = entries.iter().partition(|entry| fields.contains(&entry.key.as_str()));
        let place = self.path.to_string();
        let place = if place.is_empty() { place } else { format!(" in `{place}`") };
        self.unknown.borrow_mut().extend(unknown.into_iter().map(|entry| Unknown {
            path: self.path.key(&entry.key),
            position: entry.position,
            message: format!("unknown key `{}`{place}{}", entry.key, suggestion(&entry.key, fields.iter().copied())),
        }));
        EntryAccess { entries: known.into_iter(), value: None, path: self.path.clone(), unknown: self.unknown }
    }

    fn items(&self, items: &'a [Node]) -> ItemAccess<'a, 'u> {
        ItemAccess { items: items.iter().enumerate(), path: self.path.clone(), unknown: self.unknown }
    }
}

impl<'de, 'u> de::Deserializer<'de> for NodeDeserializer<'de, 'u> {
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

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _name: &'static str, visitor: V) -> Result<V::Value, ReadError> {
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
            Content::Map(entries) if entries.len() == 1 => visitor.visit_enum(MapAccessDeserializer::new(self.entries(entries))),
            _ => Err(ReadError::new(format!("expected one of {}", listed(variants)))),
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
    unknown: &'u RefCell<Vec<Unknown>>,
}

impl<'de> de::MapAccess<'de> for EntryAccess<'de, '_> {
    type Error = ReadError;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, ReadError> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.value = Some(entry);
        let key = seed.deserialize(de::value::BorrowedStrDeserializer::new(&entry.key));
        key.map(Some).map_err(|error: ReadError| error.at(entry.position, &self.path))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, ReadError> {
        let entry = self.value.take().expect("a value is asked for after its key");
        seed.deserialize(NodeDeserializer { node: &entry.value, path: self.path.key(&entry.key), unknown: self.unknown })
    }
}

struct ItemAccess<'a, 'u> {
    items: std::iter::Enumerate<std::slice::Iter<'a, Node>>,
    path: KeyPath,
    unknown: &'u RefCell<Vec<Unknown>>,
}

impl<'de> de::SeqAccess<'de> for ItemAccess<'de, '_> {
    type Error = ReadError;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, ReadError> {
        let Some((index, node)) = self.items.next() else { return Ok(None) };
        seed.deserialize(NodeDeserializer { node, path: self.path.item(index), unknown: self.unknown }).map(Some)
    }
}
