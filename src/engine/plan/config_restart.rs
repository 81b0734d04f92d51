//! Which workloads restart because something changes that they read only when they start.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::history::ReleaseHistory,
    plan::decide::{ChangeAction, Decision},
};
use crate::{
    cluster::Live,
    object::{
        CONFIG_DIGEST, Digest, HasKind as _, ManifestView, ObjectId, configuration_read_at_start,
        field::{map, part},
    },
    ownership::applied_at,
    preflight::{DryRun, is_within},
    release::UnreadBy,
};

/// Sends the annotation on as it is: left out, it would go, and everything that has it would
/// restart. Never adds one.
pub(crate) fn preserve_restart_annotation(wanted: &mut DesiredState, live: &Live) {
    for (id, object) in wanted.objects.iter_mut().filter(|(id, _)| id.is_workload()) {
        // What the manifest itself says is not ours to change.
        if annotation(&object.object.body).is_some() {
            continue;
        }
        let value = live
            .object(id)
            .and_then(|there| annotation(there))
            .map(str::to_owned);
        if annotation(object.sent()) != value.as_deref() {
            object.set_template_annotation(CONFIG_DIGEST, value);
        }
    }
}

/// Has the pods of those workloads restarted that read something only when they start and that may
/// have started on something else: on what is there now, where this run changes it, or on what was
/// there before an unsettled one that it goes on from changed it, or one that they were no part of. A workload whose template has
/// changed since is left alone, and so is one that opts out.
///
/// `tried` are the dry runs of `decisions`. Returns the workloads that are written only for this:
/// they have not been tried.
pub(crate) fn restart(
    wanted: &mut DesiredState,
    decisions: &mut [Decision],
    tried: &[DryRun],
    history: &ReleaseHistory,
    live: &Live,
) -> Vec<ObjectId> {
    let seen = ConfigSnapshot { history, live };
    let configuration = seen.configuration(wanted, decisions, tried);
    let mut unwritten = Vec::new();
    for (decision, tried) in decisions
        .iter_mut()
        .zip(tried)
        .filter(|(decision, _)| decision.id.is_workload())
    {
        let object = &wanted.objects[&decision.id];
        let reads = configuration_read_at_start(&decision.id, object.sent());
        let started_before = |id: &&ObjectId| {
            let read = configuration.get(*id);
            let change = read.and_then(|read| read.changed_for(reads.optional.contains(*id)));
            change.is_some_and(|by| seen.keeps_template(object, decision, tried, by))
                || (seen.is_unread(id, &decision.id)
                    || read.is_some_and(|read| seen.has_passed(id, &decision.id, &read.contents)))
                    && seen.keeps_template(object, decision, tried, ChangedBy::ThisRun)
        };
        let changed: Vec<&ObjectId> = reads.all.iter().filter(started_before).collect();
        let opts_out = object.marks.restart_on_change == Some(false);
        if changed.is_empty() || opts_out || annotation(&object.object.body).is_some() {
            continue;
        }
        let digest = digest(&reads.all, &configuration);
        if annotation(object.sent()) == Some(digest.as_str()) {
            continue;
        }
        let remark = format!(
            "restarts, because {} changes",
            changed
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" and ")
        );
        decision.note(&remark);
        if decision.action == ChangeAction::Keep {
            decision.action = ChangeAction::Change;
            unwritten.push(decision.id.clone());
        }
        wanted.objects[&decision.id].set_template_annotation(CONFIG_DIGEST, Some(digest));
    }
    unwritten
}

fn annotation(object: &Value) -> Option<&str> {
    map(object, "/spec/template/metadata/annotations")?
        .get(CONFIG_DIGEST)?
        .as_str()
}

/// Something that pods read.
struct Configuration {
    /// What it will hold.
    contents: Value,
    /// Its uid: it keeps the digest from being guessed by whoever may read workloads and not
    /// Secrets.
    uid: String,
    /// Who changes it from what pods may have started on.
    changed: Option<ChangedBy>,
    /// Who creates it: pods that start without it have done so.
    appears: Option<ChangedBy>,
}

impl Configuration {
    /// Who changes it from what pods may have started on that start without it where it is
    /// `optional`. Others have waited for it.
    fn changed_for(&self, optional: bool) -> Option<ChangedBy> {
        self.changed.or(self.appears.filter(|_| optional))
    }
}

/// Who changes what pods have read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ChangedBy {
    /// This run: pods may have started on what is there.
    ThisRun,
    /// The unsettled run that this one goes on from, and it stays so: pods of before have started
    /// on what was there then.
    Unsettled,
}

/// A digest of all that is read, in the order of its names.
fn digest(reads: &BTreeSet<ObjectId>, configuration: &BTreeMap<ObjectId, Configuration>) -> String {
    let known = reads
        .iter()
        .filter_map(|id| Some((id, configuration.get(id)?)));
    let parts: Vec<Value> = known
        .map(|(id, read)| json!([id.to_string(), read.uid, read.contents]))
        .collect();
    Digest::of(&Value::Array(parts)).to_string()
}

/// What was there, before this run and those that it goes on from, and what is there.
struct ConfigSnapshot<'a> {
    history: &'a ReleaseHistory,
    live: &'a Live,
}

