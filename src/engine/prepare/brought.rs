//! What a run brings itself counts as there.

use std::collections::BTreeSet;

use crate::{
    object::{
        HasKind as _, Object, ObjectId,
        field::{is_true, list, text},
    },
    plan::{Capabilities, ExpectedCrd},
};

/// What the objects of a run make the cluster serve and have.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    definitions: BTreeSet<String>,
    apis: BTreeSet<String>,
    objects: BTreeSet<ObjectId>,
}

impl Brought {
    /// Adds a definition that controllers create.
    pub(crate) fn expect(&mut self, crd: &ExpectedCrd) {
        self.definitions.insert(crd.name.clone());
    }

    /// Adds what `object` brings.
    pub(crate) fn add(&mut self, object: &Object) {
        let body = &object.body;
        let part = |pointer| text(body, pointer).unwrap_or_default();
        if object.id.is_definition() {
            self.definitions.insert(object.id.name.clone());
            let group = part("/spec/group");
            let versions = list(body, "/spec/versions").iter();
            let served = versions.filter(|version| is_true(version, "/served"));
            let names = served.filter_map(|version| text(version, "/name"));
            self.apis
                .extend(names.map(|version| format!("{group}/{version}")));
        } else if object.id.is_api_service() {
            let (group, version) = (part("/spec/group"), part("/spec/version"));
            self.apis.insert(format!("{group}/{version}"));
        } else if object.id.is_storage_class() || object.id.is_ingress_class() {
            self.objects.insert(object.id.clone());
        }
    }

    /// The names of the StorageClasses.
    pub(crate) fn storage_classes(&self) -> impl Iterator<Item = &str> {
        let classes = self.objects.iter().filter(|id| id.is_storage_class());
        classes.map(|id| id.name.as_str())
    }

    /// The names of the `IngressClasses`.
    pub(crate) fn ingress_classes(&self) -> impl Iterator<Item = &str> {
        let classes = self.objects.iter().filter(|id| id.is_ingress_class());
        classes.map(|id| id.name.as_str())
    }

    /// It, and what `served` serves.
    pub(crate) fn or<'a>(&'a self, served: &'a dyn Capabilities) -> Promised<'a> {
        Promised {
            brought: self,
            served,
        }
    }
}

/// What a cluster serves once the run is over.
pub(crate) struct Promised<'a> {
    brought: &'a Brought,
    served: &'a dyn Capabilities,
}

impl Capabilities for Promised<'_> {
    fn crd(&self, name: &str) -> Option<bool> {
        if self.brought.definitions.contains(name) {
            return Some(true);
        }
        self.served.crd(name)
    }

    fn api(&self, group_version: &str) -> Option<bool> {
        if self.brought.apis.contains(group_version) {
            return Some(true);
        }
        self.served.api(group_version)
    }
}
