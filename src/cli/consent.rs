//! The consent of the user to a change, given on the command line or at the terminal.

use super::{prompt::TerminalAsk, session::Session};
use crate::{
    error::{CommandError, ExitCode},
    plan::ReleaseId,
    report::{Extent, Output},
    secret::{Ask as _, AskError},
};

/// What a command does to a release, as its question says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Deploy,
    RollBack,
    Uninstall,
    DeleteOrphans,
    Rename,
}

impl Verb {
    /// `Deploy shop.prod to context prod?`
    pub(super) fn question(self, release: &ReleaseId, context: &str) -> String {
        match self {
            Self::Deploy => format!("Deploy {release} to context {context}?"),
            Self::RollBack => format!("Roll back {release} in context {context}?"),
            Self::Uninstall => format!("Uninstall {release} from context {context}?"),
            Self::Rename => format!("Rename {release} in context {context}?"),
            Self::DeleteOrphans => format!("Delete orphans of {release} in context {context}?"),
        }
    }
    /// Whether nothing is wanted any more, so that what goes is shown phase by phase.
    pub(super) fn only_removes(self) -> bool {
        matches!(self, Self::Uninstall | Self::DeleteOrphans)
    }
}

/// What goes with a change that nothing brings back by itself: then the release's name has to be given,
/// whatever the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stakes {
    None,
    /// Data.
    Data,
    /// Objects that were there before the release took them over.
    Found,
    /// Objects of a release that was good, because it is taken back.
    Created,
}

impl Stakes {
    /// What would be deleted; `None` where nothing is at stake.
    fn what(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Data => Some("data"),
            Self::Found => Some("objects that were there before the release"),
            Self::Created => Some("objects that the release has created"),
        }
    }
}

/// What is asked for consent, and what was given of it on the command line.
pub(super) struct Consent<'a> {
    /// The release.
    pub(super) release: &'a ReleaseId,
    /// What is done to it.
    pub(super) verb: Verb,
    /// Context of the kubeconfig.
    pub(super) context: String,
    /// Address of the API server.
    pub(super) server: String,
    /// Whether the release's name must be typed before anything is changed.
    pub(super) protected: bool,
    /// What `--yes` was given as; `None`: the user is asked.
    pub(super) yes: Option<&'a str>,
    /// Variables whose values do not come from the plan file, with their values: shown before
    /// asking.
    pub(super) foreign_variables: Vec<(String, String)>,
}

impl<'a> Consent<'a> {
    /// The consent to do `verb` to `release` in the cluster of `session`; `yes` is what `--yes` was
    /// given as.
    pub(super) fn new(
        release: &'a ReleaseId,
        verb: Verb,
        protected: bool,
        yes: Option<&'a str>,
        session: &Session,
    ) -> Self {
        Self {
            release,
            verb,
            context: session.cluster.context().to_owned(),
            server: session.cluster.server().to_owned(),
            protected,
            yes,
            foreign_variables: Vec::new(),
        }
    }

    /// How much of the changes is shown; `creations`: objects that are created are named.
    pub(super) fn extent(&self, creations: bool, output: &Output) -> Extent {
        Extent {
            width: output.stderr_width(),
            rows: output.stderr_rows().filter(|_| self.yes.is_none()),
            creations,
            diff: self.verb == Verb::Deploy,
        }
    }

    /// Asks for consent to what was shown, as the environment demands, where `--yes` does not give
    /// it. Where data is deleted the release's name has to be given, whatever the environment.
    pub(super) fn ask(&self, stakes: Stakes) -> Result<(), CommandError> {
        let release = self.release.to_string();
        match self.yes {
            Some(given) if given == release => Ok(()),
            Some("") if !self.protected && stakes == Stakes::None => Ok(()),
            Some("") if let Some(what) = stakes.what() => Err(CommandError::usage(format!(
                "{what} would be deleted: a bare `--yes` does not do; nothing was changed",
            ))
            .hint(format!("name the release: `--yes={release}`"))),
            Some("") => Err(CommandError::usage(format!(
                "environment `{}` is protected: a bare `--yes` does not do",
                self.release.environment
            ))
            .hint(format!("name the release: `--yes={release}`"))),
            Some(given) => Err(CommandError::usage(format!(
                "`--yes={given}` names another release: this is `{release}`"
            ))),
            None => self.ask_at_terminal(&release, stakes),
        }
    }

    fn ask_at_terminal(&self, release: &str, stakes: Stakes) -> Result<(), CommandError> {
        match tokio::task::block_in_place(|| self.answer(release, stakes)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(CommandError::usage("not confirmed; nothing was changed")),
            Err(AskError::Interrupted) => Err(CommandError::new(
                ExitCode::Interrupted,
                "interrupted; nothing was changed",
            )),
            Err(AskError::NoTerminal) => Err(CommandError::usage(
                "there is no terminal to ask at; nothing was changed",
            )
            .hint(format!(
                "confirm with `--yes{}`",
                if self.protected || stakes != Stakes::None {
                    format!("={release}")
                } else {
                    String::new()
                }
            ))),
            Err(error) => Err(CommandError::failed("nothing was changed").because(&error)),
        }
    }

    fn answer(&self, release: &str, stakes: Stakes) -> Result<bool, AskError> {
        let question = self.verb.question(self.release, &self.context);
        let environment = &self.release.environment;
        if stakes == Stakes::Data {
            TerminalAsk.typed_name(
                &format!("{question} Data will be deleted for good; type `{release}`"),
                release,
            )
        } else if stakes == Stakes::Created {
            TerminalAsk.typed_name(
                &format!("{question} What it has created will be deleted; type `{release}`"),
                release,
            )
        } else if stakes == Stakes::Found {
            TerminalAsk.typed_name(
                &format!("{question} Some of it was there before the release; type `{release}`"),
                release,
            )
        } else if self.protected {
            TerminalAsk.typed_name(
                &format!("{question} `{environment}` is protected; type `{release}`"),
                release,
            )
        } else {
            TerminalAsk.confirm(&question)
        }
    }
}
