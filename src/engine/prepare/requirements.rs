//! Whether what the plan requires is there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::engine::{
    prepare::brought::Brought,
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
    prepare::request::Request,
    prepare::secrets,
    prepare::target::{is_standing, standing},
    prepare::tools::tool,
};
use crate::{
    cluster::{Cluster, ListScope, RequestError, Served, Tolerated},
    object::{ManifestView, amount, field::text},
    plan::{Plan, ReleaseId, Required, Requirement, Version},
    preflight::{Finding, FoundNode, FoundTool, Provided, unmet_requirements},
    release::Store,
};

/// What the plan requires and is not there. What may not be looked at may be there.
pub(crate) async fn unmet(
    context: PrepareContext<'_>,
    request: &Request<'_>,
    plan: &Plan,
    prepared: &Prepared,
) -> Result<Vec<Finding>, PrepareError> {
    let requirements = &plan.contents.requires;
    if requirements.is_empty() {
        return Ok(Vec::new());
    }
    let brought = brought(request, prepared);
    let provided = provided(context.cluster, context.served, requirements, &brought);
    let mut provided = context
        .answer("cannot read what the cluster provides", provided)
        .await?;
    provided.tools = context.unless_interrupted(tools(requirements)).await?;
    provided.not_deployed = not_deployed(context, plan).await?;
    Ok(unmet_requirements(
        requirements,
        &secrets::origin(plan),
        &provided,
        &brought.or(context.served),
    ))
}

/// What the run itself brings.
fn brought(request: &Request<'_>, prepared: &Prepared) -> Brought {
    let mut brought = Brought::default();
    let selection = request.selection;
    let wanted = prepared.desired.objects.values();
    for wanted in wanted.filter(|wanted| selection.holds_wanted(wanted)) {
        brought.add(&wanted.object);
    }
    let phases = prepared.desired.phases.iter();
    for phase in phases.filter(|phase| selection.holds_whole(&phase.id())) {
        phase.expects.iter().for_each(|crd| brought.expect(crd));
    }
    brought
}

/// Asks the cluster for what `requirements` are about, and for nothing else.
async fn provided(
    cluster: &Cluster,
    served: &Served,
    requirements: &[Requirement],
    brought: &Brought,
) -> Result<Provided, RequestError> {
    let asks = |about: fn(&Required) -> bool| requirements.iter().any(|it| about(&it.what));
    let mut provided = Provided::default();
    if asks(|what| matches!(what, Required::Kubernetes(_))) {
        provided.version = match cluster.version().await {
            Err(error) if error.is_forbidden() => None,
            version => {
                let (_, _, text) = version?;
                Version::in_text(&text).map(|version| (version, text))
            }
        };
    }
    if asks(|what| matches!(what, Required::StorageClass(_))) {
        let listed = listed(cluster, served, "storage.k8s.io", "StorageClass").await?;
        let own = brought.storage_classes();
        provided.storage_classes = listed.map(|classes| names(&classes, own));
    }
    if asks(|what| matches!(what, Required::IngressClass(_))) {
        let listed = listed(cluster, served, "networking.k8s.io", "IngressClass").await?;
        let own = brought.ingress_classes();
        provided.ingress_classes = listed.map(|classes| names(&classes, own));
    }
    let is_about_nodes = |what: &Required| {
        matches!(
            what,
            Required::Nodes(_) | Required::Cpu(_) | Required::Memory(_)
        )
    };
    if asks(is_about_nodes) {
        let listed = listed(cluster, served, "", "Node").await?;
        provided.nodes = listed.map(|nodes| nodes.iter().map(node).collect());
    }
    Ok(provided)
}

/// All objects of a kind; `None` where they may not be listed.
async fn listed(
    cluster: &Cluster,
    served: &Served,
    group: &str,
    kind: &str,
) -> Result<Option<Vec<Value>>, RequestError> {
    let Some(resource) = served.preferred(group, kind) else {
        return Ok(Some(Vec::new()));
    };
    let everywhere = ListScope::Everywhere {
        otherwise: &BTreeSet::new(),
    };
    let listing = cluster
        .list_permitted(resource, everywhere, None, Tolerated::Forbidden)
        .await?;
    let objects = listing.items.iter().map(|item| item.as_ref().clone());
    Ok(listing.complete.then(|| objects.collect()))
}

/// The names of `objects`, and `own` ones.
fn names<'a>(objects: &[Value], own: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let there = objects
        .iter()
        .map(|object| ManifestView(object).name().to_owned());
    there.chain(own.map(str::to_owned)).collect()
}

fn node(node: &Value) -> FoundNode {
    let allocatable = |pointer| text(node, pointer).and_then(amount).unwrap_or_default();
    let labels = ManifestView(node).labels().into_iter().flatten();
    FoundNode {
        labels: labels
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        cpu: allocatable("/status/allocatable/cpu"),
        memory: allocatable("/status/allocatable/memory"),
    }
}

/// The programs that `requirements` name, each looked for once and asked for its version where one
/// is required.
async fn tools(requirements: &[Requirement]) -> BTreeMap<String, FoundTool> {
    let mut wanted: BTreeMap<&str, bool> = BTreeMap::new();
    for requirement in requirements {
        if let Required::Tool(tool) = &requirement.what {
            *wanted.entry(&tool.name).or_default() |= tool.version.is_some();
        }
    }
    let found = wanted
        .into_iter()
        .map(|(name, asks)| async move { (name.to_owned(), tool(name, asks).await) });
    futures::future::join_all(found).await.into_iter().collect()
}

/// Those of the releases that `plan` requires which are not deployed, and what is said of each.
async fn not_deployed(
    context: PrepareContext<'_>,
    plan: &Plan,
) -> Result<BTreeMap<ReleaseId, String>, PrepareError> {
    let mut absent = BTreeMap::new();
    for requirement in &plan.contents.requires {
        let Required::Release(release) = &requirement.what else {
            continue;
        };
        let namespace = &plan.address.state_namespace;
        let store = Store::new(context.cluster, context.served, namespace, release);
        let heads = context.stored(store.heads()).await?;
        if !is_standing(&heads) {
            absent.insert(release.clone(), standing(release, &heads));
        }
    }
    Ok(absent)
}
