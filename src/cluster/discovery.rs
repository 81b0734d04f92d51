//! What the API server serves, from one aggregated discovery, and the paths of its resources.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Deserialize;

use super::{
    error::RequestError,
    request::{Call, Cluster, Verb},
};
use crate::{
    object::{HasKind, ObjectId},
    plan::Capabilities,
};

/// One kind in one version, as the API server serves it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    /// API group; empty for the core group.
    pub(crate) group: String,
    /// Version, for example `v1`.
    pub(crate) version: String,
    /// Kind.
    pub(crate) kind: String,
    /// Plural name in paths, for example `deployments`.
    pub(crate) plural: String,
    /// Whether its objects live in namespaces.
    pub(crate) namespaced: bool,
    /// What can be done with it: `get`, `list`, `watch`, `patch`, …
    pub(crate) verbs: Vec<String>,
    /// Whether it has the subresource `status`, by which controllers say what has become of an
    /// object.
    pub(crate) has_status: bool,
}

impl Resource {
    /// `apiVersion` of its objects.
    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.clone()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// Path of its collection, in `namespace` or over all of them.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.group.is_empty() {
            "/api".to_owned()
        } else {
            format!("/apis/{}", self.group)
        };
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!(
                "{root}/{}/namespaces/{namespace}/{}",
                self.version, self.plural
            ),
            None => format!("{root}/{}/{}", self.version, self.plural),
        }
    }

    /// Path of the object `name` in `namespace`.
    pub(crate) fn path(&self, namespace: Option<&str>, name: &str) -> String {
        format!(
            "{}/{}",
            self.collection(namespace),
            percent_encoding::utf8_percent_encode(name, NAME)
        )
    }

    /// Path of the object `id`.
    pub(crate) fn path_of(&self, id: &ObjectId) -> String {
        self.path(id.namespace.as_deref(), &id.name)
    }
}

impl HasKind for Resource {
    fn group_and_kind(&self) -> (&str, &str) {
        (&self.group, &self.kind)
    }
}

/// Characters that are escaped in the name of an object: RBAC names may hold `:` and others.
const NAME: &percent_encoding::AsciiSet = &percent_encoding::NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_');

/// Everything that the API server serves, in its own order of preference.
#[derive(Debug, Clone, Default)]
pub(crate) struct Served {
    resources: Vec<Resource>,
    by_kind: HashMap<(String, String), Vec<usize>>,
    /// Other names of kinds, in lower case: plural, singular and short ones.
    by_name: HashMap<String, Vec<usize>>,
}

impl Served {
    /// What `resources` make up, the preferred version of each kind first.
    pub(crate) fn new(resources: Vec<Resource>) -> Self {
        let mut by_kind: HashMap<(String, String), Vec<usize>> = HashMap::new();
        for (index, resource) in resources.iter().enumerate() {
            by_kind
                .entry((resource.group.clone(), resource.kind.clone()))
                .or_default()
                .push(index);
        }
        Self {
            resources,
            by_kind,
            by_name: HashMap::new(),
        }
    }

    fn discovered(discovered: Vec<Discovered>) -> Self {
        let mut by_name: HashMap<String, Vec<usize>> = HashMap::new();
        for (index, Discovered { resource, names }) in discovered.iter().enumerate() {
            let names: BTreeSet<String> = names
                .iter()
                .chain([&resource.kind, &resource.plural])
                .map(|name| name.to_lowercase())
                .collect();
            for name in names {
                by_name.entry(name).or_default().push(index);
            }
        }
        Self {
            by_name,
            ..Self::new(
                discovered
                    .into_iter()
                    .map(|discovered| discovered.resource)
                    .collect(),
            )
        }
    }

    /// The kind that users call `name`, in the server's preferred version: its kind, plural,
    /// singular or a short name, in upper or lower case, with `.GROUP` where several groups have
    /// it; without a group the server's first is meant, as kubectl does.
    pub(crate) fn called(&self, name: &str) -> Option<&Resource> {
        let name = name.to_lowercase();
        let (name, group) = name
            .split_once('.')
            .map_or((name.as_str(), None), |(name, group)| (name, Some(group)));
        let mut known = self
            .by_name
            .get(name)?
            .iter()
            .map(|index| &self.resources[*index]);
        known.find(|resource| group.is_none_or(|group| resource.group == group))
    }

