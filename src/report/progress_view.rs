//! What moves at the bottom of a terminal during a run: a bar for each phase, and what it waits for.

use jiff::Timestamp;

use super::{
    line::{FAINT, GOOD, Line, STRONG, WARNING, style_of},
    progress::{PhaseProgress, Progress, Waiting, explanation},
    text,
    units::{between, tally, whole},
};
use crate::{object::ObjectId, readiness::State};

/// At most this many objects that are not ready are shown, of all phases that run.
const OBJECTS: usize = 8;
/// The width of the longest word for a verdict.
const VERDICT: usize = 11;

/// One bar per running phase, with the slowest objects below it; fits a terminal of `columns` by
/// `rows`.
///
/// The last column stays free: a character in it makes some terminals wrap.
pub(super) fn progress_view(
    progress: &Progress,
    now: Timestamp,
    columns: usize,
    rows: usize,
) -> Vec<String> {
    let width = columns.saturating_sub(1);
    let running: Vec<_> = progress
        .running()
        .map(|(name, phase)| (name, phase, phase.slowest()))
        .collect();
    let names = running
        .iter()
        .map(|(name, ..)| text::width(name.name()))
        .max()
        .unwrap_or(0)
        .min(width / 3);
    // Each phase also needs its bar and the line that counts what is not shown; one row is the
    // cursor's.
    let room = rows.saturating_sub(1 + 2 * running.len()).min(OBJECTS);
    let shares = shares(
        &running
            .iter()
            .map(|(.., slowest)| slowest.len())
            .collect::<Vec<_>>(),
        room,
    );
    let lines = running
        .iter()
        .zip(shares)
        .flat_map(|((name, phase, slowest), share)| {
            let bar = bar_line(name.name(), phase, now, names, width);
            std::iter::once(bar).chain(object_lines(slowest, share, now, width))
        });
    lines
        .take(rows.saturating_sub(1))
        .map(|line| line.cut(Some(width)).render())
        .collect()
}

/// How many of `room` lines each phase gets: evenly, but none more than it needs.
fn shares(needs: &[usize], mut room: usize) -> Vec<usize> {
    let mut shares = vec![0; needs.len()];
    while room > 0 && shares.iter().zip(needs).any(|(share, need)| share < need) {
        for (share, need) in shares.iter_mut().zip(needs) {
            if *share < *need && room > 0 {
                *share += 1;
                room -= 1;
            }
        }
    }
    shares
}

fn bar_line(name: &str, phase: &PhaseProgress, now: Timestamp, names: usize, width: usize) -> Line {
    let (ready, objects) = (phase.ready(), phase.objects.max(phase.ready()));
    let cells = match width {
        0..=49 => 0,
        50..=99 => 20,
        _ => 30,
    };
    let done = (cells * ready).checked_div(objects).unwrap_or(cells);
    let counts = format!(
        "{ready:>digits$}/{objects}",
        digits = objects.to_string().len()
    );
    let written = tally(&[
        (phase.writes.created, "created"),
        (phase.writes.changed, "changed"),
    ]);
    let line = Line::default()
        .styled(STRONG, text::cut_middle(&text::neutralise(name), names))
        .padded(names + 1)
        .styled(GOOD, "█".repeat(done))
        .styled(FAINT, "░".repeat(cells - done))
        .text(format!(" {counts} ready"))
        .styled(
            FAINT,
            format!(
                "  {} of {}",
                whole(between(phase.started, now)),
                whole(phase.timeout)
            ),
        );
    let fits = !written.is_empty() && line.width() + 2 + text::width(&written) <= width;
    if fits {
        line.styled(FAINT, format!("  {written}"))
    } else {
        line
    }
}

fn object_lines(
    slowest: &[(&ObjectId, &Waiting)],
    share: usize,
    now: Timestamp,
    width: usize,
) -> Vec<Line> {
    let shown = &slowest[..share];
    let longest = |texts: &mut dyn Iterator<Item = String>| {
        texts.map(|text| text::width(&text)).max().unwrap_or(0)
    };
    let same = shown
        .windows(2)
        .all(|pair| pair[0].0.namespace == pair[1].0.namespace);
    let name = |object: &ObjectId| {
        text::neutralise(&if same {
            short_name(object)
        } else {
            object.to_string()
        })
    };
    let names = longest(&mut shown.iter().map(|(object, _)| name(object))).min(width * 2 / 5);
    let times = longest(
        &mut shown
            .iter()
            .map(|(_, waiting)| whole(between(waiting.since, now))),
    );
    let mut lines: Vec<_> = shown
        .iter()
        .map(|(object, waiting)| object_line(&name(object), waiting, now, (names, times)))
        .collect();
    if slowest.len() > share && share > 0 {
        lines
            .push(Line::default().styled(FAINT, format!("  … and {} more", slowest.len() - share)));
    }
    lines
}

/// `KIND/NAME`: a namespace that all lines have in common takes the room that says what is waited
/// for.
fn short_name(object: &ObjectId) -> String {
    format!("{}/{}", object.kind, object.name)
}

fn object_line(
    name: &str,
    waiting: &Waiting,
    now: Timestamp,
    (names, times): (usize, usize),
) -> Line {
    let line = Line::of("  ")
        .text(text::cut_middle(name, names))
        .padded(names + 4);
    let (word, style) = match waiting.state() {
        Some(state) => (state.to_string(), style_of(state)),
        None => ("applied".to_owned(), WARNING),
    };
    let line = line.styled(style, format!("{word:<VERDICT$}"));
    let line = line.styled(
        FAINT,
        format!("  {:>times$}  ", whole(between(waiting.since, now))),
    );
    match &waiting.verdict {
        Some(verdict) if verdict.state == State::Failed => line.styled(style, explanation(verdict)),
        Some(verdict) => line.text(explanation(verdict)),
        None => line,
    }
}
