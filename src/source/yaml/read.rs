//! YAML documents as kubectl reads them, within limits.

use std::{borrow::Cow, collections::HashMap, path::Path, sync::Arc};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};
use serde_yaml::granit_parser::{
    self as parser, Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle, Tag,
};

use super::{
    error::YamlError,
    lenient::{Change, change, is_json, next_object},
    scalar::{Scalar, float_key, float_value, resolve},
};

/// Collections may be nested this deep; the API server refuses less than that.
const DEPTH_LIMIT: usize = 400;
/// Values that one file may hold once aliases are expanded: ten times the largest set of CRDs
/// known.
const VALUE_LIMIT: usize = 10_000_000;
/// Largest number of values that aliases may add: stops documents that double with every line.
const ALIAS_LIMIT: usize = 1_000_000;
/// Bytes that are read once more at most, over all changes of a document for what only kubectl's
/// parser reads.
const WORK_LIMIT: usize = 64 * 1024 * 1024;

/// One YAML document that holds something.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Document {
    /// Its content.
    pub(crate) value: Value,
    /// Line of its first key, from 1.
    pub(crate) line: u32,
    /// Line of each entry of its top-level `items`, from 1: the objects of a List.
    pub(crate) items: Vec<u32>,
}

/// All documents in `text` that hold something, in order; the first error where there is one.
///
/// JSON documents are YAML documents. Duplicate keys are errors, which kubectl lets pass.
pub(crate) fn documents(text: &str, file: &Path) -> Result<Vec<Document>, YamlError> {
    let (documents, errors) = read(text, file);
    errors.into_iter().next().map_or(Ok(documents), Err)
}

/// What a key means that a mapping has twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DuplicateKeys {
    /// A mistake of whoever wrote it.
    Refused,
    /// The last one is meant, as Helm takes it: nobody can correct what a chart renders.
    LastWins,
}

/// All documents in `text` that can be read, and an error for each that cannot.
pub(crate) fn read(text: &str, file: &Path) -> (Vec<Document>, Vec<YamlError>) {
    read_with(text, file, DuplicateKeys::Refused)
}

/// The same, where `duplicates` says what a key means that a mapping has twice.
pub(crate) fn read_with(
    text: &str,
    file: &Path,
    duplicates: DuplicateKeys,
) -> (Vec<Document>, Vec<YamlError>) {
    let text = text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text);
    let (mut documents, mut errors) = (Vec::new(), Vec::new());
    let file: Arc<Path> = Arc::from(file);
    let mut values = 0;
    for part in parts(text) {
        let reading = Reading {
            lines_before: part.lines_before,
            values,
            duplicates,
        };
        let outcome = read_part(part.text, reading);
        values = outcome.values;
        documents.extend(outcome.documents);
        errors.extend(
            outcome
                .faults
                .into_iter()
                .map(|fault| YamlError::at(&file, text, fault.line, fault.column, fault.message)),
        );
    }
    (documents, errors)
}

/// Lines that stand between separators of documents.
struct Part<'text> {
    text: &'text str,
    /// How many lines of the file come before it.
    lines_before: u32,
}

/// `text` cut in front of each separator that something comes before, so that what is wrong in one
/// document does not touch the others.
fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let (mut start, mut end, mut lines_before) = (0, 0, 0);
    let mut holds_something = false;
    for (number, line) in (0..).zip(text.split_inclusive('\n')) {
        let is_separator = is_separator(line);
        if is_separator && holds_something {
            parts.push(Part {
                text: &text[start..end],
                lines_before,
            });
            (start, lines_before, holds_something) = (end, number, false);
        }
        let trimmed = line.trim();
        holds_something |= !is_separator && !trimmed.is_empty() && !trimmed.starts_with(['#', '%']);
        holds_something |= is_separator
            && trimmed
                .trim_start_matches('-')
                .trim()
                .starts_with(|first| first != '#');
        end += line.len();
    }
    parts.push(Part {
        text: &text[start..],
        lines_before,
    });
    parts
}

fn is_separator(line: &str) -> bool {
    line.strip_prefix("---").is_some_and(|rest| {
        rest.is_empty() || rest.starts_with(|next: char| next.is_whitespace() || next == '#')
    })
}

