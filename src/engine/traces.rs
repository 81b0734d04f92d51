use serde_json::Value;

use crate::{
    cluster::Live,
    object::ObjectId,
    ownership::{apply_entry, written_at_creation},
    release::{Program, Records, Snapshot, Traces},
};

/// Adds to `traces`, what a journal tells, what it does not know of: writes that were done although nobody saw their answer.
///
/// `live` is what is there now. An object that was not there and now has our entry, which is as old as itself, was created by that
/// write (KEP-555: the entry of whoever creates an object by apply has its time). One that was there, has our entry and is another
/// version than it was may have been changed by it, or by others only; who owns what will tell.
///
/// `records` is what the journal tells of the objects after their last known write. One that is not as that write left it may have been
/// written once more by a run that was killed, after another one that was killed.
pub(super) fn complete(traces: &mut Traces, program: &Program, snapshot: &Snapshot, live: &Live, records: &Records, manager: &str) {
    for id in program.written().filter(|id| snapshot.knows(id)) {
        let now = live.object(id);
        match (snapshot.object(id), now) {
            (None, Some(now)) => {
                let uid = text(now, "/metadata/uid");
                let known = traces.get(id).is_some_and(|trace| trace.created.iter().any(|created| created == uid));
                if !known && written_at_creation(now, manager) {
                    traces.of(id).created.push(uid.to_owned());
                }
            }
            (Some(before), Some(now)) if traces.get(id).is_none() => {
                let changed = text(before, "/metadata/resourceVersion") != text(now, "/metadata/resourceVersion");
                let ours = apply_entry(now, manager).is_some() || apply_entry(before, manager).is_some();
                let same = text(before, "/metadata/uid") == text(now, "/metadata/uid");
                if changed && ours && same {
                    traces.of(id).unseen = true;
                } else if !same && written_at_creation(now, manager) {
                    replaced(traces, id, now);
                }
            }
            (Some(before), Some(now)) => {
                let same = text(before, "/metadata/uid") == text(now, "/metadata/uid");
                let uid = text(now, "/metadata/uid");
                let known = traces.get(id).is_some_and(|trace| trace.created.iter().any(|created| created == uid));
                if !same && !known && written_at_creation(now, manager) {
                    replaced(traces, id, now);
                } else if same && !is_as_recorded(id, now, records, manager) {
                    traces.of(id).unseen = true;
                }
            }
            (Some(_), None) => traces.of(id).deleted |= deletes(program, id),
            (None, None) => {}
        }
    }
}

/// Whether `now` is as the last known write of `id` left it, as far as that can be told: the record is about the version that was written.
fn is_as_recorded(id: &ObjectId, now: &Value, records: &Records, manager: &str) -> bool {
    records.get(id).is_some_and(|record| text(now, "/apiVersion") != record.api_version || record.holds(now, manager))
}

/// The object that was there was deleted, and `now` was created in its place.
fn replaced(traces: &mut Traces, id: &ObjectId, now: &Value) {
    let trace = traces.of(id);
    trace.deleted = true;
    trace.created.push(text(now, "/metadata/uid").to_owned());
}

/// Whether the program deletes `id`.
fn deletes(program: &Program, id: &ObjectId) -> bool {
    program.steps.iter().any(|step| matches!(&step.work, crate::release::Work::Delete { object, .. } if object == id))
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
