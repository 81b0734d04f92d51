//! What the supervisor tells the process that started it.

use std::io::Write as _;

use serde::{Deserialize, Serialize};

/// What the supervisor tells the process that started it, one JSON line each on its standard
/// output.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Message {
    /// What it does now.
    Step(String),
    /// The sandbox can be used.
    Ready,
    /// It could not be started.
    Failed(String),
}

impl Message {
    /// Writes the line; a front end that has gone is no error, its lifeline says so.
    pub(super) fn send(&self) {
        let line = serde_json::to_string(self).expect("a message has string keys only");
        let mut output = std::io::stdout().lock();
        let _ = writeln!(output, "{line}").and_then(|()| output.flush());
    }
}
