//! `deployctl rollback`: everything that it needs is in the cluster.

mod earlier;
mod unfinished;

use super::{
    Global,
    plan_arguments::{ClusterArguments, PlanArguments},
    run_arguments::RunArguments,
    session::{Session, block_on},
};
use crate::{
    engine::{ReleaseHistory, RollbackTarget, choose_target},
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Author, Guard, Store},
    report::Output,
};

/// Go back: to what was there before an interrupted run, or to what an earlier revision wanted
///
/// Where the last run was interrupted, was killed or failed and left things half-way, everything
/// that it touched is put back as it was before. Otherwise what the previous good revision wanted,
/// or the one that `--to` names, is brought back as a new revision: with its changes shown before
/// asking, phase by phase, awaiting readiness. A second rollback goes one revision further back.
///
/// Neither the plan file nor manifests are needed. Secrets stay as they are, and so do objects
/// marked `rollback: manual` and what runs once: they are named.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl rollback --env dev
  deployctl rollback shop --env prod --to 12
  deployctl rollback shop --env prod --yes=shop.prod -o jsonl")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Revision to go back to, as `deployctl history` numbers them
    #[arg(long, value_name = "REVISION")]
    to: Option<u64>,
    /// Also bring back the values that Secrets had: what was made with the present ones, such as a
    /// database, may refuse them
    #[arg(long)]
    restore_secrets: bool,
    /// Take over fields that others own
    #[arg(long)]
    force_conflicts: bool,
    #[command(flatten)]
    run: RunArguments,
}

/// What all parts of a rollback share.
struct Rollback<'a> {
    arguments: &'a Arguments,
    global: &'a Global,
    address: &'a Address,
    /// What the newest revision says about where and how the release may be changed.
    guard: Guard,
    store: Store,
    by: Author,
}

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    block_on(rollback(arguments, global, &address, missing, output))
}

async fn rollback(
    arguments: &Arguments,
    global: &Global,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let store = Store::new(
        &session.cluster,
        &session.served,
        &address.state_namespace,
        &address.release,
    );
    let before = session
        .unless_interrupted(ReleaseHistory::read(&store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let Some(newest) = before.newest() else {
        return Err(session.no_revisions(address, missing));
    };
    let guard = newest.revision.guard.clone();
    session.check_context(&address.release, &guard.contexts)?;
    let target = choose_target(&address.release, &before.heads, arguments.to)?;
    let rollback = Rollback {
        arguments,
        global,
        address,
        guard,
        store,
        by: Author::this_process("rollback"),
    };
    match target {
        RollbackTarget::Deployed(number) => {
            output.note(&format!(
                "{} revision {number} is what is deployed; there is nothing to do",
                address.release
            ));
            Ok(ExitCode::Done)
        }
        RollbackTarget::BeforeRun(number) => {
            unfinished::go_back(&rollback, number, session, output).await
        }
        RollbackTarget::Revision(number) => {
            earlier::go_back(&rollback, number, before, session, output).await
        }
    }
}
