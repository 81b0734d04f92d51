//! Arguments of `deployctl diff`.

use std::path::PathBuf;

use crate::cli::deployment::DeploymentArguments;

/// Show what `up` would change, field by field, and write nothing
///
/// Asks the API server what it would store (a dry run) and compares that with what is there. Values of
/// Secrets are not shown; that they change is. Says which variables have other values than in the last
/// revision, what others have changed since, which workloads restart, and what cannot be undone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl diff --env dev
  deployctl diff shop --env prod --set image_tag=v1.4.2 --brief
  deployctl diff shop --env prod --exit-code -o patch > review.patch
  deployctl diff shop --env prod --save shop.approval.json")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) deployment: DeploymentArguments,
    /// One line for each field instead of lines of YAML
    #[arg(short, long)]
    pub(super) brief: bool,
    /// End with exit code 6 where something would change
    #[arg(long)]
    pub(super) exit_code: bool,
    /// Save what is shown, without any value, for `deployctl up --approved FILE`
    #[arg(long, value_name = "FILE")]
    pub(super) save: Option<PathBuf>,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    pub(super) output: DiffFormat,
}

/// Form of a diff on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(super) enum DiffFormat {
    /// For people
    #[default]
    Text,
    /// One JSON document
    Json,
    /// A unified diff, for reviews
    Patch,
}