/// What one reading of a part gave.
#[derive(Default)]
struct Outcome {
    documents: Vec<Document>,
    faults: Vec<Fault>,
    /// Number of values of the file so far.
    values: usize,
}

impl Outcome {
    /// Adds what was read behind this. Before it stand so many columns of the line `first`.
    fn extend(&mut self, other: Self, first: u32, columns_before: u32) {
        self.documents.extend(other.documents);
        self.faults.extend(other.faults.into_iter().map(|fault| {
            let is_shifted = fault.line == first;
            let shift = if is_shifted { columns_before } else { 0 };
            let column = fault.column.saturating_add(shift);
            Fault { column, ..fault }
        }));
        self.values = other.values;
    }
}

/// Where a reading begins, and how it goes.
#[derive(Clone, Copy)]
struct Reading {
    /// How many lines of the file come before it.
    lines_before: u32,
    /// How many values of the file have been read before.
    values: usize,
    duplicates: DuplicateKeys,
}

/// Reads `part` of a file with what kubectl's parser reads and ours does not.
fn read_part(part: &str, mut reading: Reading) -> Outcome {
    let mut text = Cow::Borrowed(part);
    // In YAML 1.1 it ends a line.
    if text.contains('\u{85}') && !is_json(&text) {
        text = Cow::Owned(text.replace('\u{85}', "\n"));
    }
    // A comment may follow the separator at once.
    if text.starts_with("---#") || text.contains("\n---#") {
        text = Cow::Owned(
            format!("\n{text}")
                .replace("\n---#", "\n--- #")
                .split_off(1),
        );
    }
    // So may a byte-order mark: files are joined that begin with one.
    if text.contains(BYTE_ORDER_MARK) {
        text = Cow::Owned(without_marks(&text));
    }
    let mut outcome = Outcome {
        values: reading.values,
        ..Outcome::default()
    };
    let (mut columns_before, mut work) = (0, 0);
    loop {
        let may_change = work < WORK_LIMIT;
        reading.values = outcome.values;
        match attempt(&text, reading, may_change) {
            Ok(last) => {
                outcome.extend(last, reading.lines_before + 1, columns_before);
                return outcome;
            }
            Err(Again::With(change)) => {
                work += text.len();
                text = Cow::Owned(change.made_in(&text));
            }
            Err(Again::Behind(at)) => {
                work += at;
                let (first, rest) = text.split_at(at);
                if let Ok(first) = attempt(first, reading, false) {
                    outcome.extend(first, reading.lines_before + 1, columns_before);
                }
                let line = first.rsplit('\n').next().unwrap_or(first);
                let columns = number(line.chars().count());
                columns_before = if line.len() == first.len() {
                    columns_before + columns
                } else {
                    columns
                };
                reading.lines_before += number(first.matches('\n').count());
                text = match &text {
                    Cow::Borrowed(text) => Cow::Borrowed(&text[at..]),
                    Cow::Owned(_) => Cow::Owned(rest.to_owned()),
                };
            }
        }
    }
}

const BYTE_ORDER_MARK: char = '\u{feff}';

/// `text` without the byte-order marks with which documents begin.
fn without_marks(text: &str) -> String {
    let mut begins = true;
    let lines = text.split_inclusive('\n').map(|line| {
        let bare = line.strip_prefix(BYTE_ORDER_MARK).filter(|_| begins);
        let line = bare.unwrap_or(line);
        begins = is_separator(line);
        line
    });
    lines.collect()
}

/// How a text is read once more.
enum Again {
    /// With a change.
    With(Change),
    /// In two parts, of which the second begins here.
    Behind(usize),
}

