//! What there will be because of an object: itself with its keys, and what controllers make for it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    super::{
        HasKind as _, ManifestView, ObjectId,
        field::{list, map, text},
        pod::pod_template,
    },
    table::{Names, makers_of},
    walk::places,
};

/// The keys of a Secret or ConfigMap, as far as they can be known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Those that are there.
    pub(crate) always: BTreeSet<String>,
    /// Those that may be left out.
    pub(crate) sometimes: BTreeSet<String>,
    /// Whether there may be others.
    pub(crate) open: bool,
}

impl Keys {
    /// These, and no others.
    pub(crate) fn known<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            always: keys.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    /// Any.
    pub(crate) fn unknown() -> Self {
        Self {
            open: true,
            ..Self::default()
        }
    }

    /// Those that `body`, a Secret or ConfigMap, has. One that has none is there to be filled by
    /// somebody.
    pub(crate) fn of(body: &Value) -> Self {
        let data = ["/data", "/stringData", "/binaryData"].into_iter();
        let keys = data
            .filter_map(|path| map(body, path))
            .flat_map(|data| data.keys());
        let mut keys = Self::known(keys.map(String::as_str));
        // kube-controller-manager fills in a token, and what goes with it.
        keys.open = keys.always.is_empty()
            || text(body, "/type") == Some("kubernetes.io/service-account-token");
        keys
    }

    /// Whether `key` may be there.
    pub(crate) fn may_have(&self, key: &str) -> bool {
        self.open || self.always.contains(key) || self.sometimes.contains(key)
    }

    /// Those of both.
    pub(crate) fn join(&mut self, other: Self) {
        self.always.extend(other.always);
        self.sometimes.extend(other.sometimes);
        self.open |= other.open;
    }
}

/// Something that there will be because of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Made {
    /// What.
    pub(crate) target: ObjectId,
    /// Its keys, where it has any.
    pub(crate) keys: Keys,
    /// Whether it may be in any namespace.
    pub(crate) everywhere: bool,
}

/// What controllers make for `body`, the object `id`, by what is known of its kind.
pub(crate) fn made_by(id: &ObjectId, body: &Value) -> Vec<Made> {
    let mut made = Vec::new();
    let mut add = |target: ObjectId, keys| {
        made.push(Made {
            target,
            keys,
            everywhere: false,
        });
    };
    let own = |name: &str| ObjectId::core("Secret", id.namespace.as_deref(), name);
    match (id.group.as_str(), id.kind.as_str()) {
        ("external-secrets.io", "ExternalSecret") => {
            let name = text(body, "/spec/target/name").unwrap_or(&id.name);
            add(own(name), external_keys(body));
        }
        ("bitnami.com", "SealedSecret") => {
            let name = text(body, "/spec/template/metadata/name").unwrap_or(&id.name);
            add(own(name), sealed_keys(body));
        }
        ("networking.k8s.io", "Ingress") | ("gateway.networking.k8s.io", "Gateway") => {
            for name in issued_for(body) {
                add(own(name), Keys::unknown());
            }
        }
        _ => {}
    }
    let names = makers_of(&id.group, &id.kind);
    for names in names.into_iter().flatten() {
        made.extend(named(names, id, body));
    }
    // Crossplane, and what is modelled on it.
    if let Some(name) = text(body, "/spec/writeConnectionSecretToRef/name") {
        let namespace = text(body, "/spec/writeConnectionSecretToRef/namespace");
        let namespace = namespace.or(id.namespace.as_deref());
        made.push(Made {
            target: ObjectId::core("Secret", namespace, name),
            keys: Keys::unknown(),
            everywhere: false,
        });
    }
    made.extend(annotated(id, body));
    made
}

/// What `names`, a row of the kind of `id`, says that is made.
fn named(names: &Names, id: &ObjectId, body: &Value) -> Vec<Made> {
    let entries: Vec<(Option<&str>, String)> = match names.each {
        None => vec![(None, String::new())],
        Some(at) => entries(body, at),
    };
    let keys = || {
        names
            .keys
            .map_or_else(Keys::unknown, |keys| Keys::known(keys.iter().copied()))
    };
    let is_bundle = id.group == "trust.cert-manager.io";
    let made = entries.into_iter().filter_map(|(namespace, entry)| {
        let name = filled(names.name, id, body, &entry)?;
        let namespace = namespace.or(id.namespace.as_deref());
        Some(Made {
            target: ObjectId::core(names.kind, namespace, &name),
            keys: keys(),
            everywhere: is_bundle,
        })
    });
    made.collect()
}

