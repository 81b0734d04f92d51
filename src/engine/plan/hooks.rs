//! Which hooks of charts a run runs: those of a chart of which it writes something, or that it deletes.

use std::collections::BTreeSet;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::{ChangeAction, Decision, HELM_RELEASE, is_run_once},
    plan::hook_steps::goes_once_succeeded,
};
use crate::{
    cluster::Live,
    object::{
        ChartChange, ChartPart, HasKind as _, Hook, HookResult, HookStage, ManifestView, ObjectId,
    },
    plan::PhaseId,
    release::{Operation, Records},
    source::UsedTool,
};

/// What is known of the time before a run, and what it does.
#[derive(Clone, Copy)]
pub(crate) struct HookHistory<'a> {
    /// What is there.
    pub(crate) live: &'a Live,
    /// What was deployed when it was good last.
    pub(crate) records: &'a Records,
    /// Whether the newest revision did not succeed, so that its hooks may not have been run.
    pub(crate) is_unsettled: bool,
    /// What the run does.
    pub(crate) operation: Operation,
}

/// Decides about the hooks of charts among `decisions`: they are run where something else of their
/// chart is written, or may not have been; those of an installation where nothing of it was deployed
/// before, else those of an upgrade, or of a rollback. What is not run stays as it is, also where it
/// is not there.
pub(crate) fn decide_hooks(
    wanted: &DesiredState,
    decisions: &mut [Decision],
    history: HookHistory<'_>,
) {
    for chart in charts(wanted) {
        let change = chart.change(decisions, history);
        for decision in decisions.iter_mut() {
            let Some(hook) = chart.hook(&decision.id) else {
                continue;
            };
            let is_run = change.is_some_and(|change| hook.is_run_at(change));
            let is_there = history.live.object(&decision.id).is_some();
            decision.action = match decision.action {
                _ if !is_run && history.leaves(hook) => ChangeAction::Keep,
                // What has run is run anew; the rest is there already, or is changed.
                action if !is_run || !is_run_once(&decision.id) => action,
                _ if is_there => ChangeAction::Replace,
                _ => ChangeAction::Create,
            };
            if is_run && goes_once_succeeded(&wanted.objects[&decision.id]) {
                decision.note("deleted once it has succeeded");
            }
        }
    }
}

/// Hooks that a run of some objects of a chart would have to run and that are no part of it: a later
/// run would find the chart as it is wanted, and not run them either.
pub(crate) fn cut_off<'a>(
    wanted: &'a DesiredState,
    decisions: &[Decision],
    history: HookHistory<'_>,
) -> Vec<&'a DesiredObject> {
    let decided: BTreeSet<&ObjectId> = decisions.iter().map(|decision| &decision.id).collect();
    let of_chart = |chart: Chart<'a>| {
        let change = chart.change(decisions, history);
        let left = wanted
            .objects
            .values()
            .filter(|it| !decided.contains(&it.object.id));
        let cut = left.filter(|it| {
            let hook = chart.hook(&it.object.id).zip(change);
            hook.is_some_and(|(hook, change)| hook.is_run_at(change))
        });
        cut.collect::<Vec<_>>()
    };
    charts(wanted).flat_map(of_chart).collect()
}

/// A chart that has hooks.
#[derive(Clone, Copy)]
struct Chart<'a> {
    wanted: &'a DesiredState,
    name: &'a str,
}

fn charts(wanted: &DesiredState) -> impl Iterator<Item = Chart<'_>> {
    let parts = wanted.objects.values().filter_map(|it| it.part.as_ref());
    let with_hooks = parts.filter(|part| part.hook.is_some());
    let names: BTreeSet<&str> = with_hooks.map(|part| part.chart.as_str()).collect();
    names.into_iter().map(move |name| Chart { wanted, name })
}

impl<'a> Chart<'a> {
    fn part(&self, id: &ObjectId) -> Option<&'a ChartPart> {
        let part = self.wanted.objects.get(id)?.part.as_ref();
        part.filter(|part| part.chart == self.name)
    }

    fn hook(&self, id: &ObjectId) -> Option<&'a Hook> {
        self.part(id)?.hook.as_ref()
    }

    /// What the run does to the chart; `None` where it does nothing to it.
    fn change(&self, decisions: &[Decision], history: HookHistory<'_>) -> Option<ChartChange> {
        match history.operation {
            Operation::Verify => return Some(ChartChange::Test),
            operation if operation.only_removes() => return Some(ChartChange::Delete),
            _ => {}
        }
        let is_object = |id: &ObjectId| self.part(id).is_some_and(|part| part.hook.is_none());
        let mut written = decisions
            .iter()
            .filter(|it| it.action != ChangeAction::Keep);
        if !written.any(|it| is_object(&it.id)) && !history.is_unsettled {
            return None;
        }
        if history.operation == Operation::Rollback {
            return Some(ChartChange::Rollback);
        }
        // Namespaces and definitions are there before a chart is, and stay when it goes.
        let objects = self.wanted.objects.keys();
        let mut objects = objects.filter(|id| is_object(id) && !id.is_container());
        Some(if objects.any(|id| history.holds(id)) {
            ChartChange::Upgrade
        } else {
            ChartChange::Install
        })
    }
}

