//! What belongs to an object that is deleted without taking it along, and goes after it.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::Value;

use super::{Writer, contents, contents::Held, remove::propagation};
use crate::{
    cluster::{Cluster, DeleteOptions, RequestError, Resource},
    object::{HasKind as _, ManifestView, ObjectId},
    release::{Belongings, JournalEntry},
};

/// An object that belongs to another.
pub(super) struct Dependent {
    resource: Resource,
    id: ObjectId,
    uid: String,
}

impl Dependent {
    fn of(object: &Value, resource: Resource) -> Self {
        let view = ManifestView(object);
        Self {
            id: ObjectId {
                group: resource.group.clone(),
                kind: resource.kind.clone(),
                namespace: view.namespace().map(str::to_owned),
                name: view.name().to_owned(),
            },
            uid: view.uid().unwrap_or_default().to_owned(),
            resource,
        }
    }
}

impl Writer<'_> {
    /// What is to be deleted after `id`, which is `owner`, by itself; `None` where the garbage
    /// collector does what is to be done.
    pub(super) async fn dependents_that_go(
        &self,
        id: &ObjectId,
        owner: &Value,
        belongings: Belongings,
    ) -> Result<Option<Vec<Dependent>>, RequestError> {
        let dependents = match belongings {
            Belongings::Go | Belongings::Stay => return Ok(None),
            Belongings::ClaimsStay => self.owned_by(owner).await?,
            Belongings::TakenOverStays => self.made_by(id, owner).await?,
        };
        self.remember(id, &dependents).await;
        Ok(Some(dependents))
    }

    /// What belongs to the StatefulSet `owner` beside its claims: pods, and the revisions of its
    /// template.
    async fn owned_by(&self, owner: &Value) -> Result<Vec<Dependent>, RequestError> {
        let kinds = [("v1", "Pod"), ("apps/v1", "ControllerRevision")];
        let kinds = kinds
            .into_iter()
            .filter_map(|(api_version, kind)| self.context.kinds.served.exact(api_version, kind));
        let namespace = ManifestView(owner).namespace();
        let mut owned = Vec::new();
        for resource in kinds {
            let cluster = &self.context.cluster;
            let listed = cluster.list_metadata(resource, namespace, None).await?;
            let belonging = listed.items.iter();
            let belonging = belonging.filter(|item| ManifestView(item).belongs_to(owner));
            owned.extend(belonging.map(|item| Dependent::of(item, resource.clone())));
        }
        Ok(owned)
    }

    /// What `id`, which is `owner`, has made, as far as the user may see it: it belongs to it alone,
    /// and holds no data. Owners are in the namespace of what belongs to them, or in none.
    async fn made_by(&self, id: &ObjectId, owner: &Value) -> Result<Vec<Dependent>, RequestError> {
        let cluster = &self.context.cluster;
        let served = cluster.discover().await?;
        let namespace = id.namespace.as_deref();
        let list = |kind| async move {
            match contents::list(cluster, kind, namespace).await {
                Err(error) if error.is_forbidden() => Ok(Vec::new()),
                listed => listed,
            }
        };
        let held: Vec<Vec<Held>> = stream::iter(contents::listable(&served, namespace.is_some()))
            .map(list)
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await?;
        let made = held
            .iter()
            .flatten()
            .filter(|held| self.is_made(held, owner));
        let made = made.filter_map(|held| {
            let resource = served.preferred(&held.id.group, &held.id.kind)?;
            Some(Dependent::of(&held.object, resource.clone()))
        });
        Ok(made.collect())
    }

    fn is_made(&self, held: &Held, owner: &Value) -> bool {
        let there = ManifestView(&held.object);
        let uid = ManifestView(owner).uid();
        let snapshot = self.context.snapshot;
        there.belongs_to(owner)
            && there.owners().all(|other| Some(other.uid) == uid)
            && !snapshot.is_only_taken_over(&held.id, &held.object, Some(owner), &self.manager)
            && !held.id.is_data()
    }

    /// Stores that `dependents` go, before their owner `id` does: nobody could tell any more whose
    /// they were, once the garbage collector has taken it out of their `ownerReferences`. What made
    /// the objects of a run is as good as the run itself, where that has created it; what belongs to
    /// one that was there before stays for that, should it be put back.
    async fn remember(&self, id: &ObjectId, dependents: &[Dependent]) {
        if dependents.is_empty() {
            return;
        }
        let was_there = self.context.snapshot.object(id).is_some();
        for dependent in dependents {
            self.context.journal.note(JournalEntry::Wrote {
                object: dependent.id.clone(),
                uid: dependent.uid.clone(),
                created: true,
                changed: Vec::new(),
                record: None,
                owner: was_there.then(|| id.clone()),
            });
        }
        self.context.journal.stored().await;
    }

    /// Deletes `dependents` of `id` once it is gone: before, it would make new ones. Returns when
    /// they are gone too.
    pub(super) async fn delete_dependents(
        &self,
        id: &ObjectId,
        uid: &str,
        dependents: &[Dependent],
    ) -> Result<(), RequestError> {
        let cluster = &self.context.cluster;
        cluster.until_gone(self.stored_as(id), id, uid).await?;
        let deletions = dependents
            .iter()
            .map(|dependent| self.delete_dependent(dependent));
        stream::iter(deletions)
            .buffer_unordered(Cluster::PARALLEL)
            .try_collect()
            .await
    }

    async fn delete_dependent(&self, dependent: &Dependent) -> Result<(), RequestError> {
        let Dependent { resource, id, uid } = dependent;
        let options = DeleteOptions {
            uid: Some(uid.clone()),
            propagation: Some(propagation(id, Belongings::Go)),
            ..DeleteOptions::default()
        };
        let cluster = &self.context.cluster;
        match cluster.delete(resource, id, &options).await {
            Ok(_) => cluster.until_gone(resource, id, uid).await,
            // Another one has taken its name: that is nobody's leftover.
            Err(error) if error.is_conflict() => Ok(()),
            Err(error) => Err(error),
        }
    }
}
