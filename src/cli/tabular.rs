//! Data in the form that was asked for.

use serde::Serialize;

use crate::{report::Output, source};

/// Form of data on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum DataFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// One YAML document
    Yaml,
}

/// Prints `text`, or `data` in the form asked for.
pub(super) fn print(format: DataFormat, data: &impl Serialize, text: &str, output: &mut Output) {
    let value = || serde_json::to_value(data).expect("views can be written as JSON");
    match format {
        DataFormat::Text => output.data(text),
        DataFormat::Json => output.json(&value()),
        DataFormat::Yaml => output.data(&source::to_text(&value())),
    }
}
