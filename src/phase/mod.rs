//! Phases: which object belongs to which and why, the order inside one, and the graph of phases.

mod assign;
mod graph;
mod matching;
mod order;
mod reason;
mod table;

#[cfg(test)]
mod tests;

pub(crate) use assign::{Assignment, Placement, assign};
pub(crate) use graph::{PhaseGraphError, phase_order};
pub(crate) use order::{Ordered, order};
pub(crate) use reason::PhaseReason;
