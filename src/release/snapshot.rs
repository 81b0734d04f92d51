//! What was there before the first write, of every object that a run may touch.

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    object::{ManifestView, ObjectId},
    ownership::{is_ours, rename_version},
};

/// What was there, under the lock, before the first write: every object that a run may touch.
///
/// Objects are in the version that their kind is stored in: read and put back through another one,
/// fields that it does not know would be lost.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Snapshot {
    objects: BTreeMap<ObjectId, Option<Arc<Value>>>,
}

/// One object of a snapshot as it is stored.
#[derive(Serialize, Deserialize)]
struct Entry {
    id: ObjectId,
    /// Absent where the object was not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Arc<Value>>,
}

impl Snapshot {
    /// Notes `object`, or that it is not there. What was noted of it before stays: the first look
    /// counts.
    pub(crate) fn note(&mut self, id: ObjectId, object: Option<Arc<Value>>) {
        self.objects.entry(id).or_insert(object);
    }

    /// Whether the snapshot says anything about `id`.
    pub(crate) fn knows(&self, id: &ObjectId) -> bool {
        self.objects.contains_key(id)
    }

    /// The object `id` as it was; `None` where it was not there, or where nothing is known of it.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.objects.get(id)?.as_ref()
    }

    /// Whether `there`, the object `id`, which belongs to `owner`, is nothing that `owner` made: it
    /// was there before, is older, or is of the release of `manager`.
    pub(crate) fn is_only_taken_over(
        &self,
        id: &ObjectId,
        there: &Value,
        owner: Option<&Value>,
        manager: &str,
    ) -> bool {
        let created = |object: &Value| ManifestView(object).created();
        let before = self.object(id);
        before.is_some_and(|before| ManifestView(before).uid() == ManifestView(there).uid())
            || is_ours(there, manager)
            || owner.is_some_and(|owner| created(there) < created(owner))
    }
}

impl Snapshot {
    /// Holds `id` as an object of `api_version`, with the owners that it had.
    pub(crate) fn rename_version(&mut self, id: &ObjectId, api_version: &str) {
        if let Some(Some(object)) = self.objects.get_mut(id) {
            rename_version(Arc::make_mut(object), api_version);
        }
    }
}

impl Serialize for Snapshot {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.objects.iter().map(|(id, object)| Entry {
            id: id.clone(),
            object: object.clone(),
        }))
    }
}

impl<'de> Deserialize<'de> for Snapshot {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<Entry>::deserialize(deserializer)?;
        Ok(Self {
            objects: entries
                .into_iter()
                .map(|entry| (entry.id, entry.object))
                .collect(),
        })
    }
}
