//! What a CustomResourceDefinition says of the kind that it defines.
//! <https://kubernetes.io/docs/reference/kubernetes-api/extend-resources/custom-resource-definition-v1/>

use serde_json::Value;

use super::{
    field::{is_present, is_true, list, map, part, text},
    kind::HasKind as _,
    scope::{Scope, StatusField},
    view::ManifestView,
};

/// A CustomResourceDefinition. What it does not say is empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Definition<'a>(&'a Value);

/// One version of the kind that a definition defines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DefinedVersion<'a> {
    /// Its name, for example `v1beta1`.
    pub(crate) name: &'a str,
    /// Whether the API server serves it.
    pub(crate) is_served: bool,
    /// Whether objects are stored in it. One version is.
    pub(crate) is_stored: bool,
    /// Whether it has the subresource `status`, by which a controller says what has become of an
    /// object.
    pub(crate) has_status: bool,
}

impl<'a> Definition<'a> {
    /// `object` as a definition; `None` where it is none.
    pub(crate) fn of(object: &'a Value) -> Option<Self> {
        ManifestView(object).is_definition().then_some(Self(object))
    }

    /// API group of the kind.
    pub(crate) fn group(self) -> &'a str {
        self.text("/spec/group")
    }

    /// The kind.
    pub(crate) fn kind(self) -> &'a str {
        self.text("/spec/names/kind")
    }

    /// Plural name of the kind in paths, for example `widgets`.
    pub(crate) fn plural(self) -> &'a str {
        self.text("/spec/names/plural")
    }

    /// Whether objects of the kind live in a namespace; `None` where it does not say.
    pub(crate) fn scope(self) -> Option<Scope> {
        text(self.0, "/spec/scope").map(|scope| match scope {
            "Cluster" => Scope::Cluster,
            _ => Scope::Namespaced,
        })
    }

    /// Whose `status` is in `version`; `None` where it defines no such version.
    pub(crate) fn status(self, version: &str) -> Option<StatusField> {
        let version = self.versions().find(|defined| defined.name == version)?;
        Some(if version.has_status {
            StatusField::Subresource
        } else {
            StatusField::Ordinary
        })
    }

    /// Whether a webhook translates objects from one version to another.
    pub(crate) fn is_converted_by_webhook(self) -> bool {
        self.text("/spec/conversion/strategy") == "Webhook"
    }

    /// The versions, in their order.
    pub(crate) fn versions(self) -> impl Iterator<Item = DefinedVersion<'a>> {
        list(self.0, "/spec/versions")
            .iter()
            .map(|version| DefinedVersion {
                name: text(version, "/name").unwrap_or_default(),
                is_served: is_true(version, "/served"),
                is_stored: is_true(version, "/storage"),
                has_status: is_present(version, "/subresources/status")
                    && can_hold_a_status(version),
            })
    }

    fn text(self, path: &str) -> &'a str {
        text(self.0, path).unwrap_or_default()
    }
}

/// Whether the schema of `version` leaves room for anything in `status`. Generators declare the
/// subresource also where its type is empty, and the API server prunes what is written there.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#field-pruning>
fn can_hold_a_status(version: &Value) -> bool {
    let Some(schema) = part(version, "/schema/openAPIV3Schema") else {
        return true;
    };
    is_true(schema, "/x-kubernetes-preserve-unknown-fields")
        || part(schema, "/properties/status").is_some_and(|status| {
            map(status, "/properties").is_some_and(|fields| !fields.is_empty())
                || is_true(status, "/x-kubernetes-preserve-unknown-fields")
                || is_present(status, "/additionalProperties")
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_definition_says_what_it_defines() {
        let object = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "widgets.example.org"},
            "spec": {
                "group": "example.org", "names": {"kind": "Widget", "plural": "widgets"}, "scope": "Cluster",
                "versions": [
                    {"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}},
                    {"name": "v1beta1", "served": false, "storage": false, "subresources": {"scale": {}}},
                ],
            },
        });
        let definition = Definition::of(&object).expect("it is one");
        assert_eq!(
            (definition.group(), definition.kind(), definition.plural()),
            ("example.org", "Widget", "widgets")
        );
        assert_eq!(definition.scope(), Some(Scope::Cluster));
        let versions: Vec<DefinedVersion<'_>> = definition.versions().collect();
        let version = |name, is: bool| DefinedVersion {
            name,
            is_served: is,
            is_stored: is,
            has_status: is,
        };
        assert_eq!(versions, [version("v1", true), version("v1beta1", false)]);
        let statuses = ["v1", "v1beta1", "v2"].map(|version| definition.status(version));
        let expected = [
            Some(StatusField::Subresource),
            Some(StatusField::Ordinary),
            None,
        ];
        assert_eq!(statuses, expected);
    }

    #[test]
    fn a_status_without_fields_is_none() {
        let has_status = |schema: Value| {
            let object = json!({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "spec": {"versions": [{"name": "v1", "subresources": {"status": {}}, "schema": {"openAPIV3Schema": schema}}]},
            });
            let definition = Definition::of(&object).expect("it is one");
            definition.versions().all(|version| version.has_status)
        };
        let with = |status: Value| json!({"properties": {"spec": {}, "status": status}});
        assert!(has_status(with(
            json!({"type": "object", "properties": {"phase": {}}})
        )));
        assert!(has_status(with(
            json!({"x-kubernetes-preserve-unknown-fields": true})
        )));
        assert!(has_status(with(json!({"additionalProperties": {}}))));
        assert!(has_status(
            json!({"x-kubernetes-preserve-unknown-fields": true})
        ));
        assert!(!has_status(with(json!({"type": "object"}))));
        assert!(!has_status(json!({"properties": {"spec": {}}})));
    }

    #[test]
    fn what_is_no_definition_or_says_nothing_defines_nothing() {
        let foreign = json!({"apiVersion": "example.org/v1", "kind": "CustomResourceDefinition"});
        assert!(Definition::of(&foreign).is_none());
        let empty =
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"});
        let definition = Definition::of(&empty).expect("it is one");
        assert_eq!((definition.kind(), definition.scope()), ("", None));
        assert_eq!(definition.versions().count(), 0);
    }
}
