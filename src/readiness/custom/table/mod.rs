//! The rows, by subject. The first that fits a kind is its rule.

mod cloud;
mod database;
mod delivery;
mod messaging;
mod network;
mod observe;
mod platform;
mod secret;
mod workload;

use super::row::Row;

const TABLES: &[&[Row]] = &[
    cloud::ROWS,
    database::ROWS,
    delivery::ROWS,
    messaging::ROWS,
    network::ROWS,
    observe::ROWS,
    platform::ROWS,
    secret::ROWS,
    workload::ROWS,
];

/// All rows, in the order in which they are tried.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    TABLES.iter().copied().flatten()
}

/// The row about a kind.
pub(super) fn row_of(group: &str, kind: &str) -> Option<&'static Row> {
    rows().find(|row| row.is_about(group, kind))
}
