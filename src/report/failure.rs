//! Why a run failed, in one block that fits on a screen.

use anstyle::Style;

use super::{
    line::{BAD, FAINT, HINT, Line, STRONG, paragraph, style_of},
    next_steps::{EndState, next_steps},
    progress::{Run, explanation},
    text::{neutralise, wrap},
};
use crate::event::{Diagnosis, ObjectDiagnosis};

/// The lines of a log are left out where the block has more lines than this without them.
const LINES: usize = 20;
/// At most this many lines of a log are shown.
const LOG: usize = 6;
/// What happened takes at most this many lines.
const SUMMARY: usize = 3;
/// A cause takes at most this many lines.
const CAUSE: usize = 4;
/// Where it happened takes at most this many lines, and so does the cause of another object.
const PLACE: usize = 2;
/// At most this many objects beside the first are shown.
const OTHERS: usize = 2;
/// At most this many commands that show more are given.
const COMMANDS: usize = 2;

/// Why a run failed: what, the cause, where, the last log lines, what shows more, what to do next.
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

/// Why something is not as it was waited for: what, the cause, where, the last log lines, what
/// shows more.
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
    let summary = format!("{phase}{}", diagnosis.summary);
    let mut lines = paragraph("✗ ", &summary, (width, SUMMARY), BAD);
    let Some(first) = diagnosis.objects.first() else {
        return lines;
    };
    // The only object is named by the summary.
    let is_named =
        diagnosis.objects.len() == 1 && diagnosis.summary.contains(&first.object.to_string());
    if !is_named {
        lines.push(object_line(first).cut(width));
    }
    let lead = if is_named { "  " } else { "    " };
    lines.extend(paragraph(lead, &cause(first), (width, CAUSE), Style::new()));
    lines.extend(paragraph(lead, &place(first), (width, PLACE), FAINT));
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

/// `KIND/NAMESPACE/NAME  verdict`.
fn object_line(diagnosed: &ObjectDiagnosis) -> Line {
    let state = diagnosed.verdict.state;
    Line::of("  ")
        .styled(STRONG, diagnosed.object.to_string())
        .text("  ")
        .styled(style_of(state), state.to_string())
}

/// The most specific cause that is known.
fn cause(diagnosed: &ObjectDiagnosis) -> String {
    diagnosed
        .cause
        .clone()
        .unwrap_or_else(|| explanation(&diagnosed.verdict))
}

/// `pod P, container C; 1 of 3 replicas are ready`: where it is so, and what it does to the object.
fn place(diagnosed: &ObjectDiagnosis) -> String {
    let pod = diagnosed.pod.as_ref().map(|pod| format!("pod {pod}"));
    let container = diagnosed
        .container
        .as_ref()
        .map(|container| format!("container {container}"));
    let place = pod.into_iter().chain(container).collect::<Vec<_>>();
    [place.join(", "), effect(diagnosed).to_owned()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

/// What the verdict says beside the cause: its message up to where that names the pod or the cause.
fn effect(diagnosed: &ObjectDiagnosis) -> &str {
    let message = diagnosed.verdict.message.as_str();
    let Some(cause) = &diagnosed.cause else {
        return "";
    };
    if cause.contains(message) {
        return "";
    }
    let repeats = message.contains(cause.as_str())
        || diagnosed
            .pod
            .as_ref()
            .is_some_and(|pod| message.contains(pod.as_str()));
    match message.split_once("; ").filter(|_| repeats) {
        Some((effect, _)) => effect,
        None if repeats => "",
        None => message,
    }
}

fn others(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<Line> {
    let others = diagnosis.objects.get(1..).unwrap_or_default();
    let mut lines: Vec<_> = others
        .iter()
        .take(OTHERS)
        .flat_map(|other| with_cause(other, width))
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

/// An object with its cause beside it where that fits, else below it.
fn with_cause(diagnosed: &ObjectDiagnosis, width: Option<usize>) -> Vec<Line> {
    let cause = cause(diagnosed);
    let line = object_line(diagnosed);
    let beside = line.clone().text("  ").text(&cause);
    if width.is_none_or(|width| beside.width() <= width) {
        return vec![beside];
    }
    std::iter::once(line.cut(width))
        .chain(paragraph("    ", &cause, (width, PLACE), Style::new()))
        .collect()
}

fn commands(diagnosis: &Diagnosis) -> Vec<Line> {
    diagnosis
        .more
        .iter()
        .take(COMMANDS)
        .map(|command| Line::of("  more: ").styled(HINT, command))
        .collect()
}
