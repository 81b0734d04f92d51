//! What `deployctl rollback` is asked to do, and what all parts of it share.

use crate::{
    cli::{
        Global,
        consent::{Consent, Verb},
        plan_arguments::{ClusterArguments, PlanArguments},
        run_arguments::RunArguments,
        session::Session,
    },
    plan::Address,
    release::{Author, Guard, Store},
};

/// Roll back to the state before an interrupted run, or to an earlier revision
///
/// If the last run was interrupted, was killed or failed and left things half-way, everything that
/// it touched is restored. Otherwise the previous good revision, or the one that `--to` names, is
/// deployed again as a new revision: with its changes shown before asking, phase by phase, waiting
/// for readiness. A second rollback goes one revision further back. Where there is only one good
/// revision and it has taken over objects, they are given back as they were.
///
/// Neither the plan file nor manifests are needed. Not restored are Secrets, objects marked
/// `rollback: manual` and what runs once: they are named. Hooks that charts have for a rollback are run
/// where an earlier revision is deployed again.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl rollback --env dev
  deployctl rollback shop --env prod --to 12
  deployctl rollback shop --env prod --yes=shop.prod -o jsonl")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) plan: PlanArguments,
    #[command(flatten)]
    pub(super) cluster: ClusterArguments,
    /// Revision to roll back to, as `deployctl history` numbers them
    #[arg(long, value_name = "REVISION")]
    pub(super) to: Option<u64>,
    /// Also restore the values of Secrets: what was made with the present ones, such as a database,
    /// may refuse them
    #[arg(long)]
    pub(super) restore_secrets: bool,
    /// Do not run the hooks that charts have for a rollback, as where one of them fails
    #[arg(long)]
    pub(super) no_hooks: bool,
    /// Take over fields that are managed by others
    #[arg(long)]
    pub(super) force_conflicts: bool,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

/// What all parts of a rollback share.
pub(super) struct Rollback<'a> {
    pub(super) arguments: &'a Arguments,
    pub(super) global: &'a Global,
    pub(super) address: &'a Address,
    /// What the newest revision says about where and how the release may be changed.
    pub(super) guard: Guard,
    pub(super) store: Store,
    pub(super) by: Author,
}

impl Rollback<'_> {
    /// The consent to it.
    pub(super) fn consent(&self, session: &Session) -> Consent<'_> {
        let yes = self.arguments.run.yes.as_deref();
        let (release, is_protected) = (&self.address.release, self.guard.protected);
        Consent::new(release, Verb::RollBack, is_protected, yes, session)
    }
}
