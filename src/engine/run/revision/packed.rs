//! What a revision is made of beside its head: packed once, so that it is known what has to be
//! stored before any of it is.

use std::{collections::HashMap, time::Duration};

use futures::future::try_join_all;

use crate::engine::{desired::DesiredObject, plan::selection::Selection, run::context::Run};
use crate::{
    object::ObjectId,
    plan::PhaseSettings,
    release::{ChangeLog, Packed, PhaseRecord, Program, Snapshot, Store, StoreError},
};

/// What a revision is made of, as it is stored.
pub(super) struct PackedRevision {
    phases: Vec<PackedPhase>,
    program: Packed,
    snapshot: Packed,
    traces: Packed,
    records: KnownRecords,
    hooks: Hooks,
}

/// The names of the chunks that hold what a revision is made of.
pub(super) struct StoredRevision {
    pub(super) phases: Vec<PhaseRecord>,
    pub(super) program: Vec<String>,
    pub(super) snapshot: Vec<String>,
    pub(super) traces: Vec<String>,
    pub(super) records: Vec<String>,
    pub(super) hooks: Vec<String>,
}

/// What charts run where they are deleted or tested.
enum Hooks {
    /// What is deployed goes on being so.
    Carried(Vec<String>),
    Packed(Packed),
}

enum PackedPhase {
    /// It is not run: its record is that of the deployed revision.
    Carried(PhaseRecord),
    /// Its record, and what is wanted in it.
    Wanted(PhaseRecord, Packed),
}

/// What is remembered of objects when the run begins.
enum KnownRecords {
    /// The revision before has stored it at its end.
    Stored(Vec<String>),
    Packed(Packed),
}

impl PackedRevision {
    pub(super) fn pack(
        run: &Run<'_>,
        deployed: &DeployedObjects,
        program: &Program,
        snapshot: &Snapshot,
        traces: &ChangeLog,
    ) -> Self {
        let store = run.target.store;
        let phases = run.desired.phases.iter();
        Self {
            phases: phases
                .map(|phase| PackedPhase::pack(run, deployed, phase))
                .collect(),
            program: store.pack(program),
            snapshot: store.pack(snapshot),
            traces: if traces.is_empty() {
                Packed::default()
            } else {
                store.pack(traces)
            },
            records: KnownRecords::pack(run),
            hooks: Hooks::pack(run),
        }
    }

    /// The names of the chunks that writing it stores, as far as they are not there yet.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let phases = self.phases.iter().filter_map(|phase| match phase {
            PackedPhase::Carried(_) => None,
            PackedPhase::Wanted(_, packed) => Some(packed),
        });
        let records = match &self.records {
            KnownRecords::Stored(_) => None,
            KnownRecords::Packed(packed) => Some(packed),
        };
        let hooks = match &self.hooks {
            Hooks::Carried(_) => None,
            Hooks::Packed(packed) => Some(packed),
        };
        phases
            .chain(hooks)
            .chain([&self.program, &self.snapshot, &self.traces])
            .chain(records)
            .flat_map(Packed::names)
    }

    pub(super) async fn write(self, store: &Store) -> Result<StoredRevision, StoreError> {
        let phases = self.phases.into_iter().map(|phase| phase.write(store));
        let (phases, program, snapshot, traces, records, hooks) = tokio::try_join!(
            try_join_all(phases),
            store.write(&self.program),
            store.write(&self.snapshot),
            store.write(&self.traces),
            self.records.write(store),
            self.hooks.write(store),
        )?;
        Ok(StoredRevision {
            phases,
            program,
            snapshot,
            traces,
            records,
            hooks,
        })
    }
}

impl PackedPhase {
    fn pack(run: &Run<'_>, deployed: &DeployedObjects, phase: &PhaseSettings) -> Self {
        if let Some(carried) = carried(run, phase) {
            return Self::Carried(carried.clone());
        }
        let objects = wanted_of(run, deployed, phase);
        let wanted = if objects.is_empty() {
            Packed::default()
        } else {
            run.target.store.pack(&objects)
        };
        let record = PhaseRecord {
            name: phase.name.clone(),
            after: phase.after.clone(),
            objects: objects.len(),
            timeout: phase.timeout,
            failure_budget: phase.failure_budget,
            on_failure: phase.on_failure,
            expects: phase.expects.clone(),
            wanted: Vec::new(),
            outcome: None,
            took: Duration::ZERO,
        };
        Self::Wanted(record, wanted)
    }

