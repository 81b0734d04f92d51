//! Sources: manifests, kustomizations and charts to objects. YAML in and out lives in `yaml`.

mod annotations;
mod build;
mod chart;
mod duplicates;
mod encoding;
mod files;
mod generated;
mod helm;
mod hooks;
mod kustomize;
mod manifests;
mod named_ports;
mod normalise;
mod remote;
mod render;
mod tool;
mod values;
mod yaml;

#[cfg(test)]
mod render_tests;

pub(crate) use build::{Builds, place};
pub(crate) use encoding::decoded;
pub(crate) use helm::ChartCapabilities;
pub(crate) use render::{Rendered, render};
pub(crate) use tool::UsedTool;
pub(crate) use yaml::{documents, to_text};
