//! Why something cannot come up: a pure function over what the watches hold. It says which log to
//! fetch, and fetches nothing.

mod command;
mod explain;
mod explanation;
mod probe;

pub(crate) use explain::{explain, has_fault};
pub(crate) use explanation::{Explanation, LogRequest};
