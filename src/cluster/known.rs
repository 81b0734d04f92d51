//! Kinds that the program itself reads and writes: every API server serves them, so that they are
//! known where discovery fails to say so, or was not asked.

use super::discovery::{Resource, Served};
use crate::object::Scope;

impl Resource {
    /// The kind of Kubernetes itself in this version.
    pub(crate) fn built_in(
        group: &str,
        version: &str,
        kind: &str,
        plural: &str,
        scope: Scope,
    ) -> Self {
        Self {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: plural.to_owned(),
            namespaced: scope == Scope::Namespaced,
            verbs: Vec::new(),
            has_status: false,
        }
    }

    /// Secrets.
    pub(crate) fn secrets() -> Self {
        Self::built_in("", "v1", "Secret", "secrets", Scope::Namespaced)
    }

    /// Namespaces.
    pub(crate) fn namespaces() -> Self {
        Self::built_in("", "v1", "Namespace", "namespaces", Scope::Cluster)
    }

    /// `ResourceQuota`s.
    pub(crate) fn resource_quotas() -> Self {
        Self::built_in(
            "",
            "v1",
            "ResourceQuota",
            "resourcequotas",
            Scope::Namespaced,
        )
    }

    /// Leases.
    pub(crate) fn leases() -> Self {
        let group = "coordination.k8s.io";
        Self::built_in(group, "v1", "Lease", "leases", Scope::Namespaced)
    }
}

impl Served {
    /// `known` as the API server says that it serves it; as it is known where it does not say so.
    pub(crate) fn or_known(&self, known: Resource) -> Resource {
        self.exact(&known.api_version(), &known.kind)
            .cloned()
            .unwrap_or(known)
    }
}
