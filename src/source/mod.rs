//! Sources: plain manifests to objects. YAML in and out lives in `yaml`.

mod files;
mod manifests;
mod normalise;
mod render;
mod yaml;

#[cfg(test)]
mod render_tests;

pub(crate) use manifests::{Loaded, Manifest, load};
pub(crate) use render::{Rendered, Substitute, namespaces, render};
pub(crate) use yaml::{Document, YamlError, documents, read, to_text};
