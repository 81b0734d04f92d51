//! One object that is tried without storing it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::objects::Observation,
    plan::decide::{ChangeAction, Decision},
    plan::volume_expansion::{Templates, cannot_shrink, templates},
    prepare::nearness::{Nearness, nearness_of},
};
use crate::{
    cluster::{Cluster, Force, Notice, Refusal, RequestError, Resource},
    finding::Check,
    object::{
        HasKind as _, ManifestView, ObjectId, exclusive, field::map, runs_to_completion,
        without_exclusive,
    },
    ownership::{
        Leftover, Path, Yields, clearing, displaced, has_managers, held_as_a_whole,
        is_dropped_by_adoption, leftovers, yields,
    },
    preflight::{
        DryRun, Finding, Immutable, RunObjects, described, immutable_fields, is_for_exclusive,
        is_of_admission, is_of_policy, is_over_quota, is_undecided, never_recreated, silently_kept,
    },
};

/// Namespaces that do not exist yet, and one in which objects for them can be tried.
pub(super) struct Namespaces<'a> {
    absent: BTreeSet<&'a str>,
}

impl<'a> Namespaces<'a> {
    pub(super) fn of(wanted: &'a DesiredState, observation: &'a Observation) -> Self {
        let named = wanted
            .objects
            .keys()
            .filter_map(|id| id.namespace.as_deref());
        Self {
            absent: named
                .filter(|name| observation.absent_namespaces.contains(*name))
                .collect(),
        }
    }
}

/// A namespace that every cluster has.
const SOME_NAMESPACE: &str = "default";

/// One object that is tried, and all that is needed for it.
pub(super) struct Attempt<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) resource: &'a Resource,
    pub(super) object: &'a DesiredObject,
    pub(super) manager: &'a str,
    pub(super) live: Option<&'a Value>,
    pub(super) force: Force,
    /// All that is written with it.
    pub(super) run: &'a RunObjects<'a>,
}

