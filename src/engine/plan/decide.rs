//! What has to be done with each wanted object: created, changed, or left alone by the skip rule.

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::selection::Selection,
};
use crate::{
    cluster::{Live, Seen},
    object::{HasKind as _, ManifestView, ObjectId},
    ownership::{Path, displaced, taken_over_from},
    release::Records,
};

/// What has to be done with one wanted object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeAction {
    /// It is not there.
    Create,
    /// It is there and may differ.
    Change,
    /// It is there, differs in what cannot be changed, and is deleted and created anew.
    Replace,
    /// It is as wanted.
    Keep,
}

/// The decision about one wanted object.
#[derive(Debug, Clone)]
pub(crate) struct Decision {
    /// The object.
    pub(crate) id: ObjectId,
    /// What has to be done.
    pub(crate) action: ChangeAction,
    /// Whether the apply takes over fields that somebody changed at a terminal.
    pub(crate) force: bool,
    /// What contradicts what is wanted, because the API server filled it in or somebody at a terminal
    /// made it of ours: the apply takes it away.
    pub(crate) cleared: Vec<Path>,
    /// Somebody has deleted what is there; it is created once that is gone.
    pub(crate) terminating: bool,
    /// Objects that go before it is written, because they have what only one object can have.
    pub(crate) freed_by: Vec<ObjectId>,
    /// Claims that become larger with it.
    pub(crate) expansions: Vec<Expansion>,
    /// What else is to be said of it before it is done.
    pub(crate) remark: Option<String>,
}

/// A claim that has to become larger, because the StatefulSet that it belongs to asks for more now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expansion {
    /// The claim.
    pub(crate) claim: ObjectId,
    /// How much it asks for then, as the manifest writes it.
    pub(crate) size: String,
}

/// Decides for each wanted object that is selected what has to be done with it.
///
/// An object is left alone when what is wanted has the digest of what was sent last, and the live
/// object has the uid, our entry and the stored values that were recorded then.
pub(crate) fn decide(
    wanted: &DesiredState,
    live: &Live,
    records: &Records,
    selection: &Selection,
) -> Vec<Decision> {
    let manager = wanted.release.field_manager();
    let selected = wanted
        .objects
        .iter()
        .filter(|(_, object)| selection.holds_wanted(object));
    selected
        .map(|(id, object)| {
            let terminating = live
                .object(id)
                .is_some_and(|there| ManifestView(there).is_terminating());
            let action = match live.seen(id) {
                // A Job or Pod that has done its work is not run again where it was removed then.
                Seen::Absent if has_run(id, object, records) => ChangeAction::Keep,
                Seen::Absent => ChangeAction::Create,
                Seen::Present(_) if terminating => ChangeAction::Create,
                Seen::Present(there) => {
                    let record = records.get(id).filter(|record| {
                        record.wanted == *object.digest()
                            && !record.kept
                            && record.holds(there, &manager)
                    });
                    if record.is_some_and(|_| has_label(there, &wanted.release.label())) {
                        ChangeAction::Keep
                    } else {
                        ChangeAction::Change
                    }
                }
                Seen::Forbidden | Seen::Unasked => ChangeAction::Change,
            };
            let changed = live.object(id).filter(|_| action == ChangeAction::Change);
            let is_as_sent_last = records
                .get(id)
                .is_some_and(|record| record.wanted == *object.digest() && !record.kept);
            let edited = changed.filter(|_| is_as_sent_last);
            Decision {
                id: id.clone(),
                action,
                force: false,
                // What is not there of what is wanted was there: others have made something else of it.
                cleared: edited
                    .map(|there| displaced(there, object.sent(), &manager))
                    .unwrap_or_default(),
                terminating,
                freed_by: Vec::new(),
                expansions: Vec::new(),
                remark: changed.and_then(|there| taken_over(there, &manager)),
            }
        })
        .collect()
}

/// What is to be said of `there`, which becomes the release's; `None` where it is already, or nothing
/// is taken over with it.
fn taken_over(there: &Value, manager: &str) -> Option<String> {
    let tools: Vec<&str> = taken_over_from(there, manager).into_iter().collect();
    if tools.is_empty() {
        return None;
    }
    // It has to fit beside the object's name on a screen of 80 columns.
    let said = format!("taken over from {}; unsent fields go", tools.join(" and "));
    Some(match ManifestView(there).annotation(HELM_RELEASE) {
        Some(name) => format!("`helm uninstall {name}` would delete it; {said}"),
        None => said,
    })
}

impl Decision {
    /// Says `remark` of it too.
    pub(crate) fn note(&mut self, remark: &str) {
        self.remark = Some(match self.remark.take() {
            Some(said) => format!("{said}; {remark}"),
            None => remark.to_owned(),
        });
    }
}

/// The annotation by which Helm knows what belongs to a release.
/// <https://helm.sh/docs/howto/charts_tips_and_tricks/>
pub(crate) const HELM_RELEASE: &str = "meta.helm.sh/release-name";

/// Whether `id` is a Job that was run as it is wanted, and that removes itself, or a Pod that was: only
/// of such ones it is remembered that they have run.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/ttlafterfinished/>
pub(crate) fn has_run(id: &ObjectId, wanted: &DesiredObject, records: &Records) -> bool {
    is_run_once(id)
        && records
            .get(id)
            .is_some_and(|record| record.completed && record.wanted == *wanted.digest())
}

/// Whether `object` bears `label`.
pub(crate) fn has_label(object: &Value, label: &str) -> bool {
    ManifestView(object)
        .labels()
        .is_some_and(|labels| labels.contains_key(label))
}

/// Whether creating or replacing `id` would run it once more.
pub(crate) fn is_run_once(id: &ObjectId) -> bool {
    id.is_job() || id.is_pod()
}
