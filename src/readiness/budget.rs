//! How much failing is tolerated, and for how long, before an object is called failed.

use std::time::Duration;

use jiff::Timestamp;

use crate::plan::FailureBudget;

/// How much failing is tolerated before an object is called failed: many failures at a start mend
/// themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Budget {
    /// A container that crashed and was restarted this often is given up.
    pub(crate) restarts: u32,
    /// An error without a count, of an image, a reference or a condition, that lasts longer than
    /// this is given up.
    pub(crate) grace: Duration,
    /// What was before this moment does not count.
    pub(crate) from: Option<Timestamp>,
}

impl Default for Budget {
    /// 3 restarts, 20 seconds.
    fn default() -> Self {
        Self {
            restarts: 3,
            grace: Duration::from_secs(20),
            from: None,
        }
    }
}

impl From<FailureBudget> for Budget {
    /// What a plan says, and the default where it says nothing.
    fn from(budget: FailureBudget) -> Self {
        let default = Self::default();
        Self {
            restarts: budget.restarts.unwrap_or(default.restarts),
            grace: budget.grace.unwrap_or(default.grace),
            from: None,
        }
    }
}

impl Budget {
    /// Tolerates everything that may still mend itself.
    pub(crate) const BOUNDLESS: Self = Self {
        restarts: u32::MAX,
        grace: Duration::MAX,
        from: None,
    };

    /// Tolerates nothing.
    pub(crate) const NONE: Self = Self {
        restarts: 0,
        grace: Duration::ZERO,
        from: None,
    };

    /// The same budget from `now` on, for containers that were restarted `restarts` times until
    /// now. By then the pauses between restarts are long: one restart whole after `now` tells as
    /// much as all at the beginning.
    pub(crate) fn anew(self, restarts: u32, now: Timestamp) -> Self {
        Self {
            restarts: self.restarts.min(2).saturating_add(restarts),
            from: Some(now),
            ..self
        }
    }

    /// Whether an error that began at `since` has lasted too long at `now`. An error of unknown age
    /// has.
    pub(super) fn is_over(self, since: Option<Timestamp>, now: Timestamp) -> bool {
        let grace = jiff::SignedDuration::try_from(self.grace).unwrap_or(jiff::SignedDuration::MAX);
        let since = since.max(self.from);
        since.is_none_or(|since| now.duration_since(since) > grace)
    }

    /// Whether `restarts` are too many. An unknown number is.
    pub(super) fn is_spent(self, restarts: Option<i64>) -> bool {
        restarts.is_none_or(|restarts| restarts >= i64::from(self.restarts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    #[test]
    fn grace_is_tolerated_and_no_more() {
        let budget = Budget::default();
        assert!(!budget.is_over(Some(at(0)), at(20)));
        assert!(budget.is_over(Some(at(0)), at(21)));
        assert!(budget.is_over(None, at(0)));
    }

    #[test]
    fn a_clock_that_runs_behind_is_within_grace() {
        assert!(!Budget::default().is_over(Some(at(100)), at(0)));
    }

    #[test]
    fn what_a_plan_leaves_out_is_the_default() {
        let written = FailureBudget {
            restarts: Some(0),
            grace: None,
        };
        assert_eq!(
            Budget::from(written),
            Budget {
                restarts: 0,
                ..Budget::default()
            }
        );
        assert_eq!(Budget::from(FailureBudget::default()), Budget::default());
    }

    #[test]
    fn a_budget_that_begins_anew_forgives_what_was() {
        let budget = Budget::default().anew(7, at(100));
        assert!(!budget.is_over(Some(at(0)), at(120)) && budget.is_over(Some(at(0)), at(121)));
        assert!(!budget.is_over(None, at(120)) && budget.is_over(None, at(121)));
        assert!(!budget.is_spent(Some(8)) && budget.is_spent(Some(9)));
        assert!(
            !Budget::BOUNDLESS.is_over(Some(at(0)), at(1_000_000))
                && !Budget::BOUNDLESS.is_spent(Some(1_000))
        );
    }

    #[test]
    fn restarts_are_counted() {
        let budget = Budget::default();
        assert!(!budget.is_spent(Some(2)));
        assert!(budget.is_spent(Some(3)));
        assert!(budget.is_spent(None));
    }
}
