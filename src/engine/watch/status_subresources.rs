//! Which kinds have a status, and so a controller that looks after it.

use std::collections::HashMap;

use serde_json::Value;

use crate::{cluster::Served, object::ObjectId};

/// Which kinds have the subresource `status`: objects of those are somebody's to look after.
#[derive(Default)]
pub(crate) struct StatusSubresources(HashMap<String, HashMap<String, bool>>);

impl StatusSubresources {
    /// As the server says.
    pub(crate) fn of(served: &Served) -> Self {
        let mut status_subresources = Self::default();
        for kind in served.kinds() {
            status_subresources.set(&kind.group, &kind.kind, kind.has_status);
        }
        status_subresources
    }

    /// Takes a definition in that was written meanwhile: what the server said is older.
    pub(crate) fn note(&mut self, id: &ObjectId, object: &Value) {
        if (id.group.as_str(), id.kind.as_str())
            != ("apiextensions.k8s.io", "CustomResourceDefinition")
        {
            return;
        }
        let group = object
            .pointer("/spec/group")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let kind = object
            .pointer("/spec/names/kind")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let versions = object
            .pointer("/spec/versions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let has_status = versions
            .into_iter()
            .any(|version| version.pointer("/subresources/status").is_some());
        self.set(group, kind, has_status);
    }

    /// Whether the kind of `object` has it; `None` where the kind is not known.
    pub(crate) fn has(&self, object: &Value) -> Option<bool> {
        let api_version = object.get("apiVersion").and_then(Value::as_str)?;
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        self.0
            .get(group)?
            .get(object.get("kind")?.as_str()?)
            .copied()
    }

    fn set(&mut self, group: &str, kind: &str, has_status: bool) {
        let kinds = self.0.entry(group.to_owned()).or_default();
        // The preferred version comes first, and a status in any version is one.
        *kinds.entry(kind.to_owned()).or_default() |= has_status;
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
