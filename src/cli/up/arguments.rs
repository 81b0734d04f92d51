//! Arguments of `deployctl up`.

use std::{path::PathBuf, time::Duration};

use crate::{
    cli::{deployment::DeploymentArguments, run_arguments::RunArguments},
    plan,
};

/// Deploy a plan to a cluster, phase by phase
///
/// Connects, reads what exists, shows the changes and asks. Then applies the changed objects of
/// each phase (server-side apply), waits until everything in the phase is ready, and continues with
/// the next.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl up --env dev
  deployctl up shop --env prod --dry-run
  deployctl up shop --env prod --set image_tag=v1.4.2
  deployctl up shop --env prod --only Deployment/web
  deployctl up shop --env prod --yes=shop.prod -o jsonl
  deployctl up shop --env prod --approved shop.approval.json")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) deployment: DeploymentArguments,
    /// Time limit of the whole run, for example `20m`
    #[arg(long, value_name = "DURATION", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Leave everything as it is if the run fails, instead of rolling it back
    #[arg(long)]
    pub(super) no_rollback: bool,
    /// Show what would change, as `deployctl diff` does, and write nothing
    #[arg(long, conflicts_with = "approved")]
    pub(super) dry_run: bool,
    /// Do not ask, and do exactly what `deployctl diff --save FILE` showed; refused where the
    /// cluster or the files have changed since
    #[arg(long, value_name = "FILE", conflicts_with = "yes")]
    pub(super) approved: Option<PathBuf>,
    #[command(flatten)]
    pub(super) run: RunArguments,
}
