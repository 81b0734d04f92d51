//! The steps of hooks of charts: those around a deletion, and what deletes hooks that have ended.

use std::collections::{BTreeSet, HashMap};

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    plan::decide::Decision,
    plan::steps::{push_await_ready, push_cleared},
};
use crate::{
    cluster::Live,
    object::{
        HasKind as _, Hook, HookResult, HookStage, ManifestView, ObjectId, keeping_annotation,
    },
    ownership::is_ours_to_remove,
    plan::{PhaseId, PhaseSettings},
    release::{Belongings, ChangeLog, Program, StepId, Work},
};

/// Hooks of a chart that are deleted once they have succeeded, as Helm does: when all that are run on
/// their side of the chart have.
/// <https://helm.sh/docs/topics/charts_hooks/#hook-deletion-policies>
pub(super) struct Discards<'a> {
    /// The phase in which the last of them is run.
    pub(super) phase: PhaseId,
    /// What has to be ready first.
    awaited: Vec<&'a ObjectId>,
    going: Vec<&'a ObjectId>,
}

/// What is deleted once it has succeeded of those hooks of `wanted` that are among `written`.
pub(super) fn discards<'a>(
    wanted: &'a DesiredState,
    written: &HashMap<&ObjectId, &Decision>,
) -> Vec<Discards<'a>> {
    let objects = || wanted.objects.values();
    let run = objects().filter(|it| written.contains_key(&it.object.id));
    let run = run.filter_map(|it| Some((it, it.part.as_ref()?.chart.as_str(), it.hook()?)));
    let run: Vec<(&DesiredObject, &str, &Hook)> = run.collect();
    let charts: BTreeSet<&str> = run.iter().map(|(_, chart, _)| *chart).collect();
    let sides = charts
        .into_iter()
        .flat_map(|chart| [(chart, HookStage::Before), (chart, HookStage::After)]);
    let discards = sides.filter_map(|(chart, side)| {
        let of_chart = run.iter().filter(|(_, of, _)| *of == chart);
        let done_by = of_chart.filter(|(_, _, hook)| hook.stage() <= side);
        let goes = |(wanted, _, hook): &&(&DesiredObject, &str, &Hook)| {
            last_side(hook) == side && goes_once_succeeded(wanted)
        };
        let going: Vec<&ObjectId> = done_by.clone().filter(goes).map(id).collect();
        let phases = wanted.phases.iter().rev().map(PhaseSettings::id);
        let is_of = |phase: &PhaseId| done_by.clone().any(|(it, ..)| it.phase == *phase);
        let phase = phases
            .into_iter()
            .find(is_of)
            .filter(|_| !going.is_empty())?;
        let awaited = done_by.clone().map(id).collect();
        Some(Discards {
            phase,
            awaited,
            going,
        })
    });
    discards.collect()
}

fn id<'a>((wanted, ..): &(&'a DesiredObject, &str, &Hook)) -> &'a ObjectId {
    &wanted.object.id
}

/// The side of its chart on which a hook is needed last.
fn last_side(hook: &Hook) -> HookStage {
    if hook.is_of_both() {
        HookStage::After
    } else {
        hook.stage()
    }
}

/// Whether `wanted` is a hook that is deleted once it has succeeded. Definitions never are.
pub(super) fn goes_once_succeeded(wanted: &DesiredObject) -> bool {
    let hook = wanted.hook();
    hook.is_some_and(|hook| hook.is_deleted_on(HookResult::Succeeded)) && may_go(wanted)
}

/// Whether `wanted` is a hook that the run which runs it deletes too.
pub(crate) fn is_discarded(wanted: &DesiredObject) -> bool {
    let is_of_deletion = matches!(wanted.phase, PhaseId::PreDelete | PhaseId::PostDelete);
    goes_once_succeeded(wanted) || is_of_deletion && may_go(wanted)
}

