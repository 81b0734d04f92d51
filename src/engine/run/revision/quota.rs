//! Whether a revision can be stored, before any part of it is.

use std::collections::BTreeSet;

use crate::engine::{run::context::Run, run::revision::packed::PackedRevision};
use crate::release::{Head, StoreError};

/// Secrets beside the head and the chunks that are known before a run of `writes` writes: what it
/// remembers at its end, and its journal, with that of its way back. More than 200 entries fit into
/// a Secret, but where they hold large values.
const fn later(writes: usize) -> usize {
    2 + 2 * writes / 200
}

/// Fails where a quota leaves no room for the Secrets that the revision of `run`, which does
/// `writes` writes, is made of. Half a revision is of no use, and a run whose end cannot be stored
/// even less.
pub(super) async fn check_quota(
    run: &Run<'_>,
    writes: usize,
    packed: &PackedRevision,
) -> Result<(), StoreError> {
    let store = run.target.store;
    let Some(room) = store.room().await? else {
        return Ok(());
    };
    let stored: BTreeSet<&str> = run.history.heads.iter().flat_map(Head::chunks).collect();
    let names: BTreeSet<&str> = packed.names().collect();
    let new = names.difference(&stored).count();
    store.fits(room, 1 + new + later(writes))
}
