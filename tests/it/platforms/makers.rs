//! The Secrets and `ConfigMaps` that are there once everything runs, whoever makes them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    platform::Platform,
    rendered::{Rendered, entries, fits, items, text},
};

/// The keys of a Secret or `ConfigMap`.
#[derive(Debug, Clone, Default)]
pub(super) struct Keys {
    /// Those that are always there.
    always: BTreeSet<String>,
    /// Those that may be left out.
    sometimes: BTreeSet<String>,
    /// Whether there may be others that cannot be known.
    others: bool,
}

/// Secrets or `ConfigMaps` by namespace and name.
pub(super) type Sources = BTreeMap<(String, String), Keys>;

impl Keys {
    fn known<'a>(keys: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            always: keys.into_iter().map(str::to_owned).collect(),
            ..Self::default()
        }
    }

    fn unknown() -> Self {
        Self {
            others: true,
            ..Self::default()
        }
    }

    /// Why a reference to `key` cannot rely on it, if it cannot.
    pub(super) fn lacks(&self, key: &str, optional: bool) -> Option<String> {
        if self.others || self.always.contains(key) || self.sometimes.contains(key) && optional {
            None
        } else if self.sometimes.contains(key) {
            Some(format!(
                "key `{key}` may be left out, so that the reference must be optional"
            ))
        } else {
            Some(format!("there is no key `{key}`"))
        }
    }

    /// Whether all of its keys may be left out, and with them the whole.
    pub(super) fn may_be_absent(&self) -> bool {
        self.always.is_empty() && !self.others
    }

    fn add(&mut self, other: Self) {
        self.always.extend(other.always);
        self.sometimes.extend(other.sometimes);
        self.others |= other.others;
    }
}

/// The `ConfigMaps` of an environment.
pub(super) fn config_maps(rendered: &Rendered) -> Sources {
    let keys = |map: &Value| {
        let keys = ["data", "binaryData"]
            .into_iter()
            .flat_map(|part| entries(&map[part]));
        Keys::known(keys.map(|(key, _)| key.as_str()).collect::<Vec<_>>())
    };
    let rendered = rendered.kind("ConfigMap");
    rendered.map(|map| (identity(map), keys(map))).collect()
}

/// The Secrets of an environment.
pub(super) fn secrets(platform: &Platform, rendered: &Rendered) -> Sources {
    let mut sources = Sources::new();
    let declared = rendered.declared.iter().map(|(namespace, name)| {
        (
            (namespace.clone(), name.clone()),
            declared_keys(platform, name),
        )
    });
    let made = rendered.items.iter().flat_map(made_by);
    for (identity, keys) in declared.chain(made) {
        sources.entry(identity).or_default().add(keys);
    }
    sources
}

