//! One line of styled text, measured in columns, and the styles that things have everywhere.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::text::{
    character_width, cut_middle, has_command, neutralise, start_of, width, wrap_prose,
};
use crate::readiness::State;

/// Success.
pub(super) const GOOD: Style = AnsiColor::Green.on_default();
/// Failure.
pub(super) const BAD: Style = AnsiColor::Red.on_default();
/// Something to look at.
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default();
/// What to do next.
pub(super) const HINT: Style = AnsiColor::Cyan.on_default();
/// What matters less.
pub(super) const FAINT: Style = Style::new().dimmed();
/// What matters most.
pub(super) const STRONG: Style = Style::new().bold();

/// The style that a verdict's word has everywhere.
pub(super) fn style_of(state: State) -> Style {
    match state {
        State::Ready => GOOD,
        State::Failed | State::Missing => BAD,
        State::InProgress | State::Terminating | State::Unknown => WARNING,
        State::Suspended => FAINT,
    }
}

/// Text is not broken into less than this.
const NARROWEST: usize = 12;

/// One line of styled text. What is put into it is neutralised, so that a line is always one line.
#[derive(Debug, Clone, Default)]
pub(super) struct Line {
    spans: Vec<(Style, String)>,
}

impl Line {
    /// A line of unstyled text.
    pub(super) fn of(text: impl AsRef<str>) -> Self {
        Self::default().text(text)
    }

    /// Adds unstyled text.
    pub(super) fn text(self, text: impl AsRef<str>) -> Self {
        self.styled(Style::new(), text)
    }

    /// Adds text of `style`.
    pub(super) fn styled(mut self, style: Style, text: impl AsRef<str>) -> Self {
        let text = text.as_ref();
        if !text.is_empty() {
            self.spans.push((style, neutralise(text)));
        }
        self
    }

    /// Adds another line's spans.
    pub(super) fn joined(mut self, other: Self) -> Self {
        self.spans.extend(other.spans);
        self
    }

    /// Adds spaces up to `columns`.
    pub(super) fn padded(self, columns: usize) -> Self {
        let missing = columns.saturating_sub(self.width());
        self.text(" ".repeat(missing))
    }

    /// The columns that it takes.
    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(_, text)| width(text)).sum()
    }

    /// The columns of its longest word.
    pub(super) fn longest_word(&self) -> usize {
        let text: String = self.spans.iter().map(|(_, text)| text.as_str()).collect();
        text.split_whitespace().map(width).max().unwrap_or(0)
    }

    /// The line cut at its end to at most `columns`, marked by `…`; unchanged where there is no
    /// limit.
    pub(super) fn cut(self, columns: Option<usize>) -> Self {
        let Some(columns) = columns.filter(|columns| self.width() > *columns) else {
            return self;
        };
        let Some(mut left) = columns.checked_sub(character_width('…')) else {
            return Self::default();
        };
        let mut spans = Vec::new();
        for (style, text) in self.spans {
            let start = start_of(&text, left);
            left -= width(start);
            if start.len() < text.len() {
                spans.push((style, format!("{start}…")));
                break;
            }
            spans.push((style, text));
        }
        Self { spans }
    }

    /// The line cut in its middle to at most `columns`; it then has the style of its start.
    pub(super) fn cut_middle(self, columns: usize) -> Self {
        if self.width() <= columns {
            return self;
        }
        let style = self.spans.first().map_or(Style::new(), |(style, _)| *style);
        let text: String = self.spans.into_iter().map(|(_, text)| text).collect();
        Self {
            spans: vec![(style, cut_middle(&text, columns))],
        }
    }

    /// The line in lines of at most `columns`, broken between words, all but the first after
    /// `indent` spaces; at most `most` lines, the last of which is cut.
    ///
    /// On purpose without `textwrap`, which knows neither styles nor words that are broken at
    /// another width in the first line than in the others.
    pub(super) fn wrapped(self, columns: Option<usize>, indent: usize, most: usize) -> Vec<Self> {
        let Some(columns) = columns.filter(|columns| self.width() > *columns) else {
            return vec![self];
        };
        if columns < indent + NARROWEST || most < 2 {
            return vec![self.cut(Some(columns))];
        }
        let (first, rest) = self.broken(columns);
        let rest = Line::of(" ".repeat(indent)).joined(rest);
        let rest = rest.wrapped(Some(columns), indent, most - 1);
        std::iter::once(first).chain(rest).collect()
    }

    /// The part that fits into `columns`, and the rest after the blank at which it is broken; in
    /// the middle of a word that is too wide.
    fn broken(self, columns: usize) -> (Self, Self) {
        let text: String = self.spans.iter().map(|(_, text)| text.as_str()).collect();
        let start = start_of(&text, columns);
        let indent = text.len() - text.trim_start().len();
        let end = if text[start.len()..].starts_with(' ') {
            start.len()
        } else {
            start
                .rfind(' ')
                .filter(|blank| *blank > indent)
                .unwrap_or(start.len())
        };
        let next = end + text[end..].len() - text[end..].trim_start().len();
        (self.part(0, end), self.part(next, text.len()))
    }

    /// The bytes of its text from `start` to `end`, with their styles.
    fn part(&self, start: usize, end: usize) -> Self {
        let mut at = 0;
        let mut spans = Vec::new();
        for (style, text) in &self.spans {
            let (from, to) = (
                start.clamp(at, at + text.len()),
                end.clamp(at, at + text.len()),
            );
            if from < to {
                spans.push((*style, text[from - at..to - at].to_owned()));
            }
            at += text.len();
        }
        Self { spans }
    }

    /// The line with ANSI escapes and without trailing blanks.
    pub(super) fn render(&self) -> String {
        let used = self
            .spans
            .iter()
            .rposition(|(_, text)| !text.trim_end().is_empty())
            .map_or(0, |last| last + 1);
        let mut rendered = String::new();
        for (position, (style, text)) in self.spans[..used].iter().enumerate() {
            let text = if position + 1 == used {
                text.trim_end()
            } else {
                text
            };
            if style.is_plain() {
                rendered.push_str(text);
            } else {
                let _ = write!(rendered, "{style}{text}{style:#}");
            }
        }
        rendered
    }
}

