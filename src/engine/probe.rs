use std::collections::{BTreeSet, HashSet};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::{
    look::Look,
    planner::{ChangeAction, Decision},
    wanted::{Wanted, WantedObject},
};
use crate::{
    cluster::{Cluster, Force, RequestError, Resource, Served},
    ownership::is_interactive_kubectl,
    plan::Requires,
    preflight::{Brought, DryRun},
};

/// Asks the cluster for what `requires` is about, and for nothing else.
pub(crate) async fn brought(cluster: &Cluster, served: &Served, requires: &Requires) -> Result<Brought, RequestError> {
    let mut brought = Brought::default();
    if requires.kubernetes.is_some() {
        brought.version = Some(cluster.version().await?);
    }
    if let (false, Some(classes)) = (requires.storage_classes.is_empty(), served.preferred("storage.k8s.io", "StorageClass")) {
        let listed = cluster.list(classes, None, None).await?;
        let name = |class: &std::sync::Arc<Value>| class.pointer("/metadata/name").and_then(Value::as_str).map(str::to_owned);
        brought.storage_classes = Some(listed.items.iter().filter_map(name).collect());
    }
    Ok(brought)
}

/// Which of the writes that `decisions` need the user may not do, as verb, resource and namespace; `secrets` are the namespaces
/// that Secrets will be created in.
pub(crate) async fn refused_writes(
    cluster: &Cluster,
    wanted: &Wanted,
    served: &Served,
    decisions: &[Decision],
    secrets: BTreeSet<Option<String>>,
) -> Result<Vec<(String, String, Option<String>)>, RequestError> {
    let mut places: HashSet<(Resource, Option<String>)> = HashSet::new();
    for decision in decisions.iter().filter(|decision| decision.action != ChangeAction::Keep) {
        let object = &wanted.objects[&decision.id].object;
        if let Some(resource) = wanted.resource(object, served) {
            places.insert((resource, object.id.namespace.clone()));
        }
    }
    if let Some(resource) = served.exact("v1", "Secret") {
        places.extend(secrets.into_iter().map(|namespace| (resource.clone(), namespace)));
    }
    let answers: Vec<(Resource, Option<String>, bool)> = stream::iter(places)
        .map(|(resource, namespace)| async move {
            let may = cluster.may("patch", &resource, namespace.as_deref()).await?;
            Ok((resource, namespace, may))
        })
        .buffer_unordered(PARALLEL)
        .try_collect()
        .await?;
    let refused = answers.into_iter().filter(|(_, _, may)| !may);
    Ok(refused.map(|(resource, namespace, _)| ("patch".to_owned(), resource.plural, namespace)).collect())
}

/// Requests of one probe that are under way at once.
const PARALLEL: usize = 16;

/// Tries every change without storing it, and marks the decisions whose fields somebody took at a terminal as forced.
pub(crate) async fn dry_runs(
    cluster: &Cluster,
    wanted: &Wanted,
    served: &Served,
    look: &Look,
    decisions: &mut [Decision],
    force: Force,
) -> Vec<DryRun> {
    let namespaces = Namespaces::of(wanted, look);
    stream::iter(decisions.iter_mut())
        .map(|decision| {
            let namespaces = &namespaces;
            async move {
                let object = &wanted.objects[&decision.id];
                match (decision.action, served.exact(&object.object.api_version, &decision.id.kind)) {
                    (ChangeAction::Keep, _) | (_, None) => DryRun::Unasked,
                    (_, Some(resource)) => try_one(cluster, wanted, resource, object, look, namespaces, decision, force).await,
                }
            }
        })
        .buffered(PARALLEL)
        .collect()
        .await
}

/// Namespaces that do not exist yet, and one in which objects for them can be tried.
struct Namespaces<'a> {
    absent: BTreeSet<&'a str>,
}

impl<'a> Namespaces<'a> {
    fn of(wanted: &'a Wanted, look: &'a Look) -> Self {
        let named = wanted.objects.keys().filter_map(|id| id.namespace.as_deref());
        Self { absent: named.filter(|name| look.absent_namespaces.contains(*name)).collect() }
    }
}

/// A namespace that every cluster has.
const SOME_NAMESPACE: &str = "default";

#[expect(clippy::too_many_arguments, reason = "all of it is what one try needs, and it is called from one place")]
async fn try_one(
    cluster: &Cluster,
    wanted: &Wanted,
    resource: &Resource,
    object: &WantedObject,
    look: &Look,
    namespaces: &Namespaces<'_>,
    decision: &mut Decision,
    force: Force,
) -> DryRun {
    if decision.id.namespace.as_deref().is_some_and(|namespace| namespaces.absent.contains(namespace)) {
        return try_elsewhere(cluster, resource, &object.sent).await;
    }
    let manager = wanted.release.field_manager();
    match cluster.apply_dry_run(resource, &decision.id, &object.sent, &manager, force).await {
        Ok(_) => DryRun::Taken,
        Err(RequestError::Refused(refusal)) if refusal.is_ownership_conflict() => {
            let live = look.live.object(&decision.id);
            let ours = live.is_some_and(|live| crate::ownership::apply_entry(live, &manager).is_some());
            let managers = refusal.causes.iter().filter_map(|cause| cause.message.split('"').nth(1));
            let at_a_terminal = ours && live.is_some_and(|live| managers.into_iter().all(|manager| is_interactive_kubectl(live, manager)));
            decision.force = at_a_terminal;
            if at_a_terminal { DryRun::Taken } else { DryRun::Refused(RequestError::Refused(refusal)) }
        }
        Err(error) => DryRun::Refused(error),
    }
}

/// Tries an object whose namespace does not exist yet in one that does.
///
/// That its name is taken there says that everything else about it was accepted. What the other namespace's quota,
/// policies or permissions say does not count.
async fn try_elsewhere(cluster: &Cluster, resource: &Resource, body: &Value) -> DryRun {
    let mut body = body.clone();
    body["metadata"]["namespace"] = SOME_NAMESPACE.into();
    match cluster.create_dry_run(resource, Some(SOME_NAMESPACE), &body).await {
        Ok(()) => DryRun::Taken,
        Err(error) if error.code() == Some(409) => DryRun::Taken,
        Err(error) if error.code() == Some(403) => DryRun::Unasked,
        Err(error) => DryRun::Refused(error),
    }
}
