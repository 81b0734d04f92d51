//! What the shared sandbox's API server serves, and how kubectl calls it.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use serde_json::Value;

use super::{
    api::{Api, wait_for},
    upstream::BoxError,
};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A kind that can be listed, in its group's preferred version.
#[derive(Debug, Clone)]
pub(crate) struct ServedKind {
    pub(crate) group: String,
    pub(crate) kind: String,
    pub(crate) namespaced: bool,
    pub(crate) plural: String,
    /// Path of its group and version.
    root: String,
    /// What else kubectl calls it, in lower case.
    names: Vec<String>,
}

impl ServedKind {
    /// The kind that kubectl calls `name`: its plural, singular, kind or short name, with `.GROUP`
    /// or without.
    #[track_caller]
    pub(crate) fn called(name: &str) -> Self {
        static KNOWN: Mutex<Option<Arc<Vec<ServedKind>>>> = Mutex::new(None);
        let name = name.to_lowercase();
        let known = KNOWN
            .lock()
            .expect("nothing panics while it is locked")
            .clone();
        // What tests define themselves comes, goes and changes its versions; it is called by its
        // group.
        if let Some(kind) = known
            .filter(|_| !name.contains('.'))
            .and_then(|known| find(&known, &name))
        {
            return kind;
        }
        let served = Arc::new(wait_for(served(Api::shared())).expect("the API server answers"));
        *KNOWN.lock().expect("nothing panics while it is locked") = Some(Arc::clone(&served));
        find(&served, &name).unwrap_or_else(|| panic!("the server has no kind `{name}`"))
    }

    /// Path of its objects, in `namespace` where they are in namespaces and it is given.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> String {
        let Self { root, plural, .. } = self;
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }

    fn is_called(&self, name: &str) -> bool {
        let (name, group) = name
            .split_once('.')
            .map_or((name, None), |(name, group)| (name, Some(group)));
        let has_group = |group: &str| {
            self.group == group
                || self.root.strip_prefix("/apis/").is_some_and(|root| {
                    // `widgets.v2.example.org`: the version is said too.
                    root.split_once('/')
                        .is_some_and(|(own, version)| group == format!("{version}.{own}"))
                })
        };
        self.names.iter().any(|own| own == name) && group.is_none_or(has_group)
    }
}

fn find(kinds: &[ServedKind], name: &str) -> Option<ServedKind> {
    kinds.iter().find(|kind| kind.is_called(name)).cloned()
}

/// Everything that can be listed now, in the server's order.
pub(crate) async fn served(api: &Api) -> Result<Vec<ServedKind>, BoxError> {
    let mut kinds = Vec::new();
    for root in ["/api", "/apis"] {
        let (_, discovered) = api.read(root, AGGREGATED).await?;
        for group in discovered["items"].as_array().into_iter().flatten() {
            kinds.extend(kinds_of(root, group));
        }
    }
    Ok(kinds)
}

/// The kinds of one group that can be listed; its versions come in the order of preference.
fn kinds_of(root: &str, group: &Value) -> Vec<ServedKind> {
    let name = group["metadata"]["name"].as_str().unwrap_or_default();
    let root = if name.is_empty() {
        root.to_owned()
    } else {
        format!("{root}/{name}")
    };
    let mut known = HashSet::new();
    let mut kinds = Vec::new();
    for version in group["versions"].as_array().into_iter().flatten() {
        let root = format!("{root}/{}", version["version"].as_str().unwrap_or_default());
        for resource in version["resources"].as_array().into_iter().flatten() {
            let can_be_listed = resource["verbs"]
                .as_array()
                .is_some_and(|verbs| verbs.iter().any(|verb| verb == "list"));
            let plural = resource["resource"].as_str().unwrap_or_default();
            if can_be_listed && known.insert(plural) {
                kinds.push(kind_of(name, &root, resource));
            }
        }
    }
    kinds
}

fn kind_of(group: &str, root: &str, resource: &Value) -> ServedKind {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (kind, plural) = (
        text(&resource["responseKind"]["kind"]),
        text(&resource["resource"]),
    );
    let short = resource["shortNames"].as_array().into_iter().flatten();
    let names = short.map(text).chain([
        kind.to_lowercase(),
        plural.clone(),
        text(&resource["singularResource"]),
    ]);
    ServedKind {
        group: group.to_owned(),
        namespaced: resource["scope"] == "Namespaced",
        root: root.to_owned(),
        names: names.collect(),
        kind,
        plural,
    }
}
