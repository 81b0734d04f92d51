//! Events and plain data → terminal with progress bars, plain log, JSON lines; tables.

mod announce;
mod bars;
mod board;
mod changes;
mod failure;
mod json;
mod line;
mod list;
mod output;
mod plain;
mod progress;
mod reporter;
mod screen;
mod status;
mod summary;
mod table;
mod terminal;
#[cfg(test)]
mod tests;
mod text;
mod units;

pub(crate) use changes::{ChangeAction, ChangeRow, ChangeSummary, Extent};
pub(crate) use list::{ListView, ListedRelease};
pub(crate) use output::{ColorWhen, Output};
pub(crate) use reporter::{Reporter, RunFormat, reporter};
pub(crate) use status::{RevisionInfo, StatusObject, StatusPhase, StatusView};
pub(crate) use text::neutralise;
