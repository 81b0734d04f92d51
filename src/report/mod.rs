//! Events and plain data → terminal with progress bars, plain log, JSON lines; tables.

mod announce;
mod bars;
mod changes;
mod diff;
mod drift;
mod failure;
mod field;
mod history;
mod json;
mod line;
mod list;
mod next_steps;
mod output;
mod plain;
mod progress;
mod progress_view;
mod proof;
mod reporter;
mod run_format;
mod screen;
mod status;
mod summary;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod way_back;

pub(crate) use changes::{ChangeAction, ChangeRow, ChangeSummary, Extent};
pub(crate) use diff::{
    DiffCommit, DiffDetail, DiffHunk, DiffImpact, DiffLine, DiffObject, DiffRevision, DiffSign,
    DiffVariable, DiffVariables, DiffView, ImpactEffect,
};
pub(crate) use drift::{DriftKind, DriftObject, DriftView};
pub(crate) use failure::diagnosis_block;
pub(crate) use field::{DiffField, DiffOutside};
pub(crate) use history::{
    Did, HistoryChange, HistoryPhase, HistoryRevision, HistoryRollback, HistoryView, RevisionView,
};
pub(crate) use json::failure_json;
pub(crate) use list::{ListView, ListedRelease};
pub(crate) use output::{ColorWhen, Output};
pub(crate) use reporter::Reporter;
pub(crate) use run_format::{RunFormat, reporter};
pub(crate) use status::{RevisionInfo, SOMEBODY, Standing, StatusObject, StatusPhase, StatusView};
pub(crate) use text::neutralise;
pub(crate) use units::{age, count};
pub(crate) use way_back::{WayBackFrom, WayBackView};
