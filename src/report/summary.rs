//! What is said at the end of a run: the phases, how it ended, how to reach things.

use std::time::Duration;

use super::{
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    progress::{Progress, Run},
    table::{Column, Table},
    text,
    units::{count, duration, is_instant, tally},
};
use crate::{
    error::ExitCode,
    event::{
        AccessPoint, PhaseOutcome, PhaseTiming, Purpose, RequestCounts, RunOutcome, VerdictDelays,
    },
    plan::PhaseId,
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
    /// The requests, and how soon verdicts came, where they are to be shown.
    pub(super) requests: Option<(&'a RequestCounts, &'a VerdictDelays)>,
    /// How to reach what runs.
    pub(super) access: &'a [AccessPoint],
    /// How many objects stay as they are though everything else is put back.
    pub(super) staying: usize,
}

/// The table of phases, the requests, how it ended and how to reach things.
///
/// A run that had nothing to write and found everything ready says that alone.
pub(super) fn summary(
    ending: &Ending<'_>,
    progress: &Progress,
    width: Option<usize>,
) -> Vec<String> {
    let run = progress.run.as_ref();
    let unchanged = progress.is_unchanged() && ending.outcome == RunOutcome::Succeeded;
    let mut lines = Vec::new();
    if !unchanged && !ending.phases.is_empty() {
        lines.push(String::new());
        lines.extend(phase_table(ending).lines(width));
    }
    if let Some((requests, verdicts)) = ending.requests {
        lines.push(request_line(requests).render());
        lines.extend(verdict_line(verdicts));
    }
    if !unchanged {
        lines.push(String::new());
    }
    if ending.outcome == RunOutcome::Succeeded && !unchanged && !ending.access.is_empty() {
        lines.push("How to reach it:".to_owned());
        lines.extend(access_lines(ending.access, width));
        lines.push(String::new());
    }
    lines.push(ending.closing(run).render());
    if let Some(run) = run.filter(|_| unchanged && !progress.waited()) {
        lines.push(format!("  {}", place(run).render()));
    }
    lines
}

/// Where it happens: `in context NAME (https://…)`.
pub(super) fn place(run: &Run) -> Line {
    let (context, server) = &run.place;
    Line::of("in context ")
        .styled(STRONG, context)
        .text(format!(" ({server})"))
}

fn phase_table(ending: &Ending<'_>) -> Table {
    use Column::{Name, Number, Text};
    let removes = ending.phases.iter().any(|phase| phase.deleted > 0);
    let columns = [Name, Text, Number, Number, Number, Number]
        .into_iter()
        .chain(removes.then_some(Number))
        .chain([Number]);
    let mut table = Table::new(&columns.collect::<Vec<_>>(), 0);
    let titles = [
        "PHASE",
        "OUTCOME",
        "OBJECTS",
        "CREATED",
        "CHANGED",
        "UNCHANGED",
    ];
    table.titles(
        &titles
            .into_iter()
            .chain(removes.then_some("DELETED"))
            .chain(["TIME"])
            .collect::<Vec<_>>(),
    );
    for phase in ending.phases.iter().filter(|phase| phase.objects > 0) {
        let (word, style) = outcome_word(phase.outcome);
        let time = if phase.outcome.is_some() {
            duration(phase.took)
        } else {
            String::new()
        };
        let mut row = vec![
            Line::of(phase.name.name()),
            Line::default().styled(style, word),
        ];
        row.extend(
            [phase.objects, phase.created, phase.changed, phase.unchanged]
                .map(|number| Line::of(number.to_string())),
        );
        row.extend(removes.then(|| Line::of(phase.deleted.to_string())));
        row.push(Line::of(time));
        table.row(row);
    }
    let totals = [
        ending.sum(|phase| phase.objects),
        ending.sum(|phase| phase.created),
        ending.sum(|phase| phase.changed),
    ];
    let mut row = vec![Line::default().styled(STRONG, "total"), Line::default()];
    row.extend(totals.map(|number| Line::of(number.to_string())));
    row.push(Line::of(ending.sum(|phase| phase.unchanged).to_string()));
    row.extend(removes.then(|| Line::of(ending.sum(|phase| phase.deleted).to_string())));
    row.extend([Line::default().styled(STRONG, duration(ending.took))]);
    table.row(row);
    table
}

