//! YAML that kubectl reads back to the same values.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::scalar::{Scalar, resolve};

/// Keys that come first in a mapping, in this order; the others follow in alphabetical order.
const FIRST_KEYS: [&str; 5] = ["apiVersion", "kind", "metadata", "name", "namespace"];

/// `value` as one YAML document that kubectl reads back to the same value. Ends with a line end.
pub(crate) fn to_text(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(entries) if !entries.is_empty() => mapping(&mut text, entries, 0, false),
        Value::Array(entries) if !entries.is_empty() => sequence(&mut text, entries, 0, false),
        scalar => {
            inline(&mut text, scalar, 0);
            end_line(&mut text);
        }
    }
    text
}

/// Writes a mapping at `indent`; `started` where the first line's indentation is written already.
fn mapping(text: &mut String, entries: &Map<String, Value>, indent: usize, mut started: bool) {
    for (key, value) in in_order(entries) {
        if !started {
            spaces(text, indent);
        }
        started = false;
        string(text, key);
        text.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                text.push('\n');
                mapping(text, inner, indent + 2, false);
            }
            Value::Array(inner) if !inner.is_empty() => {
                text.push('\n');
                sequence(text, inner, indent, false);
            }
            scalar => {
                text.push(' ');
                inline(text, scalar, indent + 2);
                end_line(text);
            }
        }
    }
}

fn sequence(text: &mut String, entries: &[Value], indent: usize, mut started: bool) {
    for value in entries {
        if !started {
            spaces(text, indent);
        }
        started = false;
        text.push_str("- ");
        match value {
            Value::Object(inner) if !inner.is_empty() => mapping(text, inner, indent + 2, true),
            Value::Array(inner) if !inner.is_empty() => sequence(text, inner, indent + 2, true),
            scalar => {
                inline(text, scalar, indent + 2);
                end_line(text);
            }
        }
    }
}

/// Writes what needs no lines of its own, or a block literal whose lines stand at `indent`.
fn inline(text: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => text.push_str(&number.to_string()),
        Value::String(content) if is_literal(content) => literal(text, content, indent),
        Value::String(content) => string(text, content),
        Value::Array(_) => text.push_str("[]"),
        Value::Object(_) => text.push_str("{}"),
    }
}

fn in_order(entries: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = entries.iter().collect();
    let rank = |key: &str| {
        FIRST_KEYS
            .iter()
            .position(|first| *first == key)
            .unwrap_or(FIRST_KEYS.len())
    };
    entries.sort_by(|(left, _), (right, _)| (rank(left), left).cmp(&(rank(right), right)));
    entries
}

fn spaces(text: &mut String, count: usize) {
    text.extend(std::iter::repeat_n(' ', count));
}

fn end_line(text: &mut String) {
    if !text.ends_with('\n') {
        text.push('\n');
    }
}

/// Whether `content` can stand as a block literal without an indentation indicator and comes back
/// the same.
fn is_literal(content: &str) -> bool {
    let lines_fit = content
        .lines()
        .all(|line| line.is_empty() || !line.trim_matches([' ', '\t']).is_empty());
    content.trim_end_matches('\n').contains('\n')
        && !content.starts_with([' ', '\t', '\n'])
        && lines_fit
        && content
            .chars()
            .all(|character| character == '\n' || is_printable(character))
}

fn literal(text: &mut String, content: &str, indent: usize) {
    let trimmed = content.trim_end_matches('\n');
    let ends = content.len() - trimmed.len();
    text.push_str(match ends {
        0 => "|-\n",
        1 => "|\n",
        _ => "|+\n",
    });
    for line in trimmed.split('\n') {
        if !line.is_empty() {
            spaces(text, indent.max(2));
            text.push_str(line);
        }
        text.push('\n');
    }
    text.extend(std::iter::repeat_n('\n', ends.saturating_sub(1)));
}

/// Writes a string on one line: plain where that is safe, else quoted.
fn string(text: &mut String, content: &str) {
    if is_plain(content) {
        text.push_str(content);
    } else if content.contains(['"', '\\']) && content.chars().all(is_printable) {
        text.push('\'');
        text.push_str(&content.replace('\'', "''"));
        text.push('\'');
    } else {
        double_quoted(text, content);
    }
}

/// Whether `content` unquoted is read back as this very text, by YAML 1.1 and by 1.2.
fn is_plain(content: &str) -> bool {
    let safe_start = content
        .starts_with(|first: char| first.is_alphanumeric() || "/_.$(".contains(first))
        || content.starts_with("--") && !content.starts_with("---");
    safe_start
        && resolve(content) == Scalar::Text
        && !is_typed_elsewhere(content)
        && content
            .chars()
            .all(|character| is_printable(character) && !"\t\"'`{}[]&*!|>%@#,?".contains(character))
        && !content.contains(": ")
        && !content.ends_with([' ', ':'])
        && !content.starts_with("...")
}

/// Whether another reader than kubectl takes `content` for something else than text: a timestamp, a
/// sexagesimal number, a number.
fn is_typed_elsewhere(content: &str) -> bool {
    let digits = content.starts_with(|first: char| first.is_ascii_digit());
    (digits
        && content
            .chars()
            .all(|character| character.is_ascii_digit() || "-:.TtZz+_ eExXoO".contains(character)))
        || content.parse::<f64>().is_ok()
}

fn is_printable(character: char) -> bool {
    character == '\t'
        || !(character.is_control()
            || matches!(
                character,
                '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}'
            )
            || character.is_whitespace() && character != ' ')
}

fn double_quoted(text: &mut String, content: &str) {
    text.push('"');
    for character in content.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            _ if is_printable(character) => text.push(character),
            _ => {
                let _ = write!(text, "\\U{:08x}", u32::from(character));
            }
        }
    }
    text.push('"');
}
