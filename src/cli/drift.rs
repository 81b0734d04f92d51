//! `deployctl drift`: what others have changed since the last revision.

use jiff::Timestamp;

use super::{
    Global,
    diff::shown_outside,
    not_deployed::no_revisions,
    pager,
    plan_arguments::{ClusterArguments, PlanArguments},
    session::{Session, block_on},
    status::{read_release, revision_info},
};
use crate::{
    engine::{OutsideChanges, OutsideObject, outside},
    error::{CommandError, ExitCode},
    plan::Address,
    report::{DriftKind, DriftObject, DriftView, Output},
};

/// Show what others have changed or deleted since the last revision, and who
///
/// Compares the fields that the release wrote with what is there now. Fields that the release does not
/// manage are not its own, and do not count. Needs no plan file.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl drift --env dev
  deployctl drift shop --env prod --exit-code
  deployctl drift shop --env prod -o json")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// End with exit code 6 where anything has been changed
    #[arg(long)]
    exit_code: bool,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: DriftFormat,
}

/// Form of what others have changed on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
enum DriftFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
}

pub(crate) fn run(
    arguments: &Arguments,
    _global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    let view = block_on(drift(arguments, &address, missing))?;
    match arguments.output {
        DriftFormat::Text => {
            let text = view.text(output.stdout_width(), Timestamp::now());
            pager::show(&text, output);
        }
        DriftFormat::Json => {
            let value = serde_json::to_value(&view).expect("views can be written as JSON");
            output.json(&value);
        }
    }
    Ok(if arguments.exit_code && !view.objects.is_empty() {
        ExitCode::Differences
    } else {
        ExitCode::Done
    })
}

async fn drift(
    arguments: &Arguments,
    address: &Address,
    missing: Option<CommandError>,
) -> Result<DriftView, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let read = read_release(address, &session);
    let (overview, last) = session.unless_interrupted(read).await??;
    if last.is_none() && missing.is_some() {
        return Err(no_revisions(address, missing, &session).await);
    }
    let found = overview.as_ref().map(outside).unwrap_or_default();
    Ok(DriftView {
        release: address.release.to_string(),
        context: session.cluster.context().to_owned(),
        revision: overview.map(|overview| revision_info(overview.revision())),
        objects: found.into_iter().map(shown).collect(),
    })
}

fn shown(object: OutsideObject) -> DriftObject {
    let (change, by, fields) = match object.what {
        OutsideChanges::Deleted => (DriftKind::Deleted, Vec::new(), Vec::new()),
        OutsideChanges::Fields(fields) => (DriftKind::Changed, Vec::new(), fields),
        OutsideChanges::Rewritten(by) => {
            (DriftKind::Rewritten, by.into_iter().collect(), Vec::new())
        }
    };
    DriftObject {
        phase: object.phase,
        object: object.id,
        change,
        by,
        fields: fields.into_iter().map(shown_outside).collect(),
    }
}
