//! What a deployment would change, as plain data.

use serde::Serialize;
use serde_json::Value;

use crate::{
    object::ObjectId,
    report::{
        changes::{ChangeAction, ChangeRow, ChangeSummary},
        field::{DiffField, DiffOutside},
        status::RevisionInfo,
    },
};

/// What a deployment would change.
#[derive(Debug, Clone)]
pub(crate) struct DiffView {
    /// What happens to each object, and where.
    pub(crate) summary: ChangeSummary,
    /// The revision that is deployed; `None` where nothing is.
    pub(crate) from: Option<DiffRevision>,
    /// The commit that the plan is at now; `None` where there is none.
    pub(crate) commit: Option<DiffCommit>,
    /// Variables whose values are others than in that revision.
    pub(crate) variables: DiffVariables,
    /// The objects, in the order of the summary's rows.
    pub(crate) objects: Vec<DiffObject>,
    /// What it does to what is running.
    pub(crate) impact: Vec<DiffImpact>,
}

/// The revision that is deployed.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffRevision {
    /// The revision.
    #[serde(flatten)]
    pub(crate) revision: RevisionInfo,
    /// The commit that it was made from.
    pub(crate) commit: Option<DiffCommit>,
}

/// A commit of the plan's repository.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffCommit {
    /// Its name.
    pub(crate) commit: String,
    /// Whether files differ from it.
    pub(crate) dirty: bool,
}

/// Variables whose values are others than in the last revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffVariables {
    /// Whether the values of the last revision are known.
    pub(crate) known: bool,
    /// Whether anything is deployed.
    #[serde(skip)]
    pub(crate) is_deployed: bool,
    /// Those that differ.
    pub(crate) changed: Vec<DiffVariable>,
}

/// A variable whose value is another one than in the last revision.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffVariable {
    /// Its name.
    pub(crate) name: String,
    /// Its value then; `None` where it was not declared.
    pub(crate) before: Option<Value>,
    /// Its value now; `None` where it is not declared any more.
    pub(crate) after: Option<Value>,
}

/// What happens to one object.
#[derive(Debug, Clone)]
pub(crate) struct DiffObject {
    /// What is done with it.
    pub(crate) row: ChangeRow,
    /// It is there, and becomes the release's.
    pub(crate) adopted: bool,
    /// The release had it, and others have deleted it.
    pub(crate) deleted_outside: bool,
    /// The API server could not be asked what it would store.
    pub(crate) untried: bool,
    /// What the release changes, field by field.
    pub(crate) fields: Vec<DiffField>,
    /// The same, line by line.
    pub(crate) hunks: Vec<DiffHunk>,
    /// What others have changed and the release changes back.
    pub(crate) outside: Vec<DiffOutside>,
    /// All that changes, line by line.
    pub(crate) patch: Vec<DiffHunk>,
}

/// Lines that differ, with some around them.
#[derive(Debug, Clone)]
pub(crate) struct DiffHunk {
    /// Number of the first line before, from 1, and how many there are.
    pub(crate) before: (usize, usize),
    /// The same of after.
    pub(crate) after: (usize, usize),
    /// The field that they lie in; empty at the top.
    pub(crate) place: String,
    /// The lines.
    pub(crate) lines: Vec<DiffLine>,
}

/// A line of a hunk.
#[derive(Debug, Clone)]
pub(crate) struct DiffLine {
    /// Where it is.
    pub(crate) sign: DiffSign,
    /// The line.
    pub(crate) text: String,
}

/// Where a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffSign {
    /// In both.
    Same,
    /// Only before.
    Removed,
    /// Only after.
    Added,
}

impl DiffSign {
    pub(super) fn mark(self) -> char {
        match self {
            Self::Same => ' ',
            Self::Removed => '-',
            Self::Added => '+',
        }
    }
}

/// What a change does to what is running.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DiffImpact {
    /// The object.
    pub(crate) object: ObjectId,
    /// What happens to it.
    pub(crate) effect: ImpactEffect,
    /// How, or why.
    pub(crate) why: String,
}

/// What a change does. The order is that in which it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum ImpactEffect {
    /// Its pods are replaced.
    Restarts,
    /// It is not there, or does not answer, for a moment.
    Down,
    /// It cannot be undone.
    Final,
}

/// How much of each object is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DiffDetail {
    /// Lines of YAML.
    Lines,
    /// One line for each field.
    Brief,
}

impl DiffView {
    /// Whether anything would be written.
    pub(crate) fn changes_anything(&self) -> bool {
        self.objects.iter().any(DiffObject::is_written)
    }

    /// What is wanted and not written.
    pub(super) fn unchanged(&self) -> usize {
        let rows = self.objects.iter().map(|object| &object.row);
        rows.filter(|row| row.action == ChangeAction::Unchanged)
            .count()
    }
}

impl DiffObject {
    pub(super) fn is_written(&self) -> bool {
        !matches!(
            self.row.action,
            ChangeAction::Keep | ChangeAction::Unchanged
        )
    }

    /// What is to be said of it beside its name.
    pub(super) fn detail(&self) -> Option<String> {
        let said = [
            self.adopted.then(|| "adopted".to_owned()),
            self.deleted_outside
                .then(|| "deleted outside deployctl".to_owned()),
            self.row.detail.clone(),
        ];
        let said: Vec<String> = said.into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join("; "))
    }
}
