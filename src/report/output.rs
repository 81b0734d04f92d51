use std::io::{self, Write};

use anstream::AutoStream;

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
/// Styled text (ANSI escapes by `anstyle`) may be given to both; it is stripped where a stream takes no colour.
pub(crate) struct Output {
    stdout: AutoStream<io::Stdout>,
    stderr: AutoStream<io::Stderr>,
    quiet: bool,
}

impl Output {
    /// The streams of this process.
    pub(crate) fn new(color: ColorWhen, quiet: bool) -> Self {
        let choice = match color {
            ColorWhen::Auto => anstream::ColorChoice::Auto,
            ColorWhen::Always => anstream::ColorChoice::Always,
            ColorWhen::Never => anstream::ColorChoice::Never,
        };
        Self { stdout: AutoStream::new(io::stdout(), choice), stderr: AutoStream::new(io::stderr(), choice), quiet }
    }

    /// Writes data as it is. A reader that went away (`| head`) is no error.
    pub(crate) fn data(&mut self, text: &str) {
        let _ = self.stdout.write_all(text.as_bytes()).and_then(|()| self.stdout.flush());
    }

    /// Writes a line for people to standard error, unless `--quiet` was given.
    pub(crate) fn note(&mut self, line: &str) {
        if !self.quiet {
            let _ = writeln!(self.stderr, "{line}");
        }
    }

    /// Writes an error for people to standard error.
    pub(crate) fn error(&mut self, error: &CommandError) {
        let _ = write!(self.stderr, "{}", error.render());
    }
}
