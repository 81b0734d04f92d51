//! What a run is going to do, as it is shown before asking.

use indexmap::IndexMap;
use serde::Serialize;

use super::{
    field::{DiffField, field_line},
    line::{BAD, FAINT, GOOD, HINT, Line, STRONG, WARNING},
    text::{neutralise, width, wrap},
    units::{count, tally},
};
use crate::object::ObjectId;
use crate::plan::PhaseId;

/// At most about this many lines are shown before somebody is asked.
const LINES: usize = 40;
/// So many are shown also on a terminal that is smaller.
const FEWEST: usize = 16;
/// At most this many entries of one kind (variables, Secrets) are shown.
const ENTRIES: usize = 8;
/// At most this many fields of one object are shown.
const FIELDS: usize = 5;
/// Width of the titles before them.
const TITLES: usize = 12;

/// How much of the changes is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    /// No line is wider.
    pub(crate) width: Option<usize>,
    /// Rows of the terminal, so that the whole is in view when the question comes.
    pub(crate) rows: Option<usize>,
    /// Whether objects that are created are named: a log names them when they are.
    pub(crate) creations: bool,
    /// Whether `deployctl diff` shows more of it.
    pub(crate) diff: bool,
}

/// What a run is going to do, as it is shown before asking.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeSummary {
    /// The release.
    pub(crate) release: String,
    /// Context of the kubeconfig.
    pub(crate) context: String,
    /// Address of the API server.
    pub(crate) server: String,
    /// The namespaces that objects go to.
    pub(crate) namespaces: Vec<String>,
    /// Every object, in the order of phases.
    pub(crate) rows: Vec<ChangeRow>,
    /// What is wanted and no part of the run: how many objects of each phase.
    pub(crate) left_out: Vec<(PhaseId, usize)>,
    /// Variables whose values do not come from the plan file, with their values.
    pub(crate) variables_not_from_file: Vec<(String, String)>,
    /// Keys of the Secrets that are written (`NAME/KEY`) and where their values come from (`kept`,
    /// `generated`, `asked for`), never a value.
    pub(crate) secrets: Vec<(String, String)>,
}

/// What happens to one object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeRow {
    /// Its phase.
    pub(crate) phase: PhaseId,
    /// The object.
    pub(crate) object: ObjectId,
    /// What happens to it.
    pub(crate) action: ChangeAction,
    /// What is different, or why it is recreated.
    pub(crate) detail: Option<String>,
    /// The fields that change, where they are shown before somebody is asked.
    #[serde(skip)]
    pub(crate) fields: Vec<DiffField>,
}

/// What happens to an object. The order is that of attention.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ChangeAction {
    /// It is deleted and created again.
    Recreate,
    /// It is there and becomes different.
    Change,
    /// It is not there yet.
    Create,
    /// It is there and goes.
    Delete,
    /// It is there, stays, and is no longer the release's: others hold it too.
    GiveUp,
    /// It is no longer wanted, and stays.
    Keep,
    /// It is there as wanted.
    Unchanged,
}

impl ChangeSummary {
    /// The text that is shown before asking: as many lines as fit, at most about 40.
    pub(crate) fn text(&self, extent: Extent) -> String {
        let lines = extent
            .rows
            .map_or(LINES, |rows| rows.saturating_sub(2).clamp(FEWEST, LINES));
        let mut text = self.head(extent.width);
        text.push(Line::default());
        let has_more = extent.diff && self.rows.iter().any(|row| !row.fields.is_empty());
        let below = 2 + usize::from(has_more);
        text.extend(self.phases(lines.saturating_sub(text.len() + below), extent));
        text.push(Line::default());
        text.push(Line::default().styled(STRONG, "Total").text(format!(
            "  {}",
            counts(&self.rows.iter().collect::<Vec<_>>())
        )));
        if has_more {
            let said = format!("`deployctl diff {}` shows every field", self.release);
            text.push(Line::default().styled(HINT, said));
        }
        text.into_iter()
            .map(|line| line.cut(extent.width).render() + "\n")
            .collect()
    }

