//! What others have done to an object since it was written.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{ownership::changers, release::ObjectRecord};

/// What others have done to an object since it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Drift {
    /// They changed what is ours: the managers that hold another value than ours now, as far as
    /// that can be told.
    Changed(BTreeSet<String>),
    /// They deleted it.
    Deleted,
}

/// What others have done to the object of `record` since that was made; `None` where it is as it
/// was. `sent` is what was sent of it, where that is known.
pub(crate) fn drift(
    record: &ObjectRecord,
    live: Option<&Value>,
    sent: Option<&Value>,
    manager: &str,
) -> Option<Drift> {
    match live {
        None if record.completed => None,
        None => Some(Drift::Deleted),
        Some(live) if record.holds(live, manager) => None,
        Some(live) => Some(Drift::Changed(
            sent.map(|sent| changers(live, sent, manager))
                .unwrap_or_default(),
        )),
    }
}