/// Reads the documents of `text`; where another reading of it may help, that is the answer.
fn attempt(text: &str, reading: Reading, may_change: bool) -> Result<Outcome, Again> {
    let mut reader = Reader::new(text, reading);
    let mut outcome = Outcome::default();
    loop {
        match reader.document() {
            Ok(Some(document)) => outcome.documents.extend(document),
            Ok(None) => break,
            Err(mut fault) => {
                let in_flow = reader.in_flow();
                if let Some(error) = fault.refused.take().filter(|_| may_change) {
                    let behind = next_object(text, &error).map(Again::Behind);
                    let again = behind.or_else(|| change(text, &error, in_flow).map(Again::With));
                    if let Some(again) = again {
                        return Err(again);
                    }
                }
                fault.line = fault.line.saturating_add(reading.lines_before);
                outcome.faults.push(fault);
                if !matches!(reader.parser.proceed_next_document(), Ok(true)) {
                    break;
                }
                reader.open.clear();
            }
        }
    }
    outcome.values = reader.reading.values;
    Ok(outcome)
}

/// What is wrong at a place, before the file is known.
struct Fault {
    line: u32,
    column: u32,
    message: String,
    /// What the parser said, where it is its fault.
    refused: Option<Box<ScanError>>,
}

impl Fault {
    fn at(span: Span, message: impl Into<String>) -> Self {
        Self {
            line: number(span.start.line()),
            column: number(span.start.col() + 1),
            message: message.into(),
            refused: None,
        }
    }
}

impl From<ScanError> for Fault {
    fn from(error: ScanError) -> Self {
        let (line, column) = (
            number(error.marker().line()),
            number(error.marker().col() + 1),
        );
        // The parser appends the place to its message; it is shown in front here.
        let text = error.to_string();
        let message = text
            .split(" at char ")
            .next()
            .unwrap_or(&text)
            .split(" at byte ")
            .next()
            .unwrap_or(&text)
            .to_owned();
        Self {
            line,
            column,
            message,
            refused: Some(Box::new(error)),
        }
    }
}

fn number(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

/// A key of a mapping: text, or the merge key `<<`.
enum Key {
    Text(String),
    Merge,
}

/// Composes values from the parser's events.
struct Reader<'text> {
    parser: Parser<'text, StrInput<'text>>,
    /// Finished values of this document's anchors, with their number of values.
    anchors: HashMap<usize, (Value, usize)>,
    /// Where it began, and the number of values that have been read since the file's beginning.
    reading: Reading,
    aliased: usize,
    /// The collections that are open, the outermost first.
    open: Vec<StructureStyle>,
}

impl<'text> Reader<'text> {
    fn new(text: &'text str, reading: Reading) -> Self {
        let mut options = parser::options! { simple_key_max_lookahead: 64 * 1024, flow_nesting_limit: DEPTH_LIMIT, block_nesting_limit: DEPTH_LIMIT };
        options.set_emit_comments(false);
        Self {
            parser: Parser::new_from_str_with_options(text, options),
            anchors: HashMap::new(),
            reading,
            aliased: 0,
            open: Vec::new(),
        }
    }

    /// Whether what comes next stands between brackets or braces.
    fn in_flow(&self) -> bool {
        self.open.last() == Some(&StructureStyle::Flow)
    }

    /// The line in the file at which `span` begins.
    fn line(&self, span: Span) -> u32 {
        number(span.start.line()).saturating_add(self.reading.lines_before)
    }

    fn next(&mut self) -> Result<(Event<'text>, Span), Fault> {
        let (event, span) = match self.parser.next() {
            Some(event) => event?,
            None => (Event::StreamEnd, Span::default()),
        };
        match &event {
            Event::SequenceStart(style, ..) | Event::MappingStart(style, ..) => {
                self.open.push(*style);
            }
            Event::SequenceEnd | Event::MappingEnd => drop(self.open.pop()),
            _ => {}
        }
        Ok((event, span))
    }

