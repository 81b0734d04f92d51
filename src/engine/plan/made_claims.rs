//! Claims that a StatefulSet has made since a run began that has changed it, or created it anew.

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::plan::retention::is_made_by;
use crate::{
    object::{
        HasKind as _, ManifestView, ObjectId,
        field::{integer, text},
    },
    ownership::goes_with_ours,
};

/// What a claim is for a StatefulSet that is put back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MadeClaim {
    /// It had none like it: the run wanted more pods, or other templates.
    Added,
    /// It has the place of one that a pod of it had, and that is gone with its data.
    InPlace,
}

/// A StatefulSet that is put back.
#[derive(Clone, Copy)]
pub(crate) struct ChangedSet<'a> {
    id: &'a ObjectId,
    before: &'a Value,
    after: &'a Value,
}

impl<'a> ChangedSet<'a> {
    /// The StatefulSet `id` as it was `before` the run and as the run has left it; `None` where it is
    /// something else.
    pub(crate) fn of(id: &'a ObjectId, before: &'a Value, after: &'a Value) -> Option<Self> {
        id.is_like_stateful_set()
            .then_some(Self { id, before, after })
    }

    /// The StatefulSet as the run has left it.
    pub(crate) fn after(&self) -> (&'a ObjectId, &'a Value) {
        (self.id, self.after)
    }

    /// What `claim` is for it; `None` where it is older than `began`, when the run did, is none of
    /// its claims, or goes by itself once its pod does.
    /// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>
    pub(crate) fn made(
        &self,
        (id, claim): (&ObjectId, &Value),
        began: Timestamp,
    ) -> Option<MadeClaim> {
        // By whole seconds: within that of the beginning nobody can tell.
        let age = ManifestView(claim)
            .created()?
            .as_second()
            .cmp(&began.as_second());
        if age.is_lt() {
            return None;
        }
        let is_of = |set| is_made_by(self.id, set, id);
        if is_of(self.before) && has_pod(self.before, id, integer(self.before, "/spec/replicas")) {
            let running = integer(self.before, "/status/replicas").or(Some(0));
            let is_new = age.is_gt() && has_pod(self.before, id, running);
            return is_new.then_some(MadeClaim::InPlace);
        }
        let goes_by_itself = is_of(self.before)
            && text(
                self.before,
                "/spec/persistentVolumeClaimRetentionPolicy/whenScaled",
            ) == Some("Delete");
        (is_of(self.after) && !goes_by_itself).then_some(MadeClaim::Added)
    }

    /// Whether `claim`, which the run has added, is used once the StatefulSet is put back: somebody
    /// other than `manager` has scaled it.
    pub(crate) fn stays_used(&self, claim: &ObjectId, manager: &str) -> bool {
        !goes_with_ours(self.after, &["spec", "replicas"], manager)
            && is_used_by(self.id, self.before, claim, self.after)
    }
}

/// Whether a pod of `set`, which is called `id` and has as many as `scaled` wants, uses `claim`.
pub(crate) fn is_used_by(id: &ObjectId, set: &Value, claim: &ObjectId, scaled: &Value) -> bool {
    is_made_by(id, set, claim) && has_pod(set, claim, integer(scaled, "/spec/replicas"))
}

/// Whether the pod that `claim` is made for is one of `set`, where that has `replicas` of them.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#start-ordinal>
fn has_pod(set: &Value, claim: &ObjectId, replicas: Option<i64>) -> bool {
    let ordinal = claim.name.rsplit('-').next();
    let ordinal: Option<i64> = ordinal.and_then(|ordinal| ordinal.parse().ok());
    let first = integer(set, "/spec/ordinals/start").unwrap_or(0);
    ordinal.is_some_and(|ordinal| (first..first + replicas.unwrap_or(1)).contains(&ordinal))
}
