//! `deployctl prune --orphans`: what no revision remembers.

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
    engine::{self, KnownObjects, PrunePlan, ReleaseHistory, Selection, refused},
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Author, Store},
    report::Output,
};

/// Delete objects that are labelled with a release and recorded in none of its revisions
///
/// What has left the plan is deleted by `up` itself. Orphans are what it cannot know of: objects
/// that are labelled with the release and managed by it, and recorded in no revision. They are
/// shown before anything is deleted. Data is kept, and objects that are managed by others too are
/// released: only the label is removed. Neither the plan file nor manifests are needed.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl prune --orphans --env dev
  deployctl prune --orphans shop --env prod --yes=shop.prod")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Look for them among all kinds that the cluster serves
    #[arg(long)]
    orphans: bool,
    #[command(flatten)]
    removal: RemovalArguments,
}

/// What there is to remove, and which kinds could not be looked at everywhere.
struct Found {
    prepared: Prepared,
    incomplete_kinds: Vec<String>,
}

impl Found {
    /// Whether nothing has to be removed, nor brought to an end.
    fn is_nothing(&self) -> bool {
        self.prepared.pruning.removals.is_empty() && self.prepared.before.unsettled.is_none()
    }
}

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    if !arguments.orphans {
        return Err(CommandError::usage(
            "`deployctl prune` deletes what is recorded in no revision, and needs `--orphans`",
        )
        .hint(
            "`deployctl up` deletes what has left the manifests, once everything else is ready",
        ));
    }
    let (address, _) = arguments.plan.address_or_name()?;
    block_on(prune(arguments, global, &address, output))
}

async fn prune(
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
    let guard = before
        .newest()
        .map(|head| head.revision.guard.clone())
        .unwrap_or_default();
    session.check_context(&address.release, &guard.contexts)?;
    let found = found(arguments, address, &session, &store, before).await?;
    tell_unseen(&found.incomplete_kinds, output);
    if found.is_nothing() {
        output.note(&format!(
            "No orphans of {} in context {}",
            address.release,
            session.cluster.context()
        ));
        tell_kept(&found.prepared.pruning, output);
        return Ok(ExitCode::Done);
    }
    let removing = Removing {
        arguments: &arguments.removal,
        global,
        address,
        verb: Verb::DeleteOrphans,
        by: Author::this_process("prune"),
    };
    prepare::check_deletions(&[], &found.prepared.pruning, &session).await?;
    confirm(&removing, &guard, &found.prepared, &session, output)?;
    let held = arguments
        .removal
        .run
        .lock
        .acquire(&session, address, &removing.by, output)
        .await?;
    let session = session.through(&held);
    let store = store.through(&session.cluster);
    let result = under_lock(
        arguments,
        &removing,
        &found.prepared.pruning,
        session,
        &store,
        output,
    )
    .await;
    lock_arguments::release(held, output).await;
    result
}

/// Looks again, and removes what was shown.
async fn under_lock(
    arguments: &Arguments,
    removing: &Removing<'_>,
    shown: &PrunePlan,
    session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let address = removing.address;
    let before = session
        .unless_interrupted(ReleaseHistory::read(store))
        .await?
        .map_err(|error| session.store_error(&error))?;
    check_settled(&before)?;
    let before = session
        .unless_interrupted(take_over(store, &removing.by))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let Found { prepared, .. } = found(arguments, address, &session, store, before).await?;
    check_same(shown, &prepared.pruning)?;
    let (exit, _) = carry_out(
        removing,
        &prepared,
        &Selection::Nothing,
        session,
        store,
        output,
    )
    .await?;
    if exit == ExitCode::Done {
        tell_kept(&prepared.pruning, output);
    }
    Ok(exit)
}

/// Finds the orphans, and decides what becomes of them.
async fn found(
    arguments: &Arguments,
    address: &Address,
    session: &Session,
    store: &Store,
    before: ReleaseHistory,
) -> Result<Found, CommandError> {
    check_settled(&before)?;
    let release = &address.release;
    let known = session
        .unless_interrupted(KnownObjects::read(store, &before.heads))
        .await?
        .map_err(|error| session.store_error(&error))?;
    let orphans = session
        .unless_interrupted(engine::orphans(
            &session.cluster,
            &session.served,
            release,
            &known,
        ))
        .await?;
    let engine::Orphans {
        mut observation,
        candidates,
        incomplete_kinds,
    } = orphans.map_err(|error| session.request_error("cannot list orphans", &error))?;
    if before.heads.is_empty() && !candidates.is_empty() {
        return Err(unremembered(address, candidates.len()));
    }
    let delete_data = arguments.removal.delete_data;
    let mut pruning = prepare::leaving(
        session,
        candidates,
        &before,
        &mut observation,
        release,
        delete_data,
        true,
    )
    .await?;
    engine::give_up_foreign(&mut pruning, &observation, release);
    Ok(Found {
        prepared: Prepared {
            before,
            observation,
            pruning,
        },
        incomplete_kinds,
    })
}

/// Refuses to go on where a run of another command is not finished: what it left is not to be taken
/// for orphans, and it is not settled by removing something else.
fn check_settled(before: &ReleaseHistory) -> Result<(), CommandError> {
    let unsettled = before
        .newest()
        .map(|head| &head.revision)
        .filter(|revision| !revision.is_settled());
    match unsettled.filter(|revision| revision.by.command != "prune") {
        Some(unsettled) => Err(refused(unsettled)),
        None => Ok(()),
    }
}

/// Without any revision everything would be an orphan, where the revisions are merely kept
/// elsewhere.
fn unremembered(address: &Address, number: usize) -> CommandError {
    let Address {
        release,
        state_namespace,
        ..
    } = address;
    let message = format!(
        "{number} objects are labelled with {release}, which has no revision recorded in namespace `{state_namespace}`; nothing was changed"
    );
    CommandError::new(ExitCode::Refused, message)
        .hint("where its revisions are recorded in another namespace, name it: `--state-namespace`, or `stateNamespace` in the plan")
        .hint(format!(
            "where they are lost, `deployctl up {} --env {} --adopt` adopts the objects",
            release.plan, release.environment
        ))
}

fn tell_unseen(incomplete_kinds: &[String], output: &mut Output) {
    if !incomplete_kinds.is_empty() {
        output.note(&format!(
            "Note: not searched everywhere, because these cannot be listed: {}",
            incomplete_kinds.join(", ")
        ));
    }
}
