//! Which checks before the first write are left out.

use crate::{
    finding::Check,
    plan::{self, Plan},
};

/// Which checks are left out, beside those that the plan leaves out itself.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct CheckArguments {
    /// Leave out a check, by the name that stands in brackets behind what it finds; can be given
    /// several times
    #[arg(long, value_name = "NAME", value_parser = plan::skippable)]
    skip_check: Vec<Check>,
}

impl CheckArguments {
    /// Leaves them out of `plan`.
    pub(crate) fn apply(&self, plan: &mut Plan) {
        plan.checks.skipped.extend(&self.skip_check);
    }

    /// Whether what `check` finds is told, as far as the command line says.
    pub(crate) fn tells(&self, check: Check) -> bool {
        !self.skip_check.contains(&check)
    }
}
