//! `deployctl prune --orphans`: what no revision remembers.

use super::{
    Global,
    consent::Verb,
    plan_arguments::{ClusterArguments, PlanArguments},
    prompter::Prompter,
    removal::{RemovalArguments, Removing, tell_kept},
    session::{Session, block_on},
};
use crate::{
    engine::{
        Ask as _, PreparedOrphans, PrunePlan, Selection, check_deletions, prepare_orphans,
        recheck_orphans,
    },
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Author, Operation, Store},
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
    let store = session.store(address);
    let context = session.context(&store);
    let explained = |error| session.prepare_error(error);
    let history = context.history().await.map_err(explained)?;
    let guard = history
        .newest()
        .map(|head| head.revision.guard.clone())
        .unwrap_or_default();
    session.check_context(&address.release, &guard.contexts)?;
    let removing = Removing {
        arguments: &arguments.removal,
        global,
        address,
        by: &Author::this_process(Operation::PruneOrphans),
        verb: Verb::DeleteOrphans,
        selection: &Selection::Nothing,
    };
    let request = removing.request();
    let PreparedOrphans {
        prepared,
        incomplete_kinds,
    } = prepare_orphans(context, &request, &address.state_namespace, history)
        .await
        .map_err(explained)?;
    tell_unseen(&incomplete_kinds, output);
    // A run of this command that has not ended is brought to its end.
    if prepared.pruning.removals.is_empty() && prepared.history.unsettled.is_none() {
        output.note(&format!(
            "No orphans of {} in context {}",
            address.release,
            session.cluster.context()
        ));
        tell_kept(&prepared.pruning, output);
        return Ok(ExitCode::Done);
    }
    check_deletions(context, &prepared)
        .await
        .map_err(explained)?;
    let consent = removing.consent(&guard, &session);
    Prompter::new(&consent, output).confirm(&prepared)?;
    let work = async |session, store, output: &mut Output| {
        remove(&removing, &prepared.pruning, session, &store, output).await
    };
    let lock = &arguments.removal.run.lock;
    lock.locked(session, address, removing.by, output, work)
        .await
}

/// Looks again, and removes what was shown.
async fn remove(
    removing: &Removing<'_>,
    shown: &PrunePlan,
    mut session: Session,
    store: &Store,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (request, namespace) = (removing.request(), &removing.address.state_namespace);
    let prepared = recheck_orphans(session.context(store), &request, namespace, shown)
        .await
        .map_err(|error| session.prepare_error(error))?;
    let exit = removing
        .carry_out(&prepared, &mut session, store, output)
        .await?;
    if exit == ExitCode::Done {
        tell_kept(&prepared.pruning, output);
    }
    Ok(exit)
}

fn tell_unseen(incomplete_kinds: &[String], output: &mut Output) {
    if !incomplete_kinds.is_empty() {
        output.note(&format!(
            "Note: not searched everywhere, because these cannot be listed: {}",
            incomplete_kinds.join(", ")
        ));
    }
}
