//! Writes whose answer nobody saw, worked out from what is there.

use serde_json::Value;

use crate::{
    cluster::Live,
    object::{ManifestView, ObjectId},
    ownership::{applied_at, apply_entry, is_created_by, is_recreated, written_at_creation},
    release::{ChangeLog, JournalEntry, Program, Records, Snapshot},
};

/// What unconfirmed writes are worked out from.
pub(crate) struct Evidence<'a> {
    /// What was going to be written.
    pub(crate) program: &'a Program,
    /// What was there before.
    pub(crate) snapshot: &'a Snapshot,
    /// What is there now.
    pub(crate) live: &'a Live,
    /// What the journal tells of the objects after their last known write.
    pub(crate) records: &'a Records,
    /// Our field manager.
    pub(crate) manager: &'a str,
}

/// Adds to `traces`, what a journal tells, what it does not know of: writes that were done although
/// nobody saw their answer.
///
/// An object that was not there and now has our entry, which is as old as itself, was created by
/// that write (KEP-555: the entry of whoever creates an object by apply has its time); where another
/// manager's is as old, nobody can tell. One that was there, has our entry and is another version
/// than it was may have been changed by it, or by others only; who owns what will tell.
///
/// An object that is not as its last known write left it may have been written once more by a run
/// that was killed, after another one that was killed.
///
/// `may_be_unseen` says which objects may have been written without anybody knowing. Of others it
/// is not asked: what has changed of them was changed by somebody else.
pub(crate) fn complete(
    traces: &mut ChangeLog,
    may_be_unseen: impl Fn(&ObjectId) -> bool,
    evidence: &Evidence<'_>,
) {
    let &Evidence {
        program,
        snapshot,
        live,
        records,
        manager,
    } = evidence;
    // An earlier run may have created these, although nobody has seen them yet.
    let expected = traces.iter().filter(|(id, trace)| {
        trace.unconfirmed && snapshot.knows(id) && snapshot.object(id).is_none()
    });
    let expected: Vec<ObjectId> = expected.map(|(id, _)| id.clone()).collect();
    let written = program.written().filter(|id| may_be_unseen(id));
    for id in written.chain(&expected).filter(|id| snapshot.knows(id)) {
        match (snapshot.object(id), live.object(id)) {
            // What was on its way out before counts as absent, and is not waited for as if it were
            // ours; unless we have sent it there.
            (None, Some(now))
                if is_going(id, now, live)
                    && !traces.get(id).is_some_and(|trace| trace.deleted) => {}
            (None, Some(now)) if is_known(id, now, traces) => {}
            (None, Some(now)) if is_created_by(now, manager) => traces
                .of(id)
                .created
                .push(ManifestView(now).uid().unwrap_or_default().to_owned()),
            (None, Some(now)) if written_at_creation(now, manager) => {
                traces.of(id).unconfirmed = true;
            }
            (None, _) => {}
            (Some(_), None) => traces.of(id).deleted |= program.deletes(id),
            (Some(before), Some(now)) if ManifestView(before).uid() == ManifestView(now).uid() => {
                let is_written = match traces.get(id) {
                    None => was_changed(before, now, manager),
                    Some(_) => !is_as_recorded(id, now, records, manager),
                };
                if ManifestView(now).is_terminating() && program.deletes(id) {
                    traces.of(id).deleted = true;
                } else if is_written {
                    traces.of(id).unconfirmed = true;
                }
            }
            (Some(_), Some(now)) => complete_successor(traces, id, now, records, manager),
        }
    }
}

/// Adds what is not known of `now`, which has the place of the object that was there before.
fn complete_successor(
    traces: &mut ChangeLog,
    id: &ObjectId,
    now: &Value,
    records: &Records,
    manager: &str,
) {
    if !is_known(id, now, traces) {
        if is_created_by(now, manager) {
            let trace = traces.of(id);
            trace.deleted = true;
            trace
                .created
                .push(ManifestView(now).uid().unwrap_or_default().to_owned());
        } else if is_recreated(now, manager) {
            traces.add(&JournalEntry::Recreated {
                object: id.clone(),
                uid: ManifestView(now).uid().unwrap_or_default().to_owned(),
            });
        } else if written_at_creation(now, manager) {
            traces.of(id).unconfirmed = true;
        }
    }
    let is_successor = traces
        .get(id)
        .and_then(|trace| trace.recreated.as_deref())
        .is_some_and(|uid| ManifestView(now).uid() == Some(uid));
    if is_successor
        && is_applied_since_creation(now, manager)
        && !is_as_recorded(id, now, records, manager)
    {
        traces.of(id).unconfirmed = true;
    }
}

/// Whether it is known that `now` was created by us.
fn is_known(id: &ObjectId, now: &Value, traces: &ChangeLog) -> bool {
    let mut created = traces
        .get(id)
        .into_iter()
        .flat_map(|trace| trace.created.iter().chain(&trace.recreated));
    created.any(|uid| ManifestView(now).uid() == Some(uid))
}

/// Whether `now` is another version than `before`, by a write that may have been ours.
fn was_changed(before: &Value, now: &Value, manager: &str) -> bool {
    let version = |object| ManifestView(object).resource_version();
    let changed = version(before) != version(now);
    changed && (apply_entry(now, manager).is_some() || apply_entry(before, manager).is_some())
}

/// Whether we have applied `object` since it was created again from a snapshot, which gives our
/// entry the time that it had.
fn is_applied_since_creation(object: &Value, manager: &str) -> bool {
    applied_at(object, manager)
        .zip(ManifestView(object).created())
        .is_some_and(|(applied, created)| applied >= created)
}

/// Whether `now` is being deleted, or the Namespace that it lies in.
fn is_going(id: &ObjectId, now: &Value, live: &Live) -> bool {
    let namespace = id
        .namespace
        .as_deref()
        .and_then(|name| live.object(&ObjectId::namespace(name)));
    ManifestView(now).is_terminating()
        || namespace.is_some_and(|namespace| ManifestView(namespace).is_terminating())
}

/// Whether `now` is as the last known write of `id` left it, as far as that can be told: the record
/// is about the version that was written.
fn is_as_recorded(id: &ObjectId, now: &Value, records: &Records, manager: &str) -> bool {
    records.get(id).is_some_and(|record| {
        ManifestView(now).api_version() != record.api_version || record.holds(now, manager)
    })
}
