//! `history`, and what `status` says of what is not settled, against the real control plane.

mod list;
mod room;
mod standing;
mod trimming;

use crate::support::{manifests, project, running};
