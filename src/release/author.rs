//! Who makes a revision, from which machine and with which command.

use serde::{Deserialize, Serialize};

use super::Operation;

/// Who made a revision, from where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Author {
    /// `USER@HOST`.
    pub(crate) who: String,
    /// Process.
    pub(crate) process: u32,
    /// What its command does.
    #[serde(default, rename = "command")]
    pub(crate) operation: Operation,
    /// Version of deployctl.
    pub(crate) version: String,
}

impl Author {
    /// This process, which does `operation`.
    pub(crate) fn this_process(operation: Operation) -> Self {
        let host = rustix::system::uname()
            .nodename()
            .to_string_lossy()
            .into_owned();
        Self {
            who: format!("{}@{host}", user(|name| std::env::var(name).ok())),
            process: std::process::id(),
            operation,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// The name of whoever runs this: as `variable` says it, or else as the machine knows the user id.
fn user(variable: impl Fn(&str) -> Option<String>) -> String {
    let id = nix::unistd::getuid();
    ["USER", "LOGNAME"]
        .into_iter()
        .filter_map(variable)
        .find(|name| !name.is_empty())
        .or_else(|| Some(nix::unistd::User::from_uid(id).ok()??.name))
        .unwrap_or_else(|| format!("uid-{id}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_named_without_an_environment_too() {
        assert_eq!(user(|name| Some(format!("from {name}"))), "from USER");
        let known = user(|_| Some(String::new()));
        assert!(known.parse::<u32>().is_err(), "{known}");
        if nix::unistd::getuid().is_root() {
            assert_eq!(known, "root");
        }
    }
}
