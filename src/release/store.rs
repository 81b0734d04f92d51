//! Revisions in the cluster: one head each, and chunks that are named after their content.

mod copy;
mod following;
mod journal;
mod packed;

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{
    ObjectRecord, Records, Revision, Room,
    compression::{compress, decompress},
    labels::{MANAGER, PART_LABEL, RELEASE_LABEL},
};
pub(crate) use following::Change;
pub(crate) use packed::Packed;

use crate::{
    cluster::{
        Cluster, DeleteOptions, Force, ListScope, RequestError, Resource, Served, Tolerated,
    },
    object::{ManifestView, ObjectId},
    plan::ReleaseId,
};

/// Revisions in the cluster: Secrets of type `deployctl.dev/revision`. Cheap to clone.
///
/// A revision is chunks, named after their content and shared between revisions, and one head that
/// names them. The head is the only commit point: chunks that no head names are garbage. The head
/// also holds the newest part of the journal.
#[derive(Clone)]
pub(crate) struct Store {
    cluster: Cluster,
    secrets: Resource,
    namespaces: Resource,
    quotas: Resource,
    namespace: String,
    release: ReleaseId,
}

/// A revision as it is stored, with its journal.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    /// The revision.
    pub(crate) revision: Revision,
    /// Chunks that hold the older part of the journal.
    journal_chunks: Vec<String>,
    /// The newer part of the journal, compressed: a piece for each time that it was added to.
    journal: Vec<u8>,
    /// Resource version of the Secret: a write fails where somebody else has written it since.
    stored_as: String,
}

/// Why a revision could not be read or written.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The request failed.
    #[error("cannot {what} in namespace `{namespace}`")]
    Request {
        what: &'static str,
        namespace: String,
        source: RequestError,
    },
    /// A stored revision, or a part of one, cannot be read.
    #[error("the stored revision in Secret `{namespace}/{name}` cannot be read: {why}")]
    Damaged {
        namespace: String,
        name: String,
        why: String,
    },
    /// A newer program wrote it.
    #[error("revision `{name}` was written by a newer deployctl (format {format}, this program knows {known}); update deployctl", known = Revision::FORMAT)]
    Newer { name: String, format: u64 },
    /// Somebody else has written the revision since: the lock was taken over.
    #[error(
        "revision `{name}` was written by another run since, which has taken this release over"
    )]
    Overtaken { name: String },
    /// A quota does not let it be stored.
    #[error(
        "namespace `{namespace}` has no room for another revision: quota `{quota}` takes {room} more Secrets, and up to {need} are needed"
    )]
    NoRoom {
        namespace: String,
        quota: String,
        room: u64,
        need: usize,
    },
}

impl StoreError {
    /// Whether it was not stored because the lock is not held any more.
    pub(crate) fn is_lock_lost(&self) -> bool {
        matches!(
            self,
            StoreError::Request {
                source: RequestError::LockLost { .. },
                ..
            }
        )
    }

    /// Whether it was not stored because this run has the release no more: its lock is lost, or
    /// another run has written its revision, which it takes over with the lock.
    pub(crate) fn is_lost_to_another(&self) -> bool {
        self.is_lock_lost() || matches!(self, StoreError::Overtaken { .. })
    }
}

const SECRET_TYPE: &str = "deployctl.dev/revision";
impl Store {
    /// The revisions of `release` in `namespace`.
    pub(crate) fn new(
        cluster: &Cluster,
        served: &Served,
        namespace: &str,
        release: &ReleaseId,
    ) -> Self {
        Self {
            cluster: cluster.clone(),
            secrets: served.or_known(Resource::secrets()),
            namespaces: served.or_known(Resource::namespaces()),
            quotas: served.or_known(Resource::resource_quotas()),
            namespace: namespace.to_owned(),
            release: release.clone(),
        }
    }

