//! Why a run failed, in one block that fits on a screen.

use anstyle::Style;

use super::{
    line::{BAD, FAINT, HINT, Line, STRONG, paragraph, style_of},
    next_steps::{EndState, next_steps},
    progress::{Run, explanation},
    text::{neutralise, wrap},
};
use crate::event::{Diagnosis, ObjectDiagnosis};

/// How much room a block has.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    /// The lines of a log are left out where the block has more lines than this without them.
    lines: usize,
    /// Causes and logs beside the first are left out beyond.
    screen: usize,
    /// At most this many lines of a log are shown.
    log: usize,
}

impl Room {
    /// What a small terminal shows.
    pub(super) const SCREEN: Self = Self {
        lines: 20,
        screen: 24,
        log: 6,
    };
    /// All that is known.
    pub(super) const ALL: Self = Self {
        lines: usize::MAX,
        screen: usize::MAX,
        log: usize::MAX,
    };
}

/// What happened takes at most this many lines.
const SUMMARY: usize = 3;
/// A cause takes at most this many lines.
const CAUSE: usize = 4;
/// A cause beside the first takes at most this many.
const BRIEF: usize = 2;
/// Where it happened takes at most this many lines.
const PLACE: usize = 2;
/// So many commands that show more are given, or one for each object.
const COMMANDS: usize = 2;
/// At most this many commands are given.
const MOST_COMMANDS: usize = 4;

/// Why a run failed: what, the cause, where, the last log lines, what shows more, what to do next.
///
/// No line is wider than `width`, but for commands: one that is cut cannot be copied.
pub(super) fn failure_block(
    diagnosis: &Diagnosis,
    run: Option<&Run>,
    end_state: EndState,
    width: Option<usize>,
) -> Vec<String> {
    let next = commands(diagnosis, run, end_state)
        .into_iter()
        .chain(next_steps(run, end_state, true, width));
    let lines = block(diagnosis, next.collect(), Room::SCREEN, width);
    lines.iter().map(Line::render).collect()
}

/// Why something is not as it was waited for: what, the cause, where, the last log lines, what
/// shows more.
pub(crate) fn diagnosis_block(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<String> {
    let more = more(diagnosis).collect();
    let lines = block(diagnosis, more, Room::SCREEN, width);
    lines.iter().map(Line::render).collect()
}

/// What is known of why a run failed beside the sentence that says so: the causes, where, the last
/// log lines, and what shows more.
pub(super) fn failure_details(
    diagnosis: &Diagnosis,
    room: Room,
    width: Option<usize>,
) -> Vec<Line> {
    let said = summary(diagnosis, width).len();
    let lines = block(diagnosis, more(diagnosis).collect(), room, width);
    lines.into_iter().skip(said).collect()
}

/// Lines about one cause, and the log that shows more.
struct Section<'a> {
    lines: Vec<Line>,
    log: &'a [String],
    /// Whether it is the first one about its object.
    is_of_object: bool,
}

fn block(diagnosis: &Diagnosis, next: Vec<Line>, room: Room, width: Option<usize>) -> Vec<Line> {
    let head = head(diagnosis, width);
    let used = head.lines.len() + next.len();
    let left = room.screen.saturating_sub(used);
    let others = fitting(others(diagnosis, width), left, width);
    let used = used + others.iter().map(|it| it.lines.len()).sum::<usize>();
    let sections = std::iter::once(head).chain(others).collect::<Vec<_>>();
    let rows = match sections.iter().filter(|it| !it.log.is_empty()).count() {
        0 | 1 => room.lines.saturating_sub(used),
        logs => room.screen.saturating_sub(used) / logs,
    };
    let rows = rows.min(room.log);
    sections
        .into_iter()
        .flat_map(|section| {
            let log = log_lines(section.log, rows, width);
            section.lines.into_iter().chain(log)
        })
        .chain(next)
        .collect()
}

/// All causes but the first of the first object, in their order.
fn others(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<Section<'_>> {
    let Some((first, others)) = diagnosis.objects.split_first() else {
        return Vec::new();
    };
    let lead = if is_named(diagnosis, first) {
        "  "
    } else {
        "    "
    };
    let mut sections: Vec<_> = further(first, lead, width).collect();
    for other in others {
        sections.push(Section {
            lines: with_cause(other, width),
            log: &other.log,
            is_of_object: true,
        });
        sections.extend(further(other, "    ", width));
    }
    sections
}