impl Attempt<'_> {
    /// What the API server says to the object, tried where it is going to be or, while its namespace does
    /// not exist, in another one. Says in `decision` how it has to be written for that.
    pub(super) async fn answered(
        &self,
        decision: &mut Decision,
        namespaces: &Namespaces<'_>,
    ) -> DryRun {
        let own = self.object.object.id.namespace.as_deref();
        let (answer, tried_in) = if own.is_some_and(|own| namespaces.absent.contains(own)) {
            (self.in_another_namespace().await, Some(SOME_NAMESPACE))
        } else {
            (self.in_place(decision).await, own)
        };
        self.beside_what_is_exclusive(answer, tried_in).await
    }

    /// Tries the object where it is going to be.
    async fn in_place(&self, decision: &mut Decision) -> DryRun {
        match self.apply(self.force).await {
            Err(RequestError::Refused(refusal)) if refusal.is_ownership_conflict() => {
                let Some(yields) = self.yields(&refusal) else {
                    return DryRun::Refused(RequestError::Refused(refusal));
                };
                decision.force |= yields == Yields::ByForce;
                let forced = self.apply(Force::Yes).await;
                self.judged(forced, decision).await
            }
            answer => self.judged(answer, decision).await,
        }
    }

    async fn apply(&self, force: Force) -> Result<Value, RequestError> {
        let is_there = |live: &&Value| !ManifestView(live).is_terminating();
        let body = match self.live.filter(is_there) {
            Some(live) => self.object.sent_keeping(live),
            None => self.object.initial(None),
        };
        let id = &self.object.object.id;
        self.cluster
            .apply_dry_run(self.resource, id, &body, self.manager, force)
            .await
    }

    async fn judged(&self, answer: Result<Value, RequestError>, decision: &mut Decision) -> DryRun {
        match (answer, self.live) {
            (Ok(stored), live) => {
                if let Some(finding) = part_of_whole(self.object, &stored, self.manager) {
                    return DryRun::Impossible(finding);
                }
                let id = &self.object.object.id;
                let fields = match live {
                    // What has run would not run again.
                    Some(live) if runs_to_completion(live) => changed_fields(live, &stored),
                    _ => silently_kept(id, self.object.sent(), &stored),
                };
                match live.filter(|_| !fields.is_empty()) {
                    Some(live) => self.anew(Immutable::of(fields), live, decision).await,
                    None => DryRun::Taken(Some(Box::new(stored))),
                }
            }
            (Err(RequestError::Refused(refusal)), Some(live)) => {
                self.explained(refusal, live, decision).await
            }
            (Err(error), _) => DryRun::Refused(error),
        }
    }

    /// What `refusal` to changing `live` comes to: what would be stored cannot be tried in one request
    /// where something has to be taken away with it.
    async fn explained(&self, refusal: Refusal, live: &Value, decision: &mut Decision) -> DryRun {
        let fields = immutable_fields(&refusal, self.object.sent(), live);
        if !fields.is_empty() {
            return self.anew(Immutable::of(fields), live, decision).await;
        }
        if let Some(cleared) = self.in_the_way(&refusal, live, decision).await {
            decision.cleared = cleared;
            return DryRun::Taken(None);
        }
        if self.is_adopted_first(&refusal, live).await {
            return self.in_its_turn(refusal);
        }
        if is_invalid(&refusal) && self.is_taken_anew(live, &[]).await {
            let immutable = Immutable::by_refusal(&refusal);
            return self.anew(immutable, live, decision).await;
        }
        DryRun::Refused(RequestError::Refused(refusal))
    }

    /// Whether `refusal` is about what goes when the object is taken over from kubectl, which the dry run
    /// finds beside what is wanted: in its place, what is wanted is taken.
    async fn is_adopted_first(&self, refusal: &Refusal, live: &Value) -> bool {
        if !(is_invalid(refusal) || is_of_admission(refusal))
            || !is_dropped_by_adoption(live, self.object.sent(), self.manager)
        {
            return false;
        }
        let mut body = self.object.initial(Some(live)).into_owned();
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let id = &self.object.object.id;
        match self.cluster.replace_dry_run(self.resource, id, &body).await {
            Ok(()) => true,
            Err(RequestError::Refused(refusal)) if is_invalid(&refusal) => false,
            // Whoever may apply may not be permitted to replace.
            Err(_) => self.is_taken_anew(live, &[]).await,
        }
    }

    /// Whether the object would be taken as a new one without what is at the paths `cleared`. That its
    /// name, or a port or an address that it has, is taken says that everything else was accepted.
    async fn is_taken_anew(&self, live: &Value, cleared: &[Path]) -> bool {
        let initial = self.object.initial(Some(live));
        let body = clearing(&initial, cleared);
        let id = &self.object.object.id;
        let anew = self
            .cluster
            .create_dry_run(self.resource, (id, id.namespace.as_deref()), &body);
        match anew.await {
            Ok(()) => true,
            Err(RequestError::Refused(refusal)) if is_for_exclusive(&refusal) => {
                !exclusive(&body).is_disjoint(&exclusive(live))
            }
            Err(error) => error.is_already_exists(),
        }
    }

    /// Says that the object is tried in its turn: `refusal` is not the last word.
    fn in_its_turn(&self, refusal: Refusal) -> DryRun {
        self.cluster.notice(Notice::TriedInTurn {
            object: self.object.object.id.clone(),
            why: described(&refusal),
        });
        DryRun::Undecided(refusal)
    }

    /// What has to be taken away of the object, because nobody wants it and `refusal` is about it;
    /// `None` where that does not help, or nobody knows who wants what.
    async fn in_the_way(
        &self,
        refusal: &Refusal,
        live: &Value,
        decision: &Decision,
    ) -> Option<Vec<Path>> {
        if !is_invalid(refusal) || !has_managers(live) {
            return None;
        }
        let sent = self.object.sent();
        let left = leftovers(live, sent, self.manager);
        let near = |nearness: Nearness| -> Vec<Path> {
            let is_near = |left: &&Leftover| nearness_of(left, &refusal.causes) == Some(nearness);
            left.iter()
                .filter(is_near)
                .map(|left| left.path.clone())
                .collect()
        };
        let found = [
            decision.cleared.clone(),
            near(Nearness::Named),
            near(Nearness::Member),
            displaced(live, sent, self.manager),
        ];
        let cleared = found.into_iter().find(|paths| !paths.is_empty())?;
        self.is_taken_anew(live, &cleared).await.then_some(cleared)
    }

    /// Tries the object as a new one, where it may be deleted for that.
    async fn anew(&self, immutable: Immutable, live: &Value, decision: &mut Decision) -> DryRun {
        let DesiredObject { object, marks, .. } = self.object;
        let sizes = if object.id.is_like_stateful_set() {
            templates(self.object.sent(), live)
        } else {
            Templates::Other
        };
        if let Templates::Shrink { name, from } = sizes {
            return DryRun::Impossible(cannot_shrink(self.object, &name, &from));
        }
        let only_grows =
            sizes == Templates::Grow && immutable.fields == ["spec.volumeClaimTemplates"];
        // What runs once is run anew where it is changed; nothing is lost by it.
        let runs_once = object.id.is_job() || runs_to_completion(live);
        let may = marks.recreate || only_grows || runs_once;
        if !may || never_recreated(&object.id).is_some() {
            return DryRun::Unchangeable(immutable);
        }
        decision.action = ChangeAction::Replace;
        decision.remark = Some(recreation_remark(&object.id, &immutable.fields, runs_once));
        self.in_place_of_its_own(runs_once).await
    }

    /// `answer`, or that it is not the last word: what the run writes before the object may change it.
    pub(super) fn decided(&self, answer: DryRun) -> DryRun {
        let DryRun::Refused(RequestError::Refused(refusal)) = answer else {
            return answer;
        };
        if !is_undecided(&self.object.object, &refusal, self.run) {
            return DryRun::Refused(RequestError::Refused(refusal));
        }
        self.in_its_turn(refusal)
    }

    /// Tries the object where its own namespace does not exist yet. What the permissions, the quota, the
    /// policies and the webhooks of another one say does not count.
    async fn in_another_namespace(&self) -> DryRun {
        match self.as_new(Some(SOME_NAMESPACE)).await {
            DryRun::Refused(error) if error.is_forbidden() => DryRun::Unasked,
            DryRun::Refused(RequestError::Refused(refusal)) if is_of_admission(&refusal) => {
                DryRun::Undecided(refusal)
            }
            answer => answer,
        }
    }

    /// `answer`, or what is wrong with the object, tried as a new one in `namespace`, beside that another
    /// one has what only one can have: the API server says that first.
    async fn beside_what_is_exclusive(&self, answer: DryRun, namespace: Option<&str>) -> DryRun {
        if self.live.is_some() || !answer.refusal().is_some_and(is_for_exclusive) {
            return answer;
        }
        let mut body = without_exclusive(&self.object.initial(None));
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = namespace.into();
        }
        let created =
            self.cluster
                .create_dry_run(self.resource, (&self.object.object.id, namespace), &body);
        match created.await {
            Err(RequestError::Refused(refusal)) if refusal.is_invalid() => {
                DryRun::Refused(RequestError::Refused(refusal))
            }
            _ => answer,
        }
    }

    /// Tries the object as a new one in `namespace`.
    ///
    /// That its name is taken there says that everything else about it was accepted.
    async fn as_new(&self, namespace: Option<&str>) -> DryRun {
        let mut body = self.object.initial(self.live).into_owned();
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = namespace.into();
        }
        match self
            .cluster
            .create_dry_run(self.resource, (&self.object.object.id, namespace), &body)
            .await
        {
            Ok(()) => DryRun::Taken(None),
            Err(error) if error.is_conflict() => DryRun::Taken(None),
            Err(error) => DryRun::Refused(error),
        }
    }

    /// Tries the object as a new one in its place: addresses and ports that its predecessor still holds
    /// are free then, and so is its share of a quota.
    ///
    /// What is lost where it is not taken after all must be known to be taken: a policy's or a webhook's
    /// no is the last word, as is that the user may not create it.
    async fn in_place_of_its_own(&self, runs_once: bool) -> DryRun {
        let namespace = self.object.object.id.namespace.as_deref();
        let refusal = match self.as_new(namespace).await {
            DryRun::Refused(RequestError::Refused(refusal)) => refusal,
            answer => return answer,
        };
        if is_for_exclusive(&refusal) {
            return DryRun::Taken(None);
        }
        if is_over_quota(&refusal) {
            return DryRun::Unasked;
        }
        let may_change = refusal.is_forbidden() && (runs_once || !is_of_policy(&refusal));
        let answer = DryRun::Refused(RequestError::Refused(refusal));
        if may_change {
            self.decided(answer)
        } else {
            answer
        }
    }

    /// How the fields that `refusal` is about become ours without being taken from a tool; `None`
    /// where they do not.
    fn yields(&self, refusal: &Refusal) -> Option<Yields> {
        let live = self.live?;
        let managers = refusal
            .causes
            .iter()
            .filter_map(|cause| cause.message.split('"').nth(1));
        let how: Vec<Yields> = managers
            .map(|other| yields(live, self.manager, other))
            .collect::<Option<_>>()?;
        let all = |yields: &Yields| *yields == Yields::BeforeTheApply;
        Some(if how.iter().all(all) {
            Yields::BeforeTheApply
        } else {
            Yields::ByForce
        })
    }
}

