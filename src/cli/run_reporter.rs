//! Tells of a run while it is under way.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{Global, run_arguments::RunArguments};
use crate::{
    cluster::Notice,
    engine::Emitter,
    event::{Event, EventKind},
    report::{Output, Reporter, RunFormat, reporter},
};

/// How often a reporter is told that time has passed.
const TICK: Duration = Duration::from_secs(1);

/// How a run is told of.
pub(super) struct RunReporter<'a> {
    format: RunFormat,
    verbosity: u8,
    output: &'a Output,
}

impl<'a> RunReporter<'a> {
    /// Reports as `arguments` and `global` say.
    pub(super) fn new(arguments: &RunArguments, global: &Global, output: &'a Output) -> Self {
        Self {
            format: arguments.output,
            verbosity: global.verbose,
            output,
        }
    }

    /// Awaits `work` and reports what happens meanwhile.
    pub(super) async fn follow<T>(
        &self,
        notices: &mut UnboundedReceiver<Notice>,
        work: impl AsyncFnOnce(&Emitter) -> T,
    ) -> T {
        let (sender, mut events) = unbounded_channel();
        let emitter = Emitter::new(sender);
        let mut reporter = reporter(self.format, self.output, self.verbosity);
        // What was met with before the run: a short one would end before all of it is told.
        while let Ok(notice) = notices.try_recv() {
            emitter.emit(event_of(notice));
        }
        let mut tick = tokio::time::interval(TICK);
        let work = work(&emitter);
        tokio::pin!(work);
        let result = loop {
            tokio::select! {
                Some(event) = events.recv() => tell(reporter.as_mut(), &event),
                Some(notice) = notices.recv() => emitter.emit(event_of(notice)),
                _ = tick.tick() => drop(reporter.tick(Timestamp::now())),
                result = &mut work => break result,
            }
        };
        while let Ok(event) = events.try_recv() {
            tell(reporter.as_mut(), &event);
        }
        result
    }
}

/// A reporter whose reader went away does not stop a run that is under way.
fn tell(reporter: &mut dyn Reporter, event: &Event) {
    let _ = reporter.report(event);
}

fn event_of(notice: Notice) -> EventKind {
    match notice {
        Notice::Retried {
            verb,
            object,
            attempt,
            delay,
            why,
        } => EventKind::RequestRetried {
            verb: verb.as_str().to_owned(),
            object,
            attempt,
            delay,
            why,
        },
        Notice::TriedInTurn { object, why } => EventKind::TriedInTurn { object, why },
        Notice::Warned { text, is_told } => EventKind::ServerWarned { text, is_told },
    }
}
