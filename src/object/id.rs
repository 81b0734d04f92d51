//! The identity of an object: group, kind, namespace and name, without version.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{kind::HasKind, kind_names::is_called_kind};

/// Identity of an object, without the version: an HPA moved from v1 to v2 is the same object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct ObjectId {
    /// API group; empty for the core group.
    pub(crate) group: String,
    /// Kind, for example `Deployment`.
    pub(crate) kind: String,
    /// Namespace; `None` for cluster-scoped objects.
    pub(crate) namespace: Option<String>,
    /// Name.
    pub(crate) name: String,
}

impl ObjectId {
    /// Whether every namespace has such an object, or gets it by itself.
    pub(crate) fn is_made_by_the_system(&self) -> bool {
        match (self.group_and_kind(), self.name.as_str()) {
            (("", "ConfigMap"), name) => {
                name == "kube-root-ca.crt" || name == "openshift-service-ca.crt"
            }
            (("", "ServiceAccount"), name) => name == "default",
            _ => false,
        }
    }

    /// The Namespace `name`.
    pub(crate) fn namespace(name: &str) -> Self {
        Self::core("Namespace", None, name)
    }

    /// The CustomResourceDefinition `name`.
    pub(crate) fn definition(name: &str) -> Self {
        Self {
            group: "apiextensions.k8s.io".to_owned(),
            ..Self::core("CustomResourceDefinition", None, name)
        }
    }

    /// The object `name` of a kind of the core group.
    pub(crate) fn core(kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            group: String::new(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        }
    }

    /// Whether people mean it by `name`: `KIND/NAME` or `KIND/NAMESPACE/NAME`, with kinds in lower
    /// case too, built-in ones as `kubectl` takes them, and with `.GROUP`.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        let parts: Vec<&str> = name.split('/').collect();
        let (kind, namespace, name) = match parts.as_slice() {
            [kind, name] => (*kind, None, *name),
            [kind, namespace, name] => (*kind, Some(*namespace), *name),
            _ => return false,
        };
        let (kind, group) = kind
            .split_once('.')
            .map_or((kind, None), |(kind, group)| (kind, Some(group)));
        is_called_kind(self, kind)
            && group.is_none_or(|group| group == self.group)
            && namespace.is_none_or(|namespace| Some(namespace) == self.namespace.as_deref())
            && name == self.name
    }

    /// The identity written in `object`, or `None` where `apiVersion`, `kind` or `metadata.name` is
    /// missing.
    pub(crate) fn of(object: &Value) -> Option<Self> {
        let api_version = object.get("apiVersion")?.as_str()?;
        let metadata = object.get("metadata")?;
        Some(Self {
            group: group_of(api_version).to_owned(),
            kind: object.get("kind")?.as_str()?.to_owned(),
            namespace: metadata
                .get("namespace")
                .and_then(Value::as_str)
                .filter(|text| !text.is_empty())
                .map(str::to_owned),
            name: metadata.get("name")?.as_str()?.to_owned(),
        })
    }
}

impl HasKind for ObjectId {
    fn group_and_kind(&self) -> (&str, &str) {
        (&self.group, &self.kind)
    }
}

/// The group in an `apiVersion`: `apps` in `apps/v1`, empty in `v1`.
pub(crate) fn group_of(api_version: &str) -> &str {
    api_version.split_once('/').map_or("", |(group, _)| group)
}

impl fmt::Display for ObjectId {
    /// `KIND/NAMESPACE/NAME`, or `KIND/NAME` for cluster-scoped objects.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(formatter, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(formatter, "{}/{}", self.kind, self.name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_named_with_and_without_namespace_and_group() {
        let id = ObjectId {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        };
        for name in [
            "Deployment/web",
            "deployment/web",
            "Deployment/shop/web",
            "deployment.apps/shop/web",
        ] {
            assert!(id.is_called(name), "{name}");
        }
        for name in [
            "web",
            "Deployment/other/web",
            "deployment.batch/web",
            "Deployment/web/",
            "StatefulSet/web",
        ] {
            assert!(!id.is_called(name), "{name}");
        }
    }

    #[test]
    fn built_in_kinds_are_called_as_kubectl_takes_them() {
        for (group, kind, called, other) in [
            (
                "apps",
                "Deployment",
                "deploy Deployments DEPLOY deployments.apps",
                "deploys",
            ),
            ("", "ConfigMap", "cm configmaps", "config"),
            (
                "networking.k8s.io",
                "Ingress",
                "ing ingresses ingress.networking.k8s.io",
                "ingresss",
            ),
            ("", "Service", "svc services", "ksvc"),
            // Others have a Service of their own.
            ("serving.knative.dev", "Service", "service", "svc"),
            ("example.org", "Ingress", "ingress", "ing"),
        ] {
            let id = ObjectId {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: Some("shop".to_owned()),
                name: "web".to_owned(),
            };
            let is_called = |kind: &str| id.is_called(&format!("{kind}/web"));
            let mut called = called.split_whitespace();
            assert!(called.all(is_called) && !is_called(other), "{kind}.{group}");
        }
    }
}
