//! What an object names, place by place, down to the key and the port.

use std::fmt;

use serde_json::Value;

use super::{
    super::{
        HasKind as _, ObjectId,
        field::{integer, is_true, list, part, text},
        id::group_of,
        pod::{pod_spec, pod_template_path},
    },
    table::{Bearing, Of, Row, To, Weight, rows},
    walk::{Place, places},
};

/// One place that names another object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mention {
    /// The object that is named.
    pub(crate) target: ObjectId,
    /// What of it.
    pub(crate) part: Option<MentionedPart>,
    /// The place: a JSON pointer.
    pub(crate) at: String,
    /// Whether it says itself that it can do without.
    pub(crate) is_optional: bool,
    /// Whether the target comes first.
    pub(crate) bearing: Bearing,
    /// What it means where the target is not there.
    pub(crate) weight: Weight,
}

/// What of an object is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum MentionedPart {
    /// A key of a Secret or ConfigMap.
    Key(String),
    /// A port of a Service, by number or name.
    Port(String),
}

impl fmt::Display for MentionedPart {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => write!(formatter, "key `{key}`"),
            Self::Port(port) => write!(formatter, "port `{port}`"),
        }
    }
}

/// All that `body`, the object `id`, names by what is in the tables.
pub(crate) fn mentions(id: &ObjectId, body: &Value) -> Vec<Mention> {
    let pods = pod_spec(body).zip(pod_template_path(body));
    let is_custom = pods.is_none() && id.group.contains('.');
    let mut found = Vec::new();
    for row in rows() {
        let (value, root) = match (row.of, pods) {
            (Of::Pods, Some((spec, template))) => (spec, format!("{template}/spec")),
            (Of::Custom, _) if is_custom => (body, String::new()),
            (Of::Group(group), _) if group == id.group => (body, String::new()),
            (Of::Kind(group, kind), _) if (group, kind) == (&id.group, &id.kind) => {
                (body, String::new())
            }
            _ => continue,
        };
        for place in places(value, &root, row.at) {
            found.extend(named(row, id, &place));
        }
    }
    found
}

/// What `place` names, which `row` describes.
fn named(row: &Row, id: &ObjectId, (at, value): &Place<'_>) -> Vec<Mention> {
    let Some((target, name_at)) = target(row.to, id, value) else {
        return Vec::new();
    };
    let is_default = target.is_service_account() && target.name == "default";
    let mention = |part, ending: &str| Mention {
        target: target.clone(),
        part,
        at: format!("{at}{ending}"),
        is_optional: is_true(value, "/optional"),
        bearing: if is_default {
            row.bearing.min(Bearing::Ordered)
        } else {
            row.bearing
        },
        weight: row.weight,
    };
    let parts = parts(row, &target, value);
    if parts.is_empty() {
        return vec![mention(None, name_at)];
    }
    let mentions = parts.into_iter();
    mentions
        .map(|(part, ending)| mention(Some(part), &ending))
        .collect()
}

/// The object that `value` names, and where in it its name stands.
fn target(to: To, id: &ObjectId, value: &Value) -> Option<(ObjectId, &'static str)> {
    const NAMES: [&str; 3] = ["/name", "/secretName", "/claimName"];
    let (name, name_at) = match value.as_str() {
        Some(name) => (name, ""),
        None => NAMES
            .into_iter()
            .find_map(|at| Some((text(value, at)?, at)))?,
    };
    // What is filled in by others later is no name yet.
    // Nor is what a controller reads otherwise, such as `NAME@file` of Traefik.
    if name.is_empty() || name.contains(['$', '{', '@']) {
        return None;
    }
    let own = id.namespace.as_deref();
    let said = || text(value, "/namespace").or(own);
    let (group, kind, namespace) = match to {
        To::Own(group, kind) => (group, kind, own),
        To::Cluster(group, kind) => (group, kind, None),
        To::In(namespace, group, kind) => (group, kind, Some(namespace)),
        To::Keyed(kind) => {
            let is_key = text(value, "/key").is_some() && value.get("value").is_none();
            is_key.then_some(("", kind, own))?
        }
        To::Beside(group, kind) => match name.split_once('/') {
            Some((namespace, name)) if value.is_string() => {
                return Some((named_id(group, kind, Some(namespace), name), name_at));
            }
            _ => (group, kind, said()),
        },
        To::Either(group, kind) => return either((group, kind), own, (name, name_at), value),
        To::Any => return any(own, (name, name_at), value),
    };
    let is_kind = |said| said == kind;
    let is_meant = text(value, "/kind").is_none_or(is_kind);
    is_meant.then(|| (named_id(group, kind, namespace, name), name_at))
}

