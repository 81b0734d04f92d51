//! What a change is going to do, as it is shown before asking.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::Value;

use super::consent::Consent;
use crate::{
    diff::{FieldChange, is_masked},
    engine::{self, Decision, Prepared, RemovalMode},
    object::{HasKind as _, ObjectId},
    plan::{PhaseId, PhaseSettings},
    report::{ChangeAction, ChangeRow, ChangeSummary, DiffField},
};

/// What `prepared` changes.
pub(super) fn summary(consent: &Consent<'_>, prepared: &Prepared) -> ChangeSummary {
    let order: BTreeMap<PhaseId, usize> = prepared
        .desired
        .phases
        .iter()
        .enumerate()
        .map(|(number, phase)| (phase.id(), number))
        .collect();
    let mut rows = changed(prepared);
    rows.sort_by_key(|row| order.get(&row.phase));
    let mut going = removed(prepared, |phase| {
        if consent.verb.only_removes() {
            phase.clone()
        } else {
            PhaseId::Prune
        }
    });
    // The last phase goes first.
    going.sort_by_key(|row| Reverse(order.get(&row.phase)));
    rows.extend(going);
    rows.sort_by_key(|row| row.phase == PhaseId::PostDelete);
    ChangeSummary {
        release: consent.release.to_string(),
        context: consent.context.clone(),
        server: consent.server.clone(),
        namespaces: namespaces(consent, prepared),
        rows,
        left_out: left_out(prepared),
        variables_not_from_file: foreign_variables(consent, prepared),
        secrets: written_secrets(prepared),
    }
}

/// The variables that do not come from the plan file, without what is a secret value.
fn foreign_variables(consent: &Consent<'_>, prepared: &Prepared) -> Vec<(String, String)> {
    if consent.foreign_variables.is_empty() {
        return Vec::new();
    }
    let masker = engine::masker(prepared);
    let variables = consent.foreign_variables.iter();
    let shown = variables.map(|(name, value)| (name.clone(), masker.variable(value)));
    shown.collect()
}

/// What `prepared` changes, with the fields of what is changed.
pub(super) fn summary_with_fields(consent: &Consent<'_>, prepared: &Prepared) -> ChangeSummary {
    let mut summary = summary(consent, prepared);
    let mut differences = engine::differences(prepared, None, &BTreeSet::new()).objects;
    let rows = summary.rows.iter_mut();
    for row in rows.filter(|row| row.action != ChangeAction::Create) {
        let difference = differences.remove(&row.object);
        let fields = difference.into_iter().flat_map(|it| it.whole.fields);
        row.fields = fields.map(shown_field).collect();
    }
    summary
}

/// A field as it is shown.
pub(super) fn shown_field(change: FieldChange) -> DiffField {
    let FieldChange {
        path,
        before,
        after,
    } = change;
    let is_secret = |value: &Option<Value>| value.as_ref().is_some_and(is_masked);
    DiffField {
        secret: is_secret(&before) || is_secret(&after),
        path,
        before,
        after,
    }
}

/// How many objects of each phase are wanted and no part of the run.
fn left_out(prepared: &Prepared) -> Vec<(PhaseId, usize)> {
    let decided = prepared.decisions.iter().map(|decision| &decision.id);
    let decided: BTreeSet<&ObjectId> = decided.collect();
    let phases = prepared.desired.phases.iter().map(PhaseSettings::id);
    let number = |phase: &PhaseId| {
        let objects = prepared.desired.objects.iter();
        let of_phase =
            objects.filter(|(id, wanted)| wanted.phase == *phase && !decided.contains(id));
        of_phase.count()
    };
    let numbers = phases.map(|phase| (number(&phase), phase));
    let left = numbers.filter(|(number, _)| *number > 0);
    left.map(|(number, phase)| (phase, number)).collect()
}

