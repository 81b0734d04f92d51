use std::{future::Future, time::Duration};

use jiff::Timestamp;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::{
    cluster::Notice,
    engine::{CancelSignals, Emitter, Run, RunError, carry_out},
    error::ExitCode,
    event::{Event, EventKind},
    plan::PhaseId,
    report::{Output, Reporter, RunFormat, reporter},
};

/// How often a reporter is told that time has passed.
const TICK: Duration = Duration::from_secs(1);

/// Where and how a run is reported.
pub(in crate::cli) struct RunReporter<'a> {
    pub(in crate::cli) format: RunFormat,
    pub(in crate::cli) verbosity: u8,
    pub(in crate::cli) output: &'a Output,
}

impl RunReporter<'_> {
    /// Carries out `run` and reports what happens meanwhile; `skipped` are phases that are not part
    /// of it, and why. Returns the exit code.
    pub(in crate::cli) async fn carry_out(
        &self,
        run: Run<'_>,
        skipped: &[(String, String)],
        stops: &CancelSignals,
        notices: &mut UnboundedReceiver<Notice>,
    ) -> Result<ExitCode, RunError> {
        let (sender, events) = unbounded_channel();
        let emitter = Emitter::new(sender);
        for (phase, why) in skipped {
            emitter.emit(EventKind::PhaseSkipped {
                phase: PhaseId::declared(phase),
                why: why.clone(),
            });
        }
        let work = carry_out(run, &emitter, stops);
        follow(
            work,
            &emitter,
            events,
            notices,
            self.format,
            self.verbosity,
            self.output,
        )
        .await
    }
}

/// Awaits `work` and reports what happens meanwhile.
pub(in crate::cli) async fn follow<T>(
    work: impl Future<Output = T>,
    emitter: &Emitter,
    mut events: UnboundedReceiver<Event>,
    notices: &mut UnboundedReceiver<Notice>,
    format: RunFormat,
    verbosity: u8,
    output: &Output,
) -> T {
    let mut reporter = reporter(format, output, verbosity);
    let mut tick = tokio::time::interval(TICK);
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
        Notice::Warned { text } => EventKind::ServerWarned { text },
    }
}
