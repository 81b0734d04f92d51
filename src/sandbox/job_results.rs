//! What Jobs make: their pods run nothing, so that an annotation says it.
//!
//! `sandbox.deployctl.dev/makes: Secret/oauth[client-id,client-secret]` on a pod that runs to its
//! end has the Secret get these keys, with values that are made up, while the pod runs.

use futures::StreamExt as _;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    api::Api,
    follow::{Heard, follow},
};

/// The annotation that says what a pod makes.
const MAKES: &str = "sandbox.deployctl.dev/makes";

/// Pods that run, and come to an end.
const PODS: &str =
    "/api/v1/pods?fieldSelector=status.phase%3DRunning%2Cspec.restartPolicy%21%3DAlways";

/// Makes what pods that run to their end are said to make.
pub(super) async fn make(api: Api) {
    let mut pods = std::pin::pin!(follow::<Value>(&api.client(), PODS));
    while let Some(heard) = pods.next().await {
        let Heard::Is(pod) = heard else { continue };
        let metadata = &pod["metadata"];
        let Some(said) = metadata["annotations"][MAKES].as_str() else {
            continue;
        };
        let namespace = metadata["namespace"].as_str().unwrap_or_default();
        for result in results(said) {
            // What cannot be made is not there, which whoever reads it tells.
            let _ = result.make(&api, namespace).await;
        }
    }
}

/// A Secret or a ConfigMap, and keys that it gets.
#[derive(Debug, PartialEq, Eq)]
struct JobResult<'a> {
    kind: &'a str,
    name: &'a str,
    keys: Vec<&'a str>,
}

/// What `said` names: `Secret/NAME[KEY,KEY]`, several with blanks or commas between.
fn results(said: &str) -> impl Iterator<Item = JobResult<'_>> {
    let parts = said.split_inclusive(']');
    parts.filter_map(|part| {
        let part = part.trim_start_matches([',', ' ']).strip_suffix(']')?;
        let (object, keys) = part.split_once('[')?;
        let (kind, name) = object.split_once('/')?;
        Some(JobResult {
            kind,
            name,
            keys: keys.split(',').map(str::trim).collect(),
        })
    })
}

impl JobResult<'_> {
    /// Creates it, or adds the keys that it does not have.
    async fn make(&self, api: &Api, namespace: &str) -> Result<(), super::SandboxError> {
        let (plural, field) = match self.kind {
            "Secret" => ("secrets", "stringData"),
            "ConfigMap" => ("configmaps", "data"),
            _ => return Ok(()),
        };
        let collection = format!("/api/v1/namespaces/{namespace}/{plural}");
        let path = format!("{collection}/{}", self.name);
        let found = api.get(&path).await?;
        let there = found.as_ref().map_or(&Value::Null, |found| &found["data"]);
        let missing = self.keys.iter().filter(|key| there[**key].is_null());
        let values: Map<String, Value> = missing
            .map(|key| {
                (
                    (*key).to_owned(),
                    made_up(&[namespace, self.name, key]).into(),
                )
            })
            .collect();
        let change = json!({"metadata": {"name": self.name}, field: values});
        match found {
            None => api.create(&collection, &change).await,
            Some(_) if values.is_empty() => Ok(()),
            Some(_) => api.merge_as_seen(&path, &change).await,
        }
    }
}

/// A value that is always the same for the same words.
fn made_up(words: &[&str]) -> String {
    let digest = Sha256::digest(words.join("/").as_bytes());
    let number = digest[..12]
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:024x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_objects_with_their_keys_can_be_named() {
        let result = |kind, name, keys: &[&'static str]| JobResult {
            kind,
            name,
            keys: keys.to_vec(),
        };
        let found: Vec<_> =
            results("Secret/oauth[id,secret], ConfigMap/ids[a] Secret/no-keys").collect();
        let expected = [
            result("Secret", "oauth", &["id", "secret"]),
            result("ConfigMap", "ids", &["a"]),
        ];
        assert_eq!(found, expected);
    }
}
