//! What a command that fails says to programs.

use clap::ArgMatches;

use super::tabular::DataFormat;
use crate::{
    error::{CommandError, ExitCode},
    report::{RunFormat, failure_json},
    source,
};

/// In which form a command says to programs that it failed; `None` where people read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureForm {
    Json,
    Yaml,
}

impl FailureForm {
    /// The form that the command of `matches` was asked for by `--output`.
    pub(super) fn of(matches: &ArgMatches) -> Option<Self> {
        let (_, command) = matches.subcommand()?;
        let run = command.try_get_one::<RunFormat>("output").ok().flatten();
        let data = command.try_get_one::<DataFormat>("output").ok().flatten();
        match (run, data) {
            (Some(RunFormat::Json | RunFormat::JsonLines), _) | (_, Some(DataFormat::Json)) => {
                Some(Self::Json)
            }
            (_, Some(DataFormat::Yaml)) => Some(Self::Yaml),
            _ => None,
        }
    }

    /// The document in which a command ends that `error` ended before anything else was said on
    /// standard output; `None` where a run has said there how it ended, which could only not be
    /// recorded, and where somebody has interrupted it.
    pub(super) fn document(self, error: &CommandError) -> Option<String> {
        let document = failure_json(error);
        let is_said = matches!(error.exit, ExitCode::Changed | ExitCode::Interrupted);
        (!is_said).then(|| match self {
            Self::Json => format!("{document}\n"),
            Self::Yaml => source::to_text(&document),
        })
    }
}
