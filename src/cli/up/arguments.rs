//! Arguments of `deployctl up`.

use std::time::Duration;

use crate::{
    cli::{
        check_arguments::CheckArguments,
        plan_arguments::{ClusterArguments, PlanArguments, check_phases},
        run_arguments::RunArguments,
        secret_arguments::SecretOptions,
    },
    engine::{Part, Selection},
    error::CommandError,
    object::LabelSelector,
    plan::{self, Plan},
};

/// Deploy a plan to a cluster, phase by phase
///
/// Connects, reads what exists, shows the changes and asks. Then applies the changed objects of
/// each phase (server-side apply), waits until everything in the phase is ready, and continues with
/// the next.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl up --env dev
  deployctl up shop --env prod --set image_tag=v1.4.2
  deployctl up shop --env prod --only Deployment/web
  deployctl up shop --env prod --yes=shop.prod -o jsonl")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
#[expect(clippy::struct_excessive_bools, reason = "flags of the command line")]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(super) plan: PlanArguments,
    #[command(flatten)]
    pub(super) cluster: ClusterArguments,
    /// Run only this phase; can be given several times
    #[arg(long, value_name = "PHASE")]
    pub(super) phase: Vec<String>,
    /// Run only this object; can be given several times
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) only: Vec<String>,
    /// Run only objects with these labels: `app=web`, `tier in (a,b)`, `!legacy`, with commas
    /// between
    #[arg(short = 'l', long, value_name = "SELECTOR", value_parser = LabelSelector::parse)]
    pub(super) selector: Option<LabelSelector>,
    /// Time limit of the whole run, for example `20m`
    #[arg(long, value_name = "DURATION", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    pub(super) timeout: Option<Duration>,
    /// Take over fields that are managed by others
    #[arg(long)]
    pub(super) force_conflicts: bool,
    /// Delete this object and create it again if immutable fields of it change; can be given
    /// several times
    #[arg(long, value_name = "KIND/NAME")]
    pub(super) recreate: Vec<String>,
    /// Share objects that are managed by another release, or by this one and recorded in none of
    /// its revisions
    #[arg(long)]
    pub(super) adopt: bool,
    /// Leave everything as it is if the run fails, instead of rolling it back
    #[arg(long)]
    pub(super) no_rollback: bool,
    /// Also delete volumes that have left the plan, with the data on them
    #[arg(long)]
    pub(super) delete_data: bool,
    #[command(flatten)]
    pub(super) checks: CheckArguments,
    #[command(flatten)]
    pub(super) secrets: SecretOptions,
    #[command(flatten)]
    pub(super) run: RunArguments,
}

impl Arguments {
    /// What the run is about; an unknown phase is an error that lists the known ones.
    pub(super) fn selection(&self, plan: &Plan) -> Result<Selection, CommandError> {
        let part = Part {
            phases: self.phase.clone(),
            objects: self.only.clone(),
            labels: self.selector.clone(),
        };
        if part == Part::default() {
            return Ok(Selection::All);
        }
        check_phases(&self.phase, plan)?;
        Ok(Selection::Only(part))
    }
}