fn may_go(wanted: &DesiredObject) -> bool {
    !wanted.object.id.is_definition() && keeping_annotation(wanted.sent(), true).is_none()
}

impl Discards<'_> {
    /// Adds the steps that delete them, and returns the last one.
    pub(super) fn push(&self, program: &mut Program, before: &[StepId]) -> StepId {
        let is_awaited = |work: &Work| matches!(work, Work::Apply { object, .. } if self.awaited.contains(&object));
        let steps = program.steps.iter().enumerate();
        let applied = steps.filter(|(_, step)| is_awaited(&step.work));
        let applied = applied.map(|(number, _)| number);
        let after = before.iter().copied().chain(applied).collect();
        let awaited = self.awaited.iter().copied().cloned().collect();
        let ready = push_await_ready(program, &self.phase, after, awaited, false);
        push_discards(program, &self.phase, &self.going, ready)
    }
}

/// Adds the deletions of `hooks`, and the wait until they are gone; returns the wait.
fn push_discards(
    program: &mut Program,
    phase: &PhaseId,
    hooks: &[&ObjectId],
    after: StepId,
) -> StepId {
    let discard = |id: &&ObjectId| {
        let object = (*id).clone();
        program.push(phase, vec![after], u32::MAX, Work::Discard { object })
    };
    let discarded = hooks.iter().map(discard).collect();
    let work = Work::AwaitGone {
        objects: hooks.iter().copied().cloned().collect(),
        ends_phase: false,
        required: false,
    };
    program.push(phase, discarded, u32::MAX, work)
}

/// The program that runs the tests that are `wanted`.
pub(crate) fn plan_tests(wanted: &DesiredState, decisions: &[Decision], live: &Live) -> Program {
    let mut program = Program::default();
    let hooks = (wanted, decisions, live);
    push_hooks(&mut program, hooks, &PhaseId::Tests, Vec::new());
    program
}

/// Adds the hooks that are run in `phase` after the steps `after`, one after the other, as they are
/// `wanted`, and their deletion: of tests as their policies say, of a deletion in any case, since nothing
/// is to be left of a release that is taken down. Returns the last steps.
pub(super) fn push_hooks(
    program: &mut Program,
    (wanted, decisions, live): (&DesiredState, &[Decision], &Live),
    phase: &PhaseId,
    after: Vec<StepId>,
) -> Vec<StepId> {
    let of_phase = wanted.objects.values().filter(|it| it.phase == *phase);
    let decision = |it: &DesiredObject| decisions.iter().find(|of| of.id == it.object.id);
    let run: Vec<&Decision> = of_phase.filter_map(decision).collect();
    if run.is_empty() {
        return after;
    }
    let mut after = after;
    for it in &run {
        let applied = push_run(program, it, phase, live, &after);
        let hook = vec![it.id.clone()];
        after = vec![push_await_ready(program, phase, vec![applied], hook, false)];
    }
    let going = ended_in(phase, wanted, decisions);
    if let Some(last) = after.first().copied().filter(|_| !going.is_empty()) {
        after = vec![push_discards(program, phase, &going, last)];
    }
    let objects = run.iter().map(|it| it.id.clone()).collect();
    vec![push_await_ready(program, phase, after, objects, true)]
}

/// Adds the steps that run one hook, and returns the last one.
fn push_run(
    program: &mut Program,
    decision: &Decision,
    phase: &PhaseId,
    live: &Live,
    after: &[StepId],
) -> StepId {
    let cleared = push_cleared(program, decision, (phase, live), after);
    let after = cleared.map_or_else(|| after.to_vec(), |cleared| vec![cleared]);
    let work = Work::Apply {
        object: decision.id.clone(),
        force: decision.force,
        cleared: decision.cleared.clone(),
    };
    program.push(phase, after, u32::MAX, work)
}

