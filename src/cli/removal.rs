//! What commands share that only remove: `down`, and `prune --orphans`.

use std::time::Duration;

use super::{
    Global,
    consent::{Consent, Verb},
    execution::Execution,
    run_arguments::RunArguments,
    run_reporter::RunReporter,
    session::Session,
};
use crate::{
    engine::{Limits, Prepared, PrunePlan, Request, RevisionMetadata, RunOptions, Selection},
    error::{CommandError, ExitCode},
    plan::{self, Address},
    release::{Author, Guard, Store},
    report::Output,
};

/// How a command removes.
#[derive(Debug, clap::Args)]
pub(super) struct RemovalArguments {
    /// Also delete volumes with the data on them; needs the release's name: typed, or
    /// `--yes=PLAN.ENV`
    #[arg(long)]
    pub(super) delete_data: bool,
    /// How long to wait in each phase until its objects are deleted, before continuing without them
    #[arg(long, alias = "patience", value_name = "DURATION", default_value = "5m", value_parser = plan::parse_duration)]
    delete_timeout: Duration,
    /// Time limit of the whole run, for example `20m`; by default that of the last `up`
    #[arg(long, value_name = "DURATION", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    timeout: Option<Duration>,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

/// A command that removes, and what it removes from.
pub(super) struct Removing<'a> {
    pub(super) arguments: &'a RemovalArguments,
    pub(super) global: &'a Global,
    pub(super) address: &'a Address,
    pub(super) by: &'a Author,
    pub(super) verb: Verb,
    /// Whether what is deployed goes on being wanted.
    pub(super) selection: &'a Selection,
}

impl Removing<'_> {
    /// What is asked for.
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            selection: self.selection,
            delete_data: self.arguments.delete_data,
            ..Request::plain(&self.address.release, self.by)
        }
    }

    /// The consent to what goes; `guard` says how the release may be changed.
    pub(super) fn consent(&self, guard: &Guard, session: &Session) -> Consent<'_> {
        let yes = self.arguments.run.yes.as_deref();
        let release = &self.address.release;
        Consent::new(release, self.verb, guard.protected, yes, session)
    }

    /// Removes what was prepared, as a revision of its own.
    pub(super) async fn carry_out(
        &self,
        prepared: &Prepared,
        session: &mut Session,
        store: &Store,
        output: &Output,
    ) -> Result<ExitCode, CommandError> {
        let arguments = self.arguments;
        let Some(newest) = prepared.history.newest().map(|head| &head.revision) else {
            return Err(CommandError::failed(
                "the release's revisions are gone; nothing was changed",
            ));
        };
        let deployed = prepared
            .history
            .deployed()
            .filter(|_| *self.selection == Selection::Nothing);
        let execution = Execution {
            prepared,
            options: RunOptions {
                selection: self.selection,
                limits: Limits {
                    parallel: arguments.run.parallel,
                    timeout: arguments.timeout.unwrap_or(newest.timeout),
                },
                timeout_rollback: newest.timeout_rollback,
                rolls_back: false,
                force_conflicts: false,
                delete_timeout: Some(arguments.delete_timeout),
            },
            metadata: RevisionMetadata {
                by: self.by.clone(),
                source: None,
                back_to: None,
                guard: newest.guard.clone(),
                access: deployed
                    .map(|revision| revision.access.clone())
                    .unwrap_or_default(),
            },
        };
        let reporter = RunReporter::new(&arguments.run, self.global, output);
        execution.carry_out(session, store, &reporter).await
    }
}

/// Says what is kept, and why.
pub(super) fn tell_kept(pruning: &PrunePlan, output: &mut Output) {
    for (id, why) in &pruning.retained {
        output.note(&format!("{id} is kept: {why}"));
    }
}
