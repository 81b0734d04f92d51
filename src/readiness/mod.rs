//! Judges live objects: a pure function from an object, and what belongs to it, to a verdict.

mod verdict;

pub(crate) use verdict::{State, Verdict};
