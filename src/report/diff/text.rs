//! A diff for people.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::view::{
    DiffCommit, DiffDetail, DiffHunk, DiffImpact, DiffObject, DiffSign, DiffView, ImpactEffect,
};
use crate::report::{
    changes::{ChangeAction, ChangeRow, Heading, counts, titled},
    field::{field_line, inline, who},
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    units::{age, count},
};

/// Width of the titles before what they are of.
const TITLES: usize = 12;

impl DiffView {
    /// The view for people. Lines of objects are as long as they are; all others are wrapped at `width`.
    pub(crate) fn text(&self, detail: DiffDetail, width: Option<usize>, now: Timestamp) -> String {
        let mut lines = wrapped(self.head(now), width);
        lines.push(Line::default());
        if self
            .objects
            .iter()
            .any(|object| object.row.action != ChangeAction::Unchanged)
        {
            lines.extend(self.phases(detail, width, now));
        }
        let impact = impact(self);
        if !impact.is_empty() {
            lines.extend(wrapped(impact, width));
            lines.push(Line::default());
        }
        lines.push(self.total());
        lines.iter().map(|line| line.render() + "\n").collect()
    }

    fn head(&self, now: Timestamp) -> Vec<Line> {
        let summary = &self.summary;
        let mut lines = heading(self, Some(now));
        if !summary.left_out.is_empty() {
            lines.push(title("Left out").text(summary.left_out()));
        }
        let secrets = summary.secrets().into_iter();
        let secrets = secrets.map(|(name, keys)| {
            vec![Line::of(name).styled(FAINT, format!("  {}", keys.join(", ")))]
        });
        lines.extend(titled("Secrets", "Secret", secrets.collect()));
        lines
    }

    /// Each phase in which something happens, with its objects.
    fn phases(&self, detail: DiffDetail, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let mut phases: IndexMap<Heading<'_>, Vec<&DiffObject>> = IndexMap::new();
        for object in &self.objects {
            phases.entry(object.row.heading()).or_default().push(object);
        }
        let mut lines = Vec::new();
        for (phase, objects) in phases {
            let rows: Vec<&ChangeRow> = objects.iter().map(|object| &object.row).collect();
            if rows.iter().all(|row| row.action == ChangeAction::Unchanged) {
                continue;
            }
            let name = Line::default().styled(STRONG, phase.name());
            lines.push(name.text(format!("  {}", counts(&rows))));
            let shown = objects.into_iter();
            let shown = shown.filter(|object| object.row.action != ChangeAction::Unchanged);
            lines.extend(shown.flat_map(|object| object.lines(detail, width, now)));
            lines.push(Line::default());
        }
        lines
    }

    fn total(&self) -> Line {
        let rows: Vec<&ChangeRow> = self.objects.iter().map(|object| &object.row).collect();
        let line = Line::default().styled(STRONG, "Total");
        if self.changes_anything() {
            line.text(format!("  {}", counts(&rows)))
        } else {
            let unchanged = count(self.unchanged(), "object");
            line.text(format!("  nothing would change: {unchanged} as wanted"))
        }
    }
}

fn title(title: &str) -> Line {
    Line::default().styled(STRONG, title).padded(TITLES)
}

fn wrapped(lines: Vec<Line>, width: Option<usize>) -> Vec<Line> {
    let wrapped = lines.into_iter();
    wrapped
        .flat_map(|line| line.wrapped(width, TITLES, 6))
        .collect()
}

/// What is said of `view` as a whole; without `now`, only what does not depend on the time.
pub(super) fn heading(view: &DiffView, now: Option<Timestamp>) -> Vec<Line> {
    let summary = &view.summary;
    let mut lines = vec![
        title("Release").text(&summary.release),
        title("Context")
            .styled(STRONG, &summary.context)
            .text(format!(" ({})", summary.server)),
        from(view, now),
    ];
    let before = view.from.as_ref().and_then(|from| from.commit.as_ref());
    if let Some(after) = &view.commit {
        let after = commit(after);
        let said = match before.map(commit) {
            Some(before) if before == after => after,
            Some(before) => format!("{before} → {after}"),
            None => after,
        };
        lines.push(title("Commit").text(said));
    }
    lines.extend(variables(view));
    lines
}