/// How a phase ended, in a word.
pub(super) fn outcome_word(outcome: Option<PhaseOutcome>) -> (&'static str, anstyle::Style) {
    match outcome {
        Some(PhaseOutcome::Ready) => ("ready", GOOD),
        Some(PhaseOutcome::Gone) => ("gone", GOOD),
        Some(PhaseOutcome::Failed) => ("failed", BAD),
        Some(PhaseOutcome::TimedOut) => ("timed out", BAD),
        Some(PhaseOutcome::Interrupted) => ("interrupted", WARNING),
        None => ("not started", FAINT),
    }
}

fn request_line(requests: &RequestCounts) -> Line {
    let RequestCounts {
        get,
        list,
        watch,
        patch,
        create,
        update,
        delete,
        dry_run,
        retried,
    } = *requests;
    let verbs = [
        (get, "get"),
        (list, "list"),
        (watch, "watch"),
        (patch, "patch"),
        (create, "create"),
        (update, "update"),
    ];
    let parts = verbs.into_iter().chain([
        (delete, "delete"),
        (dry_run, "dry run"),
        (retried, "sent again"),
    ]);
    let parts: Vec<_> = parts
        .map(|(number, word)| (usize::try_from(number).unwrap_or(usize::MAX), word))
        .collect();
    let text = tally(&parts);
    Line::of(format!(
        "Requests: {}",
        if text.is_empty() { "none" } else { &text }
    ))
}

/// How soon verdicts came after what they came of; nothing where none came of an event.
fn verdict_line(verdicts: &VerdictDelays) -> Option<String> {
    let VerdictDelays {
        count,
        median,
        p99,
        longest,
    } = *verdicts;
    let [median, p99, longest] = [median, p99, longest].map(|time| time.as_secs_f64() * 1000.0);
    let delays = format!("median {median:.1} ms, p99 {p99:.1} ms, longest {longest:.1} ms");
    (count > 0).then(|| format!("Verdicts after events: {count} ({delays})"))
}

/// How to reach each thing, under its name. What does not fit beside the name stands below it.
///
/// An address or a command that is cut is of no use, so that these lines may be wider than the
/// terminal.
pub(super) fn access_lines(access: &[AccessPoint], width: Option<usize>) -> Vec<String> {
    let widest = width.map_or(usize::MAX, |width| width / 5);
    let names = access
        .iter()
        .map(|point| text::width(&point.name))
        .filter(|name| *name <= widest)
        .max()
        .unwrap_or(0);
    let mut lines = Vec::new();
    for point in access {
        let mut name = Line::of("  ").text(&point.name);
        if text::width(&point.name) > names {
            lines.push(std::mem::take(&mut name).render());
        }
        for part in parts(
            &point.how,
            width.map(|width| width.saturating_sub(names + 4)),
        ) {
            lines.push(
                std::mem::take(&mut name)
                    .padded(names + 4)
                    .styled(HINT, part)
                    .render(),
            );
        }
    }
    lines
}

/// A command and what to do then, on two lines where one is too narrow.
fn parts(how: &str, room: Option<usize>) -> Vec<&str> {
    match how.split_once(", then ") {
        Some((command, then)) if room.is_some_and(|room| text::width(how) > room) => {
            vec![command, then]
        }
        _ => vec![how],
    }
}