/// The entries at `at`: the keys of a map, which may say a namespace, or texts.
fn entries<'a>(body: &'a Value, at: &str) -> Vec<(Option<&'a str>, String)> {
    let places = places(body, "", at);
    let mut entries = Vec::new();
    for (_, value) in places {
        match value {
            Value::Object(map) => entries.extend(map.keys().map(|key| {
                let (namespace, name) = key
                    .split_once('.')
                    .map_or((None, key.as_str()), |(namespace, name)| {
                        (Some(namespace), name)
                    });
                (namespace, name.replace('_', "-"))
            })),
            Value::String(name) => entries.push((None, name.clone())),
            _ => {}
        }
    }
    entries
}

/// `template` with what it stands for; `None` where something of it is not there.
fn filled(template: &str, id: &ObjectId, body: &Value, entry: &str) -> Option<String> {
    let mut name = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let (hole, after) = after.split_once('}')?;
        name.push_str(before);
        name.push_str(match hole {
            "name" => &id.name,
            "*" => entry,
            path => text(body, path)?,
        });
        rest = after;
    }
    name.push_str(rest);
    Some(name)
}

/// The keys that an `ExternalSecret` makes.
/// <https://external-secrets.io/latest/guides/templating/>
fn external_keys(body: &Value) -> Keys {
    let listed = list(body, "/spec/data").iter();
    let listed = listed.filter_map(|entry| text(entry, "/secretKey"));
    let template = map(body, "/spec/target/template/data");
    let merges = text(body, "/spec/target/template/mergePolicy") == Some("Merge");
    let templated = template.into_iter().flat_map(|data| data.keys());
    let mut keys = Keys::known(templated.map(String::as_str));
    if template.is_none_or(serde_json::Map::is_empty) || merges {
        keys.join(Keys::known(listed));
        keys.open = !list(body, "/spec/dataFrom").is_empty();
    }
    keys.open |= !list(body, "/spec/target/template/templateFrom").is_empty()
        || matches!(
            text(body, "/spec/target/creationPolicy"),
            Some("Merge" | "None")
        );
    keys
}

fn sealed_keys(body: &Value) -> Keys {
    // Before there was `encryptedData` all keys were sealed as one.
    if text(body, "/spec/data").is_some() {
        return Keys::unknown();
    }
    let parts = ["/spec/encryptedData", "/spec/template/data"].into_iter();
    let keys = parts
        .filter_map(|path| map(body, path))
        .flat_map(|data| data.keys());
    Keys::known(keys.map(String::as_str))
}

/// The Secrets that cert-manager makes for an Ingress or Gateway that is annotated.
/// <https://cert-manager.io/docs/usage/ingress/>
fn issued_for(body: &Value) -> Vec<&str> {
    let asks = [
        "cert-manager.io/issuer",
        "cert-manager.io/cluster-issuer",
        "kubernetes.io/tls-acme",
    ];
    let view = ManifestView(body);
    if asks.iter().all(|key| view.annotation(key).is_none()) {
        return Vec::new();
    }
    let tls = list(body, "/spec/tls").iter();
    let listeners = list(body, "/spec/listeners").iter();
    let certificates = listeners.flat_map(|listener| list(listener, "/tls/certificateRefs"));
    tls.filter_map(|tls| text(tls, "/secretName"))
        .chain(certificates.filter_map(|reference| text(reference, "/name")))
        .collect()
}

