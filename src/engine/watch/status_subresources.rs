//! Which kinds have a status, and so a controller that looks after it.

use std::collections::HashMap;

use serde_json::Value;

use crate::{
    cluster::Served,
    object::{Definition, HasKind as _, ManifestView, ObjectId},
};

/// Which kinds have the subresource `status`: objects of those are somebody's to look after.
#[derive(Default)]
pub(crate) struct StatusSubresources(HashMap<String, HashMap<String, bool>>);

impl StatusSubresources {
    /// As the server says.
    pub(crate) fn of(served: &Served) -> Self {
        let mut status_subresources = Self::default();
        for kind in served.kinds() {
            // The preferred version comes first, and a status in any version is one.
            *status_subresources.entry(&kind.group, &kind.kind) |= kind.has_status;
        }
        status_subresources
    }

    /// Takes a definition in that was written meanwhile: what the server said is older.
    pub(crate) fn note(&mut self, id: &ObjectId, object: &Value) {
        if id.is_definition()
            && let Some(definition) = Definition::of(object)
        {
            let has_status = definition.versions().any(|version| version.has_status);
            *self.entry(definition.group(), definition.kind()) = has_status;
        }
    }

    /// Whether the kind of `object` has it; `None` where the kind is not known.
    pub(crate) fn has(&self, object: &Value) -> Option<bool> {
        let object = ManifestView(object);
        self.0.get(object.group())?.get(object.kind()).copied()
    }

    fn entry(&mut self, group: &str, kind: &str) -> &mut bool {
        let kinds = self.0.entry(group.to_owned()).or_default();
        kinds.entry(kind.to_owned()).or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_that_is_written_says_it_of_its_kind() {
        let mut status_subresources = StatusSubresources::default();
        let widget = json!({"apiVersion": "example.org/v1", "kind": "Widget"});
        assert_eq!(status_subresources.has(&widget), None);
        let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "widgets.example.org"},
            "spec": {"group": "example.org", "names": {"kind": "Widget"}, "versions": [{"name": "v1", "subresources": {"status": {}}}]}});
        status_subresources.note(
            &ObjectId::of(&definition).expect("it is an object"),
            &definition,
        );
        assert_eq!(status_subresources.has(&widget), Some(true));
    }
}