    /// The kind in the server's preferred version.
    pub(crate) fn preferred(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.versions(group, kind).next()
    }

    /// The kind in exactly the version of `api_version`.
    pub(crate) fn exact(&self, api_version: &str, kind: &str) -> Option<&Resource> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        self.versions(group, kind)
            .find(|resource| resource.version == version)
    }

    /// The kind in every version, preferred first.
    pub(crate) fn versions(&self, group: &str, kind: &str) -> impl Iterator<Item = &Resource> {
        let indices = self
            .by_kind
            .get(&(group.to_owned(), kind.to_owned()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        indices.iter().map(|index| &self.resources[*index])
    }

    /// Whether the CustomResourceDefinition `PLURAL.GROUP` is served.
    pub(crate) fn serves_crd(&self, name: &str) -> bool {
        name.split_once('.').is_some_and(|(plural, group)| {
            self.resources
                .iter()
                .any(|resource| resource.plural == plural && resource.group == group)
        })
    }

    /// Whether anything is served of `GROUP/VERSION`; `VERSION` alone is that of the core group.
    pub(crate) fn serves_api(&self, group_version: &str) -> bool {
        let (group, version) = group_version.split_once('/').unwrap_or(("", group_version));
        self.resources
            .iter()
            .any(|resource| resource.group == group && resource.version == version)
    }

    /// The kind of CustomResourceDefinitions.
    pub(crate) fn definitions(&self) -> Option<&Resource> {
        self.preferred("apiextensions.k8s.io", "CustomResourceDefinition")
    }

    /// All kinds.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = &Resource> {
        self.resources.iter()
    }
}

impl Capabilities for Served {
    fn crd(&self, name: &str) -> Option<bool> {
        Some(self.serves_crd(name))
    }

    fn api(&self, group_version: &str) -> Option<bool> {
        Some(self.serves_api(group_version))
    }
}

#[derive(Deserialize)]
struct GroupList {
    kind: String,
    #[serde(default)]
    items: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    #[serde(default)]
    metadata: GroupName,
    #[serde(default)]
    versions: Vec<Version>,
}

#[derive(Deserialize, Default)]
struct GroupName {
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
struct Version {
    version: String,
    #[serde(default)]
    resources: Vec<AggregatedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct AggregatedResource {
    resource: String,
    #[serde(default)]
    response_kind: ResponseKind,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    singular_resource: String,
    #[serde(default)]
    short_names: Vec<String>,
    #[serde(default)]
    subresources: Vec<Subresource>,
}

#[derive(Deserialize)]
struct Subresource {
    #[serde(default)]
    subresource: String,
}

/// A kind with the names that users may call it by beside kind and plural.
struct Discovered {
    resource: Resource,
    names: Vec<String>,
}

#[derive(Deserialize, Default)]
struct ResponseKind {
    #[serde(default)]
    kind: String,
}

/// Aggregated discovery: everything in two requests (Kubernetes 1.26 and later, KEP-3352).
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

impl Cluster {
    /// What the API server serves. The first requests of a run: they fail fast where no server
    /// answers, and are as patient as all others with one that does.
    pub(crate) async fn discover(&self) -> Result<Served, RequestError> {
        self.first().discover_again().await
    }

    /// What the API server serves now, asked as patiently as anything else in a run.
    pub(crate) async fn discover_again(&self) -> Result<Served, RequestError> {
        let (core, named) =
            tokio::try_join!(self.discover_root("/api"), self.discover_root("/apis"))?;
        let mut discovered = core;
        discovered.extend(named);
        Ok(Served::discovered(discovered))
    }

    async fn discover_root(&self, root: &str) -> Result<Vec<Discovered>, RequestError> {
        let call = Call {
            accept: Some(AGGREGATED),
            ..Call::get(Verb::Get, root.to_owned())
        };
        let (_, body) = self.call(&call).await?;
        match serde_json::from_slice::<GroupList>(&body) {
            Ok(list) if list.kind == "APIGroupDiscoveryList" => {
                Ok(list.items.into_iter().flat_map(resources_of).collect())
            }
            _ if is_json_object(&body) => self.discover_one_by_one(root, &body).await,
            _ => Err(RequestError::NotKubernetes {
                server: self.server().to_owned(),
            }),
        }
    }