/// What annotations have controllers make: copies of a Secret or ConfigMap in other namespaces, and
/// certificates of a Service.
fn annotated(id: &ObjectId, body: &Value) -> Vec<Made> {
    /// <https://github.com/emberstack/kubernetes-reflector>, <https://github.com/mittwald/kubernetes-replicator>,
    /// <https://config-syncer.com>
    const COPIED: [&str; 5] = [
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "replicator.v1.mittwald.de/replicate-to",
        "replicator.v1.mittwald.de/replicate-to-matching",
        "kubed.appscode.com/sync",
        "config-syncer.appscode.com/sync",
    ];
    /// <https://docs.redhat.com/en/documentation/openshift_container_platform/latest/html/security_and_compliance/configuring-certificates>
    const SERVING: &str = "service.beta.openshift.io/serving-cert-secret-name";
    let view = ManifestView(body);
    let is_copied = COPIED.iter().any(|key| view.annotation(key).is_some());
    let copy = (id.is_configuration() && is_copied).then(|| Made {
        target: id.clone(),
        keys: Keys::of(body),
        everywhere: true,
    });
    let serving = view
        .annotation(SERVING)
        .filter(|_| id.is_service())
        .map(|name| Made {
            target: ObjectId::core("Secret", id.namespace.as_deref(), name),
            keys: Keys::known(["tls.crt", "tls.key"]),
            everywhere: false,
        });
    copy.into_iter().chain(serving).collect()
}

/// Whether `claim` is one of those that a `StatefulSet` makes of its templates for its pods:
/// `TEMPLATE-NAME-3`.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#stable-storage>
pub(crate) fn makes_claim(id: &ObjectId, body: &Value, claim: &ObjectId) -> bool {
    let is_of = |template: &Value| {
        let name = ManifestView(template).name();
        let ordinal = claim
            .name
            .strip_prefix(&format!("{name}-{}-", id.name))
            .unwrap_or_default();
        !ordinal.is_empty() && ordinal.bytes().all(|byte| byte.is_ascii_digit())
    };
    id.is_like_stateful_set()
        && claim.is_claim()
        && claim.namespace == id.namespace
        && list(body, "/spec/volumeClaimTemplates").iter().any(is_of)
}

/// Where an object of which nothing is known may have made whatever is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// In its own namespace, or everywhere where it has none.
    Beside,
    /// Anywhere: it brings manifests of others.
    Everywhere,
    /// In its own namespace, called after it: an operator makes more than the table knows.
    NamedAfter,
}

