//! Reading: GET and LIST, whole or as metadata alone, in pages.

use std::sync::Arc;

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    discovery::Resource,
    error::RequestError,
    request::{self, Call, Cluster, Verb},
};
use crate::object::{ObjectId, field::is_true};

/// The objects of one LIST, with `apiVersion` and `kind` filled in.
#[derive(Debug, Default)]
pub(crate) struct Listed {
    /// The objects.
    pub(crate) items: Vec<Arc<Value>>,
    /// The resource version from which a watch goes on.
    pub(crate) resource_version: String,
}

#[derive(Deserialize)]
struct List {
    metadata: ListMetadata,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ListMetadata {
    resource_version: String,
    #[serde(rename = "continue")]
    next: String,
}

/// What is listed of a kind, and in which form.
struct Choice<'a> {
    namespace: Option<&'a str>,
    /// What selects them, as parameters of the request.
    selectors: &'a str,
    /// `Accept` header.
    accept: Option<&'static str>,
}

/// Objects that one answer of a LIST holds at most; larger collections take several requests.
const PAGE: usize = 2_000;
/// How often a LIST in pages is begun before it is given up.
/// <https://kubernetes.io/docs/reference/using-api/api-concepts/#retrieving-large-results-sets-in-chunks>
const BEGINNINGS: usize = 4;
const METADATA_ONLY: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";

impl Cluster {
    /// All objects of `resource` in `namespace` (or in all namespaces) that carry the label key
    /// `label` (or any).
    pub(crate) async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: Option<&str>,
    ) -> Result<Listed, RequestError> {
        self.list_with(resource, namespace, &parameter("labelSelector", selector))
            .await
    }

    /// All objects of `resource` in `namespace` (or in all namespaces) that `selectors`, parameters
    /// of the request, select.
    pub(super) async fn list_with(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selectors: &str,
    ) -> Result<Listed, RequestError> {
        self.list_as(
            resource,
            &Choice {
                namespace,
                selectors,
                accept: None,
            },
        )
        .await
    }

    /// The metadata alone of what [`Cluster::list`] would bring.
    /// <https://kubernetes.io/docs/reference/using-api/api-concepts/#receiving-resources-as-tables>
    pub(crate) async fn list_metadata(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: Option<&str>,
    ) -> Result<Listed, RequestError> {
        self.list_as(
            resource,
            &Choice {
                namespace,
                selectors: &parameter("labelSelector", selector),
                accept: Some(METADATA_ONLY),
            },
        )
        .await
    }

    async fn list_as(
        &self,
        resource: &Resource,
        choice: &Choice<'_>,
    ) -> Result<Listed, RequestError> {
        let mut listed = Listed::default();
        let mut next = String::new();
        let mut beginnings = 1;
        loop {
            let path = format!(
                "{}?limit={PAGE}{}{}",
                resource.collection(choice.namespace),
                choice.selectors,
                parameter("continue", Some(&next))
            );
            let call = Call {
                accept: choice.accept,
                ..Call::get(Verb::List, path)
            };
            let page: List = match self.json(&call).await {
                // The server has forgotten where the last page ended.
                Err(error) if error.is_expired() && !next.is_empty() && beginnings < BEGINNINGS => {
                    beginnings += 1;
                    listed.items.clear();
                    next.clear();
                    continue;
                }
                page => page?,
            };
            for mut item in page.items.unwrap_or_default() {
                complete(&mut item, resource);
                listed.items.push(Arc::new(item));
            }
            listed.resource_version = page.metadata.resource_version;
            next = page.metadata.next;
            if next.is_empty() {
                return Ok(listed);
            }
        }
    }

    /// The object at `path`, or `None` where it does not exist.
    pub(crate) async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, RequestError> {
        match self.get_served(resource, namespace, name).await {
            Err(error) if error.is_absent() => Ok(None),
            object => object,
        }
    }

    /// [`Cluster::get`] for those who must not take it for absence that the kind is not served, or
    /// not in that version: this is an error.
    pub(crate) async fn get_served(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Value>, RequestError> {
        let call = Call::get(Verb::Get, resource.path(namespace, name));
        match self.json(&call).await {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.is_absent() && !error.is_unserved() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The API server's version: `major` and `minor` without a provider's suffix, and its own text.
    pub(crate) async fn version(&self) -> Result<(u32, u32, String), RequestError> {
        #[derive(Deserialize)]
        struct Version {
            major: String,
            minor: String,
            #[serde(rename = "gitVersion")]
            full: String,
        }
        let version: Version = self
            .json(&Call::get(Verb::Get, "/version".to_owned()))
            .await?;
        let number = |text: &str| {
            text.trim_end_matches(|character: char| !character.is_ascii_digit())
                .parse()
                .unwrap_or(0)
        };
        Ok((number(&version.major), number(&version.minor), version.full))
    }

    /// Whether the user may do `verb` with `resource` in `namespace`, with all objects or only with the
    /// one called `name`; a subresource is the part of its plural behind a slash.
    /// <https://kubernetes.io/docs/reference/access-authn-authz/authorization/#checking-api-access>
    pub(crate) async fn may(
        &self,
        verb: &str,
        resource: &Resource,
        namespace: Option<&str>,
        name: Option<&str>,
    ) -> Result<bool, RequestError> {
        let plural = resource.plural.as_str();
        let (plural, subresource) = plural.split_once('/').unwrap_or((plural, ""));
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "verb": verb, "group": resource.group, "resource": plural, "subresource": subresource,
                "namespace": namespace.unwrap_or_default(), "name": name.unwrap_or_default(),
            }},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews".to_owned();
        let call = Call::with_body(
            Verb::Create,
            Method::POST,
            path,
            "application/json",
            request::body(&review),
        );
        let answer: Value = self.json(&call).await?;
        Ok(is_true(&answer, "/status/allowed"))
    }

    /// The last `lines` lines of a container's log; `previous`: of the container before its last
    /// restart.
    pub(crate) async fn log_tail(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Result<String, RequestError> {
        let path = format!(
            "/api/v1/namespaces/{namespace}/pods/{pod}/log?container={container}&tailLines={lines}&previous={previous}&limitBytes=65536"
        );
        let object = ObjectId::core("Pod", Some(namespace), pod);
        let call = Call {
            object: Some(object),
            ..Call::get(Verb::Get, path)
        };
        let (_, body) = self.fail_fast().call(&call).await?;
        Ok(String::from_utf8_lossy(&body).into_owned())
    }
}

/// Fills in what the items of a LIST lack.
fn complete(item: &mut Value, resource: &Resource) {
    if let Value::Object(map) = item {
        map.insert("apiVersion".to_owned(), resource.api_version().into());
        map.insert("kind".to_owned(), resource.kind.clone().into());
    }
}

/// `&name=value` with `value` escaped, or nothing where there is no value.
pub(super) fn parameter(name: &str, value: Option<&str>) -> String {
    match value.filter(|value| !value.is_empty()) {
        Some(value) => format!(
            "&{name}={}",
            percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC)
        ),
        None => String::new(),
    }
}
