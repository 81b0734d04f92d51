//! Text that comes from elsewhere, made fit for a terminal: harmless, measured, cut and wrapped.

use std::fmt::Write as _;

use textwrap::{
    WrapAlgorithm,
    core::{Word, display_width},
};

/// `text` without anything that a terminal would obey: every control character is replaced by
/// something visible.
///
/// Line breaks and tabs become spaces, C0 controls and DEL their picture (`␛`), and C1 controls and
/// the characters that turn the direction of writing (<https://trojansource.codes>) become `�`.
/// Lines must be split off before.
pub(crate) fn neutralise(text: &str) -> String {
    text.chars().map(harmless).collect()
}

fn harmless(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | '\u{2028}' | '\u{2029}' => ' ',
        '\0'..='\u{1f}' => {
            char::from_u32(u32::from(character) + 0x2400).expect("each C0 control has a picture")
        }
        '\u{7f}' => '␡',
        _ if is_hidden_command(character) => '�',
        _ => character,
    }
}

/// Whether `character` is a C1 control or changes the direction of writing.
fn is_hidden_command(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `json` with those characters escaped that JSON allows as they are and that a terminal might
/// obey.
///
/// In JSON they can only stand inside strings, so that the data stays the same.
pub(super) fn escape_json(json: &str) -> String {
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\u{7f}' || is_hidden_command(character) {
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    escaped
}

/// The columns that `text` takes on a terminal, character by character as terminals count.
pub(super) fn width(text: &str) -> usize {
    display_width(text)
}

/// The columns that `character` takes.
pub(super) fn character_width(character: char) -> usize {
    display_width(character.encode_utf8(&mut [0; 4]))
}

/// The longest start of `text` that takes at most `columns` columns.
pub(super) fn start_of(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let fits = |(_, character): &(usize, char)| {
        used += character_width(*character);
        used > columns
    };
    text.char_indices()
        .find(fits)
        .map_or(text, |(position, _)| &text[..position])
}

/// The longest end of `text` that takes at most `columns` columns.
fn end_of(text: &str, columns: usize) -> &str {
    let mut used = 0;
    let fits = |(_, character): &(usize, char)| {
        used += character_width(*character);
        used > columns
    };
    text.char_indices()
        .rev()
        .find(fits)
        .map_or(text, |(position, character)| {
            &text[position + character.len_utf8()..]
        })
}

/// `text` cut to at most `columns` columns in its middle, marked by `…`: names differ at their
/// ends.
pub(super) fn cut_middle(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    if columns == 0 {
        return String::new();
    }
    let front = (columns - 1) / 3;
    format!(
        "{}…{}",
        start_of(text, front),
        end_of(text, columns - 1 - front)
    )
}

/// `text` in lines of at most `columns` columns, broken between words where that is possible.
///
/// Lines whose words differ in style are wrapped where they are made (`line.rs`).
pub(super) fn wrap(text: &str, columns: Option<usize>) -> Vec<String> {
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    fill(&words, columns, |_| true)
}

/// Like [`wrap`], but commands in backticks are never broken: they could not be copied. A line with
/// a command that is wider than `columns` is wider too.
pub(super) fn wrap_prose(text: &str, columns: Option<usize>) -> Vec<String> {
    fill(&prose_words(text), columns, |word| !is_command(word))
}

/// Whether there is a command in backticks in `text`.
pub(super) fn has_command(text: &str) -> bool {
    prose_words(text).iter().any(|word| is_command(word))
}

fn is_command(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '"']);
    word.starts_with("`deployctl") || word.starts_with("`kubectl")
}

/// The words of `text`; a command in backticks is one word.
fn prose_words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut is_open = false;
    for word in text.split_whitespace() {
        match words.last_mut().filter(|_| is_open) {
            Some(command) => {
                command.push(' ');
                command.push_str(word);
            }
            None => words.push(word.to_owned()),
        }
        is_open = words
            .last()
            .is_some_and(|word| is_command(word) && word.matches('`').count() == 1);
    }
    words
}

/// `words` in lines of at most `columns` columns; what `may_break` allows is broken where it is
/// wider than that.
fn fill(words: &[String], columns: Option<usize>, may_break: impl Fn(&str) -> bool) -> Vec<String> {
    let columns = columns.unwrap_or(usize::MAX).max(2);
    let pieces: Vec<Word<'_>> = words
        .iter()
        .flat_map(|word| {
            let widest = if may_break(word) { columns } else { usize::MAX };
            pieces(word, widest)
        })
        .collect();
    WrapAlgorithm::FirstFit
        .wrap(&pieces, &[columns])
        .into_iter()
        .filter(|line| !line.is_empty())
        .map(joined)
        .collect()
}

/// `word` in pieces of at most `widest` columns, the last of which is followed by a blank.
fn pieces(word: &str, widest: usize) -> Vec<Word<'_>> {
    let mut word = Word::from(word);
    word.whitespace = " ";
    word.break_apart(widest).collect()
}

/// The text of one line, without the blank behind it.
fn joined(line: &[Word<'_>]) -> String {
    let text: String = line
        .iter()
        .flat_map(|piece| [piece.word, piece.whitespace])
        .collect();
    text.trim_end_matches(' ').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn commands_for_the_terminal_become_visible() {
        assert_eq!(
            neutralise("a\u{1b}[31mb\u{7f}\u{9b}2J\tc\r\nd\u{202e}e\0"),
            "a␛[31mb␡�2J c  d�e␀"
        );
        assert_eq!(neutralise("käse 好 ✓"), "käse 好 ✓");
    }

    #[test]
    fn json_keeps_its_data() {
        let data = serde_json::json!({ "text": "a\u{9b}b\u{7f}c\u{202e}\u{1b}" });
        let escaped = escape_json(&data.to_string());
        assert!(
            !escaped
                .chars()
                .any(|character| character.is_control() || is_hidden_command(character)),
            "{escaped}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            data
        );
    }

    #[test]
    fn the_middle_is_cut_and_the_end_kept() {
        assert_eq!(
            cut_middle("Deployment/shop/payment-gateway", 20),
            "Deploy…yment-gateway"
        );
        assert_eq!(cut_middle("short", 20), "short");
        assert_eq!(cut_middle("short", 1), "…");
        assert_eq!(cut_middle("short", 0), "");
    }

    #[test]
    fn words_are_kept_whole_where_possible() {
        assert_eq!(wrap("one two three", Some(7)), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", Some(4)), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("one  two", None), ["one two"]);
        assert!(wrap(" ", Some(4)).is_empty());
    }

    #[test]
    fn a_command_is_never_broken() {
        let text = "fix it, then run `deployctl up shop --env dev` again; `a b c`";
        assert_eq!(
            wrap_prose(text, Some(20)),
            [
                "fix it, then run",
                "`deployctl up shop --env dev`",
                "again; `a b c`"
            ]
        );
        assert_eq!(wrap_prose("`deployctl is open", Some(4)).len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_that_commands_passes(text in any::<String>()) {
            let harmless = neutralise(&text);
            prop_assert!(!harmless.chars().any(|character| character.is_control() || is_hidden_command(character)));
            prop_assert_eq!(harmless.chars().count(), text.chars().count());
        }

        #[test]
        fn cut_and_wrapped_text_fits(text in any::<String>(), columns in 2_usize..60) {
            let text = neutralise(&text);
            prop_assert!(width(&cut_middle(&text, columns)) <= columns);
            for line in wrap(&text, Some(columns)) {
                prop_assert!(width(&line) <= columns, "{:?}", line);
            }
        }
    }
}