    fn head(&self, width: Option<usize>) -> Vec<Line> {
        let title = |title: &str| Line::default().styled(STRONG, title).padded(TITLES);
        let mut lines = vec![
            title("Release").text(&self.release),
            title("Context")
                .styled(STRONG, &self.context)
                .text(format!(" ({})", self.server)),
            title(if self.namespaces.len() == 1 {
                "Namespace"
            } else {
                "Namespaces"
            })
            .text(self.namespaces.join(", ")),
        ];
        if !self.left_out.is_empty() {
            lines.push(title("Left out").text(self.left_out()));
        }
        let variables = self
            .variables_not_from_file
            .iter()
            .map(|(name, value)| vec![Line::of(format!("{name} = {value}"))]);
        lines.extend(titled("Variables", "variable", variables.collect()));
        let room = width.map(|width| width.saturating_sub(TITLES));
        lines.extend(titled(
            "Secrets",
            "Secret",
            self.secrets()
                .into_iter()
                .map(|(name, keys)| secret_lines(name, &keys, room))
                .collect(),
        ));
        lines
    }

    /// `7 objects: apps 4, monitoring 3`.
    pub(super) fn left_out(&self) -> String {
        let phases = self.left_out.iter();
        let phases: Vec<String> = phases
            .map(|(phase, number)| format!("{phase} {number}"))
            .collect();
        let total = self.left_out.iter().map(|(_, number)| number).sum();
        format!("{}: {}", count(total, "object"), phases.join(", "))
    }

    /// Each Secret with its keys and where their values come from.
    pub(super) fn secrets(&self) -> IndexMap<&str, Vec<String>> {
        let mut secrets: IndexMap<&str, Vec<String>> = IndexMap::new();
        for (name, origin) in &self.secrets {
            let (secret, key) = name.split_once('/').unwrap_or((name, ""));
            secrets
                .entry(secret)
                .or_default()
                .push(format!("{key} {origin}"));
        }
        secrets
    }

    /// A heading for each phase in which something happens, with as many of its objects as fit into
    /// `room` lines, and what is said of them broken between words where that fits too.
    fn phases(&self, room: usize, extent: Extent) -> Vec<Line> {
        let mut phases: IndexMap<Heading<'_>, Vec<&ChangeRow>> = IndexMap::new();
        for row in &self.rows {
            phases.entry(row.heading()).or_default().push(row);
        }
        phases.retain(|_, rows| rows.iter().any(|row| row.action != ChangeAction::Unchanged));
        let worth = |row: &&&ChangeRow| {
            row.action != ChangeAction::Unchanged
                && (extent.creations || row.action != ChangeAction::Create)
        };
        let mut by_attention: Vec<&ChangeRow> =
            phases.values().flatten().filter(worth).copied().collect();
        by_attention.sort_by_key(|row| row.action);
        let room = room.saturating_sub(phases.len() + 1);
        let hidden = by_attention.len().saturating_sub(room);
        by_attention.truncate(room);
        // What changes comes after which objects do.
        let mut room = room - by_attention.len();
        let mut lines = Vec::new();
        for (phase, rows) in phases {
            lines.push(
                Line::default()
                    .styled(STRONG, phase.name())
                    .text(format!("  {}", counts(&rows))),
            );
            for row in by_attention.iter().filter(|row| row.heading() == phase) {
                let said = row.line().wrapped(extent.width, 6, 1 + room.min(2));
                room -= said.len() - 1;
                lines.extend(said);
                let fields = row.fields_within(room);
                room -= fields.len();
                lines.extend(fields);
            }
        }
        // Where none is named, the counts say it all.
        if hidden > 0 && !by_attention.is_empty() {
            lines.push(Line::default().styled(FAINT, format!("… and {hidden} more")));
        }
        lines
    }
}

/// What rows of a change are shown under.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Heading<'a> {
    Phase(&'a PhaseId),
    /// What is no longer wanted and stays.
    Kept,
}

