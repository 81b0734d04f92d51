//! The program's two streams: data on standard output, all else on standard error.

use std::io::{self, IsTerminal as _, Write};

use anstream::AutoStream;

use super::{
    bars::{AboveBars, Bars},
    line::{BAD, HINT, Line},
    text::{escape_json, neutralise, wrap_prose},
};
use crate::error::CommandError;

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ColorWhen {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The program's two streams: data goes to standard output, everything else to standard error.
///
/// Styled text (ANSI escapes by `anstyle`) may be given to both; it is stripped where a stream
/// takes no colour. Whatever is written goes above the bars that move on the terminal.
pub(crate) struct Output {
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    choice: anstream::ColorChoice,
    quiet: bool,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
    bars: Bars,
    lost: Option<io::Error>,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn new(color: ColorWhen, quiet: bool) -> Self {
        let choice = match color {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        let (stdout, stderr) = (
            AutoStream::new(io::stdout(), choice),
            AutoStream::new(io::stderr(), choice),
        );
        let (stdout_is_terminal, stderr_is_terminal) =
            (io::stdout().is_terminal(), io::stderr().is_terminal());
        Self {
            stdout,
            stderr,
            choice,
            quiet,
            stdout_is_terminal,
            stderr_is_terminal,
            bars: Bars::default(),
            lost: None,
        }
    }

    /// Writes data as it is. A reader that went away (`| head`) is no error; any other is kept for
    /// [`Output::lost_data`].
    pub(crate) fn data(&mut self, text: &str) {
        let Self { stdout, bars, .. } = self;
        let result = bars.suspend(|| {
            stdout
                .write_all(text.as_bytes())
                .and_then(|()| stdout.flush())
        });
        if let Err(error) = result
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            self.lost = Some(error);
        }
    }

    /// Writes one JSON document, in which nothing is that a terminal might obey.
    pub(crate) fn json(&mut self, document: &serde_json::Value) {
        self.data(&escape_json(&format!("{document:#}\n")));
    }

    /// Writes a JSON document in one line.
    pub(crate) fn json_line(&mut self, document: &serde_json::Value) {
        self.data(&escape_json(&format!("{document}\n")));
    }

    /// Why data could not be written, as to a full disk.
    pub(crate) fn lost_data(&mut self) -> Option<io::Error> {
        self.lost.take()
    }

    /// Writes a line for people to standard error, unless `--quiet` was given.
    pub(crate) fn note(&mut self, line: &str) {
        let width = self.stderr_width();
        let Self { stderr, bars, .. } = self;
        if !self.quiet {
            let width = width.filter(|_| line.starts_with("Warning: "));
            let lines = line.lines().flat_map(|line| wrapped(line, width));
            let text = lines.collect::<Vec<_>>().join("\n") + "\n";
            // In one write, so that nothing else comes between a line and its end.
            let _ = bars.suspend(|| stderr.write_all(text.as_bytes()));
        }
    }

    /// Writes a line for people to standard error, broken between words where the terminal is
    /// narrower. Unless `--quiet` was given.
    pub(crate) fn paragraph(&mut self, text: &str) {
        let indent = " ".repeat(text.len() - text.trim_start().len());
        let room = self
            .stderr_width()
            .map(|width| width.saturating_sub(indent.len() + 2));
        for (position, line) in wrap_prose(&neutralise(text), room).iter().enumerate() {
            self.note(&format!(
                "{indent}{}{line}",
                if position == 0 { "" } else { "  " }
            ));
        }
    }

    /// Writes an error for people to standard error.
    pub(crate) fn error(&mut self, error: &CommandError) {
        let width = self.stderr_width();
        let Self { stderr, bars, .. } = self;
        let text: String = error
            .render()
            .lines()
            .flat_map(|line| wrapped(&neutralise(line), width))
            .map(|line| styled(&line) + "\n")
            .collect();
        let _ = bars.suspend(|| stderr.write_all(text.as_bytes()));
    }

    /// Whether `--quiet` was given.
    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// `text` as standard output takes it: without colour where that takes none.
    pub(crate) fn for_stdout(&self, text: &str) -> String {
        if self.stdout.current_choice() == anstream::ColorChoice::Never {
            anstream::adapter::strip_str(text).to_string()
        } else {
            text.to_owned()
        }
    }

    /// Whether standard output is a terminal.
    pub(crate) fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }

    /// Whether standard error is a terminal on which lines can be drawn again: not where `TERM` is
    /// `dumb` or absent.
    pub(crate) fn stderr_can_draw(&self) -> bool {
        self.stderr_is_terminal
            && std::env::var_os("TERM").is_some_and(|term| term != "dumb" && !term.is_empty())
    }

    /// Columns of the terminal that standard output is; `None` where it is no terminal and lines
    /// may be as long as they like.
    pub(crate) fn stdout_width(&self) -> Option<usize> {
        self.stdout_is_terminal.then(|| size_of(io::stdout()).1)
    }

    /// Rows and columns of the terminal that standard output is; 24 by 80 where it is none.
    pub(crate) fn stdout_size() -> (usize, usize) {
        size_of(io::stdout())
    }

    /// Columns of the terminal that standard error is; `None` where it is no terminal.
    pub(crate) fn stderr_width(&self) -> Option<usize> {
        self.stderr_is_terminal.then(|| stderr_size().1)
    }

    /// Whether standard error takes colour.
    pub(super) fn stderr_has_color(&self) -> bool {
        self.stderr.current_choice() != anstream::ColorChoice::Never
    }

    /// Rows of the terminal that standard error is; `None` where it is no terminal.
    pub(crate) fn stderr_rows(&self) -> Option<usize> {
        self.stderr_is_terminal.then(|| stderr_size().0)
    }

    /// What moves on the terminal, so that it can be suspended while somebody is asked.
    pub(crate) fn bars(&self) -> Bars {
        self.bars.clone()
    }

    /// Standard error above whatever moves on the terminal, for what reports and logs.
    pub(crate) fn above_bars(&self) -> AboveBars {
        self.log_writer()()
    }

    /// A function that returns standard error above whatever moves, for a log that outlives this.
    pub(crate) fn log_writer(&self) -> impl Fn() -> AboveBars + Send + Sync + 'static {
        let (choice, bars) = (self.choice, self.bars.clone());
        move || AboveBars::new(choice, bars.clone())
    }
}