    /// The next document: `None` at the end, `Some(None)` for one that holds nothing.
    #[expect(
        clippy::option_option,
        reason = "the end of the text and an empty document are different answers"
    )]
    fn document(&mut self) -> Result<Option<Option<Document>>, Fault> {
        loop {
            match self.next()?.0 {
                Event::DocumentStart(..) => break,
                Event::StreamEnd => return Ok(None),
                _ => {}
            }
        }
        self.anchors.clear();
        let (event, span) = self.next()?;
        let mut items = Vec::new();
        let line = self.line(span);
        let value = self.root(event, span, &mut items)?;
        Ok(Some((!value.is_null()).then_some(Document {
            value,
            line,
            items,
        })))
    }

    /// The value at the top of a document. Lines of the entries of `items` are noted on the way.
    fn root(
        &mut self,
        event: Event<'text>,
        span: Span,
        items: &mut Vec<u32>,
    ) -> Result<Value, Fault> {
        match event {
            Event::MappingStart(_, anchor, _) => {
                let (value, count) = self.mapping(span, 1, Some(items))?;
                self.remember(anchor, &value, count);
                Ok(value)
            }
            event => Ok(self.node(event, span, 1)?.0),
        }
    }

    /// The value that begins with `event`, and how many values it is made of.
    fn node(
        &mut self,
        event: Event<'text>,
        span: Span,
        depth: usize,
    ) -> Result<(Value, usize), Fault> {
        self.count(span, depth)?;
        let (anchor, (value, count)) = match event {
            Event::Alias(anchor) => return self.alias(anchor, span),
            Event::Scalar(text, style, anchor, tag) => (
                anchor,
                (scalar_value(&text, style, tag.as_deref(), span)?, 1),
            ),
            Event::SequenceStart(_, anchor, _) => (anchor, self.sequence(depth, None)?),
            Event::MappingStart(_, anchor, _) => (anchor, self.mapping(span, depth, None)?),
            _ => return Err(Fault::at(span, "a value is missing")),
        };
        self.remember(anchor, &value, count);
        Ok((value, count))
    }

    fn count(&mut self, span: Span, depth: usize) -> Result<(), Fault> {
        self.reading.values += 1;
        if depth > DEPTH_LIMIT {
            return Err(Fault::at(
                span,
                format!("nested deeper than {DEPTH_LIMIT} levels"),
            ));
        }
        if self.reading.values > VALUE_LIMIT {
            return Err(Fault::at(
                span,
                format!("more than {VALUE_LIMIT} values in one file; split it"),
            ));
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, value: &Value, count: usize) {
        if anchor != 0 {
            self.anchors.insert(anchor, (value.clone(), count));
        }
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(Value, usize), Fault> {
        let (value, count) = self
            .anchors
            .get(&anchor)
            .ok_or_else(|| Fault::at(span, "an anchor's value contains itself"))?;
        self.aliased += count;
        if self.aliased > ALIAS_LIMIT {
            return Err(Fault::at(
                span,
                format!(
                    "aliases add more than {ALIAS_LIMIT} values; write them out or split the file"
                ),
            ));
        }
        Ok((value.clone(), *count))
    }

    fn sequence(
        &mut self,
        depth: usize,
        mut lines: Option<&mut Vec<u32>>,
    ) -> Result<(Value, usize), Fault> {
        let (mut entries, mut total) = (Vec::new(), 1);
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::SequenceEnd) {
                return Ok((Value::Array(entries), total));
            }
            if let Some(lines) = &mut lines {
                lines.push(self.line(span));
            }
            let (value, count) = self.node(event, span, depth + 1)?;
            entries.push(value);
            total += count;
        }
    }

    /// A mapping. Merge keys are expanded where they stand, so that what follows them wins and they
    /// win over what came before: that is what kubectl does, though not what the YAML document on
    /// merge keys says.
    fn mapping(
        &mut self,
        _start: Span,
        depth: usize,
        mut items: Option<&mut Vec<u32>>,
    ) -> Result<(Value, usize), Fault> {
        let (mut entries, mut total) = (Map::new(), 1);
        let mut seen: HashMap<String, u32> = HashMap::new();
        loop {
            let (event, key_span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok((Value::Object(entries), total));
            }
            let key = self.key(event, key_span)?;
            if let Key::Text(text) = &key
                && let Some(first) = seen.insert(text.clone(), self.line(key_span))
                && self.reading.duplicates == DuplicateKeys::Refused
            {
                return Err(Fault::at(
                    key_span,
                    format!(
                        "duplicate key `{text}`, first given in line {first}; remove one of them"
                    ),
                ));
            }
            let (event, span) = self.next()?;
            let at_items = items
                .as_deref_mut()
                .filter(|_| matches!(&key, Key::Text(text) if text == "items"));
            let (value, count) = match (&event, at_items) {
                (Event::SequenceStart(_, 0, _), Some(lines)) => {
                    self.sequence(depth + 1, Some(lines))?
                }
                _ => self.node(event, span, depth + 1)?,
            };
            total += count;
            match key {
                Key::Text(text) => drop(entries.insert(text, value)),
                Key::Merge => merge(&mut entries, value, span)?,
            }
        }
    }

    fn key(&mut self, event: Event<'text>, span: Span) -> Result<Key, Fault> {
        let value = match event {
            Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<" => {
                return Ok(Key::Merge);
            }
            Event::Scalar(text, ScalarStyle::Plain, anchor, None) => {
                self.remember(
                    anchor,
                    &scalar_value(&text, ScalarStyle::Plain, None, span)?,
                    1,
                );
                return plain_key(text, span);
            }
            event => self.node(event, span, 1)?.0,
        };
        match value {
            Value::String(text) => Ok(Key::Text(text)),
            Value::Number(number) => Ok(Key::Text(number.to_string())),
            Value::Bool(truth) => Ok(Key::Text(truth.to_string())),
            _ => Err(Fault::at(span, "a key must be text; quote it")),
        }
    }
}

