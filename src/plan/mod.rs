//! The plan file: its types, loading it with errors that say where, environments and variables.

mod file;
mod resolved;

pub(crate) use file::{
    Alphabet, Encoding, Generate, KeyAlgorithm, Match, OnFailure, OpenTarget, PlanFile, RequiredCrd, Requires, SecretDeclaration, SecretKind, SecretValue, Source,
    ValueFormat,
};
pub(crate) use resolved::{PhaseSettings, Plan, ReleaseId};
