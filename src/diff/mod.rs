//! What is there against what would be stored: fields and lines that differ, without noise and without
//! secret values, who changed what outside of a run, and what a change does to what is running.
//!
//! All of it is a function of objects: nothing here asks the API server.

mod approval;
mod compare;
mod disruption;
mod hunk;
mod masking;
mod noise;
mod outside;

pub(crate) use approval::{Approval, ApprovedObject, Fingerprint};
pub(crate) use compare::{Difference, FieldChange, View};
pub(crate) use disruption::{Effect, Impact, Surroundings, deletion, impact};
pub(crate) use hunk::{Hunk, Sign};
pub(crate) use masking::{Masker, Secrecy, is_masked};
pub(crate) use outside::{OutsideField, apart, drifted};
