//! Judges live objects: a pure function from an object, and what belongs to it, to a verdict.
//!
//! [`judge()`] looks the kind up in a table of rules; what is in no table is judged by its
//! conditions.

mod budget;
mod case;
mod condition;
mod custom;
mod event;
mod family;
mod generation;
mod generic;
mod grace;
mod judge;
mod kind;
mod meaning;
mod problem;
mod surroundings;
mod user;
mod verdict;
mod workload;

#[cfg(test)]
mod conformance;
#[cfg(test)]
pub(crate) mod own_cases;

pub(crate) use budget::Budget;
pub(crate) use event::events_about;
pub(crate) use family::Family;
pub(crate) use judge::judge;
pub(crate) use kind::job::{has_ended, has_run_to_completion};
pub(crate) use problem::{Attempt, Problem, Rank, problems};
pub(crate) use surroundings::{Surroundings, VolumeBinding};
pub(crate) use user::Rules;
pub(crate) use verdict::{State, Verdict};
pub(crate) use workload::current_pods;
