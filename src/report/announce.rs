use std::collections::HashSet;

use super::{
    failure::{failure_block, next},
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    progress::{Progress, Run},
    summary::{Ending, summary},
    units::{count, duration, is_instant, tally},
};
use crate::{
    error::ExitCode,
    event::{Diagnosis, Event, EventKind, PhaseOutcome, RunOutcome},
};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Detail {
    /// Failures only (`--quiet`).
    Failures,
    /// What people want to know.
    Usual,
    /// Also retries and request counts (`--verbose`).
    More,
}

/// Makes the lines that stay, the same for a terminal and a log.
#[derive(Debug)]
pub(super) struct Announcer {
    detail: Detail,
    warned: HashSet<String>,
    failure: Option<Diagnosis>,
    /// Phases that are not part of the run, told once it is known whether anything is written.
    skipped: Vec<Line>,
    /// Whether it was said that a run without writes has to wait.
    said_to_wait: bool,
}

impl Announcer {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, warned: HashSet::new(), failure: None, skipped: Vec::new(), said_to_wait: false }
    }

    /// Whether more than failures is said.
    pub(super) fn says_more_than_failures(&self) -> bool {
        self.detail != Detail::Failures
    }

    /// The lines for `event`, which `progress` has taken in already. `width` limits tables, not messages.
    pub(super) fn lines(&mut self, progress: &Progress, event: &Event, width: Option<usize>) -> Vec<String> {
        if let EventKind::FailureExplained { diagnosis } = &event.kind {
            self.failure = Some(diagnosis.clone());
            return Vec::new();
        }
        if let EventKind::RunFinished { outcome, exit, took, phases, requests, access } = &event.kind {
            let requests = (self.detail == Detail::More).then_some(requests);
            let ending = Ending { outcome: *outcome, exit: *exit, took: *took, phases, requests, access };
            return self.ending_lines(progress, &ending, width);
        }
        if self.says_more_than_failures() { self.usual_lines(progress, event).iter().map(Line::render).collect() } else { Vec::new() }
    }

    /// How the run ended. What people look for comes last: how to reach things, or why it failed and what to do next.
    fn ending_lines(&mut self, progress: &Progress, ending: &Ending<'_>, width: Option<usize>) -> Vec<String> {
        let mut lines = Vec::new();
        if self.says_more_than_failures() {
            // A phase that is left out is never left out silently, also where nothing else is said.
            lines.extend(std::mem::take(&mut self.skipped).iter().map(Line::render));
            lines.extend(summary(ending, progress, width));
        }
        if ending.outcome == RunOutcome::Failed {
            lines.extend(self.failure(progress, Some(ending.exit), width));
        } else {
            // Who interrupted it knows why it stopped.
            self.failure = None;
        }
        if ending.outcome == RunOutcome::Interrupted && self.says_more_than_failures() {
            lines.extend(next(progress.run.as_ref(), Some(ending.exit), false, width).iter().map(Line::render));
        }
        lines
    }

    /// The explanation that came, if it was not shown yet.
    pub(super) fn failure(&mut self, progress: &Progress, exit: Option<ExitCode>, width: Option<usize>) -> Vec<String> {
        self.failure.take().map_or_else(Vec::new, |diagnosis| failure_block(&diagnosis, progress.run.as_ref(), exit, width))
    }

    fn usual_lines(&mut self, progress: &Progress, event: &Event) -> Vec<Line> {
        let Some(run) = &progress.run else { return self.line(progress, event).into_iter().collect() };
        match &event.kind {
            EventKind::RunStarted { .. } if run.writes > 0 => {
                let what = Line::of("Deploying ").styled(STRONG, run.release.to_string()).text(format!(
                    " revision {}: {}",
                    run.revision,
                    extent(run)
                ));
                [what, place(run)].into_iter().chain(std::mem::take(&mut self.skipped)).collect()
            }
            EventKind::VerdictChanged { to, .. } if run.writes == 0 && !to.passes() && !self.said_to_wait => {
                self.said_to_wait = true;
                let what = Line::default()
                    .styled(STRONG, run.release.to_string())
                    .text(" has nothing to change; waiting until everything is ready");
                vec![what, place(run)]
            }
            _ => self.line(progress, event).into_iter().collect(),
        }
    }

    fn line(&mut self, progress: &Progress, event: &Event) -> Option<Line> {
        match &event.kind {
            EventKind::PhaseSkipped { phase, why } => {
                let line = Line::default().styled(FAINT, format!("- {phase}  skipped: {why}"));
                if progress.run.is_some() {
                    return Some(line);
                }
                self.skipped.push(line);
                None
            }
            EventKind::PhaseFinished { phase, outcome, took } => {
                let tells = !progress.is_unchanged() || progress.phases.get(phase).is_some_and(|phase| phase.waited);
                (tells || *outcome != PhaseOutcome::Ready).then(|| phase_line(progress, phase, *outcome, *took))
            }
            EventKind::ServerWarned { text } => {
                self.warned.insert(text.clone()).then(|| Line::default().styled(WARNING, "Warning:").text(format!(" {text}")))
            }
            EventKind::RequestRetried { verb, object, attempt, delay, why } if self.detail == Detail::More => {
                let object = object.as_ref().map_or_else(String::new, |object| format!(" of {object}"));
                let text = format!(" {verb}{object}: attempt {attempt} in {}: {why}", duration(*delay));
                Some(Line::default().styled(HINT, "Retry:").text(text))
            }
            _ => None,
        }
    }
}

/// What a run is about: `3 of 120 objects to write`.
fn extent(run: &Run) -> String {
    let objects = count(run.objects, "object");
    if run.writes < run.objects { format!("{} of {objects} to write", run.writes) } else { format!("{objects} to write") }
}

/// Where it happens: `in context NAME (https://…)`.
pub(super) fn place(run: &Run) -> Line {
    let (context, server) = &run.place;
    Line::of("in context ").styled(STRONG, context).text(format!(" ({server})"))
}

/// `✓ apps  12 objects, 3 created, 1 changed, 14.2 s`.
fn phase_line(progress: &Progress, name: &str, outcome: PhaseOutcome, took: std::time::Duration) -> Line {
    let phase = progress.phases.get(name);
    let objects = phase.map_or(0, |phase| phase.objects);
    let (created, changed, ready) = phase.map_or((0, 0, 0), |phase| (phase.created, phase.changed, phase.ready()));
    let written = match tally(&[(created, "created"), (changed, "changed")]) {
        written if written.is_empty() => "unchanged".to_owned(),
        written => written,
    };
    let open = format!("{} of {} not ready", objects.saturating_sub(ready), count(objects, "object"));
    let time = if is_instant(took) { String::new() } else { format!(", {}", duration(took)) };
    let took = duration(took);
    let (mark, style, text) = match outcome {
        PhaseOutcome::Ready => ("✓", GOOD, format!("{}, {written}{time}", count(objects, "object"))),
        PhaseOutcome::Failed => ("✗", BAD, format!("failed after {took}: {open}, {written}")),
        PhaseOutcome::TimedOut => ("✗", BAD, format!("timed out after {took}: {open}, {written}")),
        PhaseOutcome::Interrupted => ("!", WARNING, format!("interrupted after {took}: {open}, {written}")),
    };
    Line::default().styled(style, mark).text(" ").styled(STRONG, name).text(format!("  {text}"))
}
