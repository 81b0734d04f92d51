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
    hidden: bool,
}

impl VolumeBindings {
    /// When the claim `object` is bound, as far as that is known.
    pub(super) fn of(&self, object: &Value) -> Option<VolumeBinding> {
        let class = text(object, "/spec/storageClassName").filter(|class| !class.is_empty())?;
        let hidden = self.hidden.then_some(VolumeBinding::Hidden);
        self.by_class.get(class).copied().or(hidden)
    }

    /// Asks for all StorageClasses, where nobody has asked for them because of a claim yet.
    pub(super) async fn ask_once(&mut self, cluster: &Cluster) {
        if !self.asked {
            self.asked = true;
            self.ask(cluster).await;
        }
    }

    /// Asks for all StorageClasses.
    pub(super) async fn ask(&mut self, cluster: &Cluster) {
        let (group, kind) = ("storage.k8s.io", "StorageClass");
        let classes = Resource::built_in(group, "v1", kind, "storageclasses", Scope::Cluster);
        match cluster.list(&classes, None, None).await {
            Ok(listed) => {
                let named = |class: &Value| ManifestView(class).name().to_owned();
                self.by_class = listed
                    .items
                    .iter()
                    .map(|class| (named(class), VolumeBinding::of(class)))
                    .collect();
            }
            Err(error) => self.hidden |= error.is_forbidden(),
        }
    }
}