/// The object `name` of the kind that `value` says: `kind`, or the one of the cluster whose name
/// begins with `Cluster`. Those of other kinds are others'.
fn either(
    (group, kind): (&str, &str),
    own: Option<&str>,
    (name, name_at): (&str, &'static str),
    value: &Value,
) -> Option<(ObjectId, &'static str)> {
    let others = text(value, "/group").is_some_and(|said| said != group);
    let said = text(value, "/kind").unwrap_or(kind);
    let namespace = match said.strip_prefix("Cluster") {
        Some(rest) if rest == kind => None,
        None if said == kind => own,
        _ => return None,
    };
    (!others).then(|| (named_id(group, said, namespace, name), name_at))
}

/// The object `name` of the kind and group that `value` says.
fn any(
    own: Option<&str>,
    (name, name_at): (&str, &'static str),
    value: &Value,
) -> Option<(ObjectId, &'static str)> {
    let group = text(value, "/apiGroup")
        .or_else(|| text(value, "/apiVersion").map(group_of))
        .unwrap_or_default();
    let namespace = text(value, "/namespace").or(own);
    let kind = text(value, "/kind")?;
    Some((named_id(group, kind, namespace, name), name_at))
}

fn named_id(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
    ObjectId {
        group: group.to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
    }
}

/// What of `target` the reference `value` names, each with where that stands in it.
fn parts(row: &Row, target: &ObjectId, value: &Value) -> Vec<(MentionedPart, String)> {
    if target.is_configuration() {
        let key = text(value, "/key").map(|key| (key, "/key".to_owned()));
        let items = list(value, "/items").iter().enumerate();
        let items = items
            .filter_map(|(index, item)| Some((text(item, "/key")?, format!("/items/{index}/key"))));
        let keys = key.into_iter().chain(items);
        return keys
            .map(|(key, at)| (MentionedPart::Key(key.to_owned()), at))
            .collect();
    }
    if target.is_service() {
        let ports = ["/port/name", "/port/number", "/port"];
        let said = ports
            .into_iter()
            .find_map(|at| Some((port(value, at)?, at)));
        let default = row.default_port.map(|port| (port.to_string(), "/name"));
        let port = said.or(default.filter(|_| value.is_object()));
        return port
            .map(|(port, at)| (MentionedPart::Port(port), at.to_owned()))
            .into_iter()
            .collect();
    }
    Vec::new()
}

/// The port at `path`, by number or name.
fn port(value: &Value, path: &str) -> Option<String> {
    let there = part(value, path)?;
    let number = integer(value, path).map(|number| number.to_string());
    number.or_else(|| there.as_str().map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What `body` in namespace `shop` names: `PATH: OBJECT PART`, with `?` where it is optional.
    fn shown(body: Value) -> Vec<String> {
        let mut body = body;
        body["metadata"]["name"] = "a".into();
        body["metadata"]["namespace"] = "shop".into();
        let id = ObjectId::of(&body).expect("it is an object");
        let shown = mentions(&id, &body).into_iter().map(|mention| {
            let part = mention.part.map(|part| format!(" {part}"));
            let optional = if mention.is_optional { "?" } else { "" };
            let place = crate::object::FieldPath::of_pointer(&mention.at);
            format!(
                "{place}: {}{}{optional}",
                mention.target,
                part.unwrap_or_default()
            )
        });
        shown.collect()
    }

    #[test]
    fn pods_name_configuration_down_to_the_key() {
        let container = json!({
            "env": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "c", "key": "b", "optional": true}}},
                {"name": "C", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
            ],
            "envFrom": [{"prefix": "X_", "secretRef": {"name": "all"}}],
        });
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "spec": {"template": {"spec": {
            "serviceAccountName": "web",
            "imagePullSecrets": [{"name": "registry"}],
            "containers": [container],
            "volumes": [
                {"secret": {"secretName": "tls", "items": [{"key": "tls.crt", "path": "a"}]}},
                {"persistentVolumeClaim": {"claimName": "data"}},
                {"ephemeral": {"volumeClaimTemplate": {"spec": {"storageClassName": "fast"}}}},
                {"projected": {"sources": [{"configMap": {"name": "p", "optional": true}}, {"serviceAccountToken": {"path": "t"}}]}},
            ],
        }}}});
        let spec = "spec.template.spec";
        assert_eq!(
            shown(body),
            [
                format!("{spec}.serviceAccountName: ServiceAccount/shop/web"),
                format!("{spec}.imagePullSecrets[0].name: Secret/shop/registry"),
                format!(
                    "{spec}.containers[0].env[1].valueFrom.configMapKeyRef.key: ConfigMap/shop/c key `b`?"
                ),
                format!(
                    "{spec}.containers[0].env[0].valueFrom.secretKeyRef.key: Secret/shop/db key `password`"
                ),
                format!("{spec}.containers[0].envFrom[0].secretRef.name: Secret/shop/all"),
                format!("{spec}.volumes[0].secret.items[0].key: Secret/shop/tls key `tls.crt`"),
                format!(
                    "{spec}.volumes[1].persistentVolumeClaim.claimName: PersistentVolumeClaim/shop/data"
                ),
                format!("{spec}.volumes[3].projected.sources[0].configMap.name: ConfigMap/shop/p?"),
                format!(
                    "{spec}.volumes[2].ephemeral.volumeClaimTemplate.spec.storageClassName: StorageClass/fast"
                ),
            ]
        );
    }

    #[test]
    fn services_are_named_with_their_ports() {
        let backend = |port: Value| json!({"backend": {"service": {"name": "web", "port": port}}});
        let paths = json!([
            backend(json!({"number": 80})),
            backend(json!({"name": "http"}))
        ]);
        let ingress = json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"annotations": {"nginx.ingress.kubernetes.io/auth-secret": "other/users"}},
            "spec": {"rules": [{"http": {"paths": paths}}], "tls": [{"secretName": "cert"}]},
        });
        let path = "spec.rules[0].http.paths";
        assert_eq!(
            shown(ingress),
            [
                "spec.tls[0].secretName: Secret/shop/cert".to_owned(),
                format!("{path}[0].backend.service.port.number: Service/shop/web port `80`"),
                format!("{path}[1].backend.service.port.name: Service/shop/web port `http`"),
                "metadata.annotations[\"nginx.ingress.kubernetes.io/auth-secret\"]: Secret/other/users".to_owned(),
            ]
        );
        let webhook = json!({
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
            "webhooks": [{"clientConfig": {"service": {"name": "hook", "namespace": "system"}}}, {"clientConfig": {"url": "https://x"}}],
        });
        assert_eq!(
            shown(webhook),
            ["webhooks[0].clientConfig.service.name: Service/system/hook port `443`"]
        );
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "spec": {
                "parentRefs": [{"name": "g", "namespace": "edge"}, {"name": "s", "kind": "Service"}],
                "rules": [{"backendRefs": [{"name": "web", "port": 80}, {"name": "x", "kind": "ServiceImport"}]}],
            },
        });
        assert_eq!(
            shown(route),
            [
                "spec.parentRefs[0].name: Gateway/edge/g",
                "spec.rules[0].backendRefs[0].port: Service/shop/web port `80`",
            ]
        );
    }

    #[test]
    fn kinds_of_others_and_what_is_filled_in_later_are_nobodys() {
        let certificate = |issuer: Value| json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "spec": {"issuerRef": issuer}});
        assert_eq!(
            shown(certificate(json!({"name": "ca", "kind": "ClusterIssuer"}))),
            ["spec.issuerRef.name: ClusterIssuer/ca"]
        );
        assert_eq!(
            shown(certificate(json!({"name": "ca"}))),
            ["spec.issuerRef.name: Issuer/shop/ca"]
        );
        let none: [&str; 0] = [];
        for other in [
            json!({"name": "ca", "kind": "AWSPCAClusterIssuer", "group": "awspca.cert-manager.io"}),
            json!({"name": "${ISSUER}"}),
        ] {
            assert_eq!(shown(certificate(other)), none);
        }
    }

    #[test]
    fn only_keys_are_taken_for_keys_in_receivers() {
        let config = json!({
            "apiVersion": "monitoring.coreos.com/v1alpha1", "kind": "AlertmanagerConfig",
            "spec": {"receivers": [{"name": "r", "pagerdutyConfigs": [
                {"routingKey": {"name": "pagerduty", "key": "key"}, "details": [{"key": "a", "value": "b"}], "class": "x"},
            ]}]},
        });
        assert_eq!(
            shown(config),
            [
                "spec.receivers[0].pagerdutyConfigs[0].routingKey.key: Secret/shop/pagerduty key `key`"
            ]
        );
    }
}