fn identity(item: &Value) -> (String, String) {
    let part = |key: &str| {
        item["metadata"][key]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    (part("namespace"), part("name"))
}

/// The keys of a Secret that the plan declares.
fn declared_keys(platform: &Platform, name: &str) -> Keys {
    let mut keys = Keys::default();
    // The name may have variables in it.
    let of_name = |secret: &&Value| {
        let mut glob = String::new();
        let mut rest = text(&secret["name"]);
        while let Some((before, after)) = rest.split_once("${") {
            glob += before;
            glob.push('*');
            rest = after.split_once('}').map_or("", |(_, rest)| rest);
        }
        fits(&(glob + rest), name)
    };
    for secret in items(&platform.plan["secrets"]).filter(of_name) {
        if secret["type"] == "kubernetes.io/dockerconfigjson" {
            keys.always.insert(".dockerconfigjson".to_owned());
            continue;
        }
        for (key, value) in entries(&secret["data"]) {
            let keys = if value["optional"] == true {
                &mut keys.sometimes
            } else {
                &mut keys.always
            };
            keys.insert(key.clone());
        }
    }
    keys
}

/// The Secrets that an object is, or has made by its operator.
fn made_by(item: &Value) -> Vec<((String, String), Keys)> {
    let (namespace, name) = identity(item);
    let spec = &item["spec"];
    let one = |name: &Value, keys: Keys| match name.as_str() {
        Some(name) => vec![((namespace.clone(), name.to_owned()), keys)],
        None => Vec::new(),
    };
    let own_name = Value::from(name);
    let target = |target: &Value| {
        let target = &target["name"];
        if target.is_null() {
            own_name.clone()
        } else {
            target.clone()
        }
    };
    match item["kind"].as_str().unwrap_or_default() {
        "Secret" => {
            let keys = ["data", "stringData"]
                .into_iter()
                .flat_map(|part| entries(&item[part]));
            let keys = Keys::known(keys.map(|(key, _)| key.as_str()).collect::<Vec<_>>());
            let is_token = item["type"] == "kubernetes.io/service-account-token";
            one(
                &own_name,
                if is_token {
                    Keys::known(["token", "ca.crt", "namespace"])
                } else {
                    keys
                },
            )
        }
        "Certificate" => one(
            &spec["secretName"],
            Keys::known(["tls.crt", "tls.key", "ca.crt"]),
        ),
        "ExternalSecret" => one(&target(&spec["target"]), external_keys(spec)),
        "SealedSecret" => {
            let keys = entries(&spec["encryptedData"]).chain(entries(&spec["template"]["data"]));
            let keys = Keys::known(keys.map(|(key, _)| key.as_str()).collect::<Vec<_>>());
            one(&target(&spec["template"]["metadata"]), keys)
        }
        "Issuer" => one(
            &spec["acme"]["privateKeySecretRef"]["name"],
            Keys::unknown(),
        ),
        "postgresql" => zalando_users(item, &namespace),
        "Ingress" | "Gateway" => issued_for(item, &namespace),
        _ => Vec::new(),
    }
}

fn external_keys(spec: &Value) -> Keys {
    let template = entries(&spec["target"]["template"]["data"]).map(|(key, _)| key.as_str());
    let listed = items(&spec["data"]).filter_map(|entry| entry["secretKey"].as_str());
    let mut keys = Keys::known(template.chain(listed).collect::<Vec<_>>());
    keys.others = items(&spec["dataFrom"]).next().is_some();
    keys
}

/// The credentials of each user, which Zalando's operator makes.
/// <https://postgres-operator.readthedocs.io/en/latest/user/#manifest-roles>
fn zalando_users(item: &Value, namespace: &str) -> Vec<((String, String), Keys)> {
    let cluster = item["metadata"]["name"].as_str().unwrap_or_default();
    let users = entries(&item["spec"]["users"]).map(|(user, _)| user.as_str());
    let made = users.chain(["postgres", "standby", "pooler"]).map(|user| {
        let (namespace, user) = user.split_once('.').unwrap_or((namespace, user));
        let user = user.replace('_', "-");
        let name = format!("{user}.{cluster}.credentials.postgresql.acid.zalan.do");
        (
            (namespace.to_owned(), name),
            Keys::known(["username", "password"]),
        )
    });
    made.collect()
}

/// The Secrets that cert-manager makes for an Ingress or Gateway that is annotated.
/// <https://cert-manager.io/docs/usage/ingress/>
fn issued_for(item: &Value, namespace: &str) -> Vec<((String, String), Keys)> {
    let annotations = &item["metadata"]["annotations"];
    let issuers = ["cert-manager.io/cluster-issuer", "cert-manager.io/issuer"];
    if issuers.iter().all(|issuer| annotations[*issuer].is_null()) {
        return Vec::new();
    }
    let tls = items(&item["spec"]["tls"]).map(|tls| &tls["secretName"]);
    let listeners = items(&item["spec"]["listeners"])
        .flat_map(|listener| items(&listener["tls"]["certificateRefs"]))
        .map(|reference| &reference["name"]);
    let names = tls.chain(listeners).filter_map(Value::as_str);
    let keys = || Keys::known(["tls.crt", "tls.key", "ca.crt"]);
    names
        .map(|name| ((namespace.to_owned(), name.to_owned()), keys()))
        .collect()
}
