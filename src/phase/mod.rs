//! Phases: which object belongs to which and why, and the order inside one.

mod assign;
mod hooks;
mod ignored;
mod marks;
mod matching;
mod order;
mod reason;
mod table;
mod waves;

#[cfg(test)]
mod tests;

pub(crate) use assign::{Assignment, assign};
pub(crate) use hooks::{declare_hooks, place_hooks};
pub(crate) use ignored::{idle_ignored_fields, ignored_fields};
pub(crate) use marks::marks;
pub(crate) use order::{Ordered, order};
pub(crate) use waves::contradicted_waves;