/// `text` in at most so many lines after `lead`, all but the first indented as far. Commands in it
/// are neither broken nor cut.
pub(super) fn paragraph(
    lead: &str,
    text: &str,
    (width, most): (Option<usize>, usize),
    style: Style,
) -> Vec<Line> {
    let indent = super::text::width(lead);
    let room = width.map(|width| width.saturating_sub(indent));
    let text = neutralise(text);
    let mut wrapped = wrap_prose(&text, room);
    let is_cut = wrapped.len() > most;
    // What matters often stands at the end, so that what is too long is cut in its middle.
    let mut columns = room.unwrap_or_default().saturating_mul(most);
    while wrapped.len() > most {
        wrapped = wrap_prose(&cut_middle(&text, columns), room);
        columns = columns.saturating_sub(3);
        if columns == 0 {
            wrapped.truncate(most);
        }
    }
    let last = wrapped.len();
    let lead = |position| {
        if position == 0 {
            Line::default().styled(style, lead)
        } else {
            Line::of(" ".repeat(indent))
        }
    };
    wrapped
        .iter()
        .enumerate()
        .map(|(position, text)| {
            let line = lead(position).styled(style, text);
            if has_command(text) && !(is_cut && position + 1 == last) {
                line
            } else {
                line.cut(width)
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn styles_end_where_their_text_ends() {
        let line = Line::default()
            .styled(GOOD, "✓")
            .text(" apps  ")
            .styled(BAD, "12345")
            .padded(30);
        assert_eq!(
            line.render(),
            "\u{1b}[32m✓\u{1b}[0m apps  \u{1b}[31m12345\u{1b}[0m"
        );
        assert_eq!(
            line.cut(Some(10)).render(),
            "\u{1b}[32m✓\u{1b}[0m apps  \u{1b}[31m1…\u{1b}[0m"
        );
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(Line::of("好好好好").cut(Some(6)).render(), "好好…");
    }

    #[test]
    fn a_wrapped_line_keeps_its_styles_and_its_words() {
        let line = Line::of("  one ")
            .styled(BAD, "two three four")
            .text(" five");
        let wrapped: Vec<String> = line
            .wrapped(Some(16), 4, 3)
            .iter()
            .map(Line::render)
            .collect();
        assert_eq!(
            wrapped,
            [
                "  one \u{1b}[31mtwo three\u{1b}[0m",
                "    \u{1b}[31mfour\u{1b}[0m five"
            ]
        );
        let long = Line::of("abcdefghijklmnopqrstuvwxyz and more and more");
        let wrapped: Vec<String> = long
            .wrapped(Some(16), 2, 2)
            .iter()
            .map(Line::render)
            .collect();
        assert_eq!(wrapped, ["abcdefghijklmnop", "  qrstuvwxyz an…"]);
    }

    proptest! {
        #[test]
        fn wrapped_lines_fit(one in any::<String>(), two in any::<String>(), columns in 0_usize..40) {
            for line in Line::of(&one).styled(BAD, &two).wrapped(Some(columns), 4, 5) {
                let line = anstream::adapter::strip_str(&line.render()).to_string();
                prop_assert!(width(&line) <= columns, "{:?}", line);
            }
        }

        #[test]
        fn a_cut_line_fits(one in any::<String>(), two in any::<String>(), columns in 0_usize..40) {
            let line = Line::of(&one).styled(BAD, &two);
            let cut = anstream::adapter::strip_str(&line.cut(Some(columns)).render()).to_string();
            prop_assert!(width(&cut) <= columns, "{:?}", cut);
        }
    }
}
