use std::time::Duration;

use super::{
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    progress::Run,
    table::{Column, Table},
    units::{count, duration, tally},
};
use crate::{
    error::ExitCode,
    event::{AccessPoint, PhaseOutcome, PhaseTiming, RequestCounts, RunOutcome},
};

/// How a run ended, as its last event says.
#[derive(Debug)]
pub(super) struct Ending<'a> {
    /// The outcome.
    pub(super) outcome: RunOutcome,
    /// The exit code to come.
    pub(super) exit: ExitCode,
    /// How long it took.
    pub(super) took: Duration,
    /// Its phases.
    pub(super) phases: &'a [PhaseTiming],
    /// The requests, where they are to be shown.
    pub(super) requests: Option<&'a RequestCounts>,
    /// How to reach what runs.
    pub(super) access: &'a [AccessPoint],
}

/// The table of phases, the requests and how to reach things.
pub(super) fn summary(ending: &Ending<'_>, width: Option<usize>) -> Vec<String> {
    let mut lines = vec![String::new()];
    lines.extend(phase_table(ending).lines(width));
    if let Some(requests) = ending.requests {
        lines.push(String::new());
        lines.push(request_line(requests).render());
    }
    if ending.outcome == RunOutcome::Succeeded && !ending.access.is_empty() {
        lines.push(String::new());
        lines.push("How to reach it:".to_owned());
        // An address or a command that is cut is of no use, so that these lines may be wider than the terminal.
        lines.extend(access_table(ending.access).lines(None));
    }
    lines.push(String::new());
    lines
}

fn phase_table(ending: &Ending<'_>) -> Table {
    use Column::{Name, Number, Text};
    let mut table = Table::new(&[Name, Text, Number, Number, Number, Number, Number], 0);
    table.titles(&["PHASE", "OUTCOME", "OBJECTS", "CREATED", "CHANGED", "UNCHANGED", "TIME"]);
    for phase in ending.phases {
        let (word, style) = outcome_word(phase.outcome);
        let time = if phase.outcome.is_some() { duration(phase.took) } else { String::new() };
        let mut row = vec![Line::of(&phase.name), Line::default().styled(style, word)];
        row.extend([phase.objects, phase.created, phase.changed, phase.unchanged].map(|number| Line::of(number.to_string())));
        row.push(Line::of(time));
        table.row(row);
    }
    let totals = [ending.sum(|phase| phase.objects), ending.sum(|phase| phase.created), ending.sum(|phase| phase.changed)];
    let mut row = vec![Line::default().styled(STRONG, "together"), Line::default()];
    row.extend(totals.map(|number| Line::of(number.to_string())));
    row.extend([Line::of(ending.sum(|phase| phase.unchanged).to_string()), Line::default().styled(STRONG, duration(ending.took))]);
    table.row(row);
    table
}

fn outcome_word(outcome: Option<PhaseOutcome>) -> (&'static str, anstyle::Style) {
    match outcome {
        Some(PhaseOutcome::Ready) => ("ready", GOOD),
        Some(PhaseOutcome::Failed) => ("failed", BAD),
        Some(PhaseOutcome::TimedOut) => ("timed out", BAD),
        Some(PhaseOutcome::Interrupted) => ("interrupted", WARNING),
        None => ("not started", FAINT),
    }
}

fn request_line(requests: &RequestCounts) -> Line {
    let RequestCounts { get, list, watch, patch, create, update, delete, dry_run, retried } = *requests;
    let verbs = [(get, "get"), (list, "list"), (watch, "watch"), (patch, "patch"), (create, "create"), (update, "update")];
    let parts = verbs.into_iter().chain([(delete, "delete"), (dry_run, "dry run"), (retried, "sent again")]);
    let parts: Vec<_> = parts.map(|(number, word)| (usize::try_from(number).unwrap_or(usize::MAX), word)).collect();
    let text = tally(&parts);
    Line::of(format!("Requests: {}", if text.is_empty() { "none" } else { &text }))
}

fn access_table(access: &[AccessPoint]) -> Table {
    let mut table = Table::new(&[Column::Text, Column::Text], 2);
    for point in access {
        table.row(vec![Line::of(&point.name), Line::default().styled(HINT, &point.how)]);
    }
    table
}

impl Ending<'_> {
    fn sum(&self, number: impl Fn(&PhaseTiming) -> usize) -> usize {
        self.phases.iter().map(number).sum()
    }

    /// The last line: what is deployed now, or what state the cluster was left in.
    pub(super) fn closing(&self, run: Option<&Run>) -> Line {
        let took = duration(self.took);
        let what = run.map_or_else(|| "the release".to_owned(), |run| format!("{} revision {}", run.release, run.revision));
        match self.outcome {
            RunOutcome::Succeeded => Line::default().styled(GOOD, "✓").text(format!(" {}, {took}", self.success(run))),
            RunOutcome::Failed => Line::default().styled(BAD, "✗").text(format!(" {what} failed after {took}; {}", self.aftermath())),
            RunOutcome::Interrupted | RunOutcome::Running => {
                Line::default().styled(WARNING, "!").text(format!(" {what} was interrupted after {took}; {}", self.aftermath()))
            }
        }
    }

    fn success(&self, run: Option<&Run>) -> String {
        let objects = count(self.sum(|phase| phase.objects), "object");
        let written = tally(&[(self.sum(|phase| phase.created), "created"), (self.sum(|phase| phase.changed), "changed")]);
        match run {
            Some(run) if written.is_empty() => format!("{} revision {} is deployed: {objects}, unchanged", run.release, run.revision),
            Some(run) => format!("{} revision {} is deployed: {objects}, {written}", run.release, run.revision),
            None => format!("everything is as wanted: {objects}"),
        }
    }

    fn aftermath(&self) -> &'static str {
        match self.exit {
            ExitCode::Changed => "the cluster is not as it was",
            _ => "the cluster is as it was",
        }
    }
}
