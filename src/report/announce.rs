//! The lines that stay, the same for a terminal and a log: what starts, what ends, what went
//! wrong.

use std::collections::HashSet;

use super::{
    failure::failure_block,
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    next_steps::{EndState, next_steps},
    progress::{PhaseProgress, Progress, Run},
    proof::{proof_lines, rollback_lines, staying},
    summary::{Ending, place, summary},
    text::neutralise,
    units::{count, duration, is_instant},
};
use crate::{
    error::ExitCode,
    event::{Diagnosis, Event, EventKind, PhaseOutcome, Proof, Purpose, RunOutcome},
    plan::PhaseId,
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
    interrupted: bool,
    proof: Option<Proof>,
    /// Phases that are not part of the run, told once it is known whether anything is written.
    skipped: Vec<Line>,
    /// Whether it was said that a run without writes has to wait.
    said_to_wait: bool,
}

impl Announcer {
    pub(super) fn new(detail: Detail) -> Self {
        Self {
            detail,
            warned: HashSet::new(),
            failure: None,
            interrupted: false,
            proof: None,
            skipped: Vec::new(),
            said_to_wait: false,
        }
    }

    /// Whether more than failures is said.
    pub(super) fn says_more_than_failures(&self) -> bool {
        self.detail != Detail::Failures
    }

    /// The lines for `event`, which `progress` has taken in already. `width` limits tables, not
    /// messages.
    pub(super) fn lines(
        &mut self,
        progress: &Progress,
        event: &Event,
        width: Option<usize>,
    ) -> Vec<String> {
        if let EventKind::FailureExplained { diagnosis } = &event.kind {
            self.interrupted = diagnosis.interrupted;
            self.failure = Some(diagnosis.clone());
            return Vec::new();
        }
        if let EventKind::RollbackProved { proof } = &event.kind {
            self.proof = Some(proof.clone());
            // What could not be put back is said in any case.
            let tells = self.says_more_than_failures() || !proof.differences.is_empty();
            return if tells {
                proof_lines(proof, width).iter().map(Line::render).collect()
            } else {
                Vec::new()
            };
        }
        if let EventKind::RunFinished {
            outcome,
            exit,
            took,
            phases,
            requests,
            verdicts,
            access,
        } = &event.kind
        {
            let requests = (self.detail == Detail::More).then_some((requests, verdicts));
            let ending = Ending {
                outcome: *outcome,
                exit: *exit,
                took: *took,
                phases,
                requests,
                access,
                staying: self.proof.as_ref().map_or(0, staying),
            };
            return self.ending_lines(progress, &ending, width);
        }
        if self.says_more_than_failures() {
            self.usual_lines(progress, event)
                .iter()
                .map(Line::render)
                .collect()
        } else {
            Vec::new()
        }
    }

    /// How the run ended. What people look for comes last: how to reach things, or why it failed
    /// and what to do next.
    fn ending_lines(
        &mut self,
        progress: &Progress,
        ending: &Ending<'_>,
        width: Option<usize>,
    ) -> Vec<String> {
        let mut lines = Vec::new();
        if self.says_more_than_failures() {
            // A phase that is left out is never left out silently, also where nothing else is said.
            lines.extend(std::mem::take(&mut self.skipped).iter().map(Line::render));
            lines.extend(summary(ending, progress, width));
        }
        if ending.outcome == RunOutcome::Succeeded {
            return lines;
        }
        let end_state = EndState::of(ending, self.proof.as_ref());
        if self.interrupted {
            // Who interrupted it knows why it stopped.
            self.failure = None;
        }
        let is_done = ending.exit == ExitCode::Done;
        if self.failure.is_none() && !is_done && self.says_more_than_failures() {
            lines.extend(
                next_steps(progress.run.as_ref(), end_state, false, width)
                    .iter()
                    .map(Line::render),
            );
        }
        lines.extend(self.failure(progress, end_state, width));
        lines
    }

    /// The explanation that came, if it was not shown yet.
    pub(super) fn failure(
        &mut self,
        progress: &Progress,
        end_state: EndState,
        width: Option<usize>,
    ) -> Vec<String> {
        self.failure.take().map_or_else(Vec::new, |diagnosis| {
            failure_block(&diagnosis, progress.run.as_ref(), end_state, width)
        })
    }

    fn usual_lines(&mut self, progress: &Progress, event: &Event) -> Vec<Line> {
        let Some(run) = &progress.run else {
            return self.line(progress, event).into_iter().collect();
        };
        match &event.kind {
            EventKind::RunStarted { .. } if run.writes > 0 => [heading(run), place(run)]
                .into_iter()
                .chain(std::mem::take(&mut self.skipped))
                .collect(),
            EventKind::RollbackStarted {
                objects,
                deletes,
                timeout,
                ..
            } => rollback_lines(*objects, *deletes, *timeout),
            EventKind::VerdictChanged { to, .. }
                if run.writes == 0 && !to.passes() && !self.said_to_wait =>
            {
                self.said_to_wait = true;
                let what = Line::default()
                    .styled(STRONG, run.release.to_string())
                    .text(" has no changes; waiting until everything is ready");
                vec![what, place(run)]
            }
            _ => self.line(progress, event).into_iter().collect(),
        }
    }

