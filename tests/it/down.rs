//! `down` against the real control plane, as a user drives it.

mod back;
mod data;
mod everything;
mod shown;
mod stuck;

use crate::support::{manifests, platform, project};
