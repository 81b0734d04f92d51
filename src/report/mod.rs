//! Events and plain data → terminal with progress bars, plain log, JSON lines; tables.

mod output;

pub(crate) use output::{ColorWhen, Output};
