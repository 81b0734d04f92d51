//! Makes the API server ask for metrics where they are played: as in a cluster by an `APIService` and
//! a Service, behind which no pod stands.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::sandbox::{api::Api, error::SandboxError, follow::RETRY};

const NAMESPACE: &str = "kube-system";
const NAME: &str = "metrics-server";
/// An address that is nobody's (<https://www.rfc-editor.org/rfc/rfc5737>): the proxy of the API
/// server answers in its place.
const ADDRESS: &str = "192.0.2.10";

/// Registers the API, as soon as its namespace is there. `authority` is what the API server trusts
/// its answers by.
pub(in crate::sandbox) async fn register(api: Api, authority: String) {
    while create(&api, &authority).await.is_err() {
        tokio::time::sleep(RETRY).await;
    }
}

async fn create(api: &Api, authority: &str) -> Result<(), SandboxError> {
    let core = format!("/api/v1/namespaces/{NAMESPACE}/services");
    let slices = format!("/apis/discovery.k8s.io/v1/namespaces/{NAMESPACE}/endpointslices");
    api.create(&core, &service()).await?;
    api.create(&slices, &endpoints()).await?;
    let path = "/apis/apiregistration.k8s.io/v1/apiservices";
    api.create(path, &api_service(authority)).await
}

fn service() -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"namespace": NAMESPACE, "name": NAME},
        "spec": {"ports": [{"name": "https", "port": 443, "protocol": "TCP"}]},
    })
}

fn endpoints() -> Value {
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": {"namespace": NAMESPACE, "name": NAME, "labels": {"kubernetes.io/service-name": NAME}},
        "endpoints": [{"addresses": [ADDRESS], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": 443, "protocol": "TCP"}],
    })
}

fn api_service(authority: &str) -> Value {
    json!({
        "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": {"name": "v1beta1.metrics.k8s.io"},
        "spec": {
            "group": "metrics.k8s.io", "version": "v1beta1", "groupPriorityMinimum": 100, "versionPriority": 100,
            "service": {"namespace": NAMESPACE, "name": NAME, "port": 443}, "caBundle": STANDARD.encode(authority),
        },
    })
}
