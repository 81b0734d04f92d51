//! Tries whether claims can grow with their StatefulSets.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::objects::Observation,
    plan::decide::{ChangeAction, Decision, Expansion},
    plan::volume_expansion::{cannot_grow, claim_templates, growing},
};
use crate::{
    cluster::{Cluster, Force, RequestError, Resource, Seen, Served},
    object::HasKind as _,
    preflight::{Finding, described},
};

/// Adds to each StatefulSet among `decisions` that is created anew the claims that have to grow
/// with it, and to `observation` what they are now. Returns a finding for each claim that the API
/// server would not let grow.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#expanding-persistent-volumes-claims>
pub(crate) async fn expand_claims(
    cluster: &Cluster,
    served: &Served,
    wanted: &DesiredState,
    observation: &mut Observation,
    decisions: &mut [Decision],
) -> Result<Vec<Finding>, RequestError> {
    let mut findings = Vec::new();
    let Some(claims) = served.exact("v1", "PersistentVolumeClaim") else {
        return Ok(findings);
    };
    let replaced = decisions.iter_mut().filter(|decision| {
        decision.action == ChangeAction::Replace && decision.id.is_like_stateful_set()
    });
    for decision in replaced {
        let object = &wanted.objects[&decision.id];
        decision.expansions.clear();
        let listed = claims_beside(cluster, claims, object).await?;
        for (expansion, claim) in growing(object, listed) {
            match try_to_expand(cluster, claims, &expansion, &wanted.release.field_manager()).await
            {
                Ok(()) => {}
                Err(RequestError::Refused(refusal)) => {
                    findings.push(cannot_grow(
                        object,
                        &expansion,
                        &claim,
                        &described(&refusal),
                    ));
                }
                Err(error) => return Err(error),
            }
            observation
                .live
                .note(expansion.claim.clone(), Seen::Present(claim));
            decision.expansions.push(expansion);
        }
    }
    Ok(findings)
}

/// All claims in the namespace of `object`, where it makes any.
async fn claims_beside(
    cluster: &Cluster,
    claims: &Resource,
    object: &DesiredObject,
) -> Result<Vec<Arc<Value>>, RequestError> {
    if claim_templates(object.sent()).is_empty() {
        return Ok(Vec::new());
    }
    let namespace = object.object.id.namespace.as_deref();
    Ok(cluster.list(claims, namespace, None).await?.items)
}

async fn try_to_expand(
    cluster: &Cluster,
    claims: &Resource,
    expansion: &Expansion,
    manager: &str,
) -> Result<(), RequestError> {
    let Expansion { claim, size } = expansion;
    let body = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": claim.name, "namespace": claim.namespace},
        "spec": {"resources": {"requests": {"storage": size}}},
    });
    cluster
        .apply_dry_run(claims, claim, &body, manager, Force::Yes)
        .await
        .map(|_| ())
}

/// Looks again at the claims that `decisions` make larger.
pub(crate) async fn observe_growing_claims(
    cluster: &Cluster,
    served: &Served,
    observation: &mut Observation,
    decisions: &[Decision],
) -> Result<(), RequestError> {
    let Some(claims) = served.exact("v1", "PersistentVolumeClaim") else {
        return Ok(());
    };
    for Expansion { claim, .. } in decisions.iter().flat_map(|decision| &decision.expansions) {
        let there = cluster
            .get(claims, claim.namespace.as_deref(), &claim.name)
            .await?;
        observation.live.note(
            claim.clone(),
            there.map_or(Seen::Absent, |there| Seen::Present(Arc::new(there))),
        );
    }
    Ok(())
}
