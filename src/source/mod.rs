//! Sources: plain manifests to objects. YAML in and out lives in `yaml`.

mod annotations;
mod files;
mod manifests;
mod normalise;
mod render;
mod yaml;

#[cfg(test)]
mod render_tests;

pub(crate) use render::{Rendered, render};
pub(crate) use yaml::{documents, to_text};
