//! The arguments of commands that judge readiness without a run: whose rules are used.

use super::plan_arguments::PlanArguments;
use crate::{
    error::CommandError,
    readiness::{Budget, Rules},
};

/// Which plan's rules for readiness are used beside the built-in ones.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct RuleArguments {
    /// Plan whose rules are used beside the built-in ones: its name or path
    #[arg(long = "rules", value_name = "PLAN")]
    plan: Option<String>,
    /// Environment of that plan
    #[arg(short, long, env = "DEPLOYCTL_ENV")]
    env: Option<String>,
    /// Value of a variable of that plan, stronger than the environment's
    #[arg(long, value_name = "NAME=VALUE")]
    set: Vec<String>,
}

impl RuleArguments {
    /// The rules, and how much failing is tolerated; none and the usual where no plan is named.
    pub(super) fn compile(&self) -> Result<(Rules, Budget), CommandError> {
        if self.plan.is_none() {
            return Ok((Rules::default(), Budget::default()));
        }
        let plan = PlanArguments {
            plan: self.plan.clone(),
            env: self.env.clone(),
            set: self.set.clone(),
            state_namespace: None,
        };
        let settings = plan.readiness()?;
        let rules = Rules::compile(&settings.rules).map_err(CommandError::usage)?;
        Ok((rules, settings.budget.into()))
    }
}
