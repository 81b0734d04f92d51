use std::collections::HashSet;

use super::{
    failure::failure_block,
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    progress::Progress,
    summary::{Ending, summary},
    units::{count, duration, tally},
};
use crate::event::{Diagnosis, Event, EventKind, PhaseOutcome, PhaseSummary};

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
}

impl Announcer {
    pub(super) fn new(detail: Detail) -> Self {
        Self { detail, warned: HashSet::new(), failure: None }
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
            let mut lines = Vec::new();
            let requests = (self.detail == Detail::More).then_some(requests);
            let ending = Ending { outcome: *outcome, exit: *exit, took: *took, phases, requests, access };
            if self.says_more_than_failures() {
                lines.extend(summary(&ending, width));
            }
            lines.extend(self.failure(progress, width));
            if self.says_more_than_failures() {
                lines.push(ending.closing(progress.run.as_ref()).render());
            }
            return lines;
        }
        if self.says_more_than_failures() { self.usual_lines(progress, event).iter().map(Line::render).collect() } else { Vec::new() }
    }

    /// The explanation that came, if it was not shown yet. It is shown last, where people look first.
    pub(super) fn failure(&mut self, progress: &Progress, width: Option<usize>) -> Vec<String> {
        self.failure.take().map_or_else(Vec::new, |diagnosis| failure_block(&diagnosis, progress.run.as_ref(), width))
    }

    fn usual_lines(&mut self, progress: &Progress, event: &Event) -> Vec<Line> {
        if let EventKind::RunStarted { release, revision, context, server, phases, .. } = &event.kind {
            let what = Line::of("Deploying ").styled(STRONG, release.to_string()).text(format!(" revision {revision}: {}", extent(phases)));
            let place = Line::of("to context ").styled(STRONG, context).text(format!(" ({server})"));
            return vec![what, place];
        }
        self.line(progress, event).into_iter().collect()
    }

    fn line(&mut self, progress: &Progress, event: &Event) -> Option<Line> {
        match &event.kind {
            EventKind::PhaseSkipped { phase, why } => Some(Line::default().styled(FAINT, format!("- {phase}  skipped: {why}"))),
            EventKind::PhaseFinished { phase, outcome, took } => Some(phase_line(progress, phase, *outcome, *took)),
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

/// What a run consists of: `7 phases, 120 objects`.
fn extent(phases: &[PhaseSummary]) -> String {
    let objects = phases.iter().map(|phase| phase.objects).sum();
    format!("{}, {}", count(phases.len(), "phase"), count(objects, "object"))
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
    let took = duration(took);
    let (mark, style, text) = match outcome {
        PhaseOutcome::Ready => ("✓", GOOD, format!("{}, {written}, {took}", count(objects, "object"))),
        PhaseOutcome::Failed => ("✗", BAD, format!("failed after {took}: {open}, {written}")),
        PhaseOutcome::TimedOut => ("✗", BAD, format!("timed out after {took}: {open}, {written}")),
        PhaseOutcome::Interrupted => ("!", WARNING, format!("interrupted after {took}: {open}, {written}")),
    };
    Line::default().styled(style, mark).text(" ").styled(STRONG, name).text(format!("  {text}"))
}
