//! Where each secret value comes from: cluster, flag, file, environment, command, generator,
//! prompt.
//!
//! [`plan_values`] decides for every key without reading anything; [`resolve()`] then reads, asks
//! and generates, and returns the Secrets as they will be applied. Values never appear in errors,
//! warnings or `Debug` output.

mod ask;
mod certificate;
mod check;
mod compose;
mod der;
mod docker;
mod error;
mod file;
mod generate;
mod key_name;
mod key_pair;
mod kinds;
mod live;
mod manifest;
mod names;
mod needs;
mod pem;
mod planning;
mod rejection;
mod resolve;
#[cfg(test)]
mod scenarios;
mod secrets_file;
mod source;
mod supplied;
mod template;
mod value;
mod variables;

pub(crate) use ask::{Ask, SecretPrompt};
pub(crate) use error::{AskError, command_error};
pub(crate) use names::Rotate;
pub(crate) use needs::{FROM_THE_PLAN, Needs, OPEN};
pub(crate) use planning::plan_values;
pub(crate) use resolve::{Known, Resolved, Surroundings, resolve};
pub(crate) use supplied::{Supplied, SuppliedSources};