    async fn write(self, store: &Store) -> Result<PhaseRecord, StoreError> {
        match self {
            Self::Carried(record) => Ok(record),
            Self::Wanted(record, packed) => Ok(PhaseRecord {
                wanted: store.write(&packed).await?,
                ..record
            }),
        }
    }
}

impl Hooks {
    fn pack(run: &Run<'_>) -> Self {
        let deployed = run.history.deployed();
        let deployed = deployed.filter(|_| *run.options.selection == Selection::Nothing);
        match deployed {
            Some(deployed) => Self::Carried(deployed.hooks.clone()),
            None if run.desired.hooks.is_empty() => Self::Packed(Packed::default()),
            None => Self::Packed(run.target.store.pack(&run.desired.hooks)),
        }
    }

    async fn write(self, store: &Store) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Carried(names) => Ok(names),
            Self::Packed(packed) => store.write(&packed).await,
        }
    }
}

impl KnownRecords {
    fn pack(run: &Run<'_>) -> Self {
        match run.history.newest() {
            Some(newest) if newest.revision.finished.is_some() => {
                Self::Stored(newest.revision.records.clone())
            }
            Some(_) => Self::Packed(run.target.store.pack(&run.history.records.sorted())),
            None => Self::Stored(Vec::new()),
        }
    }

    async fn write(self, store: &Store) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Stored(names) => Ok(names),
            Self::Packed(packed) => store.write(&packed).await,
        }
    }
}

/// What is deployed of phases of which only some objects are run, by the name of the phase.
pub(super) type DeployedObjects = HashMap<String, Vec<DesiredObject>>;

/// What is wanted in `phase`: what is deployed stays wanted where only some objects are run, and it
/// is not among them, nor goes.
fn wanted_of<'a>(
    run: &'a Run<'_>,
    deployed: &'a DeployedObjects,
    phase: &PhaseSettings,
) -> Vec<&'a DesiredObject> {
    let objects = run.desired.objects.values();
    let of_phase = objects.filter(|object| object.phase.is_declared_as(&phase.name));
    let selection = run.options.selection;
    if !selection.is_of_objects() {
        return of_phase.collect();
    }
    let selected: Vec<&DesiredObject> = of_phase.filter(|it| selection.holds_wanted(it)).collect();
    let goes = |id: &ObjectId| run.pruning.removals.iter().any(|removal| removal.id == *id);
    let stays = |it: &&DesiredObject| {
        let id = &it.object.id;
        let is_run = run
            .desired
            .objects
            .get(id)
            .is_some_and(|it| selection.holds_wanted(it));
        !is_run && !goes(id)
    };
    let deployed = deployed.get(&phase.name).into_iter().flatten();
    deployed.filter(stays).chain(selected).collect()
}

/// Reads what is deployed of the phases of which `run` is only about some objects.
pub(super) async fn read_deployed(run: &Run<'_>) -> Result<DeployedObjects, StoreError> {
    let mut objects = HashMap::new();
    let deployed = run.history.deployed();
    let deployed = deployed.filter(|_| run.options.selection.is_of_objects());
    for phase in deployed.iter().flat_map(|revision| &revision.phases) {
        let wanted = run.target.store.read(&phase.wanted).await?;
        objects.insert(phase.name.clone(), wanted);
    }
    Ok(objects)
}

/// The record of a phase that is not run: as it is deployed. `None` where it is run, or was never
/// deployed.
fn carried<'a>(run: &Run<'a>, phase: &PhaseSettings) -> Option<&'a PhaseRecord> {
    let deployed = run
        .history
        .deployed()
        .filter(|_| !run.options.selection.holds(&phase.id()))?;
    deployed
        .phases
        .iter()
        .find(|known| known.name == phase.name)
}
