//! Objects that more than one release wants, and objects that are on their way out.

mod shared;
mod terminating;

use crate::support::{manifests, project, running};
