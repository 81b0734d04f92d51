//! The values that Secrets in the cluster hold.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use super::{docker, value::SecretBytes};
use crate::plan::{SecretDeclaration, SecretKind};

/// One live Secret.
pub(super) struct LiveSecret<'a> {
    /// Its namespace.
    pub(super) namespace: &'a str,
    /// Its type.
    pub(super) kind: String,
    values: HashMap<String, SecretBytes>,
}

impl<'a> LiveSecret<'a> {
    /// Reads `object`. For a Docker configuration the keys it was composed from are found too.
    pub(super) fn new(namespace: &'a str, object: &Value, declaration: &SecretDeclaration) -> Self {
        let mut values = data(object);
        if declaration.kind == SecretKind::DockerConfigJson
            && let Some(content) = values.get(docker::KEY)
        {
            let parts: Vec<_> = docker::parts(content)
                .into_iter()
                .map(|(key, value)| (key.to_owned(), value))
                .collect();
            values.extend(parts);
        }
        let kind = object
            .get("type")
            .and_then(Value::as_str)
            .unwrap_or("Opaque")
            .to_owned();
        Self {
            namespace,
            kind,
            values,
        }
    }

    /// The value under `key`.
    pub(super) fn value(&self, key: &str) -> Option<&SecretBytes> {
        self.values.get(key)
    }
}

fn data(object: &Value) -> HashMap<String, SecretBytes> {
    let entries = object
        .get("data")
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    entries
        .filter_map(|(key, value)| {
            Some((
                key.clone(),
                SecretBytes::new(STANDARD.decode(value.as_str()?).ok()?),
            ))
        })
        .collect()
}
