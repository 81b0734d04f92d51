use std::io::{Read as _, Write as _};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, read::GzDecoder, write::GzEncoder};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{ObjectRecord, Records, Revision};
use crate::{
    cluster::{Cluster, Force, RequestError, Resource, Served},
    object::{Digest, ObjectId},
    plan::ReleaseId,
};

/// Revisions in the cluster: Secrets of type `deployctl.dev/revision`.
///
/// A revision is chunks, named after their content and shared between revisions, and one head that names them. The head
/// is the only commit point: chunks that no head names are garbage.
pub(crate) struct Store<'a> {
    cluster: &'a Cluster,
    secrets: Resource,
    namespaces: Resource,
    namespace: String,
    release: ReleaseId,
}

/// Why a revision could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The request failed.
    #[error("cannot {what} in namespace `{namespace}`")]
    Request { what: &'static str, namespace: String, source: RequestError },
    /// A stored revision cannot be read.
    #[error("the stored revision `{name}` cannot be read: {why}")]
    Damaged { name: String, why: String },
    /// A newer program wrote it.
    #[error("revision `{name}` was written by a newer deployctl (format {format}, this program knows {known}); update deployctl", known = Revision::FORMAT)]
    Newer { name: String, format: u64 },
}

const SECRET_TYPE: &str = "deployctl.dev/revision";
const RELEASE_LABEL: &str = "deployctl.dev/release";
const PART_LABEL: &str = "deployctl.dev/part";
/// Compressed bytes in one chunk; base64 and the envelope stay well under the API server's limit of 1 MiB.
const CHUNK_BYTES: usize = 600 * 1024;
const MANAGER: &str = "deployctl";

impl<'a> Store<'a> {
    /// The revisions of `release` in `namespace`.
    pub(crate) fn new(cluster: &'a Cluster, served: &Served, namespace: &str, release: &ReleaseId) -> Self {
        let core = |kind: &str, plural: &str, namespaced| {
            served.exact("v1", kind).cloned().unwrap_or_else(|| Resource {
                group: String::new(),
                version: "v1".to_owned(),
                kind: kind.to_owned(),
                plural: plural.to_owned(),
                namespaced,
                verbs: Vec::new(),
            })
        };
        Self {
            cluster,
            secrets: core("Secret", "secrets", true),
            namespaces: core("Namespace", "namespaces", false),
            namespace: namespace.to_owned(),
            release: release.clone(),
        }
    }

    /// All revisions of the release, oldest first.
    pub(crate) async fn revisions(&self) -> Result<Vec<Revision>, StoreError> {
        self.heads(&format!("{RELEASE_LABEL}={},{PART_LABEL}=head", self.release)).await
    }

    /// All revisions of all releases, by release, oldest first.
    pub(crate) async fn all_revisions(&self) -> Result<Vec<Revision>, StoreError> {
        self.heads(&format!("{PART_LABEL}=head")).await
    }

    async fn heads(&self, selector: &str) -> Result<Vec<Revision>, StoreError> {
        let listed = match self.cluster.list(&self.secrets, Some(&self.namespace), Some(selector)).await {
            Ok(listed) => listed,
            Err(error) if error.code() == Some(404) => return Ok(Vec::new()),
            Err(error) => return Err(self.failed("read revisions", error)),
        };
        let mut revisions = listed.items.iter().map(|item| read_head(item)).collect::<Result<Vec<_>, _>>()?;
        revisions.sort_by(|left, right| (&left.release, left.number).cmp(&(&right.release, right.number)));
        Ok(revisions)
    }

    /// The records that `revision` left; none where it is the first and has not ended.
    pub(crate) async fn records(&self, revision: &Revision) -> Result<Records, StoreError> {
        if revision.records.is_empty() {
            return Ok(Records::default());
        }
        let records: Vec<ObjectRecord> = self.read_chunks(&revision.records).await?;
        Ok(records.into_iter().collect())
    }

