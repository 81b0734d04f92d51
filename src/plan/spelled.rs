//! How a text of the plan is spelled in its file: YAML folds lines, indents blocks and doubles
//! quotes.
//!
//! The parser says which part of the file a value is spelled with, but not where in it a character
//! of the value stands; that is found here, so that what is wrong inside of an expression is
//! underlined in its line and column.

use std::ops::Range;

use super::node::{Node, Position};

/// Where the bytes `place` of `text` stand in `file`, in which `value` is that text; `None` where
/// it is spelled in another way, because it holds the value of a variable or an escape.
pub(super) fn position(
    file: &str,
    value: &Node,
    text: &str,
    place: Range<usize>,
) -> Option<Position> {
    let source: Vec<char> = file.get(value.span.clone())?.chars().collect();
    let text_chars: Vec<char> = text.trim_end().chars().collect();
    let wanted = text
        .get(..place.start)?
        .chars()
        .count()
        .min(text_chars.len());
    // Before the text may stand a quote.
    let found = (0..=1.min(source.len()))
        .find_map(|head| aligned(&source[head..], &text_chars, wanted).map(|index| head + index))?;
    let width = text
        .get(place)?
        .lines()
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        .max(1);
    Some(moved(value.position, &source[..found], width))
}

/// Index in `source` of the character `wanted` of `text`, where `source` begins with `text` but for
/// how YAML spells it.
fn aligned(source: &[char], text: &[char], wanted: usize) -> Option<usize> {
    let (mut at, mut found) = (0, None);
    for (index, character) in text.iter().enumerate() {
        let spelled_same = |other: &char| {
            if character.is_whitespace() {
                other.is_whitespace()
            } else {
                other == character
            }
        };
        if !source.get(at).is_some_and(spelled_same) && is_escape(source, at) {
            at += 1;
        }
        if character.is_whitespace() {
            if index == wanted {
                found = Some(at);
            }
            // The next character of the text says how far this space reaches.
            let next_is_space = text.get(index + 1).is_some_and(|next| next.is_whitespace());
            if !next_is_space {
                at += source[at.min(source.len())..]
                    .iter()
                    .take_while(|other| other.is_whitespace())
                    .count();
            }
            continue;
        }
        if source.get(at) != Some(character) {
            return None;
        }
        if index == wanted {
            found = Some(at);
        }
        at += 1;
    }
    // Behind the end stands what is missing there.
    if wanted == text.len() {
        Some(at)
    } else {
        found
    }
}

/// Whether the character at `at` only escapes the next one: a backslash, or the second of two
/// single quotes.
fn is_escape(source: &[char], at: usize) -> bool {
    match source.get(at) {
        Some('\\') => true,
        Some('\'') => at > 0 && source[at - 1] == '\'',
        _ => false,
    }
}

/// The position behind `passed`, which begins at `from`.
fn moved(from: Position, passed: &[char], width: usize) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    let lines = passed
        .iter()
        .filter(|character| **character == '\n')
        .count();
    let behind = passed
        .iter()
        .rev()
        .take_while(|character| **character != '\n')
        .count();
    let column = if lines == 0 {
        from.column.saturating_add(number(behind))
    } else {
        number(behind + 1)
    };
    Position {
        line: from.line.saturating_add(number(lines)),
        column,
        width: number(width),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::node::Node, *};

    /// Line and column of `word` in the value at `ready`, and what stands there in the file.
    fn found<'a>(file: &'a str, word: &str) -> (u32, u32, &'a str) {
        let node = Node::parse(file).unwrap();
        let value = node.get("ready").unwrap();
        let super::super::node::Content::Text(text) = &value.content else {
            panic!("text")
        };
        let start = text.find(word).unwrap();
        let position = position(file, value, text, start..start + word.len()).unwrap();
        let line = file
            .lines()
            .nth(usize::try_from(position.line).unwrap() - 1)
            .unwrap();
        let column = usize::try_from(position.column).unwrap() - 1;
        let rest = &line[line.char_indices().nth(column).unwrap().0..];
        (
            position.line,
            position.column,
            &rest[..rest.find([' ', '"']).unwrap_or(rest.len())],
        )
    }

    #[test]
    fn a_text_is_found_however_yaml_spells_it() {
        assert_eq!(
            found("a: 1\nready: x == wrong\n", "wrong"),
            (2, 13, "wrong")
        );
        assert_eq!(
            found("ready: 'x == ''é'' && wrong '\n", "wrong"),
            (1, 23, "wrong")
        );
        assert_eq!(
            found("ready: \"x == \\\"é\\\" && wrong\"\n", "wrong"),
            (1, 23, "wrong")
        );
        assert_eq!(
            found("ready: |\n  x == 1\n    && wrong\n", "wrong"),
            (3, 8, "wrong")
        );
        assert_eq!(
            found(
                "# c\nready: >-\n    x == 1 &&\n    y == 2 &&\n    wrong\n",
                "wrong"
            ),
            (5, 5, "wrong")
        );
        assert_eq!(
            found("ready: x == 1\n  && wrong\n", "wrong"),
            (2, 6, "wrong")
        );
        assert_eq!(
            found("ready: '''x'' == wrong '\nb: 1\n", "wrong"),
            (1, 18, "wrong")
        );
        assert_eq!(
            found("a: é\nready: |2-\n   \"x\" ==\n  wrong\n", "wrong"),
            (4, 3, "wrong")
        );
    }

    #[test]
    fn a_text_that_holds_a_variable_is_not_found() {
        let file = "ready: status == '${phase}'\n";
        let node = Node::parse(file).unwrap();
        let value = node.get("ready").unwrap();
        assert_eq!(position(file, value, "status == 'Running'", 0..6), None);
    }

    #[test]
    fn what_is_missing_at_the_end_stands_behind_it() {
        let file = "ready: status ==\n";
        let node = Node::parse(file).unwrap();
        let value = node.get("ready").unwrap();
        let position = position(file, value, "status ==", 9..9).unwrap();
        assert_eq!((position.line, position.column, position.width), (1, 17, 1));
    }
}
