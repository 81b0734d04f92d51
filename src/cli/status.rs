//! `deployctl status`.

mod read;
mod view;
mod watch;

use super::{
    Global,
    not_deployed::{deployed_environments, no_revisions},
    plan_arguments::{ClusterArguments, PlanArguments},
    rename::note_renaming,
    session::{Session, block_on},
    tabular::DataFormat,
};
use crate::{
    engine::Overview,
    error::{CommandError, ExitCode},
    event::RunOutcome,
    plan::Address,
    release::Revision,
    report::{Output, StatusObject, StatusView},
};
use read::locked;
pub(super) use read::read_release;
pub(super) use view::revision_info;
use view::{show, view};
use watch::Seen;

/// Show a release: its phases, its objects, and what they are waiting for
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl status --env dev
  deployctl status shop --env prod -o json --exit-code
  deployctl status --watch")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// End with exit code 6 where not everything is deployed and ready
    #[arg(long)]
    exit_code: bool,
    /// Show it again whenever something changes, until interrupted
    #[arg(short, long, conflicts_with = "exit_code")]
    watch: bool,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: DataFormat,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    block_on(status(arguments, &address, missing, output))
}

/// Whether nothing is deployed of the release of `overview`.
fn is_of_nothing(overview: &Overview) -> bool {
    let revision = overview.revision();
    revision.is_taken_down() || revision.outcome == RunOutcome::RolledBack
}

/// Whether every object is ready, and as the release wrote it.
fn all_as_wanted(view: &StatusView) -> bool {
    let is_as_wanted = |object: &StatusObject| {
        object.verdict.passes() && object.changed_by.is_none() && !object.deleted
    };
    let objects = view.phases.iter().flat_map(|phase| &phase.objects);
    objects.into_iter().all(is_as_wanted)
}

/// Whether `last`, the newest revision of a release, has ended well, with something deployed.
fn is_deployed_well(last: &Revision) -> bool {
    last.outcome == RunOutcome::Succeeded && !last.is_taken_down() && last.renaming().is_none()
}

async fn status(
    arguments: &Arguments,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let (overview, last) = session
        .unless_interrupted(read_release(address, &session))
        .await??;
    if let (None, Some(missing)) = (&last, missing) {
        return Err(no_revisions(address, Some(missing), &session).await);
    }
    if let Some(last) = &last {
        note_renaming(last, output);
    }
    // Where the user may not look at the lock nothing is known of it.
    let lock = session
        .unless_interrupted(locked(address, &session))
        .await?
        .ok()
        .flatten();
    let mut view = view(
        address,
        &session,
        overview.as_ref(),
        last.as_ref(),
        lock.as_ref(),
    );
    if overview.as_ref().is_none_or(is_of_nothing) {
        view.deployed_environments = deployed_environments(address, &session).await?;
    }
    let as_wanted = all_as_wanted(&view) && last.as_ref().is_some_and(is_deployed_well);
    match overview.zip(last).filter(|_| arguments.watch) {
        Some((overview, last)) => {
            if !watch::is_screen(arguments.output, output) {
                show(arguments.output, &view, output);
            }
            watch::watch(
                arguments.output,
                address,
                &session,
                Seen {
                    overview,
                    last,
                    lock,
                },
                output,
            )
            .await?;
        }
        None => show(arguments.output, &view, output),
    }
    Ok(if arguments.exit_code && !as_wanted {
        ExitCode::Differences
    } else {
        ExitCode::Done
    })
}
