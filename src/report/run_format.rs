//! In which form a run is told, and the reporters that tell it so.

use std::io;

use jiff::Timestamp;

use super::{
    announce::{Announcer, Detail},
    json::{JsonLinesReporter, JsonReporter},
    output::{Output, stderr_size, stderr_width},
    plain::PlainReporter,
    reporter::Reporter,
    terminal::{TICK, Terminal, TerminalReporter},
};
use crate::event::Event;

/// In which form a run is reported on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum RunFormat {
    /// Nothing there; people read standard error
    #[default]
    Text,
    /// One document at the end
    Json,
    /// Each event as one line of JSON
    #[value(name = "jsonl")]
    JsonLines,
}

/// The reporter for a run: what `format` puts on standard output, and what people see on standard
/// error.
///
/// `verbosity` is the number of `-v` flags.
pub(crate) fn reporter(format: RunFormat, output: &Output, verbosity: u8) -> Box<dyn Reporter> {
    let mut reporters: Vec<Box<dyn Reporter>> = Vec::new();
    match format {
        RunFormat::Text => {}
        RunFormat::Json => reporters.push(Box::new(JsonReporter::new(Box::new(io::stdout())))),
        RunFormat::JsonLines => {
            reporters.push(Box::new(JsonLinesReporter::new(Box::new(io::stdout()))));
        }
    }
    // Events are on the same screen or in the same log already, where nobody watches standard error
    // separately.
    let twice = format == RunFormat::JsonLines
        && (output.stdout_is_terminal() || !output.stderr_can_draw());
    reporters.push(for_people(output, verbosity, output.is_quiet() || twice));
    Box::new(Several(reporters))
}

fn for_people(output: &Output, verbosity: u8, only_failures: bool) -> Box<dyn Reporter> {
    let detail = match verbosity {
        _ if only_failures => Detail::Failures,
        0 => Detail::Usual,
        _ => Detail::More,
    };
    // What the client does is written line by line, which would tear bars apart.
    if only_failures || verbosity > 1 || !output.stderr_can_draw() {
        return Box::new(PlainReporter::new(
            Box::new(output.above_bars()),
            stderr_width,
            Announcer::new(detail),
        ));
    }
    let terminal = Terminal {
        screen: Box::new(io::stderr()),
        stderr: Box::new(output.above_bars()),
        size: stderr_size,
        color: output.stderr_has_color(),
        now: Timestamp::now,
        tick: Some(TICK),
        bars: output.bars(),
    };
    Box::new(TerminalReporter::new(terminal, detail))
}

/// Reports to several.
struct Several(Vec<Box<dyn Reporter>>);

impl Several {
    /// Calls every reporter, also where one before fails; returns the first error.
    fn each(
        &mut self,
        mut call: impl FnMut(&mut dyn Reporter) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut first = Ok(());
        for reporter in &mut self.0 {
            let result = call(reporter.as_mut());
            first = first.and(result);
        }
        first
    }
}

impl Reporter for Several {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        self.each(|reporter| reporter.report(event))
    }

    fn tick(&mut self, now: Timestamp) -> io::Result<()> {
        self.each(|reporter| reporter.tick(now))
    }
}