/// A line in lines of at most `width` columns, commands whole. An excerpt of a file stays as it is.
fn wrapped(line: &str, width: Option<usize>) -> Vec<String> {
    let width = width.filter(|width| line.chars().count() > *width);
    let Some(width) = width.filter(|_| !is_excerpt(line)) else {
        return vec![line.to_owned()];
    };
    let indent = line.len() - line.trim_start().len();
    let room = width.saturating_sub(indent + INDENT);
    let mut lines = wrap_prose(line, Some(room));
    for (number, line) in lines.iter_mut().enumerate() {
        let indent = if number == 0 { indent } else { indent + INDENT };
        line.insert_str(0, &" ".repeat(indent));
    }
    lines
}

/// Whether `line` is one of a file, with its number, or points into one.
fn is_excerpt(line: &str) -> bool {
    let rest = line
        .trim_start()
        .trim_start_matches(|character: char| character.is_ascii_digit());
    rest.trim_start().starts_with(['|', '│'])
}

/// What follows a title is indented by so much where it goes on in a further line.
const INDENT: usize = 2;

/// An error's line with its first word in colour. What the cluster or a file put into it is
/// neutralised.
fn styled(line: &str) -> String {
    let styles = [("Error:", BAD.bold()), ("Caused by:", BAD), ("Hint:", HINT)];
    let found = styles
        .into_iter()
        .find_map(|(word, style)| Some((word, style, line.strip_prefix(word)?)));
    match found {
        Some((word, style, rest)) => Line::default().styled(style, word).text(rest).render(),
        None => Line::of(line).render(),
    }
}

/// Columns of the terminal that standard error is; `None` where it is no terminal.
pub(super) fn stderr_width() -> Option<usize> {
    io::stderr().is_terminal().then(|| stderr_size().1)
}

/// Rows and columns of the terminal that standard error is.
pub(super) fn stderr_size() -> (usize, usize) {
    size_of(io::stderr())
}

/// Rows and columns; 24 by 80 where the terminal does not know.
fn size_of(stream: impl rustix::fd::AsFd) -> (usize, usize) {
    match rustix::termios::tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_row.into(), size.ws_col.into()),
        _ => (24, 80),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_styled_and_harmless() {
        assert_eq!(
            styled("Error: it \u{1b}[2J failed"),
            "\u{1b}[1m\u{1b}[31mError:\u{1b}[0m it ␛[2J failed"
        );
        assert_eq!(styled("another line"), "another line");
    }

    #[test]
    fn errors_wrap_and_what_is_laid_out_does_not() {
        assert_eq!(
            wrapped(
                "Hint: run `deployctl unlock shop --env dev` again",
                Some(32)
            ),
            [
                "Hint: run",
                "  `deployctl unlock shop --env dev`",
                "  again"
            ]
        );
        assert_eq!(
            wrapped("  a.yaml:5: Service/shop/web: port 80 is taken", Some(32)),
            ["  a.yaml:5: Service/shop/web:", "    port 80 is taken"]
        );
        for excerpt in ["  7 |   prod: {namespce: shop}", "    |          ^^^^^^^^"] {
            assert_eq!(wrapped(excerpt, Some(10)), [excerpt]);
        }
    }
}