/// The finding that a part of something that `manager` holds as a whole in `stored` cannot be left
/// to others.
fn part_of_whole(object: &DesiredObject, stored: &Value, manager: &str) -> Option<Finding> {
    let mut ignored = object.ignored().iter();
    let (field, whole) =
        ignored.find_map(|field| Some((field, held_as_a_whole(stored, manager, field)?)))?;
    let message = format!(
        "`{field}` cannot be left to others: it is a part of `{whole}`, which has one manager as a whole"
    );
    let finding = Finding::of(Check::PartOfWhole, message)
        .about(&object.object)
        .remedy(format!("write `{whole}` in `ignoreFields`"));
    Some(finding.of_usage())
}

/// Whether fields of the object have values that they cannot have beside each other. Two ports of a
/// Service with one node port are answered with 500 (tried on 1.36).
fn is_invalid(refusal: &Refusal) -> bool {
    refusal.is_invalid() || refusal.message.contains("duplicate nodePort")
}

/// The fields of the spec in which `stored` differs from `live`.
fn changed_fields(live: &Value, stored: &Value) -> Vec<String> {
    let fields = map(stored, "/spec").into_iter().flatten();
    let differs = |(field, value): &(&String, &Value)| {
        live.get("spec").and_then(|spec| spec.get(field.as_str())) != Some(*value)
    };
    fields
        .filter(differs)
        .map(|(field, _)| format!("spec.{field}"))
        .collect()
}

/// What is to be said before an object is created anew.
fn recreation_remark(id: &ObjectId, fields: &[String], runs_once: bool) -> String {
    let what = match id.kind.as_str() {
        _ if runs_once => "it is run again",
        "StatefulSet" => "its pods and claims stay",
        "Deployment" | "DaemonSet" | "ReplicaSet" | "Pod" => "its pods are down meanwhile",
        _ => "it does not exist for a moment",
    };
    let fields = match fields {
        [] => "it".to_owned(),
        fields => fields.join(", "),
    };
    format!("{fields} cannot be changed; {what}")
}
