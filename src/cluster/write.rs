use http::Method;
use serde_json::Value;

use super::{
    discovery::Resource,
    error::RequestError,
    observe::parameter,
    request::{self, Call, Cluster, Verb},
};
use crate::object::ObjectId;

/// Whether an apply takes fields over that others own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    /// A conflict is an error that names the manager and the field.
    No,
    /// Conflicting fields are taken over.
    Yes,
}

/// The answer to an apply.
#[derive(Debug)]
pub(crate) struct Applied {
    /// The object as it is stored now.
    pub(crate) object: Value,
    /// Whether this request created it (HTTP 201).
    pub(crate) created: bool,
}

impl Cluster {
    /// Applies `body` to the object `id` as `manager`.
    /// <https://kubernetes.io/docs/reference/using-api/server-side-apply/>
    pub(crate) async fn apply(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
        force: Force,
    ) -> Result<Applied, RequestError> {
        let (code, answer) = self.call(&apply_call(resource, id, body, manager, force, Verb::Patch)).await?;
        let object = request::read_json(&answer, &Call::get(Verb::Patch, resource.path_of(id)))?;
        Ok(Applied { object, created: code == 201 })
    }

    /// What an apply would store; nothing is written.
    pub(crate) async fn apply_dry_run(
        &self,
        resource: &Resource,
        id: &ObjectId,
        body: &Value,
        manager: &str,
        force: Force,
    ) -> Result<Value, RequestError> {
        self.json(&apply_call(resource, id, body, manager, force, Verb::DryRun)).await
    }

    /// Whether the API server would take `body` as a new object in `namespace`; nothing is written.
    ///
    /// For objects whose own namespace does not exist yet: an apply there is answered with 404.
    pub(crate) async fn create_dry_run(&self, resource: &Resource, namespace: Option<&str>, body: &Value) -> Result<(), RequestError> {
        let path = format!("{}?dryRun=All&fieldValidation=Strict", resource.collection(namespace));
        let call = Call::with_body(Verb::DryRun, Method::POST, path, "application/json", request::body(body));
        self.call(&call).await.map(|_| ())
    }

    /// Changes the object `id` by a JSON patch (RFC 6902).
    pub(crate) async fn json_patch(&self, resource: &Resource, id: &ObjectId, patch: &Value, manager: &str) -> Result<Value, RequestError> {
        let path = format!("{}?{}", resource.path_of(id), &parameter("fieldManager", Some(manager))[1..]);
        let call = Call::with_body(Verb::Patch, Method::PATCH, path, "application/json-patch+json", request::body(patch));
        self.json(&Call { object: Some(id.clone()), ..call }).await
    }

    /// Creates `body`; an object of that name makes it fail with 409.
    pub(crate) async fn create(&self, resource: &Resource, id: &ObjectId, body: &Value, manager: &str) -> Result<Value, RequestError> {
        let path = format!("{}?{}", resource.collection(id.namespace.as_deref()), &parameter("fieldManager", Some(manager))[1..]);
        let call = Call::with_body(Verb::Create, Method::POST, path, "application/json", request::body(body));
        self.json(&Call { object: Some(id.clone()), ..call }).await
    }

    /// Replaces the object `id` by `body`, whose `metadata.resourceVersion` must be the stored one.
    pub(crate) async fn replace(&self, resource: &Resource, id: &ObjectId, body: &Value, manager: &str) -> Result<Value, RequestError> {
        let path = format!("{}?{}", resource.path_of(id), &parameter("fieldManager", Some(manager))[1..]);
        let call = Call::with_body(Verb::Update, Method::PUT, path, "application/json", request::body(body));
        self.json(&Call { object: Some(id.clone()), ..call }).await
    }
}

fn apply_call(resource: &Resource, id: &ObjectId, body: &Value, manager: &str, force: Force, verb: Verb) -> Call {
    let dry_run = if verb == Verb::DryRun { "&dryRun=All" } else { "" };
    let path = format!(
        "{}?force={}&fieldValidation=Strict{dry_run}{}",
        resource.path_of(id),
        force == Force::Yes,
        parameter("fieldManager", Some(manager))
    );
    let call = Call::with_body(verb, Method::PATCH, path, "application/apply-patch+yaml", request::body(body));
    Call { object: Some(id.clone()), ..call }
}
