//! One execution of a program, with its journal: of a run, or of its rollback.

use std::{collections::HashMap, time::Duration};

use tokio_util::sync::CancellationToken;

use crate::engine::{
    events::Emitter,
    execute::executor::Executor,
    execute::journal::JournalWriter,
    execute::policy::{CancelSignals, Control, OnFault, StopReason},
    execute::write::{ApplyContext, Kinds, WriteContext, Writer},
    observe::storage_versions::Resources,
    phase_plan::PhasePlan,
    plan::decide::{ChangeAction, Decision, has_label},
    plan::deploy::{DeployInput, plan_deploy},
    plan::hook_steps::plan_tests,
    plan::removal::{RemovalInput, plan_removal, removal_phases},
    run::context::Run,
    watch::cache::{Labelled, ResourceCache},
};
use crate::{
    event::EventKind,
    object::ObjectId,
    plan::{PhaseId, ReadinessRule},
    readiness::Rules,
    release::{ChangeLog, Head, Program, Snapshot, StoreError, Work},
};

/// What is executed.
pub(crate) struct ExecutionPlan {
    pub(crate) program: Program,
    /// The phases that the program has steps of.
    pub(crate) phases: Vec<PhasePlan>,
    pub(crate) on_fault: OnFault,
    /// The label by which objects are watched; `None` where some of them do not carry it.
    label: Option<String>,
}

impl ExecutionPlan {
    /// What deletes hooks after a run: it belongs to no phase, and nothing is waited for.
    pub(crate) fn of_cleanup(program: Program) -> Self {
        Self {
            program,
            phases: Vec::new(),
            on_fault: OnFault::GoOn,
            label: None,
        }
    }

    /// What tests a release within `timeout`.
    pub(crate) fn of_tests(run: &Run<'_>, timeout: Duration) -> Self {
        let phase = PhasePlan {
            objects: run.desired.objects.len(),
            ..PhasePlan::of(PhaseId::Tests, timeout)
        };
        Self {
            program: plan_tests(run.desired, run.decisions, &run.observation.live),
            phases: vec![phase],
            on_fault: OnFault::Stop,
            label: None,
        }
    }

    /// What `run` executes: what is wanted phase by phase, or only removals, the last phase first.
    pub(crate) fn of(run: &Run<'_>) -> Self {
        let removals = &run.pruning.removals;
        if let Some(timeout) = run.options.delete_timeout {
            let input = RemovalInput {
                wanted: run.desired,
                decisions: run.decisions,
                removals,
                live: &run.observation.live,
            };
            return Self {
                program: plan_removal(&input),
                phases: removal_phases(&input, timeout),
                on_fault: OnFault::GoOn,
                label: None,
            };
        }
        let expected = expected_definitions(run);
        let program = plan_deploy(&DeployInput {
            wanted: run.desired,
            decisions: run.decisions,
            removals,
            live: &run.observation.live,
            records: &run.history.records,
            selection: run.options.selection,
            dead_webhooks: &run.observation.dead_webhooks,
            expected: &expected,
        });
        Self {
            phases: deploy_phases(run, &program, &expected),
            program,
            on_fault: OnFault::Stop,
            label: shared_label(run),
        }
    }
}

/// The definitions that controllers of each phase are expected to create, as far as the cluster does
/// not serve them yet.
fn expected_definitions(run: &Run<'_>) -> Vec<(PhaseId, ObjectId)> {
    let phases = run.desired.phases.iter();
    let phases = phases.filter(|_| !run.options.selection.is_of_objects());
    let expected = phases.flat_map(|phase| phase.expects.iter().map(|crd| (phase.id(), crd)));
    expected
        .filter(|(_, crd)| !run.target.served.serves_crd(&crd.name))
        .map(|(phase, crd)| (phase, ObjectId::definition(&crd.name)))
        .collect()
}

/// The label of the release, where all that goes carries it: what goes with the data of a
/// StatefulSet does not, nor does what is taken over and created anew.
fn shared_label(run: &Run<'_>) -> Option<String> {
    let label = run.desired.release.label();
    let is_labelled = |id: &ObjectId| {
        let live = run.observation.live.object(id);
        live.is_none_or(|there| has_label(there, &label))
    };
    let goes_first =
        |decision: &&Decision| decision.action == ChangeAction::Replace || decision.terminating;
    let anew = run.decisions.iter().filter(goes_first);
    let removals = run.pruning.removals.iter().map(|removal| &removal.id);
    let mut going = anew.map(|decision| &decision.id).chain(removals);
    going.all(is_labelled).then_some(label)
}

/// What was there before a run, and before the interrupted ones that it goes on from.
#[derive(Default)]
pub(crate) struct Baseline {
    pub(crate) snapshot: Snapshot,
    /// What the interrupted ones did.
    pub(crate) traces: ChangeLog,
    /// The kind that each object is stored as.
    pub(crate) stored_as: Resources,
}

/// What an execution came to.
pub(crate) struct Execution<'a> {
    pub(crate) executor: Executor<'a>,
    pub(crate) result: Result<(), StopReason>,
    pub(crate) journal: JournalWriter,
    /// The head as it is stored then, and whether all of the journal is; `None` where nothing is
    /// stored.
    pub(crate) closed: Option<(Head, Result<(), StoreError>)>,
}

