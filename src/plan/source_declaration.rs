//! Sources as a plan declares them: manifests, kustomizations, charts.

use std::{borrow::Cow, fmt, path::PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// Where objects come from, as it is written: text, `{kustomize: …}` or `{helm: …}`.
#[derive(Debug, Clone)]
#[expect(
    dead_code,
    reason = "kustomizations and charts are carried out by a later version"
)]
pub(crate) enum SourceDeclaration {
    /// A file, folder or glob of plain manifests, relative to the plan.
    Manifests(PathBuf),
    /// A folder with a kustomization, relative to the plan.
    Kustomize(PathBuf),
    /// A Helm chart.
    Helm(HelmChart),
}

/// A Helm chart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "carried out by a later version; read now so that mistakes in it are found"
)]
pub(crate) struct HelmChart {
    /// Folder relative to the plan, `oci://…`, or the chart's name in `repository`.
    pub(crate) chart: String,
    /// Address of the chart repository.
    pub(crate) repository: Option<String>,
    /// Version of the chart.
    pub(crate) version: Option<String>,
    /// Digest of the chart's archive, `sha256:…`.
    pub(crate) digest: Option<String>,
    /// Name of the Helm release; the plan's where it is left out.
    pub(crate) release: Option<String>,
    /// Namespace, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Files with values, relative to the plan; later ones win.
    #[serde(default)]
    pub(crate) values: Vec<PathBuf>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceMap {
    kustomize: Option<PathBuf>,
    helm: Option<HelmChart>,
}

impl<'de> Deserialize<'de> for SourceDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SourceVisitor)
    }
}

struct SourceVisitor;

impl<'de> Visitor<'de> for SourceVisitor {
    type Value = SourceDeclaration;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a path, `{kustomize: …}` or `{helm: …}`")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<SourceDeclaration, E> {
        if path.is_empty() {
            return Err(E::custom("the path is empty"));
        }
        Ok(SourceDeclaration::Manifests(PathBuf::from(path)))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<SourceDeclaration, A::Error> {
        match SourceMap::deserialize(MapAccessDeserializer::new(access))? {
            SourceMap {
                kustomize: Some(folder),
                helm: None,
            } => Ok(SourceDeclaration::Kustomize(folder)),
            SourceMap {
                kustomize: None,
                helm: Some(chart),
            } => Ok(SourceDeclaration::Helm(chart)),
            _ => Err(de::Error::custom(
                "exactly one of `kustomize` and `helm` must be given",
            )),
        }
    }
}

impl JsonSchema for SourceDeclaration {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let chart = generator.subschema_for::<HelmChart>();
        json_schema!({
            "description": "Where objects come from: a file, folder or glob relative to the plan, or a kustomization or a Helm chart.",
            "oneOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {"kustomize": {"description": "A folder with a kustomization, relative to the plan.", "type": "string"}},
                    "required": ["kustomize"],
                    "additionalProperties": false
                },
                {"type": "object", "properties": {"helm": chart}, "required": ["helm"], "additionalProperties": false}
            ]
        })
    }
}