/// Those of `sections` that fit into `room` lines, and how many do not. Every object comes before a
/// second cause of any.
fn fitting(sections: Vec<Section<'_>>, room: usize, width: Option<usize>) -> Vec<Section<'_>> {
    let mut order: Vec<usize> = (0..sections.len()).collect();
    order.sort_by_key(|position| !sections[*position].is_of_object);
    let all: usize = sections.iter().map(|section| section.lines.len()).sum();
    // One line says that there are more.
    let mut left = if all > room {
        room.saturating_sub(1)
    } else {
        room
    };
    let mut fits = vec![false; sections.len()];
    for position in order {
        let Some(rest) = left.checked_sub(sections[position].lines.len()) else {
            break;
        };
        fits[position] = true;
        left = rest;
    }
    let hidden = fits.iter().filter(|fits| !**fits).count();
    let shown = sections.into_iter().zip(fits).filter(|(_, fits)| *fits);
    let mut shown: Vec<_> = shown.map(|(section, _)| section).collect();
    if hidden > 0 {
        let more = format!("  … and {hidden} more");
        shown.push(Section {
            lines: vec![Line::default().styled(FAINT, more).cut(width)],
            log: &[],
            is_of_object: false,
        });
    }
    shown
}

/// What failed.
fn summary(diagnosis: &Diagnosis, width: Option<usize>) -> Vec<Line> {
    let phase = diagnosis
        .phase
        .as_ref()
        .map_or_else(String::new, |phase| format!("phase {phase}: "));
    let summary = format!("{phase}{}", diagnosis.summary);
    paragraph("✗ ", &summary, (width, SUMMARY), BAD)
}

fn head(diagnosis: &Diagnosis, width: Option<usize>) -> Section<'_> {
    let mut lines = summary(diagnosis, width);
    let Some(first) = diagnosis.objects.first() else {
        return Section {
            lines,
            log: &[],
            is_of_object: false,
        };
    };
    let is_named = is_named(diagnosis, first);
    if !is_named {
        lines.push(object_line(first).cut(width));
    }
    let lead = if is_named { "  " } else { "    " };
    lines.extend(paragraph(lead, &cause(first), (width, CAUSE), Style::new()));
    lines.extend(paragraph(lead, &place(first), (width, PLACE), FAINT));
    Section {
        lines,
        log: &first.log,
        is_of_object: true,
    }
}

/// Whether the summary names the only object.
fn is_named(diagnosis: &Diagnosis, only: &ObjectDiagnosis) -> bool {
    diagnosis.objects.len() == 1 && diagnosis.summary.contains(&only.object.to_string())
}

/// The causes of an object beside the first.
fn further<'a>(
    diagnosed: &'a ObjectDiagnosis,
    lead: &str,
    width: Option<usize>,
) -> impl Iterator<Item = Section<'a>> {
    diagnosed.further.iter().map(move |further| {
        let mut lines = paragraph(lead, &further.cause, (width, BRIEF), Style::new());
        let place = in_pod(further.pod.as_ref(), further.container.as_ref());
        lines.extend(paragraph(lead, &place, (width, PLACE), FAINT));
        Section {
            lines,
            log: &further.log,
            is_of_object: false,
        }
    })
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
    let place = in_pod(diagnosed.pod.as_ref(), diagnosed.container.as_ref());
    [place, effect(diagnosed).to_owned()]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join("; ")
}

fn in_pod(pod: Option<&String>, container: Option<&String>) -> String {
    let pod = pod.map(|pod| format!("pod {pod}"));
    let container = container.map(|container| format!("container {container}"));
    pod.into_iter()
        .chain(container)
        .collect::<Vec<_>>()
        .join(", ")
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

/// An object with its cause beside it where that fits, else below it.
fn with_cause(diagnosed: &ObjectDiagnosis, width: Option<usize>) -> Vec<Line> {
    let cause = cause(diagnosed);
    let line = object_line(diagnosed);
    let beside = line.clone().text("  ").text(&cause);
    if width.is_none_or(|width| beside.width() <= width) {
        return vec![beside];
    }
    std::iter::once(line.cut(width))
        .chain(paragraph("    ", &cause, (width, BRIEF), Style::new()))
        .collect()
}

/// What shows more. After a rollback the pods of the run are gone, and with them what kubectl could
/// show of them: what is stored of it shows more then.
fn commands(diagnosis: &Diagnosis, run: Option<&Run>, end_state: EndState) -> Vec<Line> {
    if !matches!(end_state, EndState::RolledBack | EndState::Differs) {
        return more(diagnosis).collect();
    }
    let stored = run.filter(|_| !diagnosis.objects.is_empty());
    let shown = stored.map(
        |Run {
             release, revision, ..
         }| {
            let (plan, environment) = (&release.plan, &release.environment);
            format!("deployctl history show {revision} {plan} --env {environment}")
        },
    );
    shown.iter().map(|command| command_line(command)).collect()
}

/// The commands that show more of what is there.
fn more(diagnosis: &Diagnosis) -> impl Iterator<Item = Line> {
    let most = COMMANDS.max(diagnosis.objects.len()).min(MOST_COMMANDS);
    let commands = diagnosis.more.iter().take(most);
    commands.map(|command| command_line(command))
}

fn command_line(command: &str) -> Line {
    Line::of("  more: ").styled(HINT, command)
}
