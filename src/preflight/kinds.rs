//! Kinds that the cluster does not serve, and objects that are being deleted.

use serde_json::Value;

use super::Finding;
use crate::{
    cluster::{Resource, Served},
    finding::Check,
    object::{ManifestView, Object, ObjectId},
};

/// Objects whose kind the cluster does not serve, and that no definition among the wanted objects
/// brings.
pub(crate) fn unknown_kinds<'a>(
    objects: impl Iterator<Item = (&'a Object, Option<Resource>)>,
    served: &Served,
) -> Vec<Finding> {
    let unknown = objects
        .filter(|(_, resource)| resource.is_none())
        .map(|(object, _)| object);
    unknown
        .map(|object| {
            let versions: Vec<String> = served
                .versions(&object.id.group, &object.id.kind)
                .map(Resource::api_version)
                .collect();
            let (message, remedy) = if versions.is_empty() {
                (
                    format!(
                        "the cluster serves no kind `{}` of `{}`",
                        object.id.kind, object.api_version
                    ),
                    unserved_remedy(object, served),
                )
            } else {
                let message = format!(
                    "the cluster does not serve `{}` in version `{}`",
                    object.id.kind, object.api_version
                );
                (
                    message,
                    format!("use `apiVersion: {}`", versions.join("` or `")),
                )
            };
            Finding::of(Check::UnknownKind, message)
                .about(object)
                .remedy(remedy)
                .of_usage()
        })
        .collect()
}

/// What to do about a kind that no version of its group has.
fn unserved_remedy(object: &Object, served: &Served) -> String {
    let ObjectId { group, kind, .. } = &object.id;
    if let Some(near) = nearest_kind(group, kind, served) {
        return format!("did you mean `kind: {near}` instead of `{kind}`?");
    }
    // A group of Kubernetes itself is always there, so that it is the group that is wrong; another
    // one may yet be installed.
    let elsewhere: Vec<String> = served
        .kinds()
        .filter(|resource| resource.kind == *kind)
        .map(Resource::api_version)
        .collect();
    if (!group.contains('.') || group.ends_with(".k8s.io")) && !elsewhere.is_empty() {
        return format!("use `apiVersion: {}`", elsewhere.join("` or `"));
    }
    format!(
        "install the CustomResourceDefinition of {kind} first, or give its phase a `when: {{crd: …}}`; where a controller of an earlier phase creates it, say so there: `expects: {{crds: […]}}`"
    )
}

/// The kind of `group` that was probably meant.
fn nearest_kind(group: &str, kind: &str, served: &Served) -> Option<String> {
    let limit = (kind.chars().count() / 3).min(2);
    let distance = |resource: &Resource| {
        strsim::damerau_levenshtein(&resource.kind.to_lowercase(), &kind.to_lowercase())
    };
    served
        .kinds()
        .filter(|resource| resource.group == group && distance(resource) <= limit)
        .min_by_key(|resource| distance(resource))
        .map(|resource| resource.kind.clone())
}

/// What is to be said of objects that are being deleted: an apply would be answered with success
/// and then be gone with them, so that they are awaited, and created once they are gone.
pub(crate) fn terminating<'a>(
    objects: impl Iterator<Item = (&'a Object, &'a Value)>,
) -> Vec<String> {
    let views = objects.map(|(object, live)| (object, ManifestView(live)));
    views
        .filter(|(_, live)| live.is_terminating())
        .map(|(object, live)| {
            let finalizers: Vec<&str> = live.finalizers().collect();
            let held = if finalizers.is_empty() {
                String::new()
            } else {
                format!(" (its finalizers: `{}`)", finalizers.join("`, `"))
            };
            format!(
                "{} is being deleted{held}; it is created again once it is gone",
                object.id
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::{ObjectId, Origin, Scope};

    fn object(kind: &str) -> Object {
        let body = json!({"apiVersion": "example.org/v1", "kind": kind, "metadata": {"name": "a"}});
        Object {
            id: ObjectId::of(&body).expect("has an identity"),
            api_version: "example.org/v1".to_owned(),
            body: Arc::new(body),
            origin: Origin {
                file: Arc::from(Path::new("a.yaml")),
                line: 3,
            },
        }
    }

    #[test]
    fn an_unknown_kind_says_where_it_is_written() {
        let object = object("Widget");
        let findings = unknown_kinds([(&object, None)].into_iter(), &Served::default());
        assert_eq!(
            findings[0].message,
            "the cluster serves no kind `Widget` of `example.org/v1`"
        );
        assert_eq!(
            findings[0].at.as_ref().map(ToString::to_string).as_deref(),
            Some("a.yaml:3")
        );
    }

    fn resource(group: &str, version: &str, kind: &str) -> Resource {
        Resource::built_in(group, version, kind, "", Scope::Namespaced)
    }

    fn remedy(api_version: &str, kind: &str) -> String {
        let body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}});
        let id = ObjectId::of(&body).expect("has an identity");
        let object = Object {
            id,
            api_version: api_version.to_owned(),
            ..object(kind)
        };
        let served = [
            ("", "v1", "Pod"),
            ("apps", "v1", "Deployment"),
            ("gateway.networking.k8s.io", "v1", "Gateway"),
        ];
        let served = Served::new(
            served
                .map(|(group, version, kind)| resource(group, version, kind))
                .to_vec(),
        );
        unknown_kinds([(&object, None)].into_iter(), &served)
            .remove(0)
            .remedy
            .expect("there is one")
    }

    #[test]
    fn the_remedy_is_the_likeliest_mistake() {
        assert_eq!(
            remedy("apps/v1", "Deploymnet"),
            "did you mean `kind: Deployment` instead of `Deploymnet`?"
        );
        assert_eq!(remedy("v1", "Deployment"), "use `apiVersion: apps/v1`");
        assert_eq!(remedy("apps/v2", "Deployment"), "use `apiVersion: apps/v1`");
        for (api_version, kind) in [
            ("networking.istio.io/v1", "Gateway"),
            ("example.test/v1", "Foo"),
            ("v1", "Foo"),
        ] {
            assert!(
                remedy(api_version, kind).starts_with("install the CustomResourceDefinition of"),
                "{api_version} {kind}"
            );
        }
    }

    #[test]
    fn what_is_being_deleted_names_its_finalizers() {
        let object = object("Widget");
        let live = json!({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.org/wait"]}});
        let said = terminating([(&object, &live)].into_iter());
        assert_eq!(
            said,
            [
                "Widget/a is being deleted (its finalizers: `example.org/wait`); it is created again once it is gone"
            ]
        );
        assert!(terminating([(&object, &json!({"metadata": {}}))].into_iter()).is_empty());
    }
}
