//! Sources as a plan declares them: manifests, kustomizations, charts.

use std::{borrow::Cow, fmt, path::PathBuf};

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, Visitor, value::MapAccessDeserializer},
};
use serde_json::Value;

use super::condition::{Condition, Conditions};

/// Where objects come from, as it is written: text, or a map with `path`, `kustomize` or `helm`.
#[derive(Debug, Clone)]
pub(crate) struct SourceDeclaration {
    /// What is read.
    pub(crate) kind: SourceKind,
    /// Namespace of its objects that name none, where it is not the plan's.
    pub(crate) namespace: Option<String>,
    /// Phase of its objects, but for what annotations or `match` say of one.
    pub(crate) phase: Option<String>,
    /// Where this does not hold, it is left out, and said to be.
    when: Option<Condition>,
    /// Where this holds, it is left out, and said to be.
    unless: Option<Condition>,
}

/// What a source is made from.
#[derive(Debug, Clone)]
pub(crate) enum SourceKind {
    /// Plain manifests.
    Manifests(ManifestSource),
    /// A kustomization.
    Kustomize(KustomizeSource),
    /// A Helm chart.
    Helm(Box<HelmChart>),
}

/// A file, folder or glob of plain manifests.
#[derive(Debug, Clone)]
pub(crate) struct ManifestSource {
    /// File, folder or glob, relative to the plan.
    pub(crate) path: PathBuf,
    /// Globs of files below a folder that are left out, relative to that folder.
    pub(crate) exclude: Vec<String>,
}

/// A folder with a kustomization.
#[derive(Debug, Clone)]
pub(crate) struct KustomizeSource {
    /// The folder, relative to the plan.
    pub(crate) folder: PathBuf,
    /// Whether it may name what is not on this machine.
    pub(crate) allow_remote: bool,
}

/// A Helm chart.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HelmChart {
    /// Folder or archive (`./…`, `../…`, `/…`) relative to the plan, `oci://…`, or the chart's name in
    /// `repository`.
    pub(crate) chart: String,
    /// Address of the chart repository.
    pub(crate) repository: Option<String>,
    /// Version of the chart; must be given where it is not on this machine.
    pub(crate) version: Option<String>,
    /// Digest of the chart's archive, `sha256:…`, of a chart that is not on this machine.
    #[schemars(regex(pattern = r"^sha256:[0-9a-f]{64}$"))]
    pub(crate) digest: Option<String>,
    /// Name of the Helm release; the plan's where it is left out.
    pub(crate) release: Option<String>,
    /// Namespace of the Helm release; the source's or the plan's where it is left out.
    pub(crate) namespace: Option<String>,
    /// Files with values, relative to the plan, or values themselves; later ones win.
    #[serde(default)]
    pub(crate) values: Vec<HelmValues>,
    /// Single values by their paths (`image.tag`); they win over `values`.
    #[serde(default)]
    #[schemars(extend("additionalProperties" = true))]
    pub(crate) set: IndexMap<String, Value>,
}

impl HelmChart {
    /// Whether the chart is a folder or archive on this machine, as it is written.
    pub(crate) fn is_local(&self) -> bool {
        self.repository.is_none() && self.chart.starts_with(['.', '/'])
    }

    /// What is wrong with what is written, each with the key that it is about.
    pub(super) fn mistakes(&self) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        let is_oci = self.chart.starts_with("oci://");
        if self.chart.is_empty() {
            found.push(("chart", "the name of the chart is empty".to_owned()));
        } else if !self.is_local() && !is_oci && self.repository.is_none() {
            let message = format!(
                "`{}` is no path, which begins with `./`, `../` or `/`, and no `oci://…`; say in `repository` where it comes from",
                self.chart
            );
            found.push(("chart", message));
        }
        if is_oci && self.repository.is_some() {
            let message = "a chart of `oci://…` is in no repository; remove `repository`";
            found.push(("repository", message.to_owned()));
        }
        if !self.is_local() && self.version.is_none() {
            let message = "give its `version`, so that every run deploys the same chart";
            found.push(("chart", message.to_owned()));
        }
        if let Some(digest) = &self.digest
            && !is_sha256(digest)
        {
            let message = format!("`{digest}` is no digest; write `sha256:` and 64 digits");
            found.push(("digest", message));
        }
        if self.is_local() && self.version.is_some() {
            let message = "the chart's folder says its version itself; remove `version`";
            found.push(("version", message.to_owned()));
        }
        found
    }
}

