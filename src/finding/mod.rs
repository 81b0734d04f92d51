//! What the findings before the first write are called, and how bad each is: the table of all
//! checks.

mod check;
mod page;
mod table;

pub(crate) use check::{Severity, Skip};
pub(crate) use page::page;
pub(crate) use table::Check;
