//! The rows, by subject. The first that fits a kind is its rule.

mod cloud;
mod database;
mod delivery;
mod messaging;
mod network;
mod observe;
mod passive;
mod platform;
mod secret;
mod workload;

use super::row::Row;

// What no controller writes about comes first: it is named among families that have a rule for all.
const TABLES: &[&[Row]] = &[
    passive::ROWS,
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

/// The row about a kind in an API version.
pub(super) fn row_of(group: &str, version: &str, kind: &str) -> Option<&'static Row> {
    rows().find(|row| row.is_about(group, version, kind))
}
