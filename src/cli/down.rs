//! `deployctl down`: everything that it needs is in the cluster.

use super::{
    Global,
    intent::Verb,
    lock_arguments,
    plan_arguments::{ClusterArguments, PlanArguments},
    removal::{Prepared, RemovalArguments, Removing, carry_out, check_same, confirm, tell_kept},
    session::{Session, block_on},
    up::{again::take_over, prepare},
};
use crate::{
    engine::{self, PrunePlan, ReleaseHistory, Selection},
    error::{CommandError, ExitCode},
    event::RunOutcome,
    plan::Address,
    release::{Author, Store},
    report::Output,
};

/// Uninstall a release: delete its objects, the last phase first
///
/// Kept are data (PersistentVolumeClaims, PersistentVolumes), the Secrets that it cannot be opened
/// without, and namespaces and CustomResourceDefinitions that hold anything else or existed before:
/// they are named, and the next `up` takes them over again. Objects that are managed by others too
/// are released: only the label is removed. Neither the plan file nor manifests are needed, and
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
    #[command(flatten)]
    removal: RemovalArguments,
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
    let Some(newest) = before.newest().map(|head| head.revision.clone()) else {
        output.note(&nothing_deployed(address, &session));
        return Ok(ExitCode::Done);
    };
    session.check_context(&address.release, &newest.guard.contexts)?;
    let prepared = prepared(arguments, address, &session, before).await?;
    let is_down = newest.is_taken_down() && prepared.pruning.removals.is_empty();
    if is_down && !arguments.purge {
        output.note(&nothing_deployed(address, &session));
        tell_kept(&prepared.pruning, output);
        return Ok(ExitCode::Done);
    }
    let removing = Removing {
        arguments: &arguments.removal,
        global,
        address,
        verb: Verb::Uninstall,
        by: Author::this_process("down"),
    };
    prepare::check_deletions(&[], &prepared.pruning, &session).await?;
    confirm(&removing, &newest.guard, &prepared, &session, output)?;
    let held = arguments
        .removal
        .run
        .lock
        .acquire(&session, address, &removing.by, output)
        .await?;
    let session = session.through(&held);
    let store = store.through(&session.cluster);
    // What is down already has only its history left.
    let result = if is_down {
        purge(address, &session, &store, output)
            .await
            .map(|()| ExitCode::Done)
    } else {
        under_lock(
            arguments,
            &removing,
            &prepared.pruning,
            session,
            &store,
            output,
        )
        .await
    };
    lock_arguments::release(held, output).await;
    result
}

fn nothing_deployed(address: &Address, session: &Session) -> String {
    format!(
        "{} is not deployed in context {}",
        address.release,
        session.cluster.context()
    )
}

/// Looks at everything that the release has, and decides what becomes of it.
async fn prepared(
    arguments: &Arguments,
    address: &Address,
    session: &Session,
    mut before: ReleaseHistory,
) -> Result<Prepared, CommandError> {
    let known = before.touched(&session.served);
    let observation = session
        .unless_interrupted(engine::observe(&session.cluster, &address.release, &known))
        .await?;
    let mut observation =
        observation.map_err(|error| session.request_error("cannot read the objects", &error))?;
    before.complete(&observation.live, &address.release.field_manager());
    let candidates = engine::written(&before);
    let pruning = prepare::leaving(
        session,
        candidates,
        &before,
        &mut observation,
        &address.release,
        arguments.removal.delete_data,
        true,
    )
    .await?;
    Ok(Prepared {
        before,
        observation,
        pruning,
    })
}

/// Looks again, removes what was shown, and deletes the history where that was asked for.
async fn under_lock(
    arguments: &Arguments,
    removing: &Removing<'_>,
    shown: &PrunePlan,
    session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let before = session
        .unless_interrupted(take_over(store, &removing.by))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let prepared = prepared(arguments, removing.address, &session, before).await?;
    check_same(shown, &prepared.pruning)?;
    let (exit, session) =
        carry_out(removing, &prepared, &Selection::All, session, store, output).await?;
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
    let before = ReleaseHistory::read(store)
        .await
        .map_err(|error| session.store_error(&error))?;
    let mut heads = before.heads;
    let kept = if before.records.is_empty() {
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
