//! `rollback` against the real control plane, as a user drives it.

mod choice;
mod claims;
mod earlier;
mod handed_over;
mod kept;
mod sequences;
mod stored;
mod unfinished;

use crate::support::{manifests, project, proxy, running, user};
