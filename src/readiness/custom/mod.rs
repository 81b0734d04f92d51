//! Rules for the custom resources of other people's operators: a table of rows, each a few steps
//! long.
//!
//! How a verdict comes about and how to add a row: `docs/readiness.md`.

mod peculiar;
mod row;
mod run;
mod step;
mod table;

#[cfg(test)]
mod tests;

use super::{case::Case, verdict::Verdict};

/// The verdict about a custom resource that the table knows, else `None`.
pub(super) fn judge(case: &Case<'_>) -> Option<Verdict> {
    let view = case.view();
    table::row_of(view.group(), view.version(), view.kind()).map(|row| run::judge(case, row))
}