fn plain_key(text: Cow<'_, str>, span: Span) -> Result<Key, Fault> {
    Ok(Key::Text(match resolve(&text) {
        Scalar::Text => text.into_owned(),
        Scalar::Bool(truth) => truth.to_string(),
        Scalar::Integer(integer) => integer.to_string(),
        Scalar::Float(float) if float.is_finite() => float_key(float),
        Scalar::Null | Scalar::Float(_) => {
            return Err(Fault::at(
                span,
                format!("`{text}` cannot be a key; quote it"),
            ));
        }
    }))
}

fn merge(entries: &mut Map<String, Value>, value: Value, span: Span) -> Result<(), Fault> {
    let refused = || Fault::at(span, "`<<` takes a mapping or a list of mappings");
    match value {
        Value::Object(mapping) => entries.extend(mapping),
        // The first mapping of a list wins, so it is merged last.
        Value::Array(mappings) => {
            for mapping in mappings.into_iter().rev() {
                let Value::Object(mapping) = mapping else {
                    return Err(refused());
                };
                entries.extend(mapping);
            }
        }
        _ => return Err(refused()),
    }
    Ok(())
}

/// The value of a scalar: what its tag says, else text where it is quoted, else what the plain text
/// means.
fn scalar_value(
    text: &str,
    style: ScalarStyle,
    tag: Option<&Tag>,
    span: Span,
) -> Result<Value, Fault> {
    let name = match tag {
        None if style == ScalarStyle::Plain => return plain_value(text, span),
        None => return Ok(Value::String(text.to_owned())),
        Some(tag) => tag.suffix_in_namespace("tag:yaml.org,2002:"),
    };
    let meaning = || plain_value(text, span);
    let value = match name.as_deref() {
        Some("int") => Some(meaning()?).filter(Value::is_i64),
        Some("float") => Some(meaning()?).filter(Value::is_number),
        Some("bool") => Some(meaning()?).filter(Value::is_boolean),
        Some("null") => Some(meaning()?).filter(Value::is_null),
        Some("binary") => STANDARD
            .decode(text.replace(char::is_whitespace, ""))
            .ok()
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(Value::String),
        _ => Some(Value::String(text.to_owned())),
    };
    value.ok_or_else(|| {
        Fault::at(
            span,
            format!(
                "the value is not what its tag `!!{}` says",
                name.unwrap_or_default()
            ),
        )
    })
}

fn plain_value(text: &str, span: Span) -> Result<Value, Fault> {
    Ok(match resolve(text) {
        Scalar::Null => Value::Null,
        Scalar::Bool(truth) => Value::Bool(truth),
        Scalar::Integer(integer) => Value::from(integer),
        Scalar::Float(float) => float_value(float).ok_or_else(|| {
            Fault::at(
                span,
                format!("`{text}` is no number that JSON can hold; quote it"),
            )
        })?,
        Scalar::Text => Value::String(text.to_owned()),
    })
}
