//! `tests/configurations/table.yaml`: what is done with which configuration.

use std::{collections::BTreeMap, fs, path::PathBuf};

use globset::Glob;
use serde::Deserialize;
use serde_json::Value;

/// All rows.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    pub(super) files: Vec<FileRow>,
    pub(super) commands: Vec<ShellRow>,
    pub(super) images: Vec<ImageRow>,
    pub(super) stands: Vec<Stand>,
}

/// A sort of files, and the command that checks one of them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileRow {
    pub(super) sort: String,
    /// Glob of the key of a `ConfigMap` or Secret.
    pub(super) key: Option<String>,
    /// What the file must begin with.
    pub(super) first_line: Option<String>,
    /// A kind whose `spec` is the file.
    pub(super) object: Option<String>,
    /// Glob of the image that reads it: only a program of that image's version does.
    pub(super) image: Option<String>,
    pub(super) program: String,
    pub(super) command: Vec<String>,
    /// What a program says that was built without something that the file uses.
    pub(super) lacks: Option<String>,
}

/// A shell, and the command that reads a script without running it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShellRow {
    pub(super) shell: String,
    pub(super) command: Vec<String>,
}

/// An image whose containers are started.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ImageRow {
    pub(super) image: String,
    pub(super) program: String,
    #[serde(default)]
    pub(super) entrypoint: Vec<String>,
    /// What a program says that was built without something that the configuration uses.
    pub(super) lacks: Option<String>,
    /// The probes that can be answered by a pod without its cluster.
    #[serde(default = "every_probe")]
    pub(super) probes: Vec<String>,
}

/// Pods that run together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stand {
    pub(super) platform: String,
    pub(super) sort: String,
    /// Variables that the platform is rendered with.
    #[serde(default)]
    pub(super) set: BTreeMap<String, Value>,
    /// `KIND/NAME-NUMBER` in the order in which they are started.
    pub(super) pods: Vec<String>,
    pub(super) tried: Vec<Trial>,
}

/// What is done with pods that run.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub(super) enum Trial {
    Stop {
        stop: String,
    },
    Ask {
        #[serde(rename = "in")]
        place: String,
        run: String,
        says: String,
    },
}

impl Table {
    /// The table of this repository.
    pub(super) fn read() -> Self {
        let text = fs::read_to_string(folder().join("table.yaml")).unwrap();
        serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("table.yaml: {error}"))
    }

    /// The row of an image that is started.
    pub(super) fn image(&self, image: &str) -> Option<&ImageRow> {
        self.images.iter().find(|row| fits(&row.image, image))
    }
}

/// The folder of the table and of the scripts that it needs.
pub(super) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/configurations")
}

/// Whether `text` fits `glob`.
pub(super) fn fits(glob: &str, text: &str) -> bool {
    let glob = Glob::new(glob).unwrap_or_else(|error| panic!("{error}"));
    glob.compile_matcher().is_match(text)
}

fn every_probe() -> Vec<String> {
    ["startupProbe", "readinessProbe", "livenessProbe"]
        .map(str::to_owned)
        .to_vec()
}
