//! Workloads that read what a run changes and are no part of it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::{history::ReleaseHistory, objects::Observation},
    plan::{
        config_restart::contents,
        decide::{ChangeAction, Decision},
    },
};
use crate::{
    cluster::Live,
    object::{HasKind as _, ObjectId, configuration_read_at_start},
    release::UnreadBy,
};

/// Says of each ConfigMap and Secret whose contents change which workloads that read it only when they
/// start are there and no part of the run: they run on with what they have read, until a run of which
/// they are a part.
pub(crate) fn name_left_out_readers(
    wanted: &mut DesiredState,
    decisions: &mut [Decision],
    history: &ReleaseHistory,
    observation: &Observation,
) {
    let left_out = left_out_readers(wanted, decisions, &observation.live);
    let is_changed = |action| matches!(action, ChangeAction::Change | ChangeAction::Replace);
    let written = decisions
        .iter_mut()
        .filter(|decision| is_changed(decision.action) && decision.id.is_configuration());
    for decision in written {
        let object = &wanted.objects[&decision.id];
        let changes = changes_contents(object, history, observation);
        let known = history.records.get(&decision.id);
        let known = known.map_or(&[][..], |record| &record.unread_by);
        let unread = left_out.iter().filter(|(reader, reads)| {
            changes && reads.contains(&decision.id) || known.contains(reader)
        });
        let unread: Vec<UnreadBy> = unread.map(|(reader, _)| reader.clone()).collect();
        if unread.is_empty() {
            continue;
        }
        let names: Vec<String> = unread.iter().map(|it| it.reader.to_string()).collect();
        let remark = format!(
            "{} is no part of this run and does not restart",
            names.join(" and ")
        );
        decision.remark.get_or_insert(remark);
        wanted.objects[&decision.id].unread_by = unread;
    }
}

/// The workloads that are there and no part of the run, each with what it reads at its start.
fn left_out_readers(
    wanted: &DesiredState,
    decisions: &[Decision],
    live: &Live,
) -> Vec<(UnreadBy, BTreeSet<ObjectId>)> {
    let decided: BTreeSet<&ObjectId> = decisions.iter().map(|decision| &decision.id).collect();
    let restarts = |object: &DesiredObject| object.marks.restart_on_change != Some(false);
    let left_out = wanted
        .objects
        .iter()
        .filter(|(id, object)| id.is_workload() && !decided.contains(id) && restarts(object));
    let there = left_out.filter_map(|(id, object)| {
        let reads = configuration_read_at_start(id, object.sent()).all;
        Some((UnreadBy::of(id, live.object(id)?), reads))
    });
    there.collect()
}

/// Whether `object`, which is written, gets other contents than pods may have started on.
fn changes_contents(
    object: &DesiredObject,
    history: &ReleaseHistory,
    observation: &Observation,
) -> bool {
    let id = &object.object.id;
    let will_be = contents(observation.answers.get(id).unwrap_or(object.sent()));
    let unsettled = history.unsettled.as_ref();
    let before = unsettled.and_then(|unsettled| unsettled.snapshot.object(id));
    let differs = |there: &Value| contents(there) != will_be;
    let now = observation.live.object(id);
    now.into_iter().chain(before).any(|there| differs(there))
}
