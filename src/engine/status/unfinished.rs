//! What a run has written that was not finished, for those who only look: its program may have been
//! killed before its journal told of that.

use serde_json::Value;

use super::drift::Drift;
use crate::engine::observe::history::UnsettledRevision;
use crate::{
    object::{ManifestView, ObjectId},
    ownership::{applied_at, is_as_sent},
    release::ObjectChanges,
};

/// A revision that was not finished, with all that its run may have done.
pub(super) struct Unfinished<'a> {
    pub(super) did: &'a UnsettledRevision,
    /// Whether it was being rolled back.
    pub(super) goes_back: bool,
    /// Our field manager.
    pub(super) manager: &'a str,
}

/// An object as it is.
pub(super) struct Seen<'a> {
    pub(super) id: &'a ObjectId,
    /// `None` where it is not there.
    pub(super) live: Option<&'a Value>,
    /// Whether anything is remembered of it.
    pub(super) is_recorded: bool,
    /// How it differs from what is remembered.
    pub(super) drift: Option<&'a Drift>,
    /// What was sent of it, or was going to be.
    pub(super) sent: Option<&'a Value>,
}

impl Unfinished<'_> {
    /// Whether an object is as this revision left it, and nobody else has changed it.
    pub(super) fn wrote(&self, seen: &Seen<'_>) -> bool {
        let Some(trace) = self.did.traces.get(seen.id) else {
            return false;
        };
        let is_own = self.goes_back || self.did.program.written().any(|id| id == seen.id);
        is_own
            && match (seen.live, seen.drift) {
                (None, drift) => trace.deleted && drift == Some(&Drift::Deleted),
                (Some(live), None) => self.is_known(seen, live, trace),
                (Some(live), Some(Drift::Changed(managers))) => {
                    self.is_put_back(seen.id, live)
                        || managers.is_empty() && self.is_unseen(seen, live)
                }
                (Some(_), Some(Drift::Deleted)) => false,
            }
    }

    /// Whether the journal tells of it, or that it was created is seen by our entry.
    fn is_known(&self, seen: &Seen<'_>, live: &Value, trace: &ObjectChanges) -> bool {
        let is_new = is_created(live, trace);
        let is_told = self.did.journalled.contains(seen.id);
        is_told && (is_new || !trace.changed.is_empty()) || is_new && !seen.is_recorded
    }

    /// Whether it is as it was before, because the rollback of this revision has put it back.
    fn is_put_back(&self, id: &ObjectId, live: &Value) -> bool {
        let before = self.did.records.get(id);
        self.goes_back && before.is_some_and(|record| record.holds(live, self.manager))
    }

    /// Whether it was written, which the journal does not tell: our entry is newer than it was, or
    /// holds what was going to be sent.
    fn is_unseen(&self, seen: &Seen<'_>, live: &Value) -> bool {
        let before = self.did.snapshot.object(seen.id);
        let then = before.and_then(|before| applied_at(before, self.manager));
        let is_newer = || applied_at(live, self.manager) > then;
        let is_sent = |sent| is_as_sent(live, sent, self.manager);
        !self.did.journalled.contains(seen.id) && (seen.sent.is_some_and(is_sent) || is_newer())
    }
}

/// Whether `live` was created by a run that left `trace`.
pub(super) fn is_created(live: &Value, trace: &ObjectChanges) -> bool {
    let mut created = trace.created.iter().chain(&trace.recreated);
    created.any(|uid| ManifestView(live).uid() == Some(uid))
}
