//! How long an object may be silent, or have a condition that sounds bad, before that counts as
//! failed.

use jiff::{SignedDuration, Timestamp};

use super::{
    case::Case,
    condition::described,
    meaning,
    verdict::{State, Verdict},
};
use crate::object::Condition;

/// How long a start may take before what says neither that it works nor why it does not is called
/// failed.
const START_GRACE: SignedDuration = SignedDuration::from_mins(5);

/// How long a controller may take to write its first status before it is taken as not there.
const STATUS_GRACE: SignedDuration = SignedDuration::from_secs(60);

/// The verdict about an object without a status, where its definition tells that a controller is to
/// write one.
pub(super) fn without_status(case: &Case<'_>) -> Option<Verdict> {
    (case.around.has_status_subresource == Some(true)).then_some(())?;
    let seconds = STATUS_GRACE.as_secs();
    let is_over = has_lasted(case, case.view().created(), STATUS_GRACE);
    Some(if is_over {
        Verdict::failed(
            "NoController",
            format!("nothing has written a status within {seconds} s: is its controller running?"),
        )
    } else {
        Verdict::in_progress("NoStatus", "its controller has not written a status yet")
    })
}

/// Whether the object is older than a start may take. One of unknown age is.
pub(super) fn is_past_start(case: &Case<'_>) -> bool {
    has_lasted(case, case.view().created(), START_GRACE)
}

fn has_lasted(case: &Case<'_>, since: Option<Timestamp>, grace: SignedDuration) -> bool {
    since.is_none_or(|since| case.around.now.duration_since(since) > grace)
}

/// Failed, once it has lasted for longer than the grace time: what an object needs is often created
/// in the same minute.
///
/// What only is not there yet, for a reason that does not tell of an error, may be no more than a
/// slow start, so it has longer.
pub(super) fn tolerated(case: &Case<'_>, condition: &Condition<'_>) -> Verdict {
    let over = case.budget.is_over(condition.since, case.around.now)
        && (condition.is_true()
            || meaning::tells_of_error(condition.reason)
            || has_lasted(case, condition.since, START_GRACE));
    let state = if over {
        State::Failed
    } else {
        State::InProgress
    };
    Verdict::new(state, condition.reason_or("Failed"), described(condition))
}
