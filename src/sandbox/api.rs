//! The sandbox's own small client of its API server.

use std::time::Duration;

use kube::{
    Client, Config,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::Value;

use super::error::SandboxError;

/// No request of the sandbox itself takes longer than this on a healthy control plane.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(20);

/// The sandbox's own small client of its API server.
#[derive(Clone)]
pub(super) struct Api {
    client: Client,
}

impl Api {
    /// A client by the first context of a kubeconfig. It must be called inside a runtime.
    pub(super) async fn connect(kubeconfig: &str) -> Result<Self, SandboxError> {
        let error =
            |error: &dyn std::fmt::Display| failure("read the sandbox's own kubeconfig", error);
        let parsed = Kubeconfig::from_yaml(kubeconfig).map_err(|cause| error(&cause))?;
        let mut config = Config::from_custom_kubeconfig(parsed, &KubeConfigOptions::default())
            .await
            .map_err(|cause| error(&cause))?;
        // The server is on this machine: a proxy of the user's network has no part in it.
        config.proxy_url = None;
        config.default_retry = false;
        Ok(Self {
            client: Client::try_from(config).map_err(|cause| error(&cause))?,
        })
    }

    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Whether the server says that it is ready.
    pub(super) async fn is_ready(&self) -> bool {
        let Ok(request) = http::Request::get("/readyz").body(Vec::new()) else {
            return false;
        };
        matches!(
            tokio::time::timeout(Duration::from_secs(2), self.client.request_text(request)).await,
            Ok(Ok(_))
        )
    }

    /// GETs a path; `None` where the server answers 404.
    pub(super) async fn get(&self, path: &str) -> Result<Option<Value>, SandboxError> {
        match self.request(http::Request::get(path), Vec::new()).await {
            Ok(text) => serde_json::from_str(&text)
                .map(Some)
                .map_err(|error| failure(path, &error)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(failure(&format!("read `{path}`"), &error)),
        }
    }

    /// Creates an object, given as JSON; one that exists stays as it is.
    pub(super) async fn create(&self, path: &str, object: &Value) -> Result<(), SandboxError> {
        self.post(path, "application/json", object.to_string())
            .await
    }

    /// Creates an object, given as YAML, which the server itself parses; one that exists stays as
    /// it is.
    pub(super) async fn create_yaml(
        &self,
        path: &str,
        document: String,
    ) -> Result<(), SandboxError> {
        self.post(path, "application/yaml", document).await
    }

    async fn post(&self, path: &str, content_type: &str, body: String) -> Result<(), SandboxError> {
        let request = http::Request::post(path).header(http::header::CONTENT_TYPE, content_type);
        match self.request(request, body.into_bytes()).await {
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(failure(&format!("create an object at `{path}`"), &error)),
            Ok(_) => Ok(()),
        }
    }

    /// Merges a change into an object of a built-in kind, lists by what tells their items apart. One
    /// that is gone, or that is not as the change says that it was seen, stays as it is.
    pub(super) async fn merge_as_seen(
        &self,
        path: &str,
        change: &Value,
    ) -> Result<(), SandboxError> {
        let request = http::Request::patch(path).header(
            http::header::CONTENT_TYPE,
            "application/strategic-merge-patch+json",
        );
        match self.request(request, change.to_string().into_bytes()).await {
            Err(kube::Error::Api(status)) if [404, 409].contains(&status.code) => Ok(()),
            Err(error) => Err(failure(&format!("change `{path}`"), &error)),
            Ok(_) => Ok(()),
        }
    }

    async fn request(
        &self,
        request: http::request::Builder,
        body: Vec<u8>,
    ) -> Result<String, kube::Error> {
        let request = request.body(body).map_err(kube::Error::HttpError)?;
        match tokio::time::timeout(REQUEST_TIMEOUT, self.client.request_text(request)).await {
            Ok(answer) => answer,
            Err(elapsed) => Err(kube::Error::Service(elapsed.into())),
        }
    }
}

fn failure(action: &str, error: &dyn std::fmt::Display) -> SandboxError {
    SandboxError::Api {
        action: action.to_owned(),
        message: error.to_string(),
    }
}
