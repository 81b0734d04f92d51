use std::{
    collections::{HashSet, VecDeque},
    sync::Mutex,
    time::Duration,
};

use futures::future::join_all;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use serde_json::Value;

use crate::support::{
    sandbox,
    upstream::{BoxError, Sender, Upstream},
};

/// One object of the cluster.
pub(super) struct Found {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    pub(super) name: String,
    pub(super) value: Value,
}

impl Found {
    /// `KIND/NAMESPACE/NAME`, and `KIND.GROUP` where there is a group: no two objects share it.
    pub(super) fn identity(&self) -> String {
        let kind = if self.group.is_empty() {
            self.kind.clone()
        } else {
            format!("{}.{}", self.kind, self.group)
        };
        match &self.namespace {
            Some(namespace) => format!("{kind}/{namespace}/{}", self.name),
            None => format!("{kind}/{}", self.name),
        }
    }
}

/// A kind that can be listed, in its group's preferred version.
#[derive(Clone)]
struct Listable {
    group: String,
    kind: String,
    /// Path of its group and version.
    root: String,
    plural: String,
    namespaced: bool,
}

/// Connections that list side by side.
const CONNECTIONS: usize = 4;
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Lists every kind, in `namespaces` or all of them; objects outside of namespaces always come
/// along.
pub(super) fn collect(namespaces: Option<&[String]>) -> Vec<Found> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime
        .block_on(collect_all(namespaces))
        .expect("the API server answers")
}

async fn collect_all(namespaces: Option<&[String]>) -> Result<Vec<Found>, BoxError> {
    let upstream = Upstream::of(&sandbox().kubeconfig);
    let lists: VecDeque<(Listable, String)> = kinds(&upstream)
        .await?
        .into_iter()
        .flat_map(|kind| {
            paths(&kind, namespaces)
                .into_iter()
                .map(move |path| (kind.clone(), path))
        })
        .collect();
    let lists = Mutex::new(lists);
    let workers = (0..CONNECTIONS).map(|_| async {
        let mut sender = upstream.connect().await?;
        let mut found = Vec::new();
        loop {
            let Some((kind, path)) = lists
                .lock()
                .expect("nothing panics while it is locked")
                .pop_front()
            else {
                break;
            };
            found.extend(list(&upstream, &mut sender, &kind, &path).await?);
        }
        Ok::<_, BoxError>(found)
    });
    let found: Result<Vec<_>, _> = join_all(workers).await.into_iter().collect();
    Ok(found?.into_iter().flatten().collect())
}

fn paths(kind: &Listable, namespaces: Option<&[String]>) -> Vec<String> {
    let Listable { root, plural, .. } = kind;
    match namespaces.filter(|_| kind.namespaced) {
        Some(names) => names
            .iter()
            .map(|name| format!("{root}/namespaces/{name}/{plural}"))
            .collect(),
        None => vec![format!("{root}/{plural}")],
    }
}

async fn list(
    upstream: &Upstream,
    sender: &mut Sender,
    kind: &Listable,
    path: &str,
) -> Result<Vec<Found>, BoxError> {
    loop {
        let (status, mut answer) = get(upstream, sender, path, "application/json").await?;
        match status {
            StatusCode::OK => {
                let items = answer["items"]
                    .as_array_mut()
                    .map(std::mem::take)
                    .unwrap_or_default();
                return Ok(items.into_iter().map(|item| found(kind, item)).collect());
            }
            // Another test has removed the kind's definition.
            StatusCode::NOT_FOUND => return Ok(Vec::new()),
            // A kind that was defined just now is not stored yet; the server asks to come again in
            // a second.
            StatusCode::TOO_MANY_REQUESTS => tokio::time::sleep(Duration::from_secs(1)).await,
            _ => return Err(format!("GET {path}: {status}: {answer}").into()),
        }
    }
}

fn found(kind: &Listable, value: Value) -> Found {
    let text = |key: &str| value["metadata"][key].as_str().map(str::to_owned);
    let (namespace, name) = (text("namespace"), text("name").unwrap_or_default());
    Found {
        group: kind.group.clone(),
        kind: kind.kind.clone(),
        namespace,
        name,
        value,
    }
}

async fn kinds(upstream: &Upstream) -> Result<Vec<Listable>, BoxError> {
    let mut sender = upstream.connect().await?;
    let mut kinds = Vec::new();
    for root in ["/api", "/apis"] {
        let (_, discovered) = get(upstream, &mut sender, root, AGGREGATED).await?;
        for group in discovered["items"].as_array().into_iter().flatten() {
            kinds.extend(kinds_of(root, group));
        }
    }
    Ok(kinds)
}

/// The kinds of one group that can be listed; its versions come in the order of preference.
fn kinds_of(root: &str, group: &Value) -> Vec<Listable> {
    let name = group["metadata"]["name"].as_str().unwrap_or_default();
    let root = if name.is_empty() {
        root.to_owned()
    } else {
        format!("{root}/{name}")
    };
    let mut known = HashSet::new();
    let mut kinds = Vec::new();
    for version in group["versions"].as_array().into_iter().flatten() {
        for resource in version["resources"].as_array().into_iter().flatten() {
            let can_be_listed = resource["verbs"]
                .as_array()
                .is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            let plural = resource["resource"].as_str().unwrap_or_default();
            if can_be_listed && known.insert(plural) {
                kinds.push(Listable {
                    group: name.to_owned(),
                    kind: resource["responseKind"]["kind"]
                        .as_str()
                        .unwrap_or_default()
                        .to_owned(),
                    root: format!("{root}/{}", version["version"].as_str().unwrap_or_default()),
                    plural: plural.to_owned(),
                    namespaced: resource["scope"] == "Namespaced",
                });
            }
        }
    }
    kinds
}

async fn get(
    upstream: &Upstream,
    sender: &mut Sender,
    path: &str,
    accept: &str,
) -> Result<(StatusCode, Value), BoxError> {
    let request = Request::get(path)
        .header(header::HOST, upstream.address())
        .header(header::AUTHORIZATION, format!("Bearer {}", upstream.token))
        .header(header::ACCEPT, accept)
        .body(Full::new(Bytes::new()))?;
    sender.ready().await?;
    let answer = sender.send_request(request).await?;
    let status = answer.status();
    let body = answer.into_body().collect().await?.to_bytes();
    // Of a group that is gone the server says so in plain text.
    Ok((
        status,
        if status == StatusCode::NOT_FOUND {
            Value::Null
        } else {
            serde_json::from_slice(&body)?
        },
    ))
}
