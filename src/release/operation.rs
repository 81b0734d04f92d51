//! What a command does with a release: by this, and not by its name, later commands decide.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a command does with a release. Stored as the command's name.
///
/// What is not known here, or was not stored, brings something to the cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "String", into = "&'static str")]
pub(crate) enum Operation {
    /// `up`: brings a plan to the cluster.
    #[default]
    Deploy,
    /// `rollback`: back to an earlier revision, or to what was there before an unfinished one.
    Rollback,
    /// `down`: removes everything.
    Remove,
    /// `prune --orphans`: removes what no revision remembers.
    PruneOrphans,
    /// `rename`: gives the release another name. It makes no revision.
    Rename,
    /// `verify`: runs the tests of its charts. It makes no revision.
    Verify,
}

impl Operation {
    /// The command's name; never its arguments, which could hold anything.
    pub(crate) fn command(self) -> &'static str {
        match self {
            Self::Deploy => "up",
            Self::Rollback => "rollback",
            Self::Remove => "down",
            Self::PruneOrphans => "prune",
            Self::Rename => "rename",
            Self::Verify => "verify",
        }
    }

    /// Whether nothing is wanted by it: it only removes.
    pub(crate) fn only_removes(self) -> bool {
        matches!(self, Self::Remove | Self::PruneOrphans)
    }
}

impl From<String> for Operation {
    fn from(command: String) -> Self {
        let all = [
            Self::Deploy,
            Self::Rollback,
            Self::Remove,
            Self::PruneOrphans,
            Self::Rename,
            Self::Verify,
        ];
        let known = all.into_iter().find(|known| known.command() == command);
        known.unwrap_or_default()
    }
}

impl From<Operation> for &'static str {
    fn from(operation: Operation) -> Self {
        operation.command()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(self.command())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::release::Author;

    #[test]
    fn it_is_stored_as_the_name_of_the_command() {
        for command in ["up", "rollback", "down", "prune", "rename", "verify"] {
            let read: Operation = serde_json::from_value(command.into()).expect("a text");
            assert_eq!(serde_json::to_value(read).expect("a text"), command);
        }
    }

    #[test]
    fn what_is_not_known_or_not_stored_is_a_deployment() {
        let unknown: Operation = serde_json::from_value("apply".into()).expect("a text");
        assert_eq!(unknown, Operation::Deploy);
        let author = json!({"who": "a@b", "process": 7, "version": "0.1.0"});
        let author: Author = serde_json::from_value(author).expect("an author");
        assert_eq!(author.operation, Operation::Deploy);
    }
}
