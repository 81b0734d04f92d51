//! Secrets and ConfigMaps, as far as it matters to pods: which keys each one has.

use std::{
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

/// Whether something is a Secret or a ConfigMap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Secret,
    ConfigMap,
}

impl Kind {
    /// The word in which the API server says that one is not found.
    pub(super) fn resource(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::ConfigMap => "configmap",
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Secret => "Secret",
            Self::ConfigMap => "ConfigMap",
        }
    }
}

/// Where a Secret or a ConfigMap is, or would be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) kind: Kind,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Place {
    /// Its path in the API server.
    pub(super) fn path(&self) -> String {
        let Self {
            kind,
            namespace,
            name,
        } = self;
        format!("/api/v1/namespaces/{namespace}/{}s/{name}", kind.resource())
    }
}

/// The keys of a Secret or a ConfigMap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    /// Those that can be read as environment.
    pub(super) data: BTreeSet<String>,
    /// Those of a ConfigMap that only a volume has.
    pub(super) binary: BTreeSet<String>,
}

/// A Secret or a ConfigMap without its values.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Stored {
    metadata: Metadata,
    #[serde(default, deserialize_with = "keys")]
    data: BTreeSet<String>,
    #[serde(default, deserialize_with = "keys")]
    binary_data: BTreeSet<String>,
}

/// Reads the keys of a map, and none of its values.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeSet<String>, D::Error> {
    struct Keys;
    impl<'de> Visitor<'de> for Keys {
        type Value = BTreeSet<String>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("a map")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(BTreeSet::new())
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut keys = BTreeSet::new();
            while let Some((key, IgnoredAny)) = map.next_entry()? {
                keys.insert(key);
            }
            Ok(keys)
        }
    }
    deserializer.deserialize_any(Keys)
}

#[derive(Debug, Clone, Deserialize)]
struct Metadata {
    #[serde(default)]
    namespace: String,
    name: String,
}

impl Stored {
    /// Where it is, when it is of this kind.
    pub(super) fn place(&self, kind: Kind) -> Place {
        Place {
            kind,
            namespace: self.metadata.namespace.clone(),
            name: self.metadata.name.clone(),
        }
    }

    /// Its keys.
    pub(super) fn into_keys(self) -> Keys {
        Keys {
            data: self.data,
            binary: self.binary_data,
        }
    }
}

/// What is known of all Secrets and ConfigMaps.
#[derive(Debug, Default)]
pub(super) struct Known(pub(super) HashMap<Place, Keys>);

/// What was found out about some of them just now.
pub(super) type LookedUp = Vec<(Place, Option<Keys>)>;

/// What there is for pods to read.
#[derive(Clone, Copy)]
pub(super) struct There<'a> {
    pub(super) known: &'a Known,
    /// Counts where it differs from what was known.
    pub(super) looked_up: &'a LookedUp,
}

impl<'a> There<'a> {
    /// The keys of a Secret or a ConfigMap; `None` where it is not there.
    pub(super) fn keys(&self, place: &Place) -> Option<&'a Keys> {
        match self.looked_up.iter().find(|(looked, _)| looked == place) {
            Some((_, found)) => found.as_ref(),
            None => self.known.0.get(place),
        }
    }
}