    /// The line for what is not part of the run, or nothing where it is told later.
    fn skipped(&mut self, progress: &Progress, what: &str, why: &str) -> Option<Line> {
        let line = Line::default().styled(FAINT, format!("- {what}  skipped: {why}"));
        if progress.run.is_some() {
            return Some(line);
        }
        self.skipped.push(line);
        None
    }

    fn line(&mut self, progress: &Progress, event: &Event) -> Option<Line> {
        match &event.kind {
            EventKind::PhaseSkipped { phase, why } => self.skipped(progress, phase.name(), why),
            EventKind::PartSkipped { part, why } => self.skipped(progress, part, why),
            EventKind::PhaseFinished {
                phase,
                outcome,
                took,
            } => {
                let tells = !progress.is_unchanged()
                    || progress.phases.get(phase).is_some_and(|phase| phase.waited);
                (tells || !matches!(outcome, PhaseOutcome::Ready | PhaseOutcome::Gone))
                    .then(|| phase_line(progress, phase, *outcome, *took))
            }
            EventKind::LogWritten { object, line, .. } => Some(
                Line::default()
                    .styled(FAINT, format!("  {object} │ "))
                    .text(neutralise(line)),
            ),
            EventKind::Noted { text } => Some(
                Line::default()
                    .styled(WARNING, "Note:")
                    .text(format!(" {text}")),
            ),
            EventKind::ServerWarned {
                text,
                is_told: false,
            } => self.warned.insert(text.clone()).then(|| {
                Line::default()
                    .styled(WARNING, "Warning:")
                    .text(format!(" {text}"))
            }),
            EventKind::TriedInTurn { object, why } if self.detail == Detail::More => Some(
                Line::default()
                    .styled(HINT, "Tried in its turn:")
                    .text(format!(" {object}: {why}")),
            ),
            EventKind::RequestRetried {
                verb,
                object,
                attempt,
                delay,
                why,
            } if self.detail == Detail::More => {
                let object = object
                    .as_ref()
                    .map_or_else(String::new, |object| format!(" of {object}"));
                let text = format!(
                    " {verb}{object}: attempt {attempt} in {}: {why}",
                    duration(*delay)
                );
                Some(Line::default().styled(HINT, "Retry:").text(text))
            }
            _ => None,
        }
    }
}

/// What is done to which revision.
fn heading(run: &Run) -> Line {
    let lead = match run.purpose {
        Purpose::Deploy => "Deploying ",
        Purpose::TakeDown => "Uninstalling ",
        Purpose::Prune => "Pruning ",
        Purpose::BringBack => {
            return Line::of("Rolling back ")
                .styled(STRONG, run.release.to_string())
                .text(format!(" as revision {}: {}", run.revision, extent(run)));
        }
        Purpose::Verify => {
            return Line::of("Testing ")
                .styled(STRONG, run.release.to_string())
                .text(format!(" revision {}", run.revision));
        }
        Purpose::PutBack => {
            return Line::of("Rolling back ")
                .styled(STRONG, run.release.to_string())
                .text(format!(" revision {}", run.revision));
        }
    };
    Line::of(lead)
        .styled(STRONG, run.release.to_string())
        .text(format!(" revision {}: {}", run.revision, extent(run)))
}

/// What a run is about: `3 of 120 objects to write`.
fn extent(run: &Run) -> String {
    let objects = count(run.objects, "object");
    if run.removes() {
        return format!("{objects} to delete");
    }
    if run.writes < run.objects {
        format!("{} of {objects} to write", run.writes)
    } else {
        format!("{objects} to write")
    }
}

/// `✓ apps  12 objects, 3 created, 1 changed, 14.2 s`.
fn phase_line(
    progress: &Progress,
    id: &PhaseId,
    outcome: PhaseOutcome,
    took: std::time::Duration,
) -> Line {
    let phase = progress.phases.get(id);
    let objects = phase.map_or(0, |phase| phase.objects);
    let ready = phase.map_or(0, PhaseProgress::ready);
    let written = match phase.map(PhaseProgress::tally).unwrap_or_default() {
        written if written.is_empty() => "unchanged".to_owned(),
        written => written,
    };
    let removes = progress.run.as_ref().is_some_and(Run::removes);
    let open = if removes {
        "not everything is deleted".to_owned()
    } else {
        format!(
            "{} of {} not ready",
            objects.saturating_sub(ready),
            count(objects, "object")
        )
    };
    let time = if is_instant(took) {
        String::new()
    } else {
        format!(", {}", duration(took))
    };
    let took = duration(took);
    let (mark, style, text) = match outcome {
        PhaseOutcome::Ready | PhaseOutcome::Gone if progress.goes_back => (
            "↩",
            GOOD,
            format!("{}, {written}{time}", count(objects, "object")),
        ),
        PhaseOutcome::Ready | PhaseOutcome::Gone => (
            "✓",
            GOOD,
            format!("{}, {written}{time}", count(objects, "object")),
        ),
        PhaseOutcome::Failed => ("✗", BAD, format!("failed after {took}: {open}, {written}")),
        PhaseOutcome::TimedOut => (
            "✗",
            BAD,
            format!("timed out after {took}: {open}, {written}"),
        ),
        PhaseOutcome::Interrupted => (
            "!",
            WARNING,
            format!("interrupted after {took}: {open}, {written}"),
        ),
    };
    Line::default()
        .styled(style, mark)
        .text(" ")
        .styled(STRONG, id.name())
        .text(format!("  {text}"))
}