/// The hooks that go once those of `phase` have ended, as nothing needs them any more.
fn ended_in<'a>(
    phase: &PhaseId,
    wanted: &DesiredState,
    decisions: &'a [Decision],
) -> Vec<&'a ObjectId> {
    let hook = |decision: &Decision| &wanted.objects[&decision.id];
    let goes_on = decisions.iter().any(|it| hook(it).phase > *phase);
    let is_needed =
        |it: &&Decision| goes_on && hook(it).hook().is_some_and(Hook::is_of_both_of_deletion);
    let was_needed = |it: &&Decision| {
        hook(it).phase < *phase && hook(it).hook().is_some_and(Hook::is_of_both_of_deletion)
    };
    let ended = decisions
        .iter()
        .filter(|it| hook(it).phase == *phase && !is_needed(it) || was_needed(it));
    let ended = ended.filter(|it| is_discarded(hook(it)));
    ended.map(|decision| &decision.id).collect()
}

/// What is deleted where a run ends with hooks that have `failed`, and nothing takes it back: those of
/// them that are to go then, and those of their charts that have succeeded before (`is_done`) and go
/// for that. `done` says what was made of each; what was `live` before and is ours goes too, as an
/// earlier run has made it.
pub(crate) fn plan_cleanup(
    wanted: &DesiredState,
    (done, live): (&ChangeLog, &Live),
    failed: &BTreeSet<ObjectId>,
    is_done: impl Fn(&ObjectId) -> bool,
) -> Program {
    let chart = |it: &DesiredObject| Some(it.part.as_ref()?.chart.clone());
    let hooks = || wanted.objects.values().filter(|it| it.hook().is_some());
    let with_failed = hooks().filter(|it| failed.contains(&it.object.id));
    let charts: BTreeSet<String> = with_failed.filter_map(chart).collect();
    let goes = |it: &&DesiredObject| {
        let is_of = |chart: String| charts.contains(&chart);
        if failed.contains(&it.object.id) {
            let hook = it.hook();
            may_go(it) && hook.is_some_and(|hook| hook.is_deleted_on(HookResult::Failed))
        } else {
            chart(it).is_some_and(is_of) && goes_once_succeeded(it) && is_done(&it.object.id)
        }
    };
    let mut program = Program::default();
    for hook in hooks().filter(goes) {
        let object = hook.object.id.clone();
        let created = done.get(&object).and_then(|changes| changes.created.last());
        let manager = wanted.release.field_manager();
        let there = live.object(&object).map(AsRef::as_ref);
        let there = there.filter(|there| is_ours_to_remove(there, &manager));
        let before = there.and_then(|there| ManifestView(there).uid());
        let Some(uid) = created.map(String::as_str).or(before).map(str::to_owned) else {
            continue;
        };
        let work = Work::Delete {
            if_empty: object.is_container(),
            object,
            uid,
            belongings: Belongings::Go,
        };
        program.push(&hook.phase, Vec::new(), u32::MAX, work);
    }
    program
}

/// Whether a run that deletes by `program` has come beyond the hooks before that: something else that it
/// was to delete was deleted, and is not `live` any more. That an object of its name was deleted is not
/// enough: an earlier run may have replaced it.
pub(crate) fn has_begun_to_delete(program: &Program, done: &ChangeLog, live: &Live) -> bool {
    let is_of_hooks = |phase: &PhaseId| matches!(phase, PhaseId::PreDelete | PhaseId::PostDelete);
    let mut steps = program
        .steps
        .iter()
        .filter(|step| !is_of_hooks(&step.phase));
    let stays = |object: &ObjectId, uid: &str| {
        let there = live.object(object).map(|there| ManifestView(there));
        there.is_some_and(|there| there.uid() == Some(uid) && !there.is_terminating())
    };
    steps.any(|step| match &step.work {
        Work::Delete { object, uid, .. } => {
            done.get(object).is_some_and(|it| it.deleted) && !stays(object, uid)
        }
        _ => false,
    })
}
