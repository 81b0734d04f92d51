//! What kubectl's parser reads although YAML 1.2 forbids it: such a text is changed into one from
//! which ours reads the same.
//!
//! kubectl's is Go's `yaml.v2`, a translation of libyaml, which follows YAML 1.1 and is more
//! generous (<https://github.com/yaml/go-yaml/blob/v2/scannerc.go>). Each change is made where our
//! parser has refused, so that what it reads anyway is never touched.

use std::ops::Range;

use serde_yaml::granit_parser::{ErrorKind, ScanError};

/// Deeper than anything is indented.
const DEEP: usize = 256;

/// A change of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    place: Range<usize>,
    with: String,
}

impl Change {
    /// `text` with the change made.
    pub(super) fn made_in(&self, text: &str) -> String {
        let mut changed = String::with_capacity(text.len() + self.with.len());
        changed.push_str(&text[..self.place.start]);
        changed.push_str(&self.with);
        changed.push_str(&text[self.place.end..]);
        changed
    }

    fn inserted(at: usize, with: &str) -> Self {
        Self {
            place: at..at,
            with: with.to_owned(),
        }
    }
}

/// The change with which `text` comes past `error`, where kubectl's parser reads on there;
/// `in_flow` says whether the error is between brackets or braces.
pub(super) fn change(text: &str, error: &ScanError, in_flow: bool) -> Option<Change> {
    let (line, column) = (error.marker().line(), error.marker().col());
    let start = line_start(text, line)?;
    let at = start + offset_of(&text[start..], column)?;
    let rest = &text[at..];
    match error.kind() {
        // The lines of a quoted text may begin anywhere.
        ErrorKind::InvalidQuotedScalarIndent | ErrorKind::TabInIndentation => {
            Some(indented(text, start))
        }
        // So may those between brackets, with tabs too.
        ErrorKind::TabInBlockIndentation if in_flow => Some(indented(text, start)),
        // A comment may follow quotes and brackets at once.
        ErrorKind::CommentNotSeparated => rest.starts_with('#').then(|| Change::inserted(at, " ")),
        ErrorKind::UnknownQuotedScalarEscape => escaped_quote(text, at),
        ErrorKind::PlainScalarStartsWithDashFlowIndicator => {
            rest.starts_with('-').then(|| Change {
                place: at..at + 1,
                with: "\"-\"".to_owned(),
            })
        }
        ErrorKind::SimpleKeyExpected => {
            alias_as_key(rest).map(|end| Change::inserted(at + end, " "))
        }
        _ => None,
    }
}

/// Where in `text` the JSON object begins that `error` is about: they may follow each other without a
/// separator, in one line too.
pub(super) fn next_object(text: &str, error: &ScanError) -> Option<usize> {
    if !matches!(error.kind(), ErrorKind::ExpectedDocumentStart) || !is_json(text) {
        return None;
    }
    let start = line_start(text, error.marker().line())?;
    let at = start + offset_of(&text[start..], error.marker().col())?;
    (at > 0 && text[at..].starts_with('{')).then_some(at)
}

/// Whether `text` is JSON for kubectl, which reads it by another parser.
pub(super) fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}

/// Where the line begins that is the `line`th of `text`, from 1.
fn line_start(text: &str, line: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_end = |at: usize| match bytes[at] {
        b'\n' => true,
        b'\r' => bytes.get(at + 1) != Some(&b'\n'),
        _ => false,
    };
    let starts = (0..bytes.len()).filter(|at| is_end(*at)).map(|at| at + 1);
    std::iter::once(0).chain(starts).nth(line.checked_sub(1)?)
}

/// Where in `line` the character at `column` begins, from 0.
fn offset_of(line: &str, column: usize) -> Option<usize> {
    let ends = std::iter::once(line.len());
    let starts = line.char_indices().map(|(offset, _)| offset);
    starts.chain(ends).nth(column)
}

/// The line that begins at `start`, indented deep by spaces.
fn indented(text: &str, start: usize) -> Change {
    let line = &text[start..];
    let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
    Change {
        place: start..start + blank,
        with: " ".repeat(DEEP),
    }
}

/// The first `\'` of the text in double quotes that begins at `at` without its backslash.
fn escaped_quote(text: &str, at: usize) -> Option<Change> {
    let quoted = text[at..].strip_prefix('"')?;
    let mut characters = quoted.char_indices();
    while let Some((offset, character)) = characters.next() {
        match character {
            '"' => return None,
            '\\' => {
                let (_, escaped) = characters.next()?;
                if escaped == '\'' {
                    let place = at + 1 + offset;
                    return Some(Change {
                        place: place..place + 1,
                        with: String::new(),
                    });
                }
            }
            _ => {}
        }
    }
    None
}

/// Where the name of the alias ends that `rest` begins with, if a `:` follows at once: it is no part
/// of the name in YAML 1.1.
fn alias_as_key(rest: &str) -> Option<usize> {
    let name = rest.strip_prefix('*')?;
    let length = name
        .find(|character: char| !(character.is_ascii_alphanumeric() || "-_".contains(character)))?;
    name[length..].starts_with(':').then_some(length + 1)
}
