//! What connections come from and go to.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::super::{
    data::Peer,
    pods::{Pods, Port},
    rendered::Rendered,
};

/// One end of a connection.
pub(super) struct Endpoint {
    pub(super) title: String,
    pub(super) place: Place,
}

/// Where an end of a connection is.
pub(super) enum Place {
    Pods {
        namespace: String,
        /// Labels of the namespace.
        namespace_labels: Value,
        labels: Value,
        ports: Vec<Port>,
    },
    /// Outside of the cluster.
    Address(IpAddr),
}

impl Endpoint {
    /// The pods of the platform that `pods` are.
    pub(super) fn of(rendered: &Rendered, pods: &Pods<'_>) -> Self {
        Self {
            title: pods.title(),
            place: Place::Pods {
                namespace: pods.namespace.to_owned(),
                namespace_labels: rendered.namespace_labels(pods.namespace),
                labels: pods.labels.clone(),
                ports: pods.ports.clone(),
            },
        }
    }

    /// What the data file calls `peer`.
    pub(super) fn read(rendered: &Rendered, peer: &Peer) -> Result<Self, String> {
        match peer {
            Peer::Workload(name) => {
                let object = rendered.named(name)?;
                let pods = Pods::of(object).ok_or_else(|| format!("{name} makes no pods"))?;
                Ok(Self::of(rendered, &pods))
            }
            Peer::Address { address } => {
                let parsed = address
                    .parse()
                    .map_err(|error| format!("{address}: {error}"))?;
                Ok(Self {
                    title: address.clone(),
                    place: Place::Address(parsed),
                })
            }
            Peer::Pods { namespace, labels } => {
                let title = format!("pods {labels:?} in {namespace}");
                Ok(Self::others(rendered, title, namespace, &json!(labels)))
            }
        }
    }

    /// Pods of others.
    pub(super) fn others(
        rendered: &Rendered,
        title: String,
        namespace: &str,
        labels: &Value,
    ) -> Self {
        let place = Place::Pods {
            namespace: namespace.to_owned(),
            namespace_labels: rendered.namespace_labels(namespace),
            labels: labels.clone(),
            ports: Vec::new(),
        };
        Self { title, place }
    }
}
