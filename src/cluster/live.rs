//! What one look at the cluster said: seen, absent, forbidden or never asked are four things.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use crate::object::ObjectId;

/// What one look at the cluster said about one thing. `Unasked` and `Forbidden` are never `Absent`.
#[derive(Debug, Clone)]
pub(crate) enum Seen<T> {
    /// It is not there.
    Absent,
    /// It is there.
    Present(T),
    /// The user may not look.
    Forbidden,
    /// Nobody looked.
    Unasked,
}

/// What one look at the cluster said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    objects: HashMap<ObjectId, Seen<Arc<Value>>>,
}

impl Live {
    /// What was seen of `id`.
    pub(crate) fn seen(&self, id: &ObjectId) -> Seen<&Arc<Value>> {
        match self.objects.get(id) {
            None | Some(Seen::Unasked) => Seen::Unasked,
            Some(Seen::Absent) => Seen::Absent,
            Some(Seen::Forbidden) => Seen::Forbidden,
            Some(Seen::Present(object)) => Seen::Present(object),
        }
    }

    /// The object `id`, where it was seen.
    pub(crate) fn object(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        match self.objects.get(id) {
            Some(Seen::Present(object)) => Some(object),
            _ => None,
        }
    }

    /// Notes what was seen of `id`.
    pub(crate) fn note(&mut self, id: ObjectId, seen: Seen<Arc<Value>>) {
        self.objects.insert(id, seen);
    }

    /// All objects that were seen.
    pub(crate) fn present(&self) -> impl Iterator<Item = (&ObjectId, &Arc<Value>)> {
        self.objects.iter().filter_map(|(id, seen)| match seen {
            Seen::Present(object) => Some((id, object)),
            _ => None,
        })
    }
}
