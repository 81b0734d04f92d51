//! What the user must be permitted to do for a run, asked before the first write.

use std::collections::{BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::engine::{
    desired::DesiredState,
    plan::decide::{ChangeAction, Decision},
    plan::hook_steps::is_discarded,
    plan::steps::{Removal, RemovalMode},
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    object::HasKind as _,
    preflight::{Missing, Need},
};

/// Verbs, with what they are needed for.
type Needs = BTreeSet<(&'static str, Need)>;

/// What the user must be permitted to do, by kind and namespace.
#[derive(Debug, Default)]
pub(crate) struct RequiredPermissions {
    needed: HashMap<(Resource, Option<String>), Needs>,
}

impl RequiredPermissions {
    /// For the writes of `decisions`, and of Secrets that are created in the namespaces `secrets`;
    /// and to take them back, where the run `rolls_back`: what it created is deleted then, and what
    /// it changed is replaced.
    pub(crate) fn to_write(
        wanted: &DesiredState,
        served: &Served,
        decisions: &[Decision],
        secrets: &BTreeSet<Option<String>>,
        rolls_back: bool,
    ) -> Self {
        let mut rights = Self::default();
        let mut write =
            |resource: &Resource, namespace: Option<&str>, plan_rollback: Option<&'static str>| {
                rights.need(resource, namespace, "patch", Need::Write);
                // An apply creates what is not there, which is asked about besides.
                if plan_rollback != Some("update") {
                    rights.need(resource, namespace, "create", Need::Write);
                }
                if let (Some(verb), true) = (plan_rollback, rolls_back) {
                    rights.need(resource, namespace, verb, Need::Rollback);
                }
            };
        if let Some(resource) = served.exact("v1", "Secret") {
            for namespace in secrets {
                write(resource, namespace.as_deref(), Some("delete"));
            }
        }
        for decision in decisions
            .iter()
            .filter(|decision| decision.action != ChangeAction::Keep)
        {
            let object = &wanted.objects[&decision.id].object;
            let Some(resource) = wanted.resource(object, served) else {
                continue;
            };
            let plan_rollback = match decision.action {
                // Data that was created stays.
                ChangeAction::Create => (!decision.id.is_data()).then_some("delete"),
                _ => Some("update"),
            };
            write(&resource, decision.id.namespace.as_deref(), plan_rollback);
        }
        if rolls_back {
            rights.need_to_evict(served, decisions);
        }
        rights
    }

    /// To evict pods that have read what a rollback puts back.
    fn need_to_evict(&mut self, served: &Served, decisions: &[Decision]) {
        let Some(pods) = served.exact("v1", "Pod") else {
            return;
        };
        let evictions = Resource {
            plural: format!("{}/eviction", pods.plural),
            ..pods.clone()
        };
        let changed = decisions.iter().filter(|decision| {
            decision.action == ChangeAction::Change && decision.id.is_configuration()
        });
        for decision in changed {
            let namespace = decision.id.namespace.as_deref();
            self.need(&evictions, namespace, "create", Need::Eviction);
        }
    }

    /// For what is deleted: of `decisions`, to be created anew or because it is a hook that goes when
    /// it has succeeded, and of `removals`, for good.
    pub(crate) fn to_delete(
        wanted: &DesiredState,
        served: &Served,
        decisions: &[Decision],
        removals: &[Removal],
    ) -> Self {
        let goes = |decision: &&Decision| match decision.action {
            ChangeAction::Keep => false,
            ChangeAction::Replace => true,
            _ => is_discarded(&wanted.objects[&decision.id]),
        };
        let replaced = decisions.iter().filter(goes).map(|decision| &decision.id);
        let removed = removals
            .iter()
            .filter(|removal| match removal.how {
                // A claim without a volume stays where it may not be deleted: no data is on it.
                RemovalMode::Delete { if_empty, .. } => !(if_empty && removal.id.is_claim()),
                RemovalMode::GiveUp => false,
            })
            .map(|removal| &removal.id);
        let mut rights = Self::default();
        for id in replaced.chain(removed) {
            if let Some(resource) = served.preferred(&id.group, &id.kind) {
                rights.need(resource, id.namespace.as_deref(), "delete", Need::Removal);
            }
        }
        rights
    }

    fn need(
        &mut self,
        resource: &Resource,
        namespace: Option<&str>,
        verb: &'static str,
        need: Need,
    ) {
        let place = (resource.clone(), namespace.map(str::to_owned));
        self.needed.entry(place).or_default().insert((verb, need));
    }

    /// Those that the user does not have.
    pub(crate) async fn missing(self, cluster: &Cluster) -> Result<Vec<Missing>, RequestError> {
        let missing: Vec<Vec<Missing>> = stream::iter(self.needed)
            .map(|((resource, namespace), needs)| missing_of(cluster, resource, namespace, needs))
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await?;
        Ok(missing.into_iter().flatten().collect())
    }
}

/// Those of `needs` that the user does not have. Who may do everything is asked about only once.
async fn missing_of(
    cluster: &Cluster,
    resource: Resource,
    namespace: Option<String>,
    needs: Needs,
) -> Result<Vec<Missing>, RequestError> {
    if needs.len() > 1 && cluster.may("*", &resource, namespace.as_deref()).await? {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    for (verb, need) in needs {
        if !cluster.may(verb, &resource, namespace.as_deref()).await? {
            missing.push(Missing {
                verb,
                group: resource.group.clone(),
                resource: resource.plural.clone(),
                namespace: namespace.clone(),
                need,
            });
        }
    }
    Ok(missing)
}