/// The revision that is deployed.
fn from(view: &DiffView, now: Option<Timestamp>) -> Line {
    let Some(from) = &view.from else {
        return title("From").text("nothing is deployed");
    };
    let revision = &from.revision;
    let (word, style) = revision.word();
    let line = title("From").text(format!("revision {} ", revision.number));
    let line = line.styled(style, word);
    match now {
        Some(now) => {
            let when = age(revision.finished.unwrap_or(revision.started), now);
            line.text(format!(" {when} by {}", revision.by))
        }
        None => line,
    }
}

fn commit(commit: &DiffCommit) -> String {
    let short: String = commit.commit.chars().take(10).collect();
    if commit.dirty {
        format!("{short} with changes that are not committed")
    } else {
        short
    }
}

/// Every variable whose value is another than in the last revision. Where there is none to compare with,
/// those that do not come from the plan file.
fn variables(view: &DiffView) -> Vec<Line> {
    let variables = &view.variables;
    if !variables.known {
        let given = view.summary.variables_not_from_file.iter();
        let given = given.map(|(name, value)| vec![Line::of(format!("{name} = {value}"))]);
        let mut lines = titled("Variables", "variable", given.collect());
        if variables.is_deployed {
            let said =
                "those of the last revision are not recorded: it was made by an older deployctl";
            let name = if lines.is_empty() { "Variables" } else { "" };
            lines.push(title(name).styled(FAINT, said));
        }
        return lines;
    }
    let said = |value: &Option<Value>| value.as_ref().map_or("(none)".to_owned(), inline);
    let changed = variables.changed.iter();
    let changed = changed.enumerate().map(|(position, variable)| {
        let name = if position == 0 { "Variables" } else { "" };
        title(name)
            .styled(STRONG, &variable.name)
            .text(": ")
            .styled(BAD, said(&variable.before))
            .text(" → ")
            .styled(GOOD, said(&variable.after))
    });
    changed.collect()
}

/// What the change does to what is running.
pub(super) fn impact(view: &DiffView) -> Vec<Line> {
    let mut impact: Vec<&DiffImpact> = view.impact.iter().collect();
    impact.sort_by_key(|impact| impact.effect);
    let mut said = None;
    let lines = impact.into_iter().map(|impact| {
        let (word, style) = match impact.effect {
            ImpactEffect::Restarts => ("Restarts", WARNING),
            ImpactEffect::Down => ("Down", BAD),
            ImpactEffect::Final => ("No way back", BAD),
        };
        let is_new = said.replace(impact.effect) != Some(impact.effect);
        let line = Line::default().styled(style.bold(), if is_new { word } else { "" });
        let line = line.padded(TITLES).text(impact.object.to_string());
        line.styled(FAINT, format!("  {}", impact.why))
    });
    lines.collect()
}

impl DiffObject {
    fn lines(&self, detail: DiffDetail, width: Option<usize>, now: Timestamp) -> Vec<Line> {
        let row = ChangeRow {
            detail: self.detail(),
            ..self.row.clone()
        };
        let mut lines = row.line().wrapped(width, 6, 6);
        if self.untried && self.is_written() {
            let said =
                "the API server could not be asked what it would store: this is what is sent";
            lines.push(indented().styled(FAINT, said));
        }
        match detail {
            // Its line says that it comes.
            DiffDetail::Brief if self.row.action == ChangeAction::Create => {}
            DiffDetail::Brief => lines.extend(
                self.fields
                    .iter()
                    .map(|field| indented().joined(field_line(field))),
            ),
            // Who goes need not be read.
            DiffDetail::Lines if self.row.action == ChangeAction::Delete => {}
            DiffDetail::Lines => lines.extend(self.hunks.iter().flat_map(hunk_lines)),
        }
        for outside in &self.outside {
            lines.push(indented().joined(field_line(&outside.field)));
            lines.push(indented().styled(
                WARNING,
                format!("  changed outside deployctl by {}", who(outside, now)),
            ));
        }
        lines
    }
}

fn indented() -> Line {
    Line::of("    ")
}

fn hunk_lines(hunk: &DiffHunk) -> Vec<Line> {
    let place =
        (!hunk.place.is_empty()).then(|| indented().styled(HINT, format!("@@ {} @@", hunk.place)));
    let lines = hunk.lines.iter().map(|line| {
        let text = format!("{} {}", line.sign.mark(), line.text);
        match line.sign {
            DiffSign::Same => indented().styled(FAINT, text),
            DiffSign::Removed => indented().styled(BAD, text),
            DiffSign::Added => indented().styled(GOOD, text),
        }
    });
    place.into_iter().chain(lines).collect()
}
