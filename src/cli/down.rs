//! `deployctl down`: everything that it needs is in the cluster.

use super::{
    Global,
    consent::Verb,
    not_deployed::{deployed_environments, naming},
    plan_arguments::{ClusterArguments, PlanArguments},
    prompter::Prompter,
    removal::{RemovalArguments, Removing, tell_kept},
    session::{Session, block_on},
};
use crate::{
    engine::{
        Ask as _, DeletionHooks, PrunePlan, ReleaseHistory, Selection, check_deletions,
        prepare_removal, recheck_removal, without_hooks,
    },
    error::{CommandError, ExitCode},
    event::RunOutcome,
    plan::Address,
    release::{Author, Operation, Store},
    report::Output,
};

/// Uninstall a release: delete its objects, the last phase first
///
/// Kept are data (PersistentVolumeClaims, PersistentVolumes), the Secrets that it cannot be opened
/// without, and namespaces and CustomResourceDefinitions that hold anything else or existed before:
/// they are named, and the next `up` takes them over again. Objects that are managed by others too
/// are released: only the label is removed. Where objects would be deleted that were there before
/// the release, its name has to be given. Hooks that charts have for their deletion are run before and
/// after it; one that fails ends the run. Neither the plan file nor manifests are needed, and
/// `deployctl rollback` restores everything.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl down --env dev
  deployctl down shop --env dev --delete-data --yes=shop.dev
  deployctl down shop --env dev --purge")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Also delete the release's history, if nothing is kept: nothing can be restored then
    #[arg(long)]
    purge: bool,
    /// Do not run the hooks that charts have for their deletion, as where one of them fails
    #[arg(long)]
    no_hooks: bool,
    #[command(flatten)]
    removal: RemovalArguments,
}

impl Arguments {
    fn hooks(&self) -> DeletionHooks {
        if self.no_hooks {
            DeletionHooks::Skip
        } else {
            DeletionHooks::Run
        }
    }
}

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, _) = arguments.plan.address_or_name()?;
    block_on(down(arguments, global, &address, output))
}

async fn down(
    arguments: &Arguments,
    global: &Global,
    address: &Address,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let store = session.store(address);
    let context = session.context(&store);
    let explained = |error| session.prepare_error(error);
    let history = context.history().await.map_err(explained)?;
    let Some(newest) = history.newest().map(|head| head.revision.clone()) else {
        return nothing_deployed(address, &session, output).await;
    };
    session.check_context(&address.release, &newest.guard.contexts)?;
    let removing = Removing {
        arguments: &arguments.removal,
        global,
        address,
        by: &Author::this_process(Operation::Remove),
        verb: Verb::Uninstall,
        selection: &Selection::All,
    };
    let request = removing.request();
    let without_hooks = without_hooks(context, &history).await.map_err(explained)?;
    let prepared = prepare_removal(context, &request, arguments.hooks(), history)
        .await
        .map_err(explained)?;
    let is_down = newest.is_taken_down() && prepared.pruning.removals.is_empty();
    if is_down && !arguments.purge {
        tell_kept(&prepared.pruning, output);
        return nothing_deployed(address, &session, output).await;
    }
    check_deletions(context, &prepared)
        .await
        .map_err(explained)?;
    if !arguments.no_hooks {
        tell_without_hooks(without_hooks, output);
    }
    let consent = removing.consent(&newest.guard, &session);
    Prompter::new(&consent, output).confirm(&prepared)?;
    let work = async |session, store, output: &mut Output| {
        // What is down already has only its history left.
        if is_down {
            purge(address, &session, &store, output).await?;
            return Ok(ExitCode::Done);
        }
        let shown = &prepared.pruning;
        take_down(arguments, &removing, shown, session, &store, output).await
    };
    let lock = &arguments.removal.run.lock;
    lock.locked(session, address, removing.by, output, work)
        .await
}

/// Says that the `revision` was stored without the hooks of its charts.
fn tell_without_hooks(revision: Option<u64>, output: &mut Output) {
    if let Some(number) = revision {
        output.note(&format!(
            "revision {number} was stored by an older deployctl, without the hooks of its charts: none are run; `deployctl up` stores them"
        ));
    }
}

/// Says that nothing is deployed. Where something is of another environment of the plan, that one
/// may have been meant: an error (exit 2) names it.
async fn nothing_deployed(
    address: &Address,
    session: &Session,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (release, context) = (&address.release, session.cluster.context());
    let text = format!("{release} is not deployed in context {context}");
    let environments = deployed_environments(address, session).await?;
    if environments.is_empty() {
        output.note(&text);
        return Ok(ExitCode::Done);
    }
    Err(naming(CommandError::usage(text), release, &environments))
}

/// Looks again, removes what was shown, and deletes the history where that was asked for.
async fn take_down(
    arguments: &Arguments,
    removing: &Removing<'_>,
    shown: &PrunePlan,
    mut session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (context, request) = (session.context(store), removing.request());
    let prepared = recheck_removal(context, &request, arguments.hooks(), shown)
        .await
        .map_err(|error| session.prepare_error(error))?;
    let exit = removing
        .carry_out(&prepared, &mut session, store, output)
        .await?;
    if exit == ExitCode::Done {
        tell_kept(&prepared.pruning, output);
        if arguments.purge {
            purge(removing.address, &session, store, output).await?;
        }
    }
    Ok(exit)
}

/// Deletes the history. Where something is kept the newest revision stays: it is what remembers
/// that.
async fn purge(
    address: &Address,
    session: &Session,
    store: &Store,
    output: &mut Output,
) -> Result<(), CommandError> {
    let history = ReleaseHistory::read(store)
        .await
        .map_err(|error| session.store_error(&error))?;
    let mut heads = history.heads;
    let kept = if history.records.is_empty() {
        Vec::new()
    } else {
        heads.pop().into_iter().collect()
    };
    let numbers: Vec<u64> = heads.iter().map(|head| head.revision.number).collect();
    store
        .trim(&numbers, &kept)
        .await
        .map_err(|error| session.store_error(&error))?;
    match kept
        .first()
        .filter(|head| head.revision.outcome == RunOutcome::Succeeded)
    {
        None => output.note(&format!("The history of {} is deleted", address.release)),
        Some(head) => output.note(&format!(
            "The history of {} is deleted except for revision {}, which records what is kept",
            address.release, head.revision.number
        )),
    }
    Ok(())
}