impl HookHistory<'_> {
    /// Whether `id` was deployed before, by us or by Helm.
    fn holds(&self, id: &ObjectId) -> bool {
        let record = self.records.get(id).filter(|record| !record.kept);
        let live = self.live.object(id);
        let by_helm = live.and_then(|it| ManifestView(it).annotation(HELM_RELEASE));
        record.is_some() || by_helm.is_some()
    }

    /// Whether `hook`, which is not run, is left as it is. Whoever goes back brings back what an
    /// earlier revision had of hooks that stay.
    fn leaves(&self, hook: &Hook) -> bool {
        self.operation != Operation::Rollback || is_left_to_rollback(hook)
    }
}

/// Whether going back does nothing to `hook` but run it where it is one of a rollback: what is run by
/// that, or does not stay, says nothing about how a release was.
pub(crate) fn is_left_to_rollback(hook: &Hook) -> bool {
    hook.is_run_at(ChartChange::Rollback) || hook.is_deleted_on(HookResult::Succeeded)
}

/// Whether `wanted` is a hook that is not run, by what was decided about it.
pub(crate) fn is_idle_hook(wanted: &DesiredObject, action: ChangeAction) -> bool {
    wanted.hook().is_some() && action == ChangeAction::Keep
}

/// The tests among the `stored` hooks, in the order in which they are run.
pub(crate) fn test_hooks(stored: &[DesiredObject]) -> Vec<DesiredObject> {
    let mut tests: Vec<DesiredObject> = Vec::new();
    for hook in stored {
        let is_test = hook
            .hook()
            .is_some_and(|it| it.is_run_at(ChartChange::Test));
        let is_new = !tests.iter().any(|known| known.object.id == hook.object.id);
        if is_test && is_new {
            let mut test = hook.clone();
            test.phase = PhaseId::Tests;
            tests.push(test);
        }
    }
    let charts = charts_in_order(stored);
    tests.sort_by(|one, other| place(one, &charts).cmp(&place(other, &charts)));
    tests
}

/// Those of the `stored` hooks whose chart has ever been brought: something of it `is_known` that was
/// `wanted` and is no hook. Of a chart that holds nothing but hooks that cannot be said.
pub(crate) fn hooks_of_brought(
    stored: Vec<DesiredObject>,
    wanted: &[DesiredObject],
    is_known: impl Fn(&ObjectId) -> bool,
) -> Vec<DesiredObject> {
    let chart = |it: &DesiredObject| it.part.as_ref().map(|part| part.chart.clone());
    let is_brought = |hook: &DesiredObject| {
        let is_of = |it: &&DesiredObject| it.hook().is_none() && !it.object.id.is_container();
        let objects = wanted.iter().filter(is_of);
        let of_chart = objects.filter(|it| chart(it) == chart(hook));
        let mut ids = of_chart.map(|it| &it.object.id).peekable();
        ids.peek().is_none() || ids.any(&is_known)
    };
    stored.into_iter().filter(is_brought).collect()
}

/// Whether charts were among what was `wanted`, by the programs that built it, and it does not say what
/// is of a chart: a program stored it that did not know hooks.
pub(crate) fn knows_no_hooks(tools: &[UsedTool], wanted: &[DesiredObject]) -> bool {
    let is_of_chart = |it: &DesiredObject| it.part.is_some();
    tools.iter().any(|tool| tool.name == "helm") && !wanted.iter().any(is_of_chart)
}

/// The charts of the `stored` hooks, which are stored in the order of the charts' phases.
fn charts_in_order(stored: &[DesiredObject]) -> Vec<&str> {
    let mut charts: Vec<&str> = Vec::new();
    for part in stored.iter().filter_map(|hook| hook.part.as_ref()) {
        if !charts.contains(&part.chart.as_str()) {
            charts.push(&part.chart);
        }
    }
    charts
}

/// When `hook` is run: with the others of its chart, the first of `charts` first, and among them as
/// Helm does.
fn place<'a>(hook: &'a DesiredObject, charts: &[&str]) -> impl Ord + use<'a> {
    let id = &hook.object.id;
    let part = hook.part.as_ref();
    let chart = part.and_then(|part| charts.iter().position(|chart| *chart == part.chart));
    (chart, part.map(|part| part.place(id)))
}

/// The hooks among `stored` that a deletion runs, each in the phase in which it does, and in the order
/// in which they are run: those of the last chart first. `has_begun`: something is deleted already, by a
/// run that did not come to its end, so that those before have been run. Of several of one name the
/// first is run, whenever any of them would be.
pub(crate) fn deletion_hooks(stored: &[DesiredObject], has_begun: bool) -> Vec<DesiredObject> {
    let mut hooks: Vec<DesiredObject> = Vec::new();
    for hook in stored {
        let is_same = |known: &&mut DesiredObject| known.object.id == hook.object.id;
        match hooks.iter_mut().find(is_same) {
            Some(known) => known.add_events_of(hook),
            None => hooks.push(hook.clone()),
        }
    }
    let charts: Vec<&str> = charts_in_order(stored).into_iter().rev().collect();
    hooks.sort_by(|one, other| place(one, &charts).cmp(&place(other, &charts)));
    let mut run = Vec::new();
    for mut hook in hooks {
        let phase = hook
            .hook()
            .filter(|it| it.is_run_at(ChartChange::Delete))
            .and_then(|it| {
                let is_before = it.stage_of_deletion() == HookStage::Before;
                match (is_before, has_begun) {
                    (true, false) => Some(PhaseId::PreDelete),
                    (true, true) if !it.is_of_both_of_deletion() => None,
                    _ => Some(PhaseId::PostDelete),
                }
            });
        if let Some(phase) = phase {
            hook.phase = phase;
            run.push(hook);
        }
    }
    run
}
