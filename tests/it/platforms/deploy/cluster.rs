//! The sandbox that all platforms share. It is not that of the other tests: the definitions of all
//! platforms would make each look at everything in it twice as long.

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::json;

use super::super::platform::platforms;
use crate::support::{Sandbox, api::Api, refusal};

/// A sandbox with everything that the platforms need.
pub(super) struct Cluster {
    pub(super) sandbox: Sandbox,
    pub(super) api: Api,
}

/// The one of this run.
pub(super) fn cluster() -> &'static Cluster {
    static CLUSTER: LazyLock<Cluster> = LazyLock::new(|| {
        let sets: BTreeSet<&str> = platforms()
            .flat_map(|platform| platform.data.crds.iter().map(String::as_str))
            .collect();
        let sets: Vec<&str> = sets.into_iter().collect();
        let sandbox = Sandbox::start("platforms", &sets.join(","));
        sandbox.kubectl(&["apply", "-f", "-"], &given());
        refusal::refuse_in(&sandbox);
        let api = Api::of(&sandbox.kubeconfig);
        Cluster { sandbox, api }
    });
    &CLUSTER
}

/// What the platforms' clusters bring, as far as a plan may ask for it before it writes.
fn given() -> String {
    let names = platforms().flat_map(|platform| platform.data.expectations.given.keys());
    let manifest = |name: &String| {
        let (kind, name) = name
            .split_once('/')
            .filter(|(_, name)| !name.contains(['*', '/']))?;
        let (version, more) = match kind {
            "Namespace" => ("v1", json!({})),
            // The sandbox has it.
            "StorageClass" if name == "standard" => return None,
            "StorageClass" => (
                "storage.k8s.io/v1",
                json!({"provisioner": "example.org/given"}),
            ),
            "IngressClass" => (
                "networking.k8s.io/v1",
                json!({"spec": {"controller": "example.org/given"}}),
            ),
            "PriorityClass" => ("scheduling.k8s.io/v1", json!({"value": 1000})),
            _ => return None,
        };
        let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
        let fields = object.as_object_mut()?;
        fields.extend(more.as_object()?.clone());
        Some(object.to_string())
    };
    let manifests: BTreeSet<String> = names.filter_map(manifest).collect();
    manifests.into_iter().collect::<Vec<_>>().join("\n---\n")
}
