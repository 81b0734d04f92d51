//! What a deployment would change, as it is shown: for people, as a patch, as JSON.

mod json;
mod patch;
mod text;
mod view;

pub(crate) use view::{
    DiffCommit, DiffDetail, DiffHunk, DiffImpact, DiffLine, DiffObject, DiffRevision, DiffSign,
    DiffVariable, DiffVariables, DiffView, ImpactEffect,
};
