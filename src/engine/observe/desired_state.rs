//! What an earlier revision wanted, read from where revisions are kept: no file is needed.

use indexmap::IndexMap;

use crate::engine::desired::{DesiredObject, DesiredState};
use crate::release::{Head, PhaseRecord, Store, StoreError};

/// Reads what the revision of `head` wanted.
pub(crate) async fn read_desired_state(
    store: &Store,
    head: &Head,
) -> Result<DesiredState, StoreError> {
    let revision = &head.revision;
    let mut objects = IndexMap::new();
    for phase in &revision.phases {
        let of_phase: Vec<DesiredObject> = store.read(&phase.wanted).await?;
        objects.extend(
            of_phase
                .into_iter()
                .map(|object| (object.object.id.clone(), object)),
        );
    }
    Ok(DesiredState {
        release: revision.release.clone(),
        objects,
        phases: revision.phases.iter().map(PhaseRecord::settings).collect(),
        readiness: revision.readiness.clone(),
        hooks: store.read(&revision.hooks).await?,
    })
}
