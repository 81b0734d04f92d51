use indexmap::IndexMap;
use serde::Serialize;

use super::{
    line::{BAD, FAINT, GOOD, Line, STRONG, WARNING},
    units::tally,
};
use crate::object::ObjectId;

/// At most about this many lines are shown before somebody is asked.
const LINES: usize = 40;

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
    /// Variables whose values do not come from the plan file, with their values.
    pub(crate) variables_not_from_file: Vec<(String, String)>,
    /// Keys of Secrets (`NAME/KEY`) and where their values come from (`kept`, `generated`, `prompted`), never a value.
    pub(crate) secrets: Vec<(String, String)>,
}

/// What happens to one object.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ChangeRow {
    /// Its phase.
    pub(crate) phase: String,
    /// The object.
    pub(crate) object: ObjectId,
    /// What happens to it.
    pub(crate) action: ChangeAction,
    /// What is different, or why it is recreated.
    pub(crate) detail: Option<String>,
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
    /// It is there as wanted.
    Unchanged,
}

impl ChangeSummary {
    /// Whether anything is going to be written.
    pub(crate) fn changes_anything(&self) -> bool {
        self.rows.iter().any(|row| row.action != ChangeAction::Unchanged)
    }

    /// The text that is shown before asking: about 40 lines at most, none wider than `width`.
    pub(crate) fn text(&self, width: Option<usize>) -> String {
        let mut lines = self.head();
        lines.push(Line::default());
        lines.extend(self.phases(LINES.saturating_sub(lines.len() + 2)));
        lines.push(Line::default());
        lines.push(Line::default().styled(STRONG, "Together").text(format!("  {}", counts(&self.rows.iter().collect::<Vec<_>>()))));
        lines.into_iter().map(|line| line.cut(width).render() + "\n").collect()
    }

    fn head(&self) -> Vec<Line> {
        let title = |title: &str| Line::default().styled(STRONG, title).padded(12);
        let mut lines = vec![
            title("Release").text(&self.release),
            title("Context").styled(STRONG, &self.context).text(format!(" ({})", self.server)),
            title(if self.namespaces.len() == 1 { "Namespace" } else { "Namespaces" }).text(self.namespaces.join(", ")),
        ];
        let variables = self.variables_not_from_file.iter().map(|(name, value)| Line::of(format!("{name} = {value}")));
        lines.extend(titled("Variables", variables.collect()));
        let secrets = self.secrets.iter().map(|(key, origin)| Line::of(format!("{key}  ")).styled(FAINT, origin));
        lines.extend(titled("Secrets", secrets.collect()));
        lines
    }

    /// A heading for each phase in which something happens, with as many of its objects as fit into `room` lines.
    fn phases(&self, room: usize) -> Vec<Line> {
        let mut phases: IndexMap<&str, Vec<&ChangeRow>> = IndexMap::new();
        for row in &self.rows {
            phases.entry(&row.phase).or_default().push(row);
        }
        let mut left = room.saturating_sub(phases.len() + 1);
        let mut hidden = 0;
        let mut lines = Vec::new();
        for (phase, rows) in phases {
            lines.push(Line::default().styled(STRONG, phase).text(format!("  {}", counts(&rows))));
            let mut changes: Vec<_> = rows.into_iter().filter(|row| row.action != ChangeAction::Unchanged).collect();
            changes.sort_by_key(|row| row.action);
            let shown = changes.len().min(left);
            left -= shown;
            hidden += changes.len() - shown;
            lines.extend(changes[..shown].iter().map(|row| row.line()));
        }
        if hidden > 0 {
            lines.push(Line::default().styled(FAINT, format!("… and {hidden} more")));
        }
        lines
    }
}

/// `lines` with a title before the first, at most eight of them.
fn titled(title: &str, lines: Vec<Line>) -> Vec<Line> {
    const SHOWN: usize = 8;
    let hidden = lines.len().saturating_sub(SHOWN);
    let more = (hidden > 0).then(|| Line::default().styled(FAINT, format!("… and {hidden} more")));
    let lines = lines.into_iter().take(SHOWN).chain(more).enumerate();
    lines.map(|(position, line)| Line::default().styled(STRONG, if position == 0 { title } else { "" }).padded(12).joined(line)).collect()
}

/// `4 to create, 1 to change, 10 unchanged`.
fn counts(rows: &[&ChangeRow]) -> String {
    let number = |action| rows.iter().filter(|row| row.action == action).count();
    tally(&[
        (number(ChangeAction::Recreate), "to delete and create again"),
        (number(ChangeAction::Change), "to change"),
        (number(ChangeAction::Create), "to create"),
        (number(ChangeAction::Unchanged), "unchanged"),
    ])
}

impl ChangeRow {
    fn line(&self) -> Line {
        let (mark, style) = match self.action {
            ChangeAction::Recreate => ("±", BAD),
            ChangeAction::Change => ("~", WARNING),
            ChangeAction::Create => ("+", GOOD),
            ChangeAction::Unchanged => ("=", FAINT),
        };
        let line = Line::of("  ").styled(style, mark).text(format!(" {}", self.object));
        match &self.detail {
            Some(detail) => line.styled(FAINT, format!("  {detail}")),
            None => line,
        }
    }
}
