//! Releases by their names.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::names::is_dns_label;

/// A plan deployed to an environment: `PLAN.ENV`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct ReleaseId {
    /// Name of the plan.
    pub(crate) plan: String,
    /// Name of the environment.
    pub(crate) environment: String,
}

impl ReleaseId {
    /// The most characters of `PLAN.ENV`: it is the name part of a label's key.
    /// <https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>
    pub(super) const LONGEST: usize = 63;

    /// The release that `text` names, as `PLAN.ENV`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (plan, environment) = text.split_once('.')?;
        (is_dns_label(plan) && is_dns_label(environment)).then(|| Self {
            plan: plan.to_owned(),
            environment: environment.to_owned(),
        })
    }

    /// The release that `text` names; fails with what is wrong with it.
    pub(crate) fn parse_argument(text: &str) -> Result<Self, String> {
        match Self::parse(text) {
            Some(release) if text.len() <= Self::LONGEST => Ok(release),
            Some(_) => Err(format!("it is longer than {} characters", Self::LONGEST)),
            None => Err("releases are named `PLAN.ENV`; `deployctl list` shows them".to_owned()),
        }
    }

    /// The field manager under which this release applies.
    pub(crate) fn field_manager(&self) -> String {
        format!("deployctl.{self}")
    }

    /// The key of the label that every object of this release carries.
    pub(crate) fn label(&self) -> String {
        format!("deployctl.dev/{self}")
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}", self.plan, self.environment)
    }
}
