//! Which connections the rendered `NetworkPolicies` let through.

mod connections;
mod endpoint;
mod evaluator;
mod named;

pub(super) const RULES: &[super::rules::Rule] =
    &[named::dns, named::named, named::scraped, named::closed];
