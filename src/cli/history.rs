//! `deployctl history`: the revisions of a release, or all of one.

use jiff::Timestamp;

use super::{
    Global,
    not_deployed::no_revisions,
    plan_arguments::{ClusterArguments, PlanArguments},
    rename::note_renaming,
    session::{Session, block_on},
    tabular::{DataFormat, print},
};
use crate::{
    error::{CommandError, ExitCode},
    plan::Address,
    release::{Head, JournalEntry, Revision},
    report::{
        Did, HistoryChange, HistoryPhase, HistoryRevision, HistoryRollback, HistoryView, Output,
        RevisionView,
    },
};

/// Show the revisions of a release: who changed it when, and how that ended
///
/// Neither the plan file nor manifests are needed: plan and environment name the release.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "Examples:
  deployctl history --env dev
  deployctl history show 12 shop --env prod
  deployctl history shop --env prod -o json")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
pub(crate) struct Arguments {
    #[command(subcommand)]
    show: Option<Show>,
    #[command(flatten)]
    of: Of,
}

#[derive(Debug, clap::Subcommand)]
enum Show {
    Show(ShowArguments),
}

/// Show all of one revision: its phases, what it did with each object, and how it was rolled back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl history show 12
  deployctl history show 12 shop --env prod -o json")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)), mut_arg("set", |argument| argument.hide(true)))]
struct ShowArguments {
    /// Number of the revision
    #[arg(value_name = "REVISION")]
    number: u64,
    #[command(flatten)]
    of: Of,
}

/// Which release, and how it is shown.
#[derive(Debug, clap::Args)]
struct Of {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: DataFormat,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (of, number) = match &arguments.show {
        Some(Show::Show(show)) => (&show.of, Some(show.number)),
        None => (&arguments.of, None),
    };
    let (address, missing) = of.plan.address_or_name()?;
    block_on(history(of, number, &address, missing, output))
}

async fn history(
    of: &Of,
    number: Option<u64>,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&of.cluster, Some(address)).await?;
    let store = session.store(address);
    let heads = session
        .unless_interrupted(store.heads())
        .await?
        .map_err(|error| session.store_error(&error))?;
    if heads.is_empty() {
        return Err(no_revisions(address, missing, &session).await);
    }
    if let Some(newest) = heads.last() {
        note_renaming(&newest.revision, output);
    }
    let (width, now) = (output.stdout_width(), Timestamp::now());
    match number {
        None => {
            let revisions = heads.iter().map(|head| revision(&head.revision)).collect();
            let context = session.cluster.context().to_owned();
            let view = HistoryView {
                release: address.release.to_string(),
                context,
                revisions,
            };
            print(of.output, &view, &view.text(width, now), output);
        }
        Some(number) => {
            let head = heads
                .iter()
                .find(|head| head.revision.number == number)
                .ok_or_else(|| unknown(address, number, &heads))?;
            let journal = session
                .unless_interrupted(store.journal(head))
                .await?
                .map_err(|error| session.store_error(&error))?;
            let view = detail(&head.revision, &journal);
            print(of.output, &view, &view.text(width, now), output);
        }
    }
    Ok(ExitCode::Done)
}

fn unknown(address: &Address, number: u64, heads: &[Head]) -> CommandError {
    let numbers: Vec<String> = heads
        .iter()
        .map(|head| head.revision.number.to_string())
        .collect();
    let message = format!(
        "{} has no revision {number}; there are {}",
        address.release,
        numbers.join(", ")
    );
    CommandError::usage(message)
}

fn revision(revision: &Revision) -> HistoryRevision {
    HistoryRevision {
        number: revision.number,
        started: revision.started,
        finished: revision.finished,
        by: revision.by.who.clone(),
        command: revision.by.operation.to_string(),
        outcome: revision.outcome,
        back_to: revision.back_to,
        partial: revision.partial,
        objects: revision.objects,
        created: revision.changes.created,
        changed: revision.changes.changed,
        deleted: revision.changes.deleted,
        commit: revision
            .source
            .as_ref()
            .and_then(|source| source.commit.clone()),
        dirty: revision.source.as_ref().is_some_and(|source| source.dirty),
        cause: revision.cause.clone(),
    }
}

/// The programs that built the sources of `of`.
fn tools(of: &Revision) -> Vec<String> {
    let tools = of.source.iter().flat_map(|source| &source.tools);
    tools.map(ToString::to_string).collect()
}

fn detail(of: &Revision, journal: &[JournalEntry]) -> RevisionView {
    let phase = |phase: &crate::release::PhaseRecord| HistoryPhase {
        name: phase.name.clone(),
        outcome: phase.outcome,
        objects: phase.objects,
        took: phase.took,
    };
    RevisionView {
        release: of.release.to_string(),
        revision: revision(of),
        context: of.context.clone(),
        process: of.by.process,
        version: of.by.version.clone(),
        plan: of.source.as_ref().map(|source| source.file.clone()),
        tools: tools(of),
        continues: of.continues,
        taken_over: of.taken_over.as_ref().map(|by| by.who.clone()),
        phases: of.phases.iter().map(phase).collect(),
        changes: journal.iter().filter_map(change).collect(),
        failure: of.past_failure(),
        rollback: of.rollback.as_ref().map(|rollback| HistoryRollback {
            by: rollback.by.who.clone(),
            command: rollback.by.operation.to_string(),
            started: rollback.started,
            finished: rollback.finished,
            proof: rollback.proof.clone(),
        }),
    }
}

/// What a journal's entry tells that was done with an object; `None` where nothing was.
fn change(entry: &JournalEntry) -> Option<HistoryChange> {
    let (object, did, paths) = match entry {
        JournalEntry::Wrote {
            object,
            created: true,
            owner: None,
            ..
        } => (object, Did::Created, Vec::new()),
        JournalEntry::Wrote { changed, .. } if changed.is_empty() => return None,
        JournalEntry::Wrote {
            object, changed, ..
        } => (
            object,
            Did::Changed,
            changed
                .iter()
                .map(|change| change.path.to_string())
                .collect(),
        ),
        JournalEntry::Removed {
            object,
            deleted: true,
        } => (object, Did::Deleted, Vec::new()),
        JournalEntry::Removed {
            object,
            deleted: false,
        } => (object, Did::GivenUp, Vec::new()),
        JournalEntry::Recreated { object, .. } => (object, Did::Recreated, Vec::new()),
        JournalEntry::Completed { .. } | JournalEntry::Kept { .. } => return None,
    };
    Some(HistoryChange {
        object: object.clone(),
        did,
        paths,
    })
}
