//! Sources: plain manifests to objects. YAML in and out lives in `yaml`.

mod annotations;
mod duplicates;
mod encoding;
mod files;
mod manifests;
mod named_ports;
mod normalise;
mod render;
mod yaml;

#[cfg(test)]
mod render_tests;

pub(crate) use encoding::decoded;
pub(crate) use render::{Rendered, render};
pub(crate) use yaml::{documents, to_text};
