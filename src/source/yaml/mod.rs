//! YAML in and out, as kubectl reads and writes it: the only module that knows the format.
//!
//! kubectl reads YAML 1.1 through Go's `yaml.v2` and then treats it as JSON, so the rules of a
//! scalar are that library's (<https://github.com/kubernetes-sigs/yaml>). The syntax comes from the
//! parser behind serde-saphyr; what a plain scalar means, how keys become text and how merge keys
//! work is decided here.
//!
//! On purpose no library: those in Rust read YAML 1.2, in which `yes` is text and `0644` another
//! number than for kubectl, so that something else would be deployed than `kubectl apply` does.

mod error;
mod lenient;
mod read;
mod scalar;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use error::YamlError;
#[cfg(test)]
pub(crate) use read::read;
pub(crate) use read::{Document, DuplicateKeys, documents, read_with};
pub(crate) use write::to_text;