/// The namespaces that objects go to, or go from.
fn namespaces(consent: &Consent<'_>, prepared: &Prepared) -> Vec<String> {
    let wanted = prepared.desired.objects.keys();
    let going = prepared
        .pruning
        .removals
        .iter()
        .filter(|_| consent.verb.only_removes())
        .map(|removal| &removal.id);
    let namespaces: BTreeSet<&String> = wanted
        .chain(going)
        .filter_map(|id| id.namespace.as_ref())
        .collect();
    namespaces.into_iter().cloned().collect()
}

/// What becomes of what is wanted.
fn changed(prepared: &Prepared) -> Vec<ChangeRow> {
    let rows = prepared.decisions.iter().map(|decision| ChangeRow {
        phase: prepared.desired.objects[&decision.id].phase.clone(),
        object: decision.id.clone(),
        action: match decision.action {
            engine::ChangeAction::Create => ChangeAction::Create,
            engine::ChangeAction::Change => ChangeAction::Change,
            engine::ChangeAction::Replace => ChangeAction::Recreate,
            engine::ChangeAction::Keep => ChangeAction::Unchanged,
        },
        detail: detail(decision),
        fields: Vec::new(),
    });
    rows.collect()
}

/// What is to be said of one object.
fn detail(decision: &Decision) -> Option<String> {
    let forced = decision
        .force
        .then(|| "reverts changes made by kubectl".to_owned());
    let grown = decision
        .expansions
        .iter()
        .map(|expansion| format!("{} grows to {}", expansion.claim, expansion.size));
    let said: Vec<String> = decision
        .remark
        .clone()
        .into_iter()
        .chain(forced)
        .chain(grown)
        .collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// What becomes of what goes; `in_phase` says under which heading it is shown.
fn removed(prepared: &Prepared, in_phase: impl Fn(&PhaseId) -> PhaseId) -> Vec<ChangeRow> {
    let pruning = &prepared.pruning;
    let found: BTreeSet<&ObjectId> = prepared.deletes_found().collect();
    let removals = pruning.removals.iter().map(|removal| {
        let (action, detail) = match removal.how {
            RemovalMode::Delete { .. } if found.contains(&removal.id) => {
                let detail = "it was there before the release";
                (ChangeAction::Delete, Some(detail.to_owned()))
            }
            RemovalMode::Delete { .. } => (ChangeAction::Delete, None),
            RemovalMode::GiveUp => {
                let why = if prepared.was_found(&removal.id) {
                    "it was there before the release"
                } else {
                    "managed by others too"
                };
                let detail = format!("{why}: only the label is removed");
                (ChangeAction::GiveUp, Some(detail))
            }
        };
        ChangeRow {
            phase: in_phase(&removal.phase),
            object: removal.id.clone(),
            action,
            detail,
            fields: Vec::new(),
        }
    });
    let kept = pruning.retained.iter().map(|(id, why)| (id, why.clone()));
    let hidden = pruning
        .hidden
        .iter()
        .map(|id| (id, "you may not read it".to_owned()));
    let kept = kept.chain(hidden).map(|(id, why)| ChangeRow {
        phase: PhaseId::Unassigned,
        object: id.clone(),
        action: ChangeAction::Keep,
        detail: Some(why),
        fields: Vec::new(),
    });
    removals.chain(kept).collect()
}

/// Where the values of those declared Secrets come from that are written; of the others, nothing
/// changes.
fn written_secrets(prepared: &Prepared) -> Vec<(String, String)> {
    let written = prepared
        .decisions
        .iter()
        .filter(|decision| decision.action != engine::ChangeAction::Keep);
    let written: BTreeSet<&str> = written
        .filter(|decision| decision.id.is_secret())
        .map(|decision| decision.id.name.as_str())
        .collect();
    let is_written = |(name, _): &&(String, String)| {
        name.split_once('/')
            .is_some_and(|(secret, _)| written.contains(secret))
    };
    prepared
        .secrets
        .sources
        .iter()
        .filter(is_written)
        .cloned()
        .collect()
}
