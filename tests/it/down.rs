//! `down` against the real control plane, as a user drives it.

mod again;
mod back;
mod data;
mod everything;
mod interrupt;
mod shown;
mod stuck;
mod unreachable;

use crate::support::{manifests, platform, project, running};
