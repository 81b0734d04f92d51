//! Secrets as they are applied.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use super::value::SecretBytes;
use crate::plan::{SecretDeclaration, SecretKind};

/// The type as the API names it.
pub(super) fn type_name(kind: SecretKind) -> &'static str {
    match kind {
        SecretKind::Opaque => "Opaque",
        SecretKind::Tls => "kubernetes.io/tls",
        SecretKind::DockerConfigJson => "kubernetes.io/dockerconfigjson",
        SecretKind::BasicAuth => "kubernetes.io/basic-auth",
    }
}

/// The Secret of `declaration` in `namespace`. `stringData` is never used: under server-side apply
/// its removed keys would stay.
pub(super) fn manifest<'a>(
    declaration: &SecretDeclaration,
    namespace: &str,
    values: impl IntoIterator<Item = (&'a str, &'a SecretBytes)>,
) -> Value {
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), json!(declaration.name));
    metadata.insert("namespace".to_owned(), json!(namespace));
    if !declaration.labels.is_empty() {
        metadata.insert("labels".to_owned(), json!(declaration.labels));
    }
    if !declaration.annotations.is_empty() {
        metadata.insert("annotations".to_owned(), json!(declaration.annotations));
    }
    let data: Map<String, Value> = values
        .into_iter()
        .map(|(key, value)| (key.to_owned(), json!(STANDARD.encode(value.expose()))))
        .collect();
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": type_name(declaration.kind), "data": data})
}
