//! What is said where nothing of a release is deployed: which environments of its plan are.

use super::session::Session;
use crate::{
    engine::is_deployed,
    error::CommandError,
    plan::{Address, ReleaseId},
    release::{Head, Store},
};

/// The other environments of the plan at `address` of which something is deployed in this cluster;
/// none where that cannot be read.
pub(super) async fn deployed_environments(
    address: &Address,
    session: &Session,
) -> Result<Vec<String>, CommandError> {
    let store: Store = session.store(address);
    let heads = session.unless_interrupted(store.all_heads()).await?;
    let heads = heads.unwrap_or_default();
    let release = |head: &Head| head.revision.release.clone();
    let others = heads
        .chunk_by(|left, right| left.revision.release == right.revision.release)
        .filter(|heads| is_deployed(heads))
        .filter_map(|heads| heads.first().map(release))
        .filter(|other| other.plan == address.release.plan && *other != address.release);
    Ok(others.map(|other| other.environment).collect())
}

/// The error (exit 2) where the cluster knows no revision of the release at `address`; `missing` is
/// why there is no plan file either.
pub(super) async fn no_revisions(
    address: &Address,
    missing: Option<CommandError>,
    session: &Session,
) -> CommandError {
    let (release, context) = (&address.release, session.cluster.context());
    let mut error = CommandError::usage(format!(
        "{release} has no revisions in namespace `{}` of context `{context}`",
        address.state_namespace
    ));
    error.causes = missing.into_iter().map(|missing| missing.message).collect();
    match deployed_environments(address, session).await {
        Err(interrupted) => interrupted,
        Ok(environments) if environments.is_empty() => {
            error.hint("`deployctl list` shows the releases of the cluster")
        }
        Ok(environments) => naming(error, release, &environments),
    }
}

/// `error`, which is about `release`, with the `environments` of its plan that are deployed.
pub(super) fn naming(
    error: CommandError,
    release: &ReleaseId,
    environments: &[String],
) -> CommandError {
    let releases: Vec<String> = environments
        .iter()
        .map(|environment| format!("`{}.{environment}`", release.plan))
        .collect();
    match environments {
        [] => error,
        [only] => error.hint(format!(
            "{} is deployed there: name it with `--env {only}`",
            releases.join("")
        )),
        _ => error.hint(format!(
            "deployed there are {}: name one of them with `--env`",
            releases.join(", ")
        )),
    }
}
