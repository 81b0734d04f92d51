//! Why a run failed, in one block that fits on a screen.

use anstyle::Style;

use super::{
    line::{BAD, FAINT, HINT, Line, STRONG, paragraph, style_of},
    next_steps::{EndState, next_steps},
    progress::{Run, explanation},
    text::{neutralise, wrap},
};
use crate::event::{Diagnosis, ObjectDiagnosis};

/// The block has at most this many lines.
const LINES: usize = 15;
/// At most this many lines of a log are shown.
const LOG: usize = 6;
/// At most this many objects beside the first are shown.
const OTHERS: usize = 2;
/// At most this many commands that show more are given.
const COMMANDS: usize = 2;

/// Why a run failed, in at most 15 lines: what, where, the cause, the last log lines, what shows
/// more, what to do next.
///
/// No line is wider than `width`, but for commands: one that is cut cannot be copied.
pub(super) fn failure_block(
    diagnosis: &Diagnosis,
    run: Option<&Run>,
    end_state: EndState,
    width: Option<usize>,
) -> Vec<String> {
    block(diagnosis, next_steps(run, end_state, true, width), width)
}

/// Why something is not as it was waited for, in at most 15 lines: what, where, the cause, the last
/// log lines, what shows more.
pub(crate) fn diagnosis_block(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<String> {
    block(diagnosis, Vec::new(), width)
}

fn block(diagnosis: &Diagnosis, next: Vec<Line>, width: Option<usize>) -> Vec<String> {
    let head = head(diagnosis, width);
    let others = others(diagnosis, width);
    let next = commands(diagnosis)
        .into_iter()
        .chain(next)
        .collect::<Vec<_>>();
    let room = LINES
        .saturating_sub(head.len() + others.len() + next.len())
        .min(LOG);
    let log = diagnosis
        .objects
        .first()
        .map_or_else(Vec::new, |first| log_lines(&first.log, room, width));
    head.into_iter()
        .chain(log)
        .chain(others)
        .chain(next)
        .map(|line| line.render())
        .collect()
}

fn head(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<Line> {
    let phase = diagnosis
        .phase
        .as_ref()
        .map_or_else(String::new, |phase| format!("phase {phase}: "));
    let mut lines = paragraph("✗ ", &format!("{phase}{}", diagnosis.summary), width, BAD);
    if let Some(first) = diagnosis.objects.first() {
        lines.push(object_line(first).cut(width));
        let cause = cause(first);
        if !cause.is_empty() {
            lines.extend(paragraph("    ", &cause, width, Style::new()));
        }
    }
    lines
}

/// The end of a log in at most `room` rows. A line that is too long goes on in the next row: what
/// matters is often at its end.
fn log_lines(log: &[String], room: usize, width: Option<usize>) -> Vec<Line> {
    let lead = "    │ ";
    let columns = width.map(|width| width.saturating_sub(super::text::width(lead)));
    let rows: Vec<String> = log
        .iter()
        .flat_map(|line| wrap(&neutralise(line), columns))
        .collect();
    let end = &rows[rows.len().saturating_sub(room)..];
    end.iter()
        .map(|row| Line::default().styled(FAINT, lead).text(row).cut(width))
        .collect()
}

/// `KIND/NAMESPACE/NAME  verdict  message`.
fn object_line(diagnosed: &ObjectDiagnosis) -> Line {
    let verdict = &diagnosed.verdict;
    let line = Line::of("  ")
        .styled(STRONG, diagnosed.object.to_string())
        .text("  ");
    line.styled(style_of(verdict.state), verdict.state.to_string())
        .text("  ")
        .text(explanation(verdict))
}

/// `pod P, container C: cause`.
fn cause(diagnosed: &ObjectDiagnosis) -> String {
    let pod = diagnosed.pod.as_ref().map(|pod| format!("pod {pod}"));
    let container = diagnosed
        .container
        .as_ref()
        .map(|container| format!("container {container}"));
    let place = pod
        .into_iter()
        .chain(container)
        .collect::<Vec<_>>()
        .join(", ");
    match &diagnosed.cause {
        Some(cause) if place.is_empty() => cause.clone(),
        Some(cause) => format!("{place}: {cause}"),
        None => place,
    }
}

fn others(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<Line> {
    let others = diagnosis.objects.get(1..).unwrap_or_default();
    let mut lines: Vec<_> = others
        .iter()
        .take(OTHERS)
        .map(|other| with_cause(other).cut(width))
        .collect();
    if others.len() > OTHERS {
        lines.push(
            Line::default()
                .styled(FAINT, format!("  … and {} more", others.len() - OTHERS))
                .cut(width),
        );
    }
    lines
}

fn with_cause(diagnosed: &ObjectDiagnosis) -> Line {
    match diagnosed.cause.as_deref() {
        Some(cause) if !explanation(&diagnosed.verdict).contains(cause) => {
            object_line(diagnosed).text(format!(": {cause}"))
        }
        _ => object_line(diagnosed),
    }
}

fn commands(diagnosis: &Diagnosis) -> Vec<Line> {
    diagnosis
        .more
        .iter()
        .take(COMMANDS)
        .map(|command| Line::of("  more: ").styled(HINT, command))
        .collect()
}
