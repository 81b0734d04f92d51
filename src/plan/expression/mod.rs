//! Expressions that a plan's author writes, in the Common Expression Language: checked when the
//! plan is read, evaluated over live objects.
//!
//! <https://github.com/google/cel-spec/blob/master/doc/langdef.md>

mod apart;
mod check;
mod compile;
mod environment;
mod evaluate;
mod functions;
mod kind;
mod mistake;

#[cfg(test)]
mod tests;

pub(crate) use compile::Expression;
pub(crate) use evaluate::Doubt;
pub(super) use mistake::Mistake;