    /// All revisions of the release, oldest first.
    pub(crate) async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.list_heads(&format!(
            "{RELEASE_LABEL}={},{PART_LABEL}=head",
            self.release
        ))
        .await
    }

    /// All revisions of all releases, by release, oldest first.
    pub(crate) async fn all_heads(&self) -> Result<Vec<Head>, StoreError> {
        self.list_heads(&format!("{PART_LABEL}=head")).await
    }

    async fn list_heads(&self, selector: &str) -> Result<Vec<Head>, StoreError> {
        let scope = ListScope::Namespace(&self.namespace);
        let listing = self
            .cluster
            .list_permitted(&self.secrets, scope, Some(selector), Tolerated::Absent)
            .await;
        let listing = listing.map_err(|error| self.failed("read revisions", error))?;
        let mut heads = listing
            .items
            .iter()
            .map(|item| read_head(item))
            .collect::<Result<Vec<_>, _>>()?;
        heads.sort_by(|left, right| {
            (&left.revision.release, left.revision.number)
                .cmp(&(&right.revision.release, right.revision.number))
        });
        Ok(heads)
    }

    /// What is remembered of the release's objects after `head`: the records that it left, and
    /// those of its journal where it has not ended.
    pub(crate) async fn records(&self, head: &Head) -> Result<Records, StoreError> {
        let records: Vec<ObjectRecord> = self.read(&head.revision.records).await?;
        let mut records: Records = records.into_iter().collect();
        if head.revision.finished.is_none() {
            records.replay(&self.journal(head).await?);
        }
        Ok(records)
    }

    /// Makes sure that the namespace for revisions is there; it may be.
    pub(crate) async fn prepare(&self) -> Result<(), StoreError> {
        let id = ObjectId::namespace(&self.namespace);
        let what = "look for the namespace for revisions";
        match self
            .cluster
            .get(&self.namespaces, None, &self.namespace)
            .await
        {
            Ok(None) => {}
            // Who is confined to one namespace may not look at it; whether it is there shows at the
            // first write.
            Err(error) if !error.is_forbidden() => return Err(self.failed(what, error)),
            Ok(Some(_)) | Err(_) => return Ok(()),
        }
        let body =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}});
        let applied = self
            .cluster
            .apply(&self.namespaces, &id, &body, MANAGER, Force::No)
            .await;
        applied
            .map(|_| ())
            .map_err(|error| self.failed("create the namespace for revisions", error))
    }

    /// How many more Secrets the namespace for revisions takes; `None` where no quota says, or none
    /// that the user may look at.
    pub(crate) async fn room(&self) -> Result<Option<Room>, StoreError> {
        let scope = ListScope::Namespace(&self.namespace);
        let listing = self
            .cluster
            .list_permitted(&self.quotas, scope, None, Tolerated::Forbidden)
            .await;
        let listing = listing.map_err(|error| self.failed("look for quotas", error))?;
        Ok(Room::under(listing.items.iter().map(AsRef::as_ref)))
    }

    /// Fails where `room` is too little for `need` Secrets.
    pub(crate) fn fits(&self, room: Room, need: usize) -> Result<(), StoreError> {
        let Room { quota, left: room } = room;
        if usize::try_from(room).is_ok_and(|room| room < need) {
            return Err(StoreError::NoRoom {
                namespace: self.namespace.clone(),
                quota,
                room,
                need,
            });
        }
        Ok(())
    }

    /// Reads what [`Store::write`] stored as `names`; nothing is stored as no names.
    pub(crate) async fn read<T: DeserializeOwned + Default>(
        &self,
        names: &[String],
    ) -> Result<T, StoreError> {
        if names.is_empty() {
            return Ok(T::default());
        }
        decompress(&self.read_bytes(names).await?).map_err(|why| self.damaged(&names[0], &why))
    }

    /// What the chunks `names` hold, one after the other.
    async fn read_bytes(&self, names: &[String]) -> Result<Vec<u8>, StoreError> {
        let reads: Vec<_> = names.iter().map(|name| self.read_chunk(name)).collect();
        let pieces: Vec<Vec<u8>> = stream::iter(reads)
            .buffered(Cluster::PARALLEL_LARGE)
            .try_collect()
            .await?;
        Ok(pieces.concat())
    }

    async fn read_chunk(&self, name: &str) -> Result<Vec<u8>, StoreError> {
        let secret = self
            .cluster
            .get(&self.secrets, Some(&self.namespace), name)
            .await;
        let secret = secret.map_err(|error| self.failed("read a revision", error))?;
        let secret = secret.ok_or_else(|| self.damaged(name, "it is not there"))?;
        data(&secret, "chunk").ok_or_else(|| self.damaged(name, "it holds no chunk"))
    }

    /// Stores the head of a new revision: from now on it counts. Fails where somebody else has
    /// taken its number.
    pub(crate) async fn create(&self, revision: Revision) -> Result<Head, StoreError> {
        let mut head = Head {
            revision,
            journal_chunks: Vec::new(),
            journal: Vec::new(),
            stored_as: String::new(),
        };
        self.store_new(&mut head).await?;
        Ok(head)
    }

    async fn store_new(&self, head: &mut Head) -> Result<(), StoreError> {
        let body = self.head_secret(head);
        let name = self.head_name(head.revision.number);
        let stored = self
            .cluster
            .create(&self.secrets, &self.id(&name), &body, MANAGER)
            .await;
        head.stored_as = resource_version(
            &stored.map_err(|error| self.not_stored(error.is_already_exists(), name, error))?,
        );
        Ok(())
    }

    /// Stores `head` again. Fails where somebody else has written it since it was read or written
    /// here.
    pub(crate) async fn update(&self, head: &mut Head) -> Result<(), StoreError> {
        let name = self.head_name(head.revision.number);
        let mut body = self.head_secret(head);
        body["metadata"]["resourceVersion"] = head.stored_as.as_str().into();
        let stored = self
            .cluster
            .replace(&self.secrets, &self.id(&name), &body, MANAGER)
            .await;
        head.stored_as = resource_version(
            &stored.map_err(|error| self.not_stored(error.is_conflict(), name, error))?,
        );
        Ok(())
    }

    fn not_stored(&self, is_overtaken: bool, name: String, error: RequestError) -> StoreError {
        if is_overtaken {
            StoreError::Overtaken { name }
        } else {
            self.failed("store a revision", error)
        }
    }

    /// Deletes the heads in `numbers`, and then every chunk of the release that none of `kept`
    /// names.
    ///
    /// Only the holder of the lock may call it: nobody else can be storing chunks whose head is not
    /// there yet.
    pub(crate) async fn trim(&self, numbers: &[u64], kept: &[Head]) -> Result<(), StoreError> {
        for number in numbers {
            self.delete(&self.head_name(*number), None).await?;
        }
        let selector = format!("{RELEASE_LABEL}={},{PART_LABEL}=chunk", self.release);
        let listed = self
            .cluster
            .list_metadata(&self.secrets, Some(&self.namespace), Some(&selector))
            .await;
        let listed = listed.map_err(|error| self.failed("list revisions", error))?;
        let named: BTreeSet<&str> = kept.iter().flat_map(Head::chunks).collect();
        let chunks = listed.items.iter().map(|item| ManifestView(item));
        let garbage: Vec<_> = chunks
            .filter(|chunk| !chunk.name().is_empty() && !named.contains(chunk.name()))
            .map(|chunk| self.delete(chunk.name(), chunk.uid()))
            .collect();
        stream::iter(garbage)
            .buffer_unordered(Cluster::PARALLEL_LARGE)
            .try_collect()
            .await
    }

    /// Deletes the Secret `name`, where it still has `uid`: a chunk is named by what it holds, so that
    /// a request that comes late could meet with one that another run has stored since.
    async fn delete(&self, name: &str, uid: Option<&str>) -> Result<(), StoreError> {
        let options = DeleteOptions {
            uid: uid.map(str::to_owned),
            ..DeleteOptions::default()
        };
        match self
            .cluster
            .delete(&self.secrets, &self.id(name), &options)
            .await
        {
            Ok(_) => Ok(()),
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(self.failed("delete an old revision", error)),
        }
    }

    /// The error of a request that was made for a revision's snapshot.
    pub(crate) fn unread(&self, source: RequestError) -> StoreError {
        self.failed("read what is there before it is changed", source)
    }

    fn head_name(&self, number: u64) -> String {
        format!("deployctl.{}.v{number}", self.release)
    }

    fn head_secret(&self, head: &Head) -> Value {
        let (revision, chunks) = (compress(&head.revision), compress(&head.journal_chunks));
        let data = [
            ("head", revision.as_slice()),
            ("journal-chunks", chunks.as_slice()),
            ("journal", head.journal.as_slice()),
        ];
        let number = head.revision.number;
        let mut secret = self.secret(&self.head_name(number), "head", &data);
        secret["metadata"]["labels"]["deployctl.dev/revision"] = number.to_string().into();
        secret
    }

    fn secret(&self, name: &str, part: &str, data: &[(&str, &[u8])]) -> Value {
        let data: serde_json::Map<String, Value> = data
            .iter()
            .map(|(key, bytes)| ((*key).to_owned(), STANDARD.encode(bytes).into()))
            .collect();
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": SECRET_TYPE,
            "metadata": {"name": name, "namespace": self.namespace, "labels": {RELEASE_LABEL: self.release.to_string(), PART_LABEL: part}},
            "data": data,
        })
    }

    fn id(&self, name: &str) -> ObjectId {
        ObjectId::core("Secret", Some(&self.namespace), name)
    }

    fn damaged(&self, name: &str, why: &str) -> StoreError {
        damaged(&self.namespace, name, why)
    }

    fn failed(&self, what: &'static str, source: RequestError) -> StoreError {
        StoreError::Request {
            what,
            namespace: self.namespace.clone(),
            source,
        }
    }
}

