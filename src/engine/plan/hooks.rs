//! Which hooks of charts a run runs: those of a chart of which it writes something.

use std::collections::BTreeSet;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::{ChangeAction, Decision, HELM_RELEASE, is_run_once},
};
use crate::{
    cluster::Live,
    object::{ChartPart, HasKind as _, Hook, ManifestView, ObjectId},
    release::Records,
};

/// What is known of the time before a run.
#[derive(Clone, Copy)]
pub(crate) struct HookHistory<'a> {
    /// What is there.
    pub(crate) live: &'a Live,
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
    for chart in charts(wanted) {
        let runs = chart.runs(decisions, history);
        for decision in decisions.iter_mut() {
            let Some(hook) = chart.hook(&decision.id) else {
                continue;
            };
            let is_there = history.live.object(&decision.id).is_some();
            decision.action = match decision.action {
                _ if !runs.holds(hook) => ChangeAction::Keep,
                // What has run is run anew; the rest is there already, or is changed.
                action if !is_run_once(&decision.id) => action,
                _ if is_there => ChangeAction::Replace,
                _ => ChangeAction::Create,
            };
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
        let runs = chart.runs(decisions, history);
        let left = wanted
            .objects
            .values()
            .filter(|it| !decided.contains(&it.object.id));
        let cut = left.filter(|it| {
            chart
                .hook(&it.object.id)
                .is_some_and(|hook| runs.holds(hook))
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

/// Which hooks of a chart are run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Runs {
    Nothing,
    OfInstallation,
    OfUpgrade,
}

impl Runs {
    fn holds(self, hook: Hook) -> bool {
        match self {
            Self::Nothing => false,
            Self::OfInstallation => hook.on_install,
            Self::OfUpgrade => hook.on_upgrade,
        }
    }
}

impl Chart<'_> {
    fn part(&self, id: &ObjectId) -> Option<&ChartPart> {
        let part = self.wanted.objects.get(id)?.part.as_ref();
        part.filter(|part| part.chart == self.name)
    }

    fn hook(&self, id: &ObjectId) -> Option<Hook> {
        self.part(id)?.hook
    }

    fn runs(&self, decisions: &[Decision], history: HookHistory<'_>) -> Runs {
        let is_object = |id: &ObjectId| self.part(id).is_some_and(|part| part.hook.is_none());
        let mut written = decisions
            .iter()
            .filter(|it| it.action != ChangeAction::Keep);
        if !written.any(|it| is_object(&it.id)) && !history.is_unsettled {
            return Runs::Nothing;
        }
        // Namespaces and definitions are there before a chart is, and stay when it goes.
        let objects = self.wanted.objects.keys();
        let mut objects = objects.filter(|id| is_object(id) && !id.is_container());
        if objects.any(|id| history.holds(id)) {
            Runs::OfUpgrade
        } else {
            Runs::OfInstallation
        }
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
}

/// Whether `wanted` is a hook that is not run, by what was decided about it.
pub(crate) fn is_idle_hook(wanted: &DesiredObject, action: ChangeAction) -> bool {
    let hook = wanted.part.as_ref().and_then(|part| part.hook);
    hook.is_some() && action == ChangeAction::Keep
}