/// Whether `digest` is `sha256:` and 64 hexadecimal digits.
fn is_sha256(digest: &str) -> bool {
    let digits = digest.strip_prefix("sha256:").unwrap_or_default();
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    digits.len() == 64 && digits.bytes().all(is_digit)
}

/// Values of a chart: a file that holds them, or they themselves.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum HelmValues {
    /// A file, relative to the plan.
    File(PathBuf),
    /// The values.
    Inline(serde_json::Map<String, Value>),
}

/// The keys of a source that is written as a map.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SourceMap {
    path: Option<PathBuf>,
    exclude: Option<Vec<String>>,
    kustomize: Option<PathBuf>,
    allow_remote: Option<bool>,
    helm: Option<Box<HelmChart>>,
    namespace: Option<String>,
    phase: Option<String>,
    when: Option<Condition>,
    unless: Option<Condition>,
}

impl SourceMap {
    fn kind(&mut self) -> Result<SourceKind, &'static str> {
        let kinds = (self.path.take(), self.kustomize.take(), self.helm.take());
        let (exclude, allow_remote) = (self.exclude.take(), self.allow_remote);
        match kinds {
            (None, Some(_), None) | (None, None, Some(_)) if exclude.is_some() => {
                Err("`exclude` belongs to `path`")
            }
            (Some(_), None, None) | (None, None, Some(_)) if allow_remote.is_some() => {
                Err("`allowRemote` belongs to `kustomize`")
            }
            (Some(path), None, None) => Ok(SourceKind::Manifests(ManifestSource {
                path,
                exclude: exclude.unwrap_or_default(),
            })),
            (None, Some(folder), None) => Ok(SourceKind::Kustomize(KustomizeSource {
                folder,
                allow_remote: allow_remote.unwrap_or_default(),
            })),
            (None, None, Some(chart)) => Ok(SourceKind::Helm(chart)),
            _ => Err("exactly one of `path`, `kustomize` and `helm` must be given"),
        }
    }
}

impl SourceDeclaration {
    /// The conditions on it.
    pub(super) fn conditions(&self) -> Conditions {
        Conditions::new(self.when.as_ref(), self.unless.as_ref())
    }

    fn manifests(path: &str) -> Self {
        Self {
            kind: SourceKind::Manifests(ManifestSource {
                path: PathBuf::from(path),
                exclude: Vec::new(),
            }),
            namespace: None,
            phase: None,
            when: None,
            unless: None,
        }
    }
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
        formatter.write_str("a path, `{path: …}`, `{kustomize: …}` or `{helm: …}`")
    }

    fn visit_str<E: de::Error>(self, path: &str) -> Result<SourceDeclaration, E> {
        if path.is_empty() {
            return Err(E::custom("the path is empty"));
        }
        Ok(SourceDeclaration::manifests(path))
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<SourceDeclaration, A::Error> {
        let mut map = SourceMap::deserialize(MapAccessDeserializer::new(access))?;
        Ok(SourceDeclaration {
            kind: map.kind().map_err(de::Error::custom)?,
            namespace: map.namespace,
            phase: map.phase,
            when: map.when,
            unless: map.unless,
        })
    }
}

impl JsonSchema for SourceDeclaration {
    fn schema_name() -> Cow<'static, str> {
        "Source".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let chart = generator.subschema_for::<HelmChart>();
        let condition = generator.subschema_for::<Condition>();
        json_schema!({
            "description": "Where objects come from: a file, folder or glob of manifests relative to the plan, a kustomization, or a Helm chart.",
            "oneOf": [
                {"type": "string", "minLength": 1},
                {
                    "type": "object",
                    "properties": {
                        "path": {"description": "A file, folder or glob of plain manifests, relative to the plan.", "type": "string", "minLength": 1},
                        "exclude": {"description": "Globs of files below a folder that are left out, relative to that folder.", "type": "array", "items": {"type": "string"}},
                        "kustomize": {"description": "A folder with a kustomization, relative to the plan.", "type": "string", "minLength": 1},
                        "allowRemote": {"description": "Whether the kustomization may name what is not on this machine.", "type": "boolean"},
                        "helm": chart,
                        "namespace": {"description": "Namespace of the objects that name none, where it is not the plan's.", "type": "string"},
                        "phase": {"description": "Phase of the objects, but for what annotations or `match` say of one.", "type": "string"},
                        "when": condition,
                        "unless": condition
                    },
                    "oneOf": [{"required": ["path"]}, {"required": ["kustomize"]}, {"required": ["helm"]}],
                    "additionalProperties": false
                }
            ]
        })
    }
}
