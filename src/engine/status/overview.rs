//! The objects of a release as they are now, by phase.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    desired::DesiredState,
    observe::{history::ReleaseHistory, objects::observe},
    status::drift::{Drift, drift},
    status::unfinished::{Seen, Unfinished, is_created},
    watch::cache::{Labelled, ResourceCache},
};
use crate::{
    cluster::{Cluster, RequestError, Served},
    event::RunOutcome,
    object::{HasKind as _, ObjectId, keeping_annotation},
    plan::PhaseId,
    readiness::{Budget, Rules, State, Verdict},
    release::{ObjectRecord, Revision},
};

/// The objects of a release as they are now, by phase.
pub(crate) struct Overview {
    revision: Revision,
    history: ReleaseHistory,
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
    /// The revision that left it like this and was not finished.
    pub(crate) unfinished: Option<u64>,
    /// Why it is kept although it is not wanted any more; `None` where it is wanted.
    pub(crate) kept: Option<String>,
    /// Claims that its pods mount.
    pub(crate) claims: Vec<Value>,
}

impl Overview {
    /// Looks at everything that `revision` and those before it left, and at what one that was not
    /// finished has done.
    pub(crate) async fn of(
        cluster: &Cluster,
        served: &Served,
        revision: Revision,
        mut history: ReleaseHistory,
    ) -> Result<Self, RequestError> {
        let wanted = history.touched(served);
        let observation = observe(cluster, &revision.release, &wanted).await?;
        history.complete(&observation.live, &revision.release.field_manager());
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
            history,
            cache,
            sent: None,
        })
    }

    /// Whether anything is not as it is remembered.
    pub(crate) fn has_drifted(&self) -> bool {
        self.history
            .records
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
        let manager = self.revision.release.field_manager();
        drift(record, live, self.sent(&record.id), &manager)
    }

    /// What was sent of `id`, where that is known.
    pub(super) fn sent(&self, id: &ObjectId) -> Option<&Value> {
        let sent = self.sent.as_ref()?;
        Some(sent.objects.get(id)?.sent())
    }

    /// The revision that the overview stands on.
    pub(crate) fn revision(&self) -> &Revision {
        &self.revision
    }

    /// Every object with its verdict, by phase, in the order of the phases.
    pub(crate) fn phases(&self) -> Vec<PhaseOverview> {
        let now = Timestamp::now();
        let all = self.shown();
        let phases = self.revision.phases.iter().map(|phase| PhaseOverview {
            name: phase.name.clone(),
            objects: all
                .iter()
                .filter(|(_, of, _)| of.is_declared_as(&phase.name))
                .map(|(id, _, record)| self.object(id, *record, phase.failure_budget.into(), now))
                .collect(),
        });
        phases.filter(|phase| !phase.objects.is_empty()).collect()
    }

    /// What is shown, sorted, each object with its phase: all that is remembered, and what a run has
    /// created that was killed before it could say so.
    fn shown(&self) -> Vec<(&ObjectId, PhaseId, Option<&ObjectRecord>)> {
        let records = &self.history.records;
        let mut all: Vec<(&ObjectId, PhaseId, Option<&ObjectRecord>)> = records
            .sorted()
            .into_iter()
            .map(|record| (&record.id, record.phase.clone(), Some(record)))
            .collect();
        if let Some(unsettled) = &self.history.unsettled {
            let new = unsettled.traces.iter().filter(|(id, trace)| {
                let live = self.cache.object(id);
                records.get(id).is_none() && live.is_some_and(|live| is_created(live, trace))
            });
            all.extend(new.map(|(id, _)| (id, unsettled.phase_of(id), None)));
            all.sort_by(|left, right| left.0.cmp(right.0));
        }
        all
    }

    /// How the object of `record` differs from that, and the revision that left it so and was not
    /// finished: then nobody else has changed it.
    fn difference(
        &self,
        id: &ObjectId,
        record: Option<&ObjectRecord>,
    ) -> (Option<Drift>, Option<u64>) {
        let drift = record.and_then(|record| self.drift(record));
        let Some(did) = &self.history.unsettled else {
            return (drift, None);
        };
        let unfinished = Unfinished {
            did,
            goes_back: self.revision.outcome == RunOutcome::RollingBack,
            manager: &self.revision.release.field_manager(),
        };
        let wrote = unfinished.wrote(&Seen {
            id,
            live: self.cache.object(id).map(AsRef::as_ref),
            is_recorded: record.is_some(),
            drift: drift.as_ref(),
            sent: self.sent(id),
        });
        if wrote {
            (None, Some(self.revision.number))
        } else {
            (drift, None)
        }
    }

    fn object(
        &self,
        id: &ObjectId,
        record: Option<&ObjectRecord>,
        budget: Budget,
        now: Timestamp,
    ) -> ObjectOverview {
        let live = self.cache.object(id).cloned();
        let claims = live
            .as_ref()
            .filter(|_| has_pods(id) && !id.is_claim())
            .map(|live| {
                self.cache.around(live, now, |around| {
                    around.claims.iter().map(|claim| (*claim).clone()).collect()
                })
            });
        let verdict = match &live {
            None if record.is_some_and(|record| record.completed) => {
                Verdict::new(State::Ready, "", "completed, and removed itself")
            }
            _ => self.cache.judge_within(id, now, budget),
        };
        let (drift, unfinished) = self.difference(id, record);
        let is_kept = |_: &&Arc<Value>| record.is_some_and(|record| record.kept);
        let uninstalled = self.revision.is_taken_down();
        ObjectOverview {
            kept: live
                .as_ref()
                .filter(is_kept)
                .map(|live| kept_by(live, uninstalled)),
            id: id.clone(),
            verdict,
            drift,
            unfinished,
            live,
            claims: claims.unwrap_or_default(),
        }
    }

    /// Watches everything from now on.
    pub(crate) async fn follow(&mut self, served: &Served) {
        for (id, resource) in self.history.touched(served) {
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

/// Why `live` is kept: the annotation that says so, or what it holds.
fn kept_by(live: &Value, uninstalled: bool) -> String {
    match keeping_annotation(live, uninstalled) {
        Some(annotation) => format!("by `{annotation}`"),
        None => "for what it holds".to_owned(),
    }
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