    /// For servers before 1.26: one request for each group and version.
    async fn discover_one_by_one(
        &self,
        root: &str,
        body: &[u8],
    ) -> Result<Vec<Discovered>, RequestError> {
        let mut resources = Vec::new();
        for (group, version) in group_versions(root, body) {
            let path = if group.is_empty() {
                format!("/api/{version}")
            } else {
                format!("/apis/{group}/{version}")
            };
            let call = Call::get(Verb::Get, path);
            match self.fail_fast().json::<ResourceList>(&call).await {
                Ok(list) => resources.extend(list.into_discovered(&group, &version)),
                // A group whose APIService is down does not hide the others.
                Err(error) if error.is_absent() || error.code().is_some_and(|code| code >= 500) => {
                }
                Err(error) => return Err(error),
            }
        }
        Ok(resources)
    }
}

fn resources_of(group: Group) -> Vec<Discovered> {
    let name = group.metadata.name;
    group
        .versions
        .into_iter()
        .flat_map(|version| {
            let name = name.clone();
            version
                .resources
                .into_iter()
                .map(move |resource| Discovered {
                    names: resource
                        .short_names
                        .into_iter()
                        .chain([resource.singular_resource])
                        .collect(),
                    resource: Resource {
                        group: name.clone(),
                        version: version.version.clone(),
                        kind: resource.response_kind.kind,
                        plural: resource.resource,
                        namespaced: resource.scope == "Namespaced",
                        verbs: resource.verbs,
                        has_status: resource
                            .subresources
                            .iter()
                            .any(|it| it.subresource == "status"),
                    },
                })
        })
        .filter(|discovered| !discovered.resource.kind.is_empty())
        .collect()
}

#[derive(Deserialize)]
struct ResourceList {
    #[serde(default)]
    resources: Vec<ListedResource>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListedResource {
    name: String,
    kind: String,
    namespaced: bool,
    #[serde(default)]
    verbs: Vec<String>,
    #[serde(default)]
    singular_name: String,
    #[serde(default)]
    short_names: Vec<String>,
}

impl ResourceList {
    /// The kinds in it. Subresources are listed beside them, as `PLURAL/SUBRESOURCE`.
    fn into_discovered(self, group: &str, version: &str) -> Vec<Discovered> {
        let with_status: HashSet<String> = self
            .resources
            .iter()
            .filter_map(|listed| listed.name.strip_suffix("/status"))
            .map(str::to_owned)
            .collect();
        let kinds = self
            .resources
            .into_iter()
            .filter(|listed| !listed.name.contains('/'));
        let discovered = kinds.map(|listed| Discovered {
            names: listed
                .short_names
                .into_iter()
                .chain([listed.singular_name])
                .collect(),
            resource: Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: listed.kind,
                has_status: with_status.contains(&listed.name),
                plural: listed.name,
                namespaced: listed.namespaced,
                verbs: listed.verbs,
            },
        });
        discovered.collect()
    }
}

/// Whether `body` is a JSON object, as every answer of an API server to discovery is.
fn is_json_object(body: &[u8]) -> bool {
    serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(body).is_ok()
}

/// Groups and versions in the answer to `/api` or `/apis`, preferred versions first.
fn group_versions(root: &str, body: &[u8]) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Listed {
        #[serde(default)]
        versions: Vec<String>,
    }
    #[derive(Deserialize)]
    struct Groups {
        #[serde(default)]
        groups: Vec<NamedGroup>,
    }
    #[derive(Deserialize)]
    struct NamedGroup {
        name: String,
        versions: Vec<NamedVersion>,
    }
    #[derive(Deserialize)]
    struct NamedVersion {
        version: String,
    }
    if root == "/api" {
        let listed = serde_json::from_slice::<Listed>(body)
            .map(|list| list.versions)
            .unwrap_or_default();
        return listed
            .into_iter()
            .map(|version| (String::new(), version))
            .collect();
    }
    let groups = serde_json::from_slice::<Groups>(body)
        .map(|list| list.groups)
        .unwrap_or_default();
    groups
        .into_iter()
        .flat_map(|group| {
            group
                .versions
                .into_iter()
                .map(move |version| (group.name.clone(), version.version))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment() -> Resource {
        Resource {
            group: "apps".to_owned(),
            version: "v1".to_owned(),
            kind: "Deployment".to_owned(),
            plural: "deployments".to_owned(),
            namespaced: true,
            verbs: vec![],
            has_status: true,
        }
    }

    #[test]
    fn paths_follow_the_api_conventions() {
        assert_eq!(
            deployment().path(Some("shop"), "api"),
            "/apis/apps/v1/namespaces/shop/deployments/api"
        );
        assert_eq!(deployment().collection(None), "/apis/apps/v1/deployments");
        let role = Resource {
            group: "rbac.authorization.k8s.io".to_owned(),
            plural: "clusterroles".to_owned(),
            namespaced: false,
            ..deployment()
        };
        assert_eq!(
            role.path(None, "system:node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode"
        );
    }

    #[test]
    fn a_crd_is_served_by_its_plural_and_group() {
        let served = Served::new(vec![Resource {
            group: "cert-manager.io".to_owned(),
            plural: "certificates".to_owned(),
            ..deployment()
        }]);
        assert!(served.serves_crd("certificates.cert-manager.io"));
        assert!(!served.serves_crd("issuers.cert-manager.io"));
    }

    #[test]
    fn users_call_kinds_by_many_names() {
        let of = |group: &str, kind: &str, plural: &str, names: &[&str]| Discovered {
            resource: Resource {
                group: group.to_owned(),
                kind: kind.to_owned(),
                plural: plural.to_owned(),
                ..deployment()
            },
            names: names.iter().map(|name| (*name).to_owned()).collect(),
        };
        let served = Served::discovered(vec![
            of(
                "apps",
                "Deployment",
                "deployments",
                &["deploy", "deployment"],
            ),
            of("gateway.networking.k8s.io", "Gateway", "gateways", &["gtw"]),
            of("networking.istio.io", "Gateway", "gateways", &["gw"]),
        ]);
        for name in ["deploy", "Deployment", "deployments", "deployment.apps"] {
            assert_eq!(
                served.called(name).map(|found| found.kind.as_str()),
                Some("Deployment"),
                "{name}"
            );
        }
        assert_eq!(
            served.called("gateway").map(|found| found.group.as_str()),
            Some("gateway.networking.k8s.io")
        );
        assert_eq!(
            served
                .called("Gateway.networking.istio.io")
                .map(|found| found.group.as_str()),
            Some("networking.istio.io")
        );
        assert!(
            served.called("gateway.example.org").is_none() && served.called("nothing").is_none()
        );
    }

    #[test]
    fn old_servers_list_subresources_beside_kinds() {
        let list = br#"{"resources":[{"name":"deployments","kind":"Deployment","namespaced":true,"shortNames":["deploy"]},
            {"name":"deployments/status","kind":"Deployment","namespaced":true},{"name":"configmaps","kind":"ConfigMap","namespaced":true}]}"#;
        let list: ResourceList = serde_json::from_slice(list).expect("readable");
        let served = Served::discovered(list.into_discovered("apps", "v1"));
        assert_eq!(
            served.called("deploy").map(|found| found.has_status),
            Some(true)
        );
        assert_eq!(
            served.called("configmap").map(|found| found.has_status),
            Some(false)
        );
    }

    #[test]
    fn old_servers_list_groups_and_versions() {
        let body =
            br#"{"groups":[{"name":"apps","versions":[{"version":"v1"},{"version":"v1beta1"}]}]}"#;
        assert_eq!(
            group_versions("/apis", body),
            [
                ("apps".to_owned(), "v1".to_owned()),
                ("apps".to_owned(), "v1beta1".to_owned())
            ]
        );
        assert_eq!(
            group_versions("/api", br#"{"versions":["v1"]}"#),
            [(String::new(), "v1".to_owned())]
        );
    }
}
