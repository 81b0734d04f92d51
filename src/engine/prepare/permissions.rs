//! What the user must be permitted to do for a run, asked before the first write.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::engine::{
    desired::DesiredState,
    plan::decide::{ChangeAction, Decision},
    plan::hook_steps::is_discarded,
    plan::steps::{Removal, RemovalMode},
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    object::{HasKind as _, ObjectId},
    preflight::{Missing, Need},
};

/// Verbs, with what they are needed for, and the names of the objects. For what is done with objects
/// that have no name yet there is an empty one.
type Needs = BTreeMap<(&'static str, Need), BTreeSet<String>>;

/// What the user must be permitted to do, by kind and namespace.
#[derive(Debug, Default)]
pub(crate) struct RequiredPermissions {
    needed: HashMap<(Resource, Option<String>), Needs>,
}

impl RequiredPermissions {
    /// For the writes of `decisions`, and of `secrets`, which are created; and to take them back, where the run `rolls_back`: what it created is deleted then, and what
    /// it changed is replaced.
    pub(crate) fn to_write(
        wanted: &DesiredState,
        served: &Served,
        decisions: &[Decision],
        secrets: &[&ObjectId],
        rolls_back: bool,
    ) -> Self {
        let mut rights = Self::default();
        let mut write =
            |resource: &Resource, id: &ObjectId, plan_rollback: Option<&'static str>| {
                rights.need(resource, id, "patch", Need::Write);
                // An apply creates what is not there, which is asked about besides.
                if plan_rollback != Some("update") {
                    rights.need(resource, id, "create", Need::Write);
                }
                if let (Some(verb), true) = (plan_rollback, rolls_back) {
                    rights.need(resource, id, verb, Need::Rollback);
                }
            };
        if let Some(resource) = served.exact("v1", "Secret") {
            for id in secrets {
                write(resource, id, Some("delete"));
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
                // It is deleted and created, on the way back too.
                ChangeAction::Replace => None,
                // Data that was created stays.
                ChangeAction::Create => (!decision.id.is_data()).then_some("delete"),
                _ => Some("update"),
            };
            write(&resource, &decision.id, plan_rollback);
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
            // What the pods will be called is not known.
            let pod = ObjectId::core("Pod", decision.id.namespace.as_deref(), "");
            self.need(&evictions, &pod, "create", Need::Eviction);
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
                rights.need(resource, id, "delete", Need::Removal);
            }
        }
        rights
    }

    fn need(&mut self, resource: &Resource, id: &ObjectId, verb: &'static str, need: Need) {
        let place = (resource.clone(), id.namespace.clone());
        let needs = self.needed.entry(place).or_default();
        let names = needs.entry((verb, need)).or_default();
        names.insert(id.name.clone());
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
    let place = (&resource, namespace.as_deref());
    if needs.len() > 1 && cluster.may("*", place.0, place.1, None).await? {
        return Ok(Vec::new());
    }
    let mut missing = Vec::new();
    for ((verb, need), names) in needs {
        if !may_each(cluster, verb, place, &names).await? {
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

/// Whether the user may do `verb` with each of `names`: a role may be for some names alone, which an
/// apply heeds also where it creates.
/// <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources>
async fn may_each(
    cluster: &Cluster,
    verb: &str,
    (resource, namespace): (&Resource, Option<&str>),
    names: &BTreeSet<String>,
) -> Result<bool, RequestError> {
    if cluster.may(verb, resource, namespace, None).await? {
        return Ok(true);
    }
    for name in names {
        let has_name = !name.is_empty();
        if !(has_name && cluster.may(verb, resource, namespace, Some(name)).await?) {
            return Ok(false);
        }
    }
    Ok(true)
}
