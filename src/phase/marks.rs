//! How an object is changed and put back: annotations first, then the `match` entries of
//! phases.

use super::matching::fits;
use crate::{
    object::{AnnotatedMarks, Marks, Object, PhaseHint, RollbackMark},
    plan::{MatchRollback, PhaseSettings},
};

/// How `object` is changed and put back: as its annotations say, else as the `match` entries of all
/// phases say that fit it.
pub(crate) fn marks(object: &Object, hint: &PhaseHint, phases: &[PhaseSettings]) -> Marks {
    let AnnotatedMarks {
        recreate,
        rollback,
        restart_on_change,
    } = hint.marks;
    let fitting = || {
        phases
            .iter()
            .flat_map(|phase| &phase.matches)
            .filter(|entry| fits(entry, object, hint))
    };
    let matched = || fitting().find_map(|entry| entry.rollback);
    Marks {
        recreate: recreate.unwrap_or_else(|| fitting().any(|entry| entry.recreate)),
        rollback: rollback
            .or_else(|| matched().map(RollbackMark::from))
            .unwrap_or_default(),
        restart_on_change,
    }
}

impl From<MatchRollback> for RollbackMark {
    fn from(rollback: MatchRollback) -> Self {
        match rollback {
            MatchRollback::Manual => Self::Manual,
            MatchRollback::Rerun => Self::Rerun,
        }
    }
}
