//! The objects of a release as they are now, by phase.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    desired::DesiredState,
    observe::objects::observe,
    status::drift::{Drift, drift},
    watch::cache::{Labelled, ResourceCache},
};
use crate::{
    cluster::{Cluster, RequestError, Resource, Served},
    object::{HasKind as _, ObjectId},
    readiness::{Budget, Rules, State, Verdict},
    release::{ObjectRecord, Records, Revision},
};

/// The objects of a release as they are now, by phase.
pub(crate) struct Overview {
    revision: Revision,
    records: Records,
    cache: ResourceCache,
    sent: Option<DesiredState>,
}

/// One phase of an overview.
#[derive(Debug)]
pub(crate) struct PhaseOverview {
    /// Name.
    pub(crate) name: String,
    /// Its objects.
    pub(crate) objects: Vec<ObjectOverview>,
}

/// One object of an overview.
#[derive(Debug)]
pub(crate) struct ObjectOverview {
    /// The object.
    pub(crate) id: ObjectId,
    /// Its verdict.
    pub(crate) verdict: Verdict,
    /// The object, where it is there.
    pub(crate) live: Option<Arc<Value>>,
    /// What others have done to it since it was written.
    pub(crate) drift: Option<Drift>,
    /// Claims that its pods mount.
    pub(crate) claims: Vec<Value>,
}

impl Overview {
    /// Looks at everything that `revision` and those before it left.
    pub(crate) async fn of(
        cluster: &Cluster,
        served: &Served,
        revision: Revision,
        records: Records,
    ) -> Result<Self, RequestError> {
        let wanted: Vec<(ObjectId, Resource)> = records
            .sorted()
            .into_iter()
            .filter_map(|record| Some((record.id.clone(), resource(record, served)?)))
            .collect();
        let observation = observe(cluster, &revision.release, &wanted).await?;
        let labelled = Labelled {
            label: revision.release.label(),
            positions: observation.positions,
        };
        let mut cache =
            ResourceCache::new(cluster.clone(), served, Some(labelled), &observation.live);
        // Rules that this version cannot read leave the built-in ones.
        cache = cache.judging_by(Rules::compile(&revision.readiness).unwrap_or_default());
        let namespaces: BTreeSet<&str> = wanted
            .iter()
            .filter(|(id, _)| has_pods(id))
            .filter_map(|(id, _)| id.namespace.as_deref())
            .collect();
        for namespace in namespaces
            .into_iter()
            .filter(|namespace| !observation.absent_namespaces.contains(*namespace))
        {
            cache.list_children(namespace).await?;
        }
        Ok(Self {
            revision,
            records,
            cache,
            sent: None,
        })
    }

    /// Whether others have changed or deleted anything.
    pub(crate) fn has_drifted(&self) -> bool {
        self.records
            .sorted()
            .into_iter()
            .any(|record| self.drift(record).is_some())
    }

    /// Says what was sent of the objects, so that it can be told who changed them.
    pub(crate) fn set_sent(&mut self, sent: DesiredState) {
        self.sent = Some(sent);
    }

    fn drift(&self, record: &ObjectRecord) -> Option<Drift> {
        let live = self.cache.object(&record.id).map(AsRef::as_ref);
        let sent = self
            .sent
            .as_ref()
            .and_then(|sent| Some(sent.objects.get(&record.id)?.sent()));
        drift(record, live, sent, &self.revision.release.field_manager())
    }

    /// The revision that the overview stands on.
    pub(crate) fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Every object with its verdict, by phase, in the order of the phases.
    pub(crate) fn phases(&self) -> Vec<PhaseOverview> {
        let now = Timestamp::now();
        let phases = self.revision.phases.iter().map(|phase| PhaseOverview {
            name: phase.name.clone(),
            objects: self
                .records
                .sorted()
                .into_iter()
                .filter(|record| record.phase.is_declared_as(&phase.name))
                .map(|record| self.object(record, phase.failure_budget.into(), now))
                .collect(),
        });
        phases.filter(|phase| !phase.objects.is_empty()).collect()
    }

    fn object(&self, record: &ObjectRecord, budget: Budget, now: Timestamp) -> ObjectOverview {
        let live = self.cache.object(&record.id).cloned();
        let claims = live
            .as_ref()
            .filter(|_| has_pods(&record.id) && !record.id.is_claim())
            .map(|live| {
                self.cache.around(live, now, |around| {
                    around.claims.iter().map(|claim| (*claim).clone()).collect()
                })
            });
        let verdict = match &live {
            None if record.completed => {
                Verdict::new(State::Ready, "", "completed, and removed itself")
            }
            _ => self.cache.judge_within(&record.id, now, budget),
        };
        ObjectOverview {
            id: record.id.clone(),
            verdict,
            drift: self.drift(record),
            live,
            claims: claims.unwrap_or_default(),
        }
    }

    /// Watches everything from now on.
    pub(crate) async fn follow(&mut self, served: &Served) {
        let records: Vec<(ObjectId, Resource)> = self
            .records
            .sorted()
            .into_iter()
            .filter_map(|record| Some((record.id.clone(), resource(record, served)?)))
            .collect();
        for (id, resource) in records {
            self.cache.follow(&id, &resource);
            if has_pods(&id) {
                self.cache.follow_children(&id).await;
            }
        }
    }

    /// Waits until something that is watched changed.
    pub(crate) async fn changed(&mut self) {
        self.cache.changed().await;
    }
}

fn resource(record: &ObjectRecord, served: &Served) -> Option<Resource> {
    served
        .exact(&record.api_version, &record.id.kind)
        .or_else(|| served.preferred(&record.id.group, &record.id.kind))
        .cloned()
}

fn has_pods(id: &ObjectId) -> bool {
    matches!(
        id.kind.as_str(),
        "Deployment"
            | "StatefulSet"
            | "DaemonSet"
            | "ReplicaSet"
            | "Job"
            | "CronJob"
            | "Pod"
            | "PersistentVolumeClaim"
    )
}
