//! What people commit, where it says more, less or something else than what is meant for this
//! cluster.

mod as_kubectl;
mod empty;
mod exported;
mod ignored;
mod in_turn;
mod operators;
mod own_text;
mod owners;
mod short_lived;
mod unions;
mod versions;
mod webhooks;
