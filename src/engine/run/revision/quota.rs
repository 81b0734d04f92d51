//! Whether a revision can be stored, before any part of it is.

use std::collections::BTreeSet;

use crate::engine::{
    run::context::Run,
    run::revision::open::{carried, objects_of},
};
use crate::release::{ChangeLog, Head, Program, Snapshot, StoreError};

/// Secrets beside the head and the chunks that are known before a run of `writes` writes: what it
/// remembers at its end, and its journal, with that of its way back. More than 200 entries fit into
/// a Secret, but where they hold large values.
const fn later(writes: usize) -> usize {
    2 + 2 * writes / 200
}

/// Fails where a quota leaves no room for the Secrets that the revision of `run` is made of. Half a
/// revision is of no use, and a run whose end cannot be stored even less.
pub(crate) async fn check(
    run: &Run<'_>,
    program: &Program,
    snapshot: &Snapshot,
    traces: &ChangeLog,
) -> Result<(), StoreError> {
    let Some(room) = run.target.store.room().await? else {
        return Ok(());
    };
    let stored: BTreeSet<&str> = run.history.heads.iter().flat_map(Head::chunks).collect();
    let chunks = chunks(run, program, snapshot, traces);
    let new = chunks
        .iter()
        .filter(|name| !stored.contains(name.as_str()))
        .count();
    run.target
        .store
        .fits(room, 1 + new + later(program.writes()))
}

/// The names of the chunks that are written before the first object is.
fn chunks(
    run: &Run<'_>,
    program: &Program,
    snapshot: &Snapshot,
    traces: &ChangeLog,
) -> BTreeSet<String> {
    let store = run.target.store;
    let mut names: BTreeSet<String> = store
        .chunk_names(program)
        .into_iter()
        .chain(store.chunk_names(snapshot))
        .collect();
    if !traces.is_empty() {
        names.extend(store.chunk_names(traces));
    }
    for phase in run
        .desired
        .phases
        .iter()
        .filter(|phase| carried(run, phase).is_none())
    {
        let objects = objects_of(run, phase);
        if !objects.is_empty() {
            names.extend(store.chunk_names(&objects));
        }
    }
    if run
        .history
        .newest()
        .is_some_and(|newest| newest.revision.finished.is_none())
    {
        names.extend(store.chunk_names(&run.history.records.sorted()));
    }
    names
}