impl Execution<'_> {
    /// Whether nothing was written, as far as is known.
    pub(crate) fn is_untouched(&self) -> bool {
        self.journal.is_empty() && self.executor.is_answered()
    }
}

/// Executes `program` and closes the journal that `context` writes to.
pub(crate) async fn execute<'a>(
    program: &'a Program,
    phases: Vec<PhasePlan>,
    context: WriteContext<'a>,
    cache: ResourceCache,
    control: Control,
) -> Execution<'a> {
    let journal = context.journal.clone();
    let mut executor = Executor::new(program, phases, Writer::new(context), cache, control);
    let result = executor.run().await;
    let closed = journal.close().await;
    Execution {
        executor,
        result,
        journal,
        closed,
    }
}

/// Executes `plan` for `run`; where there is a `head`, the journal is stored in it.
pub(crate) async fn execute_run<'a>(
    run: &Run<'a>,
    plan: &'a ExecutionPlan,
    baseline: &'a Baseline,
    head: Option<Head>,
    emitter: &Emitter,
    signals: &CancelSignals,
) -> Execution<'a> {
    let (journal, fenced) = match head {
        Some(head) => JournalWriter::open(run.target.store, head, signals),
        None => (JournalWriter::default(), CancellationToken::new()),
    };
    let control = Control {
        emitter: emitter.clone(),
        limits: run.options.limits,
        interrupt: signals.interrupt.clone(),
        fenced,
        on_fault: plan.on_fault,
    };
    let cache = ResourceCache::new(
        run.target.cluster.clone(),
        run.target.served,
        plan.label.clone().map(|label| Labelled {
            label,
            positions: run.observation.positions.clone(),
        }),
        &run.observation.live,
    )
    .expecting(expected_definitions(run).into_iter().map(|(_, id)| id))
    .judging_by(rules(&run.desired.readiness, emitter));
    let context = write_context(run, baseline, journal);
    execute(&plan.program, plan.phases.clone(), context, cache, control).await
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

/// What is needed to write for `run`.
fn write_context<'a>(
    run: &Run<'a>,
    baseline: &'a Baseline,
    journal: JournalWriter,
) -> WriteContext<'a> {
    let mut resources: Resources = run
        .desired
        .objects
        .iter()
        .filter_map(|(id, object)| {
            Some((
                id.clone(),
                run.desired.resource(&object.object, run.target.served)?,
            ))
        })
        .collect();
    for removal in &run.pruning.removals {
        if let Some(resource) = run
            .target
            .served
            .preferred(&removal.id.group, &removal.id.kind)
        {
            resources.insert(removal.id.clone(), resource.clone());
        }
    }
    if let Some(definitions) = run.target.served.definitions() {
        let expected = expected_definitions(run).into_iter();
        resources.extend(expected.map(|(_, id)| (id, definitions.clone())));
    }
    let unsettled = run.history.unsettled.as_ref();
    WriteContext {
        cluster: run.target.cluster.clone(),
        kinds: Kinds {
            served: run.target.served,
            resources,
            stored_as: baseline.stored_as.clone(),
        },
        release: &run.desired.release,
        apply: Some(ApplyContext {
            desired: run.desired,
            base: unsettled.map(|unsettled| &unsettled.records),
            force_conflicts: run.options.force_conflicts,
            dead_webhooks: &run.observation.dead_webhooks,
        }),
        live: &run.observation.live,
        snapshot: &baseline.snapshot,
        changes: &baseline.traces,
        journal,
    }
}

/// The phases that the program has steps of.
fn deploy_phases(
    run: &Run<'_>,
    program: &Program,
    expected: &[(PhaseId, ObjectId)],
) -> Vec<PhasePlan> {
    // What is repaired first is written in another phase than its own.
    let written: HashMap<&ObjectId, &PhaseId> = program
        .steps
        .iter()
        .filter_map(|step| match &step.work {
            Work::Apply { object, .. } => Some((object, &step.phase)),
            _ => None,
        })
        .collect();
    let phases = run
        .desired
        .phases
        .iter()
        .filter(|phase| run.options.selection.holds(&phase.id()))
        .map(|phase| {
            let id = phase.id();
            let objects = run.desired.objects.iter();
            let objects = objects
                .filter(|(object, wanted)| **written.get(object).unwrap_or(&&wanted.phase) == id)
                .filter(|(_, wanted)| run.options.selection.holds_wanted(wanted));
            let unchanged = objects
                .clone()
                .filter(|(object, _)| !written.contains_key(object));
            PhasePlan {
                objects: objects.count(),
                unchanged: unchanged.count(),
                ..PhasePlan::planned(phase)
            }
        });
    let prune = PhasePlan {
        objects: run.pruning.removals.len(),
        ..PhasePlan::of(PhaseId::Prune, PRUNE_TIMEOUT)
    };
    phases
        .chain([prune])
        .filter(|phase| phase.objects > 0 || expected.iter().any(|(of, _)| *of == phase.id))
        .collect()
}

/// How long what is no longer wanted may take to go, before the run ends and says that it is still
/// there.
const PRUNE_TIMEOUT: Duration = Duration::from_mins(2);
