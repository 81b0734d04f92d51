//! What a run is executed with.

use std::{collections::HashMap, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::engine::{
    events::Emitter,
    execute::executor::Executor,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Control, OnFault},
    execute::write::{Resources, WriteContext, Writer},
    phase_plan::PhasePlan,
    plan::decide::has_label,
    plan::steps::Removal,
    run::lifecycle::Run,
    watch::cache::{Labelled, ResourceCache},
};
use crate::{
    event::EventKind,
    plan::{PhaseId, ReadinessRule},
    readiness::Rules,
    release::{ChangeLog, Program, Snapshot, Work},
};

/// What a program stands on.
pub(crate) struct Ground<'a> {
    pub(crate) snapshot: &'a Snapshot,
    pub(crate) traces: &'a ChangeLog,
    pub(crate) stored_as: Resources,
}

pub(crate) fn control(
    run: &Run<'_>,
    emitter: &Emitter,
    stops: &CancelSignals,
    fenced: CancellationToken,
) -> Control {
    Control {
        emitter: emitter.clone(),
        limits: run.terms.limits,
        interrupt: stops.interrupt.clone(),
        fenced,
        on_fault: OnFault::Stop,
    }
}

pub(crate) fn executor<'a>(
    run: &Run<'a>,
    program: &'a Program,
    ground: &Ground<'a>,
    notes: JournalWriter,
    control: Control,
) -> Executor<'a> {
    // What goes with the data of a StatefulSet does not carry our label.
    let label = run.wanted.release.label();
    let is_labelled = |removal: &Removal| {
        run.observation
            .live
            .object(&removal.id)
            .is_none_or(|there| has_label(there, &label))
    };
    let all_labelled = run.pruning.removals.iter().all(is_labelled);
    let labelled = all_labelled.then(|| Labelled {
        label,
        positions: run.observation.positions.clone(),
    });
    let cache = ResourceCache::new(
        run.cluster.clone(),
        run.served,
        labelled,
        &run.observation.live,
    )
    .judging_by(rules(&run.wanted.readiness, &control.emitter));
    Executor::new(
        program,
        phase_plans(run, program),
        writer(run, ground, notes),
        cache,
        control,
    )
}

/// The rules of a plan. One that this version of the program cannot read, which another one has
/// stored, is told and left out: readiness is judged by the built-in rules then.
pub(crate) fn rules(written: &[ReadinessRule], emitter: &Emitter) -> Rules {
    Rules::compile(written).unwrap_or_else(|problem| {
        let text = format!("the plan's rules for readiness cannot be read, and the built-in ones judge instead: {problem}");
        emitter.emit(EventKind::Noted { text });
        Rules::default()
    })
}

/// Whoever writes for `run`.
pub(crate) fn writer<'a>(run: &Run<'a>, ground: &Ground<'a>, notes: JournalWriter) -> Writer<'a> {
    let mut resources: Resources = run
        .wanted
        .objects
        .iter()
        .filter_map(|(id, object)| {
            Some((id.clone(), run.wanted.resource(&object.object, run.served)?))
        })
        .collect();
    for removal in &run.pruning.removals {
        if let Some(resource) = run.served.preferred(&removal.id.group, &removal.id.kind) {
            resources.insert(removal.id.clone(), resource.clone());
        }
    }
    Writer::new(WriteContext {
        cluster: run.cluster.clone(),
        served: run.served,
        release: &run.wanted.release,
        wanted: Some(run.wanted),
        live: &run.observation.live,
        snapshot: ground.snapshot,
        traces: ground.traces,
        base: run
            .before
            .unsettled
            .as_ref()
            .map(|unsettled| &unsettled.records),
        resources,
        stored_as: ground.stored_as.clone(),
        force_conflicts: run.terms.force_conflicts,
        notes,
    })
}

/// The phases that the program has steps of.
fn phase_plans(run: &Run<'_>, program: &Program) -> Vec<PhasePlan> {
    let mut writes: HashMap<&PhaseId, usize> = HashMap::new();
    for step in program
        .steps
        .iter()
        .filter(|step| matches!(step.work, Work::Apply { .. }))
    {
        *writes.entry(&step.phase).or_default() += 1;
    }
    let phases = run
        .wanted
        .phases
        .iter()
        .filter(|phase| run.selection.holds_declared(&phase.name))
        .map(|phase| {
            let id = phase.id();
            let objects = run
                .wanted
                .objects
                .values()
                .filter(|object| object.phase == id)
                .count();
            let unchanged = objects - writes.get(&id).copied().unwrap_or_default();
            PhasePlan {
                objects,
                unchanged,
                ..PhasePlan::planned(phase)
            }
        });
    let prune = PhasePlan {
        objects: run.pruning.removals.len(),
        ..PhasePlan::of(PhaseId::Prune, PRUNE_TIMEOUT)
    };
    phases
        .chain([prune])
        .filter(|phase| phase.objects > 0)
        .collect()
}

/// How long what is no longer wanted may take to go, before the run ends and says that it is still
/// there.
const PRUNE_TIMEOUT: Duration = Duration::from_mins(2);