impl<'a> ConfigSnapshot<'a> {
    /// The object as it was before this run, and before an unsettled one that had begun to change
    /// it.
    fn was(&self, id: &ObjectId) -> Option<&'a Value> {
        match &self.history.unsettled {
            Some(unsettled) if unsettled.snapshot.knows(id) => {
                unsettled.snapshot.object(id).map(AsRef::as_ref)
            }
            _ => self.live.object(id).map(AsRef::as_ref),
        }
    }

    /// Whether pods of `workload` may have started on a value of `id` that is neither what was there
    /// before nor what will be: several runs that never came to their end have written it, or one
    /// and its rollback, and it is back where it was, or was written after the workload.
    fn has_passed(&self, id: &ObjectId, workload: &ObjectId, will_be: &Value) -> bool {
        let (Some(unsettled), Some(newest)) = (&self.history.unsettled, self.history.newest())
        else {
            return false;
        };
        let several = newest.revision.continues.is_some() || newest.revision.rollback.is_some();
        let Some(trace) = unsettled.traces.get(id).filter(|_| several) else {
            return false;
        };
        let was = unsettled.snapshot.object(id);
        let is_written = trace.unconfirmed || !trace.changed.is_empty();
        let is_back = was.is_some_and(|was| contents(was) == *will_be) && is_written;
        let manager = newest.revision.release.field_manager();
        let applied = |id| applied_at(self.live.object(id)?, &manager);
        let is_later = applied(id)
            .zip(applied(workload))
            .is_some_and(|(read, reader)| read > reader);
        is_back || is_later
    }

    /// Whether pods of `workload` have started on other contents of `id`: it was no part of the run that
    /// changed them.
    fn is_unread(&self, id: &ObjectId, workload: &ObjectId) -> bool {
        let (Some(record), Some(there)) =
            (self.history.records.get(id), self.live.object(workload))
        else {
            return false;
        };
        !record.unread_by.is_empty() && record.unread_by.contains(&UnreadBy::of(workload, there))
    }

    /// Every ConfigMap and Secret of the release, changed or not: what is no part of the run stays as
    /// it is. One that was not there was not read by any pod that runs, so that it counts as unchanged
    /// for all that cannot start without it.
    fn configuration(
        &self,
        wanted: &DesiredState,
        decisions: &[Decision],
        tried: &[DryRun],
    ) -> BTreeMap<ObjectId, Configuration> {
        let of_run = decisions
            .iter()
            .zip(tried)
            .filter(|(decision, _)| decision.id.is_configuration());
        let of_run = of_run.filter_map(|(decision, tried)| {
            let was = self.was(&decision.id);
            let will_be = self.will_be(&wanted.objects[&decision.id], decision, tried)?;
            let uid = [Some(will_be), was]
                .into_iter()
                .flatten()
                .find_map(|object| ManifestView(object).uid());
            let now = self.live.object(&decision.id).map(AsRef::as_ref);
            let differs = |other: Option<&Value>| {
                other.is_some_and(|other| contents(other) != contents(will_be))
            };
            let changed = if differs(now) {
                Some(ChangedBy::ThisRun)
            } else {
                differs(was).then_some(ChangedBy::Unsettled)
            };
            Some((
                decision.id.clone(),
                Configuration {
                    contents: contents(will_be),
                    uid: uid.unwrap_or_default().to_owned(),
                    changed,
                    appears: was.is_none().then_some(match now {
                        None => ChangedBy::ThisRun,
                        Some(_) => ChangedBy::Unsettled,
                    }),
                },
            ))
        });
        let mut all = self.left_out(wanted, decisions);
        all.extend(of_run);
        all
    }

    /// Those that are no part of the run.
    fn left_out(
        &self,
        wanted: &DesiredState,
        decisions: &[Decision],
    ) -> BTreeMap<ObjectId, Configuration> {
        let decided: BTreeSet<&ObjectId> = decisions.iter().map(|decision| &decision.id).collect();
        let left_out = wanted.objects.keys();
        let left_out = left_out.filter(|id| id.is_configuration() && !decided.contains(id));
        let there = left_out.filter_map(|id| Some((id.clone(), self.live.object(id)?)));
        there
            .map(|(id, there)| {
                let configuration = Configuration {
                    contents: contents(there),
                    uid: ManifestView(there).uid().unwrap_or_default().to_owned(),
                    changed: None,
                    appears: None,
                };
                (id, configuration)
            })
            .collect()
    }

    /// The object as it will be.
    fn will_be<'b>(
        &self,
        object: &'b DesiredObject,
        decision: &Decision,
        tried: &'b DryRun,
    ) -> Option<&'b Value>
    where
        'a: 'b,
    {
        match (decision.action, tried) {
            (ChangeAction::Keep, _) => self.live.object(&decision.id).map(AsRef::as_ref),
            (ChangeAction::Change, DryRun::Taken(Some(stored))) => Some(stored),
            _ => Some(object.sent()),
        }
    }

    /// Whether the workload is there and its pods are not replaced after what they read was changed:
    /// neither by this run as it is, nor, where an unsettled one changed it, by that.
    fn keeps_template(
        &self,
        object: &DesiredObject,
        decision: &Decision,
        tried: &DryRun,
        changed: ChangedBy,
    ) -> bool {
        let before = match changed {
            ChangedBy::ThisRun => self.live.object(&decision.id).map(AsRef::as_ref),
            ChangedBy::Unsettled => self.was(&decision.id),
        };
        let (Some(was), Some(will_be)) = (before, self.will_be(object, decision, tried)) else {
            return false;
        };
        let template = |object: &Value| part(object, "/spec/template").cloned().unwrap_or_default();
        match decision.action {
            ChangeAction::Create => false,
            // Only the pods of a StatefulSet outlive it.
            ChangeAction::Replace => {
                decision.id.is_stateful_set() && is_within(&template(will_be), &template(was))
            }
            ChangeAction::Change | ChangeAction::Keep => template(was) == template(will_be),
        }
    }
}

/// What `object`, a ConfigMap or Secret, holds.
pub(super) fn contents(object: &Value) -> Value {
    json!({"data": object.get("data"), "binaryData": object.get("binaryData")})
}
