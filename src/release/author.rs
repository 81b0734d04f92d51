//! Who makes a revision, from which machine and with which command.

use serde::{Deserialize, Serialize};

/// Who made a revision, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Author {
    /// `USER@HOST`.
    pub(crate) who: String,
    /// Process.
    pub(crate) process: u32,
    /// The command's name, for example `up`; never its arguments, which could hold anything.
    pub(crate) command: String,
    /// Version of deployctl.
    pub(crate) version: String,
}

impl Author {
    /// This process, running `command`.
    pub(crate) fn this_process(command: &str) -> Self {
        let user = std::env::var("USER")
            .or_else(|_| std::env::var("LOGNAME"))
            .unwrap_or_else(|_| rustix::process::getuid().as_raw().to_string());
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            who: format!("{user}@{host}"),
            process: std::process::id(),
            command: command.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
