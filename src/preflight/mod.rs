//! What can be known before the first write: one file per check, each a pure function that returns findings.

mod dry_run;
mod finding;
mod kinds;
mod permission;
mod refusal;
mod requirements;

pub(crate) use dry_run::{DryRun, judge_dry_run};
pub(crate) use finding::{Finding, refusal};
pub(crate) use kinds::{terminating, unknown_kinds};
pub(crate) use permission::not_permitted;
pub(crate) use refusal::described;
pub(crate) use requirements::{Brought, requirements};
