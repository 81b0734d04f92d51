//! Where objects come from: folders, kustomizations and charts.

mod ai_imutis;
mod fetched;
mod folders;
mod helm;
mod hooks;
mod kustomize;

use crate::support::{
    Deployctl, Helm,
    audit::Audit,
    get, manifests,
    project::{Project, written},
    user::User,
};
