//! When claims are bound to volumes: each StorageClass says so.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    cluster::{Cluster, Resource},
    object::{ManifestView, Scope, field::text},
    readiness::VolumeBinding,
};

/// When claims are bound, by StorageClass; known once it was asked for.
#[derive(Debug, Default)]
pub(super) struct VolumeBindings {
    by_class: HashMap<String, VolumeBinding>,
    asked: bool,
}

impl VolumeBindings {
    /// When the claim `object` is bound, as far as that is known.
    pub(super) fn of(&self, object: &Value) -> Option<VolumeBinding> {
        let class = text(object, "/spec/storageClassName")?;
        self.by_class.get(class).copied()
    }

    /// Asks for all StorageClasses, where nobody has asked for them because of a claim yet.
    pub(super) async fn ask_once(&mut self, cluster: &Cluster) {
        if !self.asked {
            self.asked = true;
            self.ask(cluster).await;
        }
    }

    /// Asks for all StorageClasses. Without permission nothing is known of them, and a claim is
    /// waited for until it is bound.
    pub(super) async fn ask(&mut self, cluster: &Cluster) {
        let (group, kind) = ("storage.k8s.io", "StorageClass");
        let classes = Resource::built_in(group, "v1", kind, "storageclasses", Scope::Cluster);
        if let Ok(listed) = cluster.list(&classes, None, None).await {
            let named = |class: &Value| ManifestView(class).name().to_owned();
            self.by_class = listed
                .items
                .iter()
                .map(|class| (named(class), VolumeBinding::of(class)))
                .collect();
        }
    }
}
