//! Where objects come from: folders, kustomizations and charts.

mod folders;
mod helm;
mod kustomize;

use crate::support::{Deployctl, Helm, audit::Audit, get, manifests, project::Project, user::User};
