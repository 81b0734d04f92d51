//! How much failing a plan tolerates before an object is called failed.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::duration::PlanDuration;

/// How much failing is tolerated before an object is called failed; what is left out stays as it
/// is.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct FailureBudgetDeclaration {
    /// A container that crashed and was restarted this often is a failure; 3 by default, 0 for the
    /// first crash.
    pub(crate) restarts: Option<u32>,
    /// An error that lasts longer than this is a failure: of an image, of what a pod refers to, of a
    /// condition; `20s` by default.
    pub(crate) grace: Option<PlanDuration>,
}

/// What a plan says about how much failing is tolerated. `None` leaves it to the default.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct FailureBudget {
    /// Restarts of a container after which it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) restarts: Option<u32>,
    /// How long an error may last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) grace: Option<Duration>,
}

impl FailureBudget {
    /// What `declared` says, and where it says nothing, what `self` does.
    pub(super) fn changed_by(self, declared: Option<FailureBudgetDeclaration>) -> Self {
        let declared = declared.unwrap_or_default();
        Self {
            restarts: declared.restarts.or(self.restarts),
            grace: declared.grace.map(|grace| grace.0).or(self.grace),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phase_changes_only_what_it_says() {
        let plan: FailureBudgetDeclaration =
            serde_yaml::from_str("{restarts: 5, grace: 1m}").unwrap();
        let phase: FailureBudgetDeclaration = serde_yaml::from_str("{grace: 5s}").unwrap();
        let budget = FailureBudget::default().changed_by(Some(plan));
        assert_eq!(budget.changed_by(None), budget);
        assert_eq!(
            budget.changed_by(Some(phase)),
            FailureBudget {
                restarts: Some(5),
                grace: Some(Duration::from_secs(5))
            }
        );
    }
}