impl Ending<'_> {
    fn sum(&self, number: impl Fn(&PhaseTiming) -> usize) -> usize {
        self.phases.iter().map(number).sum()
    }

    /// How many objects stand: those that are no longer wanted have a phase of their own.
    fn standing(&self) -> usize {
        let wanted = self.phases.iter();
        let wanted = wanted.filter(|phase| phase.name != PhaseId::Prune);
        wanted.map(|phase| phase.objects).sum()
    }

    /// The line that says what is deployed now, or how it ended.
    pub(super) fn closing(&self, run: Option<&Run>) -> Line {
        let took = duration(self.took);
        let what = run.map_or_else(
            || "the release".to_owned(),
            |run| {
                let is_test = run.purpose == Purpose::Verify;
                let what = if is_test { "the tests of " } else { "" };
                format!("{what}{} revision {}", run.release, run.revision)
            },
        );
        match self.outcome {
            RunOutcome::Succeeded => Line::default()
                .styled(GOOD, "✓")
                .text(format!(" {}", self.success(run))),
            RunOutcome::Failed => Line::default()
                .styled(BAD, "✗")
                .text(format!(" {what} failed after {took}")),
            RunOutcome::RolledBack if self.exit == ExitCode::Interrupted => {
                Line::default().styled(WARNING, "!").text(format!(
                    " {what} was interrupted and rolled back after {took}"
                ))
            }
            RunOutcome::RolledBack if self.exit == ExitCode::Done => {
                Line::default().styled(GOOD, "✓").text(format!(
                    " {what} is rolled back after {took}: everything is as it was before{}",
                    self.exceptions()
                ))
            }
            RunOutcome::RolledBack => Line::default()
                .styled(BAD, "✗")
                .text(format!(" {what} failed and was rolled back after {took}")),
            RunOutcome::RollingBack | RunOutcome::Interrupted
                if run.is_some_and(|run| run.purpose == Purpose::PutBack) =>
            {
                Line::default().styled(BAD, "✗").text(format!(
                    " the rollback of {what} was interrupted after {took}"
                ))
            }
            RunOutcome::RollingBack => Line::default().styled(BAD, "✗").text(format!(
                " {what} failed, and its rollback was interrupted after {took}"
            )),
            RunOutcome::Interrupted | RunOutcome::Running => Line::default()
                .styled(WARNING, "!")
                .text(format!(" {what} was interrupted after {took}")),
        }
    }

    /// What is not as it was before, though nothing differs that should not.
    fn exceptions(&self) -> String {
        match self.staying {
            0 => String::new(),
            1 => " but for 1 that stays, see above".to_owned(),
            more => format!(" but for {more} that stay, see above"),
        }
    }

    fn success(&self, run: Option<&Run>) -> String {
        let objects = count(self.standing(), "object");
        // Also what was only released is not the release's any more.
        let written = tally(&[
            (self.sum(|phase| phase.created), "created"),
            (self.sum(|phase| phase.changed), "changed"),
            (self.sum(|phase| phase.deleted), "removed"),
        ]);
        let written = if written.is_empty() {
            "unchanged"
        } else {
            &written
        };
        let took = if is_instant(self.took) {
            String::new()
        } else {
            format!(", {}", duration(self.took))
        };
        match run {
            Some(run) if run.removes() => {
                let deleted = count(self.sum(|phase| phase.deleted), "object");
                let what = if run.purpose == Purpose::TakeDown {
                    "is uninstalled"
                } else {
                    "is pruned"
                };
                format!("{} {what}: {deleted} deleted{took}", run.release)
            }
            Some(run) if run.purpose == Purpose::Verify => format!(
                "the tests of {} revision {} have passed{took}",
                run.release, run.revision
            ),
            Some(run) if run.writes == 0 => {
                let revision = if run.revision == 0 {
                    String::new()
                } else {
                    format!(", revision {}", run.revision)
                };
                format!(
                    "{} is up to date: {objects}{revision}, nothing to change{took}",
                    run.release
                )
            }
            Some(run) => format!(
                "{} revision {} is deployed: {objects} ready ({written}){took}",
                run.release, run.revision
            ),
            None => format!("everything is up to date: {objects}{took}"),
        }
    }
}
