//! What the volumes and the environment of a pod read.
//!
//! The rules and the words are the kubelet's
//! (<https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/kubelet/kubelet_pods.go>,
//! `makeEnvironmentVariables`, and `MakePayload` in `pkg/volume/secret`, `configmap` and
//! `projected`).

use serde_json::Value;

use super::stored::{Keys, Kind};

/// A Secret or a ConfigMap that a volume or a container reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading<'a> {
    pub(super) kind: Kind,
    pub(super) name: &'a str,
    /// The keys that have to be there.
    keys: Vec<&'a str>,
    /// Whether it may be missing.
    optional: bool,
}

/// Entries of a list; none where there is no list.
pub(super) fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// Begins the name of the volume by which every pod reads its account's token, and a ConfigMap that
/// is in every namespace.
const OF_ACCOUNT: &str = "kube-api-access-";

/// A volume, by its name, and what is mounted as it.
pub(super) fn volumes(pod: &Value) -> impl Iterator<Item = (&str, Vec<Reading<'_>>)> {
    let volumes = entries(&pod["spec"]["volumes"]).iter();
    let volumes = volumes.map(|volume| (text(&volume["name"]), volume));
    let own = volumes.filter(|(name, _)| !name.starts_with(OF_ACCOUNT));
    own.map(|(name, volume)| (name, of_volume(volume)))
}

fn of_volume(volume: &Value) -> Vec<Reading<'_>> {
    let projected = entries(&volume["projected"]["sources"]).iter();
    let projected = projected.filter_map(|source| {
        let secret = mounted(Kind::Secret, &source["secret"], "name");
        secret.or_else(|| mounted(Kind::ConfigMap, &source["configMap"], "name"))
    });
    let secret = mounted(Kind::Secret, &volume["secret"], "secretName");
    let config_map = mounted(Kind::ConfigMap, &volume["configMap"], "name");
    secret
        .into_iter()
        .chain(config_map)
        .chain(projected)
        .collect()
}

fn mounted<'a>(kind: Kind, source: &'a Value, named: &str) -> Option<Reading<'a>> {
    let keys = entries(&source["items"]).iter();
    source.is_object().then(|| Reading {
        kind,
        name: text(&source[named]),
        keys: keys.map(|item| text(&item["key"])).collect(),
        optional: source["optional"] == true,
    })
}

/// What the environment of a container is read from, in the order in which the kubelet reads it.
pub(super) fn environment(container: &Value) -> impl Iterator<Item = Reading<'_>> {
    let whole = entries(&container["envFrom"]).iter().filter_map(|source| {
        let config_map = of_reference(Kind::ConfigMap, &source["configMapRef"]);
        config_map.or_else(|| of_reference(Kind::Secret, &source["secretRef"]))
    });
    let single = entries(&container["env"]).iter().filter_map(|variable| {
        let from = &variable["valueFrom"];
        let config_map = of_reference(Kind::ConfigMap, &from["configMapKeyRef"]);
        let found = config_map.or_else(|| of_reference(Kind::Secret, &from["secretKeyRef"]));
        found.filter(|_| text(&variable["value"]).is_empty())
    });
    whole.chain(single)
}

fn of_reference(kind: Kind, reference: &Value) -> Option<Reading<'_>> {
    reference.is_object().then(|| Reading {
        kind,
        name: text(&reference["name"]),
        keys: reference["key"].as_str().into_iter().collect(),
        optional: reference["optional"] == true,
    })
}

impl Reading<'_> {
    /// What keeps a volume from being mounted; `found` are the keys that are there, where the object
    /// is.
    pub(super) fn mount_problem(&self, found: Option<&Keys>) -> Option<String> {
        let Some(found) = found else {
            return self.not_found();
        };
        let has = |key: &str| found.data.contains(key) || found.binary.contains(key);
        let missing = self.missing_key(has)?;
        Some(match self.kind {
            Kind::Secret => format!("references non-existent secret key: {missing}"),
            Kind::ConfigMap => {
                format!("configmap references non-existent config key: {missing}")
            }
        })
    }

    /// What keeps a container in `namespace` from being created.
    pub(super) fn environment_problem(
        &self,
        namespace: &str,
        found: Option<&Keys>,
    ) -> Option<String> {
        let Some(found) = found else {
            return self.not_found();
        };
        let missing = self.missing_key(|key| found.data.contains(key))?;
        let (kind, name) = (self.kind.name(), self.name);
        Some(format!(
            "couldn't find key {missing} in {kind} {namespace}/{name}"
        ))
    }

    fn not_found(&self) -> Option<String> {
        let (resource, name) = (self.kind.resource(), self.name);
        (!self.optional).then(|| format!("{resource} \"{name}\" not found"))
    }

    fn missing_key(&self, has: impl Fn(&str) -> bool) -> Option<&str> {
        let mut keys = self.keys.iter().copied().filter(|_| !self.optional);
        keys.find(|key| !has(key))
    }
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
