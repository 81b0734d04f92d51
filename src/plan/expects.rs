//! What controllers of a phase define while they run.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// What a phase brings beside its objects.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Expects {
    /// CustomResourceDefinitions that controllers of the phase create while they run: the phase is
    /// over once they are there, and objects of their kinds may be in the phases after it.
    pub(crate) crds: Vec<ExpectedCrd>,
}

/// A CustomResourceDefinition that a controller creates: its name, or what else has to be known of
/// it before it is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ExpectedCrd {
    /// `PLURAL.GROUP`.
    pub(crate) name: String,
    /// The kind that it defines; the one that its plural is made of where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) kind: Option<String>,
    /// Whether objects of the kind live in namespaces.
    pub(crate) scope: ExpectedScope,
}

/// Where objects of a kind live, in the words of a CustomResourceDefinition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub(crate) enum ExpectedScope {
    /// In namespaces.
    #[default]
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
}

impl ExpectedCrd {
    /// Plural name of the kind in paths.
    pub(crate) fn plural(&self) -> &str {
        self.name.split_once('.').map_or("", |(plural, _)| plural)
    }

    /// API group of the kind.
    pub(crate) fn group(&self) -> &str {
        self.name.split_once('.').map_or("", |(_, group)| group)
    }

    /// The one of `expected` that defines `kind` of `group`. A definition that does not name its
    /// kind is recognised by its plural: `widgets` and `policies` by the rule of the API machinery,
    /// and others by their beginning, such as `elasticsearches`.
    /// <https://github.com/kubernetes/apimachinery/blob/master/pkg/api/meta/restmapper.go>
    pub(crate) fn of_kind<'a>(
        expected: impl Iterator<Item = &'a Self> + Clone,
        group: &str,
        kind: &str,
    ) -> Option<&'a Self> {
        let of_group = expected.filter(|crd| crd.group() == group);
        let is_named = |crd: &&Self| crd.kind.as_deref() == Some(kind);
        let mut unnamed = of_group.clone().filter(|crd| crd.kind.is_none());
        let singular = kind.to_lowercase();
        let guessed = guessed_plural(&singular);
        let mut named = of_group.filter(is_named);
        named
            .next()
            .or_else(|| unnamed.clone().find(|crd| crd.plural() == guessed))
            .or_else(|| unnamed.find(|crd| crd.plural().starts_with(&singular)))
    }
}

fn guessed_plural(singular: &str) -> String {
    match singular.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if singular.ends_with('s') => format!("{singular}es"),
        None => format!("{singular}s"),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CrdMap {
    name: String,
    kind: Option<String>,
    #[serde(default)]
    scope: ExpectedScope,
}

impl<'de> Deserialize<'de> for ExpectedCrd {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CrdVisitor)
    }
}

struct CrdVisitor;

impl<'de> Visitor<'de> for CrdVisitor {
    type Value = ExpectedCrd;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the name of a CustomResourceDefinition or `{name: …}`")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<ExpectedCrd, E> {
        Ok(ExpectedCrd {
            name: name.to_owned(),
            kind: None,
            scope: ExpectedScope::default(),
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<ExpectedCrd, A::Error> {
        let CrdMap { name, kind, scope } = CrdMap::deserialize(MapAccessDeserializer::new(access))?;
        Ok(ExpectedCrd { name, kind, scope })
    }
}

impl JsonSchema for ExpectedCrd {
    fn schema_name() -> Cow<'static, str> {
        "ExpectedCrd".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let scope = generator.subschema_for::<ExpectedScope>();
        json_schema!({
            "description": "A CustomResourceDefinition that a controller creates: its name, `PLURAL.GROUP`, or a map where its kind cannot be told from that or its objects live in no namespace.",
            "oneOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {
                        "name": {"description": "`PLURAL.GROUP`.", "type": "string"},
                        "kind": {"description": "The kind that it defines.", "type": "string"},
                        "scope": scope
                    },
                    "required": ["name"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(text: &str) -> Vec<ExpectedCrd> {
        serde_yaml::from_str(text).expect("valid")
    }

    #[test]
    fn a_definition_is_known_by_its_name_before_it_is_there() {
        let crds = expected(
            "[clusterpolicies.example.org, clusters.example.org, elasticsearches.example.org, policies.example.org, {name: people.example.org, kind: Person, scope: Cluster}, widgets.other.org]",
        );
        let of = |group: &str, kind: &str| {
            ExpectedCrd::of_kind(crds.iter(), group, kind).map(ExpectedCrd::plural)
        };
        for (kind, plural) in [
            ("Cluster", Some("clusters")),
            ("ClusterPolicy", Some("clusterpolicies")),
            ("Policy", Some("policies")),
            ("Elasticsearch", Some("elasticsearches")),
            ("Person", Some("people")),
            ("Widget", None),
        ] {
            assert_eq!(of("example.org", kind), plural, "{kind}");
        }
        assert_eq!(of("other.org", "Widget"), Some("widgets"));
        assert_eq!(crds[4].scope, ExpectedScope::Cluster);
    }

    #[test]
    fn what_is_stored_is_read_again() {
        let crds = expected(
            "[{name: people.example.org, kind: Person, scope: Cluster}, widgets.other.org]",
        );
        let stored = serde_json::to_string(&crds).expect("serialises");
        let read: Vec<ExpectedCrd> = serde_json::from_str(&stored).expect("reads");
        assert_eq!(read, crds);
    }
}
