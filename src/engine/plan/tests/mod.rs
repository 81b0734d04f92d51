//! The planners as tables: one small case for each rule of `docs/safety.md` that a planner decides.
//!
//! A case is a text of YAML, in which only what matters is written, and the program that comes of
//! it, printed. What the words mean is said in [`given`].

mod given;
mod printed;

mod config_restart;
mod decide;
mod deploy;
mod hooks;
mod irreversible;
mod prune;
mod removal;
mod revert;
mod rollback;
mod rollback_order;
mod unconfirmed;
mod volume_expansion;
