//! What is wrong with an expression and where, in the words of its author.

use std::ops::Range;

use cel::{ParseError, ParseErrors};

use super::super::names::listed;

/// Something wrong with an expression, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) struct Mistake {
    /// Bytes of the text; empty where it ends too early.
    pub(in super::super) place: Range<usize>,
    /// What is wrong and what to do.
    pub(in super::super) message: String,
}

impl Mistake {
    /// A mistake at `place`.
    pub(super) fn new(place: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            place,
            message: message.into(),
        }
    }
}

/// The first syntax error in `text`: those behind it are its consequences.
pub(super) fn syntax_mistake(text: &str, errors: &ParseErrors) -> Mistake {
    let Some(error) = errors.errors.first() else {
        return Mistake::new(0..0, "is not an expression");
    };
    if errors
        .errors
        .iter()
        .any(|error| error.msg.contains("Recursion limit"))
    {
        return Mistake::new(0..text.len(), "is nested too deeply; take it apart");
    }
    let start = offset(text, error.pos);
    let place = start..start + word_at(text, start).len();
    Mistake::new(place, explained(text, start, error))
}

fn explained(text: &str, start: usize, error: &ParseError) -> String {
    let message = error.msg.trim_start_matches("Syntax error: ");
    let rest = &text[start..];
    let word = word_at(text, start);
    let operators = [
        ("and", "&&"),
        ("or", "||"),
        ("not", "!"),
        ("AND", "&&"),
        ("OR", "||"),
        ("NOT", "!"),
    ];
    if let Some((word, operator)) = operators.iter().find(|(known, _)| *known == word) {
        return format!("there is no `{word}`; write `{operator}`");
    }
    if rest.starts_with('=') {
        return "there is no `=`; compare with `==`".to_owned();
    }
    if rest.starts_with(['\'', '"']) && message.starts_with("token recognition error") {
        return "the text that begins here has no end; close it with the same quote".to_owned();
    }
    if rest.trim().is_empty() {
        return if text.trim().is_empty() {
            "is empty".to_owned()
        } else {
            "ends too early; something is missing at its end".to_owned()
        };
    }
    if message.contains("macro") || message.contains("simple name") {
        let form = FORMS
            .iter()
            .find(|(name, _)| message.contains(&format!("{name}()")))
            .map(|(_, form)| *form);
        let form = form.map_or_else(
            || "; loops are written `LIST.exists(NAME, CONDITION)`".to_owned(),
            |form| format!("; it is written `{form}`"),
        );
        return format!("{message}{form}");
    }
    match word {
        "" => "is not an expression here".to_owned(),
        word => format!(
            "`{word}` is not expected here; is an operator, a quote or a bracket missing before it?"
        ),
    }
}

/// What is expanded before anything is evaluated, and how it is written.
pub(super) const FORMS: [(&str, &str); 7] = [
    ("has", "has(OBJECT.FIELD)"),
    ("exists_one", "LIST.exists_one(NAME, CONDITION)"),
    ("existsOne", "LIST.existsOne(NAME, CONDITION)"),
    ("exists", "LIST.exists(NAME, CONDITION)"),
    ("all", "LIST.all(NAME, CONDITION)"),
    ("map", "LIST.map(NAME, VALUE)"),
    ("filter", "LIST.filter(NAME, CONDITION)"),
];

/// What is said of a name that nothing has.
pub(super) fn unknown_name(name: &str, suggestion: Option<&str>, known: &[&str]) -> String {
    match (name, suggestion) {
        ("True" | "False" | "TRUE" | "FALSE", _) => format!(
            "there is no `{name}`; write `{}`, or quote it as text",
            name.to_lowercase()
        ),
        (_, Some(near)) => format!("there is no `{name}`; did you mean `{near}`?"),
        (_, None) => format!(
            "there is no `{name}`; there is {}, and text stands in quotes",
            listed(known)
        ),
    }
}

/// The byte at line and column, both from 1, of `text`, where the parser says that an error is.
fn offset(text: &str, (line, column): (isize, isize)) -> usize {
    let number = |value: isize| usize::try_from(value - 1).unwrap_or(0);
    let before: usize = text
        .split_inclusive('\n')
        .take(number(line))
        .map(str::len)
        .sum();
    let within = text[before..]
        .char_indices()
        .nth(number(column))
        .map_or(text.len() - before, |(index, _)| index);
    before + within
}

/// The name, number or single sign at the byte `start` of `text`.
fn word_at(text: &str, start: usize) -> &str {
    let rest = &text[start..];
    let is_word = |character: char| character.is_alphanumeric() || character == '_';
    let length = rest
        .find(|character| !is_word(character))
        .unwrap_or(rest.len());
    let length = if length == 0 {
        rest.chars().next().map_or(0, char::len_utf8)
    } else {
        length
    };
    &rest[..length]
}
