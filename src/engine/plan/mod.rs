//! The planners: from what is wanted, what was seen and what is remembered to the steps of a
//! program. Pure functions: no client, nothing asynchronous.

pub(super) mod config_restart;
pub(super) mod decide;
pub(super) mod deploy;
pub(super) mod hook_steps;
pub(super) mod hooks;
pub(super) mod irreversible;
pub(super) mod left_out_readers;
pub(super) mod made_claims;
pub(super) mod prune;
pub(super) mod removal;
pub(super) mod retention;
pub(super) mod revert;
pub(super) mod rollback;
pub(super) mod selection;
pub(super) mod steps;
#[cfg(test)]
mod tests;
pub(super) mod volume_expansion;
