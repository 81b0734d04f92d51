//! Which of the kinds that are played the API server serves.

use futures::StreamExt as _;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client,
    api::{ApiResource, ListParams, WatchEvent, WatchParams},
    core::PartialObjectMeta,
    discovery::{ApiGroup, Discovery, Scope},
};

use super::{kind::PlayedKind, table::kinds};

/// A kind that is played, as the API server serves it.
#[derive(Clone)]
pub(super) struct Served {
    pub(super) kind: &'static PlayedKind,
    pub(super) resource: ApiResource,
    pub(super) is_namespaced: bool,
    /// Whether the status is written by itself, beside the object.
    pub(super) has_status_subresource: bool,
}

/// What the API server serves of the kinds that are played.
pub(super) struct Look {
    pub(super) served: Vec<Served>,
    /// Whether there are definitions of groups that are played which are not served yet.
    pub(super) is_pending: bool,
    /// The version of the list of definitions that was looked at.
    version: String,
}

/// Looks at the cluster's definitions, and at what the API server serves of them.
///
/// A definition is served a moment after it was created, and its neighbours at other moments.
pub(super) async fn look(client: &Client) -> Result<Look, kube::Error> {
    let definitions = definitions(client)
        .list_metadata(&ListParams::default())
        .await?;
    let names = definitions
        .items
        .iter()
        .filter_map(|it| it.metadata.name.as_deref());
    let mut groups: Vec<&str> = kinds().map(|kind| kind.group).collect();
    groups.dedup();
    let wanted: Vec<&str> = names
        .filter(|name| {
            name.split_once('.')
                .is_some_and(|(_, group)| groups.contains(&group))
        })
        .collect();
    let mut look = Look {
        served: Vec::new(),
        is_pending: false,
        version: definitions
            .metadata
            .resource_version
            .clone()
            .unwrap_or_default(),
    };
    if wanted.is_empty() {
        return Ok(look);
    }
    let discovery = Discovery::new(client.clone())
        .filter(&groups)
        .run_aggregated()
        .await?;
    let resources: Vec<_> = discovery
        .groups()
        .flat_map(ApiGroup::resources_by_stability)
        .collect();
    look.is_pending = !wanted.iter().all(|name| {
        let is_it =
            |resource: &ApiResource| format!("{}.{}", resource.plural, resource.group) == **name;
        resources.iter().any(|(resource, _)| is_it(resource))
    });
    look.served = kinds()
        .filter_map(|kind| {
            let is_it =
                |resource: &ApiResource| resource.group == kind.group && resource.kind == kind.kind;
            let (resource, abilities) = resources.iter().find(|(resource, _)| is_it(resource))?;
            Some(Served {
                kind,
                resource: resource.clone(),
                is_namespaced: abilities.scope == Scope::Namespaced,
                has_status_subresource: abilities
                    .subresources
                    .iter()
                    .any(|(part, _)| part.plural == "status"),
            })
        })
        .collect();
    Ok(look)
}

impl Look {
    /// Returns when something has changed about the definitions since this look.
    pub(super) async fn until_change(&self, client: &Client) {
        let definitions = definitions(client);
        let Ok(events) = definitions
            .watch_metadata(&WatchParams::default(), &self.version)
            .await
        else {
            return;
        };
        let is_change = |event: &Result<WatchEvent<_>, _>| {
            std::future::ready(!matches!(event, Ok(WatchEvent::Bookmark(_))))
        };
        let _ = std::pin::pin!(events.filter(is_change)).next().await;
    }
}

fn definitions(client: &Client) -> Api<PartialObjectMeta<CustomResourceDefinition>> {
    Api::all(client.clone())
}
