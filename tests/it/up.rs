//! `up`, `status` and `list` against the real control plane, as a user drives them.

mod autoscaling;
mod bad_input;
mod causes;
mod checks;
mod conditions;
mod definitions;
mod environments;
mod expected;
mod failure;
mod fresh;
mod interrupt;
mod kubeconfigs;
mod lasting;
mod less_permission;
mod list;
mod not_deployed;
mod only;
mod phases;
mod readiness;
mod references;
mod remembered;
mod repair;
mod requirements;
mod room;
mod rules;
mod selection;
mod status;
mod unchanged;

use crate::support::{audit, manifests, platform, project, running, user};
