//! Which hooks of charts a run runs: those of a chart of which it writes something.

use std::collections::BTreeSet;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::{ChangeAction, Decision, is_run_once},
};
use crate::{
    object::{Hook, ObjectId},
    release::Records,
};

/// What is remembered of the time before a run.
#[derive(Clone, Copy)]
pub(crate) struct HookHistory<'a> {
    /// What was deployed when it was good last.
    pub(crate) records: &'a Records,
    /// Whether the newest revision did not succeed, so that its hooks may not have been run.
    pub(crate) is_unsettled: bool,
}

/// Decides about the hooks of charts among `decisions`: they are run where something else of their
/// chart is written, or may not have been; those of an installation where nothing of it was deployed
/// before, else those of an upgrade. What is not run stays as it is, also where it is not there.
pub(crate) fn decide_hooks(
    wanted: &DesiredState,
    decisions: &mut [Decision],
    history: HookHistory<'_>,
) {
    let charts: BTreeSet<&str> = wanted
        .objects
        .values()
        .filter_map(chart_with_hook)
        .collect();
    for chart in charts {
        let is_object = |id: &ObjectId| {
            let part = wanted.objects[id].part.as_ref();
            part.is_some_and(|part| part.chart == chart && part.hook.is_none())
        };
        let is_written = decisions
            .iter()
            .any(|it| is_object(&it.id) && it.action != ChangeAction::Keep);
        let mut objects = wanted.objects.keys().filter(|id| is_object(id));
        let is_deployed = objects.any(|id| history.records.get(id).is_some());
        for decision in decisions.iter_mut() {
            let Some(hook) = hook_of(&wanted.objects[&decision.id], chart) else {
                continue;
            };
            let is_meant = if is_deployed {
                hook.on_upgrade
            } else {
                hook.on_install
            };
            let runs = is_meant && (is_written || history.is_unsettled);
            decision.action = match decision.action {
                _ if !runs => ChangeAction::Keep,
                // What has run is run anew; the rest is there already, or is changed.
                ChangeAction::Keep | ChangeAction::Change if is_run_once(&decision.id) => {
                    ChangeAction::Replace
                }
                action => action,
            };
        }
    }
}

/// Whether `wanted` is a hook that is not run, by what was decided about it.
pub(crate) fn is_idle_hook(wanted: &DesiredObject, action: ChangeAction) -> bool {
    let hook = wanted.part.as_ref().and_then(|part| part.hook);
    hook.is_some() && action == ChangeAction::Keep
}

fn chart_with_hook(wanted: &DesiredObject) -> Option<&str> {
    let part = wanted.part.as_ref()?;
    part.hook.map(|_| part.chart.as_str())
}

fn hook_of(wanted: &DesiredObject, chart: &str) -> Option<Hook> {
    let part = wanted.part.as_ref()?;
    part.hook.filter(|_| part.chart == chart)
}
