//! What people commit, where it says more, less or something else than what is meant for this
//! cluster.

mod as_kubectl;
mod empty;
mod exclusive;
mod exported;
mod ignored;
mod in_turn;
mod moved;
mod operators;
mod own_text;
mod owners;
mod peers;
mod selectors;
mod short_lived;
mod status_field;
mod unions;
mod versions;
mod webhooks;
