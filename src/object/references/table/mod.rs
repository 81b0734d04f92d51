//! What refers to what, and what makes what: tables of rows.

mod builtin;
mod custom;
mod makers;
mod row;

pub(super) use makers::{Names, makers_of};
pub(crate) use row::{Bearing, Weight};
pub(super) use row::{Of, Row, To};

/// The rows of all kinds: those of pods first, then those of the kinds themselves.
pub(super) fn rows() -> impl Iterator<Item = &'static Row> {
    builtin::ROWS.iter().chain(custom::ROWS)
}