/// Where `body`, the object `id`, may make more than is known of it.
pub(crate) fn may_make_anything(id: &ObjectId, body: &Value) -> Option<Reach> {
    const DELIVERY: [(&str, &str); 6] = [
        ("argoproj.io", "Application"),
        ("argoproj.io", "ApplicationSet"),
        ("helm.toolkit.fluxcd.io", "HelmRelease"),
        ("kustomize.toolkit.fluxcd.io", "Kustomization"),
        ("helm.cattle.io", "HelmChart"),
        ("external-secrets.io", "ClusterExternalSecret"),
    ];
    if DELIVERY.contains(&(id.group.as_str(), id.kind.as_str())) {
        return Some(Reach::Everywhere);
    }
    // What implements a Gateway makes a Service for it; other kinds of such groups make nothing.
    let is_gateway = id.group_and_kind() == ("gateway.networking.k8s.io", "Gateway");
    let is_custom = is_gateway || id.group.contains('.') && !id.group.ends_with(".k8s.io");
    match makers_of(&id.group, &id.kind) {
        Some(mut makes) => makes.any(Names::is_after).then_some(Reach::NamedAfter),
        None => (is_custom && pod_template(body).is_none()).then_some(Reach::Beside),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// What is made for `body` in namespace `shop`: `OBJECT keys`.
    fn shown(body: &Value) -> Vec<String> {
        let mut body = body.clone();
        body["metadata"]["namespace"] = "shop".into();
        let id = ObjectId::of(&body).expect("it is an object");
        let shown = made_by(&id, &body).into_iter().map(|made| {
            let keys: Vec<&str> = made.keys.always.iter().map(String::as_str).collect();
            let open = if made.keys.open { "…" } else { "" };
            let everywhere = if made.everywhere { " everywhere" } else { "" };
            format!("{} {}{open}{everywhere}", made.target, keys.join(","))
        });
        shown.collect()
    }

    #[test]
    fn operators_make_what_their_resources_say() {
        let users = json!({"apiVersion": "acid.zalan.do/v1", "kind": "postgresql", "metadata": {"name": "db"},
            "spec": {"users": {"app_user": [], "other.app": []}}});
        let made = shown(&users);
        for expected in [
            "Secret/shop/app-user.db.credentials.postgresql.acid.zalan.do password,username",
            "Secret/other/app.db.credentials.postgresql.acid.zalan.do password,username",
            "Secret/shop/postgres.db.credentials.postgresql.acid.zalan.do password,username",
            "Service/shop/db-repl …",
        ] {
            assert!(
                made.iter().any(|made| made == expected),
                "{expected} is not in {made:#?}"
            );
        }
        let certificate = json!({"apiVersion": "cert-manager.io/v1", "kind": "Certificate", "metadata": {"name": "web"}, "spec": {"secretName": "tls"}});
        assert_eq!(shown(&certificate), ["Secret/shop/tls …"]);
        let account = json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "acme"}, "spec": {"acme": {"privateKeySecretRef": {"name": "key"}}}});
        assert_eq!(shown(&account), ["Secret/shop/key tls.key"]);
        let own = json!({"apiVersion": "cert-manager.io/v1", "kind": "Issuer", "metadata": {"name": "own"}, "spec": {"selfSigned": {}}});
        assert_eq!(shown(&own), [] as [&str; 0]);
    }

    #[test]
    fn external_secrets_have_the_keys_that_they_list_or_template() {
        let external = |spec: Value| {
            shown(
                &json!({"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "metadata": {"name": "db"}, "spec": spec}),
            )
        };
        let data = json!([{"secretKey": "password"}]);
        assert_eq!(external(json!({"data": data})), ["Secret/shop/db password"]);
        assert_eq!(
            external(
                json!({"data": data, "target": {"name": "x", "template": {"data": {"url": "…"}}}})
            ),
            ["Secret/shop/x url"]
        );
        assert_eq!(
            external(
                json!({"data": data, "target": {"template": {"mergePolicy": "Merge", "data": {"url": "…"}}}})
            ),
            ["Secret/shop/db password,url"]
        );
        assert_eq!(
            external(json!({"dataFrom": [{"extract": {"key": "db"}}]})),
            ["Secret/shop/db …"]
        );
    }

    #[test]
    fn what_is_annotated_is_copied_or_issued() {
        let ingress = |annotations: Value| {
            shown(
                &json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web", "annotations": annotations}, "spec": {"tls": [{"secretName": "cert"}]}}),
            )
        };
        assert_eq!(ingress(json!({})), [] as [&str; 0]);
        assert_eq!(
            ingress(json!({"cert-manager.io/cluster-issuer": "x"})),
            ["Secret/shop/cert …"]
        );
        let copied = json!({"apiVersion": "v1", "kind": "Secret", "data": {"a": ""},
            "metadata": {"name": "registry", "annotations": {"reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true"}}});
        assert_eq!(shown(&copied), ["Secret/shop/registry a everywhere"]);
    }

    #[test]
    fn stateful_sets_make_claims_for_their_pods() {
        let body = json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db", "namespace": "shop"},
            "spec": {"volumeClaimTemplates": [{"metadata": {"name": "data"}}]}});
        let id = ObjectId::of(&body).expect("it is an object");
        let makes = |name: &str| {
            let claim = ObjectId::core("PersistentVolumeClaim", Some("shop"), name);
            makes_claim(&id, &body, &claim)
        };
        assert!(makes("data-db-0") && makes("data-db-12"));
        assert!(!makes("data-db-x") && !makes("data-db-") && !makes("logs-db-0"));
    }

    #[test]
    fn only_kinds_that_are_not_known_may_make_anything() {
        let reach = |api_version: &str, kind: &str, spec: Value| {
            let body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": spec});
            may_make_anything(&ObjectId::of(&body).expect("it is an object"), &body)
        };
        let none = json!({});
        assert_eq!(
            reach("example.org/v1", "Database", none.clone()),
            Some(Reach::Beside)
        );
        assert_eq!(
            reach("argoproj.io/v1alpha1", "Application", none.clone()),
            Some(Reach::Everywhere)
        );
        for (api_version, kind) in [
            ("apps/v1", "Deployment"),
            ("gateway.networking.k8s.io/v1", "HTTPRoute"),
            ("cert-manager.io/v1", "Certificate"),
            ("monitoring.coreos.com/v1", "ServiceMonitor"),
        ] {
            assert_eq!(reach(api_version, kind, none.clone()), None, "{kind}");
        }
        let pods = json!({"template": {"spec": {"containers": []}}});
        assert_eq!(reach("example.org/v1", "Set", pods), None);
    }
}
