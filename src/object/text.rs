//! Text that comes from a cluster: logs, events, conditions. It is shown to people, so it must not
//! be able to drive their terminal.

use std::fmt::Write as _;

/// `text` without anything that a terminal acts on: control characters and direction overrides
/// become visible escapes such as `\x1b`.
///
/// Line feeds and tabs stay; a carriage return before a line feed goes.
pub(crate) fn neutralise(text: &str) -> String {
    let mut harmless = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\n' | '\t' => harmless.push(character),
            '\r' if characters.peek() == Some(&'\n') => {}
            _ if acts(character) => escape(character, &mut harmless),
            _ => harmless.push(character),
        }
    }
    harmless
}

/// `text` as one harmless line of at most `limit` characters, with `…` where something was cut off.
pub(crate) fn one_line(text: &str, limit: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = neutralise(&words.join(" "));
    if line.chars().count() <= limit {
        return line;
    }
    let mut cut: String = line.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

/// `text`, which somebody else has written, as one harmless line of at most `limit` characters. Where
/// it is longer, its middle is left out: what wraps an error stands at its beginning, and what matters
/// at its end.
pub(crate) fn quoted(text: &str, limit: usize) -> String {
    let line = one_line(text, usize::MAX);
    let length = line.chars().count();
    if length <= limit {
        return line;
    }
    let front = limit.saturating_sub(1) / 3;
    let back = limit.saturating_sub(1) - front;
    let start: String = line.chars().take(front).collect();
    let end: String = line.chars().skip(length - back).collect();
    format!("{start}…{end}")
}

/// Control characters of C0 and C1 (escape sequences), and the marks that turn the direction of
/// writing.
fn acts(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escape(character: char, into: &mut String) {
    let code = u32::from(character);
    let _ = if code <= 0xff {
        write!(into, "\\x{code:02x}")
    } else {
        write!(into, "\\u{{{code:x}}}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_become_visible() {
        assert_eq!(neutralise("\u{1b}[31mred\u{1b}[0m"), "\\x1b[31mred\\x1b[0m");
        assert_eq!(neutralise("\u{9b}2J"), "\\x9b2J");
        assert_eq!(neutralise("over\rwritten\u{7}"), "over\\x0dwritten\\x07");
    }

    #[test]
    fn direction_overrides_become_visible() {
        assert_eq!(neutralise("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn ordinary_text_stays() {
        assert_eq!(neutralise("größe\t1\r\n二行目 ✓"), "größe\t1\n二行目 ✓");
    }

    #[test]
    fn a_quotation_keeps_its_end() {
        let error = "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create \
             failed: unable to start container process: error during container init: exec: \"serve\": executable file \
             not found in $PATH: unknown";
        let short = quoted(error, 100);
        assert_eq!(short.chars().count(), 100);
        assert!(short.starts_with("failed to create containerd") && short.contains('…'));
        assert!(short.ends_with("exec: \"serve\": executable file not found in $PATH: unknown"));
        assert_eq!(quoted("äöü\n äöü", 7), "äöü äöü");
        assert_eq!(quoted("abc", 0), "…");
    }

    #[test]
    fn one_line_joins_and_cuts() {
        assert_eq!(one_line("  a\n b\tc ", 10), "a b c");
        assert_eq!(one_line("äöüäöü", 4), "äöü…");
        assert_eq!(one_line("abcd", 4), "abcd");
    }
}