    /// Makes sure that the namespace for revisions is there; it may be.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        let id = ObjectId { group: String::new(), kind: "Namespace".to_owned(), namespace: None, name: self.namespace.clone() };
        let what = "look for the namespace for revisions";
        match self.cluster.get(&self.namespaces, None, &self.namespace).await {
            Ok(None) => {}
            // Who is confined to one namespace may not look at it; whether it is there shows at the first write.
            Err(error) if error.code() != Some(403) => return Err(self.failed(what, error)),
            Ok(Some(_)) | Err(_) => return Ok(()),
        }
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let applied = self.cluster.apply(&self.namespaces, &id, &body, MANAGER, Force::No).await;
        applied.map(|_| ()).map_err(|error| self.failed("create the namespace for revisions", error))
    }

    /// Stores `value` in chunks and returns their names. Chunks that are there already are left as they are.
    pub(crate) async fn write_chunks(&self, value: &impl Serialize) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for piece in compress(value).chunks(CHUNK_BYTES) {
            let name = format!("deployctl.{}.chunk.{}", self.release, Digest::of_bytes(piece));
            let body = self.secret(&name, "chunk", &[("chunk", piece)]);
            match self.cluster.create(&self.secrets, &self.id(&name), &body, MANAGER).await {
                Ok(_) => {}
                Err(error) if error.code() == Some(409) => {}
                Err(error) => return Err(self.failed("store a revision", error)),
            }
            names.push(name);
        }
        Ok(names)
    }

    /// Stores the head of a new revision. Fails where somebody else has taken its number.
    pub(crate) async fn create(&self, revision: &Revision) -> Result<String, StoreError> {
        let name = self.head_name(revision.number);
        let body = self.head_secret(revision);
        let stored = self
            .cluster
            .create(&self.secrets, &self.id(&name), &body, MANAGER)
            .await
            .map_err(|error| self.failed("store a revision", error))?;
        Ok(resource_version(&stored))
    }

    /// Stores the head of `revision` again; `stored_as` is the resource version of what it replaces.
    pub(crate) async fn update(&self, revision: &Revision, stored_as: &str) -> Result<String, StoreError> {
        let name = self.head_name(revision.number);
        let mut body = self.head_secret(revision);
        body["metadata"]["resourceVersion"] = stored_as.into();
        let stored = self
            .cluster
            .replace(&self.secrets, &self.id(&name), &body, MANAGER)
            .await
            .map_err(|error| self.failed("store a revision", error))?;
        Ok(resource_version(&stored))
    }

    async fn read_chunks<T: DeserializeOwned>(&self, names: &[String]) -> Result<T, StoreError> {
        let mut bytes = Vec::new();
        for name in names {
            let secret = self
                .cluster
                .get(&self.secrets, Some(&self.namespace), name)
                .await
                .map_err(|error| self.failed("read a revision", error))?;
            let secret = secret.ok_or_else(|| damaged(name, "it is not there"))?;
            bytes.extend(data(&secret, "chunk").ok_or_else(|| damaged(name, "it holds no chunk"))?);
        }
        decompress(&bytes).map_err(|why| damaged(names.first().map_or("", String::as_str), &why))
    }

    fn head_name(&self, number: u64) -> String {
        format!("deployctl.{}.v{number}", self.release)
    }

    fn head_secret(&self, revision: &Revision) -> Value {
        let mut secret = self.secret(&self.head_name(revision.number), "head", &[("head", &compress(revision))]);
        secret["metadata"]["labels"]["deployctl.dev/revision"] = revision.number.to_string().into();
        secret
    }

    fn secret(&self, name: &str, part: &str, data: &[(&str, &[u8])]) -> Value {
        let data: serde_json::Map<String, Value> =
            data.iter().map(|(key, bytes)| ((*key).to_owned(), STANDARD.encode(bytes).into())).collect();
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE,
            "metadata": {"name": name, "namespace": self.namespace, "labels": {RELEASE_LABEL: self.release.to_string(), PART_LABEL: part}},
            "data": data,
        })
    }

    fn id(&self, name: &str) -> ObjectId {
        ObjectId { group: String::new(), kind: "Secret".to_owned(), namespace: Some(self.namespace.clone()), name: name.to_owned() }
    }

    fn failed(&self, what: &'static str, source: RequestError) -> StoreError {
        StoreError::Request { what, namespace: self.namespace.clone(), source }
    }
}

fn damaged(name: &str, why: &str) -> StoreError {
    StoreError::Damaged { name: name.to_owned(), why: why.to_owned() }
}

fn resource_version(object: &Value) -> String {
    object.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn read_head(secret: &Value) -> Result<Revision, StoreError> {
    let name = secret.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let bytes = data(secret, "head").ok_or_else(|| damaged(name, "it holds no head"))?;
    let value: Value = decompress(&bytes).map_err(|why| damaged(name, &why))?;
    let format = value.get("format").and_then(Value::as_u64).unwrap_or_default();
    if format > u64::from(Revision::FORMAT) {
        return Err(StoreError::Newer { name: name.to_owned(), format });
    }
    serde_json::from_value(value).map_err(|error| damaged(name, &error.to_string()))
}

fn data(secret: &Value, key: &str) -> Option<Vec<u8>> {
    STANDARD.decode(secret.get("data")?.get(key)?.as_str()?).ok()
}

fn compress(value: &impl Serialize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, value).expect("revisions can be written as JSON");
    encoder.flush().expect("writing to memory does not fail");
    encoder.finish().expect("writing to memory does not fail")
}

fn decompress<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    let mut text = Vec::new();
    GzDecoder::new(bytes).read_to_end(&mut text).map_err(|error| error.to_string())?;
    // The text of a JSON error could show a part of what is stored, which may be secret.
    serde_json::from_slice(&text).map_err(|error| format!("line {}, column {}", error.line(), error.column()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back_and_is_always_the_same_bytes() {
        let value = json!({"a": [1, 2, 3]});
        assert_eq!(compress(&value), compress(&value));
        assert_eq!(decompress::<Value>(&compress(&value)), Ok(value));
    }

    #[test]
    fn a_newer_revision_is_refused() {
        let head = compress(&json!({"format": 99}));
        let secret = json!({"metadata": {"name": "deployctl.shop.dev.v1"}, "data": {"head": STANDARD.encode(head)}});
        assert!(matches!(read_head(&secret), Err(StoreError::Newer { format: 99, .. })));
    }
}
