//! Who set up the webhooks that stood in the way of a request.

use std::collections::{BTreeSet, HashMap};

use crate::{
    cluster::{Cluster, ListScope, Listing, RequestError, Resource, Tolerated},
    object::{
        ObjectId, Scope,
        field::{list, part},
    },
    preflight::{FoundWebhook, ServiceState, WebhookServer, WebhookSource},
};

/// Kinds that set webhooks up, with their plural.
const CONFIGURATIONS: [(&str, &str); 2] = [
    (
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
    ),
    (
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
    ),
];

/// Who set up each of the webhooks `names`, and whether anything stands behind their Services. One
/// LIST for each kind of configuration; only asked for once a webhook has stood in the way.
pub(crate) async fn find_webhooks(
    cluster: &Cluster,
    names: BTreeSet<&str>,
) -> HashMap<String, FoundWebhook> {
    let cluster = cluster.tried_once();
    let mut found: HashMap<String, FoundWebhook> = HashMap::new();
    if names.is_empty() {
        return found;
    }
    let mut is_complete = true;
    for (kind, plural) in CONFIGURATIONS {
        let group = "admissionregistration.k8s.io";
        let resource = Resource::built_in(group, "v1", kind, plural, Scope::Cluster);
        let listing = configurations(&cluster, &resource).await;
        is_complete &= listing.complete;
        for configuration in &listing.items {
            for name in &names {
                let id = ObjectId::of(configuration);
                let source = id.and_then(|id| WebhookSource::of(id, configuration, name));
                if let Some(source) = source {
                    let source = with_service(&cluster, source).await;
                    found.insert((*name).to_owned(), FoundWebhook::Here(source));
                }
            }
        }
    }
    for name in names {
        found.entry(name.to_owned()).or_insert(if is_complete {
            FoundWebhook::Nowhere
        } else {
            FoundWebhook::Hidden
        });
    }
    found
}

/// All configurations of a kind. What cannot be listed is hidden: it explains a failure, and must not
/// become one.
async fn configurations(cluster: &Cluster, resource: &Resource) -> Listing {
    let everywhere = ListScope::Everywhere {
        otherwise: &BTreeSet::new(),
    };
    let listed = cluster.list_permitted(resource, everywhere, None, Tolerated::Refused);
    listed.await.unwrap_or(Listing {
        items: Vec::new(),
        resource_version: None,
        complete: false,
    })
}

/// `source` with what stands behind its Service.
async fn with_service(cluster: &Cluster, source: WebhookSource) -> WebhookSource {
    let server = match source.server {
        WebhookServer::Service(service, _) => {
            let state = service_state(cluster, &service).await;
            WebhookServer::Service(service, state.unwrap_or(ServiceState::Hidden))
        }
        url @ WebhookServer::Url(_) => url,
    };
    WebhookSource { server, ..source }
}

/// Whether anything stands behind `service`.
/// <https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/#conditions>
async fn service_state(
    cluster: &Cluster,
    service: &ObjectId,
) -> Result<ServiceState, RequestError> {
    let namespace = service.namespace.as_deref();
    let services = Resource::built_in("", "v1", "Service", "services", Scope::Namespaced);
    if cluster
        .get(&services, namespace, &service.name)
        .await?
        .is_none()
    {
        return Ok(ServiceState::Absent);
    }
    let group = "discovery.k8s.io";
    let slices = Resource::built_in(
        group,
        "v1",
        "EndpointSlice",
        "endpointslices",
        Scope::Namespaced,
    );
    let selector = format!("kubernetes.io/service-name={}", service.name);
    let listed = cluster.list(&slices, namespace, Some(&selector)).await?;
    let mut endpoints = listed
        .items
        .iter()
        .flat_map(|slice| list(slice, "/endpoints"));
    let is_ready = |ready: Option<&serde_json::Value>| ready != Some(&false.into());
    Ok(
        if endpoints.any(|endpoint| is_ready(part(endpoint, "/conditions/ready"))) {
            ServiceState::WithEndpoints
        } else {
            ServiceState::WithoutEndpoints
        },
    )
}