impl<'a> Heading<'a> {
    pub(super) fn name(self) -> &'a str {
        match self {
            Self::Phase(phase) => phase.name(),
            Self::Kept => "kept",
        }
    }
}

impl ChangeRow {
    pub(super) fn heading(&self) -> Heading<'_> {
        match self.action {
            ChangeAction::Keep => Heading::Kept,
            _ => Heading::Phase(&self.phase),
        }
    }
}

/// Entries with a title before the first, at most eight of them.
pub(super) fn titled(title: &str, noun: &str, entries: Vec<Vec<Line>>) -> Vec<Line> {
    let hidden = entries.len().saturating_sub(ENTRIES);
    let more = (hidden > 0)
        .then(|| Line::default().styled(FAINT, format!("… and {} more", count(hidden, noun))));
    let lines = entries
        .into_iter()
        .take(ENTRIES)
        .flatten()
        .chain(more)
        .enumerate();
    lines
        .map(|(position, line)| {
            Line::default()
                .styled(STRONG, if position == 0 { title } else { "" })
                .padded(TITLES)
                .joined(line)
        })
        .collect()
}

/// `NAME: KEY generated, KEY kept`, in lines of at most `room` columns.
fn secret_lines(name: &str, keys: &[String], room: Option<usize>) -> Vec<Line> {
    let name = neutralise(name) + "  ";
    let indent = width(&name);
    let wrapped = wrap(
        &neutralise(&keys.join(", ")),
        room.map(|room| room.saturating_sub(indent)),
    );
    let lead = |position| {
        if position == 0 {
            name.clone()
        } else {
            " ".repeat(indent)
        }
    };
    wrapped
        .iter()
        .enumerate()
        .map(|(position, text)| Line::of(lead(position)).styled(FAINT, text))
        .collect()
}

/// `4 to create, 1 to change, 10 unchanged`.
pub(super) fn counts(rows: &[&ChangeRow]) -> String {
    let number = |action| rows.iter().filter(|row| row.action == action).count();
    tally(&[
        (number(ChangeAction::Recreate), "to delete and create again"),
        (number(ChangeAction::Change), "to change"),
        (number(ChangeAction::Create), "to create"),
        (number(ChangeAction::Delete), "to delete"),
        (number(ChangeAction::GiveUp), "to release"),
        (number(ChangeAction::Keep), "kept"),
        (number(ChangeAction::Unchanged), "unchanged"),
    ])
}

impl ChangeRow {
    /// A line for each field that changes, but at most a few, and no more than fit into `room` lines.
    fn fields_within(&self, room: usize) -> Vec<Line> {
        let room = room.min(FIELDS);
        let indented = || Line::of("    ");
        let shown = if self.fields.len() > room {
            room.saturating_sub(1)
        } else {
            self.fields.len()
        };
        let fields = self.fields.iter().take(shown);
        let mut lines: Vec<Line> = fields
            .map(|field| indented().joined(field_line(field)))
            .collect();
        let hidden = self.fields.len() - shown;
        if hidden > 0 && room > 0 {
            let more = format!("… and {}", count(hidden, "more field"));
            lines.push(indented().styled(FAINT, more));
        }
        lines
    }

    pub(super) fn line(&self) -> Line {
        let (mark, style) = match self.action {
            ChangeAction::Recreate => ("±", BAD),
            ChangeAction::Change => ("~", WARNING),
            ChangeAction::Create => ("+", GOOD),
            ChangeAction::Delete => ("-", BAD),
            ChangeAction::GiveUp => ("-", WARNING),
            ChangeAction::Keep => ("·", FAINT),
            ChangeAction::Unchanged => ("=", FAINT),
        };
        let line = Line::of("  ")
            .styled(style, mark)
            .text(format!(" {}", self.object));
        match &self.detail {
            Some(detail) => line.styled(FAINT, format!("  {detail}")),
            None => line,
        }
    }
}
