//! The plan file: its types, loading it with errors that say where, environments and variables.

mod discover;
mod duration;
mod file;
mod load;
mod names;
mod node;
mod node_deserializer;
mod phase_declaration;
mod phases;
mod problem;
mod resolve;
mod resolved;
mod schema;
mod secret_check;
mod secret_declaration;
mod source_declaration;
mod substitute;
mod unsupported;
mod variables;

pub(crate) use discover::displayed;
pub(crate) use duration::parse_duration;
pub(crate) use file::{OpenTarget, PlanFile, RequiredCrd, Requires};
pub(crate) use load::{Examined, LoadError, Selection, examine, load};
pub(crate) use names::{listed, nearest, suggestion};
pub(crate) use phase_declaration::{Match, OnFailure, When};
pub(crate) use phases::DEFAULT_PHASES;
pub(crate) use problem::{Problem, Severity};
pub(crate) use resolve::STATE_NAMESPACE;
pub(crate) use resolved::{PhaseSettings, Plan, ReleaseId, Source};
pub(crate) use schema::schema;
pub(crate) use secret_check::secret_variable;
pub(crate) use secret_declaration::{
    Alphabet, Encoding, Generate, KeyAlgorithm, SecretDeclaration, SecretKind, SecretValue, SelfSigned, Sops, ValueFormat,
};
pub(crate) use substitute::{SubstitutionProblem, substitute};