impl Head {
    /// The names of all chunks that belong to it.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &str> {
        let revision = &self.revision;
        let wanted = revision.phases.iter().flat_map(|phase| &phase.wanted);
        let rest = [
            &revision.records,
            &revision.base,
            &revision.program,
            &revision.snapshot,
            &revision.traces,
            &revision.hooks,
            &self.journal_chunks,
        ];
        wanted.chain(rest.into_iter().flatten()).map(String::as_str)
    }
}

fn damaged(namespace: &str, name: &str, why: &str) -> StoreError {
    StoreError::Damaged {
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        why: why.to_owned(),
    }
}

fn resource_version(object: &Value) -> String {
    let version = ManifestView(object).resource_version();
    version.unwrap_or_default().to_owned()
}

/// What every version of this program can read of a head.
#[derive(serde::Deserialize)]
struct Format {
    format: u64,
}

fn read_head(secret: &Value) -> Result<Head, StoreError> {
    let view = ManifestView(secret);
    let name = view.name();
    let damaged = |why: &str| damaged(view.namespace().unwrap_or_default(), name, why);
    let bytes = data(secret, "head").ok_or_else(|| damaged("it holds no head"))?;
    let Format { format } = decompress(&bytes).map_err(|why| damaged(&why))?;
    if format > u64::from(Revision::FORMAT) {
        return Err(StoreError::Newer {
            name: name.to_owned(),
            format,
        });
    }
    let revision = decompress(&bytes).map_err(|why| damaged(&why))?;
    let journal_chunks = match data(secret, "journal-chunks") {
        Some(bytes) => decompress(&bytes).map_err(|why| damaged(&why))?,
        None => Vec::new(),
    };
    Ok(Head {
        revision,
        journal_chunks,
        journal: data(secret, "journal").unwrap_or_default(),
        stored_as: resource_version(secret),
    })
}

fn data(secret: &Value, key: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(secret.get("data")?.get(key)?.as_str()?)
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_revision_is_refused() {
        let head = compress(&json!({"format": 99}));
        let secret = json!({"metadata": {"name": "deployctl.shop.dev.v1"}, "data": {"head": STANDARD.encode(head)}});
        assert!(matches!(
            read_head(&secret),
            Err(StoreError::Newer { format: 99, .. })
        ));
    }

    #[test]
    fn a_revision_that_cannot_be_read_is_not_quoted() {
        let head = compress(&json!({"format": Revision::FORMAT, "number": "hunter2"}));
        let secret = json!({"metadata": {"name": "deployctl.shop.dev.v1"}, "data": {"head": STANDARD.encode(head)}});
        let said = read_head(&secret)
            .expect_err("its number is none")
            .to_string();
        assert!(
            said.contains("deployctl.shop.dev.v1") && !said.contains("hunter2"),
            "{said}"
        );
    }
}
