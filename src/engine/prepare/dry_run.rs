//! Tries changes without storing them, and asks the cluster for what a plan requires.

use std::collections::BTreeSet;

use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::engine::{
    desired::{DesiredObject, DesiredState},
    observe::objects::Observation,
    plan::decide::{ChangeAction, Decision},
    plan::volume_expansion::{Templates, cannot_shrink, templates},
};
use crate::{
    cluster::{
        Cluster, Force, ListScope, Notice, Refusal, RefusalCause, RequestError, Resource, Served,
        Tolerated,
    },
    error::ExitCode,
    object::{
        HasKind as _, ManifestView, ObjectId, exclusive, field::map, runs_to_completion,
        without_exclusive,
    },
    ownership::{
        Leftover, Path, Yields, clearing, displaced, has_managers, held_as_a_whole,
        is_dropped_by_adoption, is_ours, leftovers, yields,
    },
    plan::Requires,
    preflight::{
        Brought, DryRun, Finding, Immutable, RunObjects, dead_webhook, described, immutable_fields,
        is_for_exclusive, is_of_admission, is_undecided, never_recreated, silently_kept,
        webhook_in,
    },
};

/// Asks the cluster for what `requires` is about, and for nothing else.
pub(crate) async fn brought(
    cluster: &Cluster,
    served: &Served,
    requires: &Requires,
) -> Result<Brought, RequestError> {
    let mut brought = Brought::default();
    if requires.kubernetes.is_some() {
        brought.version = match cluster.version().await {
            Err(error) if error.is_forbidden() => None,
            version => Some(version?),
        };
    }
    if let (false, Some(classes)) = (
        requires.storage_classes.is_empty(),
        served.preferred("storage.k8s.io", "StorageClass"),
    ) {
        let everywhere = ListScope::Everywhere {
            otherwise: &BTreeSet::new(),
        };
        let listing = cluster
            .list_permitted(classes, everywhere, None, Tolerated::Forbidden)
            .await?;
        let names = listing.items.iter().map(|class| ManifestView(class).name());
        // What may not be listed may be there.
        brought.storage_classes = listing.complete.then(|| names.map(str::to_owned).collect());
    }
    Ok(brought)
}

/// Tries every change without storing it, and marks the decisions whose fields somebody took at a
/// terminal as forced.
pub(crate) async fn dry_runs(
    cluster: &Cluster,
    wanted: &DesiredState,
    served: &Served,
    observation: &Observation,
    decisions: &mut [Decision],
    force: Force,
) -> Vec<DryRun> {
    let namespaces = Namespaces::of(wanted, observation);
    let run = run_objects(wanted, decisions, observation);
    let manager = wanted.release.field_manager();
    stream::iter(decisions.iter_mut())
        .map(|decision| {
            let (namespaces, manager, run) = (&namespaces, manager.as_str(), &run);
            async move {
                let object = &wanted.objects[&decision.id];
                let resource = served.exact(&object.object.api_version, &decision.id.kind);
                let Some(resource) = resource.filter(|_| decision.action != ChangeAction::Keep)
                else {
                    return DryRun::Unasked;
                };
                let live = observation.live.object(&decision.id).map(AsRef::as_ref);
                let attempt = Try {
                    cluster,
                    resource,
                    object,
                    manager,
                    live,
                    force,
                };
                let answer = match &decision.id.namespace {
                    Some(namespace) if namespaces.absent.contains(namespace.as_str()) => {
                        attempt.in_another_namespace().await
                    }
                    _ => attempt.in_place(decision).await,
                };
                let answer = attempt.beside_what_is_exclusive(answer, namespaces).await;
                // What is deleted first must be known to be taken.
                if decision.action == ChangeAction::Replace {
                    answer
                } else {
                    attempt.decided(answer, run)
                }
            }
        })
        .buffered(Cluster::PARALLEL)
        .collect()
        .await
}

/// The objects of the run that carries out `decisions`.
fn run_objects<'a>(
    wanted: &'a DesiredState,
    decisions: &[Decision],
    observation: &'a Observation,
) -> RunObjects<'a> {
    let written = decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep);
    RunObjects {
        wanted: wanted
            .objects
            .values()
            .map(|wanted| &wanted.object)
            .collect(),
        written: written
            .map(|decision| &wanted.objects[&decision.id].object)
            .collect(),
        rewritten: rewritten_webhooks(wanted, decisions, observation)
            .map(|(_, there)| there)
            .collect(),
    }
}

/// The webhook configurations of the release, as they are, that a run changes or removes.
fn rewritten_webhooks<'a>(
    wanted: &DesiredState,
    decisions: &[Decision],
    observation: &'a Observation,
) -> impl Iterator<Item = (&'a ObjectId, &'a Value)> {
    let manager = wanted.release.field_manager();
    let there = observation.live.present();
    let configurations = there.filter(|(id, _)| id.is_webhook_configuration());
    configurations
        .map(|(id, there)| (id, there.as_ref()))
        .filter(
            move |(id, there)| match decisions.iter().find(|decision| decision.id == **id) {
                Some(decision) => decision.action != ChangeAction::Keep,
                None => !wanted.objects.contains_key(*id) && is_ours(there, &manager),
            },
        )
}

/// Those of the webhook configurations that a run changes or removes for which an object was refused
/// in `tried` because nothing answers.
pub(crate) fn dead_webhooks(
    wanted: &DesiredState,
    decisions: &[Decision],
    observation: &Observation,
    tried: &[DryRun],
) -> BTreeSet<ObjectId> {
    let dead: BTreeSet<&str> = tried
        .iter()
        .filter_map(|tried| match tried {
            DryRun::Undecided(refusal) => dead_webhook(refusal),
            _ => None,
        })
        .collect();
    rewritten_webhooks(wanted, decisions, observation)
        .filter(|(_, there)| dead.iter().any(|name| webhook_in(there, name).is_some()))
        .map(|(id, _)| id.clone())
        .collect()
}

/// Namespaces that do not exist yet, and one in which objects for them can be tried.
struct Namespaces<'a> {
    absent: BTreeSet<&'a str>,
}

impl<'a> Namespaces<'a> {
    fn of(wanted: &'a DesiredState, observation: &'a Observation) -> Self {
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
struct Try<'a> {
    cluster: &'a Cluster,
    resource: &'a Resource,
    object: &'a DesiredObject,
    manager: &'a str,
    live: Option<&'a Value>,
    force: Force,
}

impl Try<'_> {
    /// Tries the object where it is going to be, and says in `decision` how it has to be written
    /// for that.
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
            .create_dry_run(self.resource, id.namespace.as_deref(), &body);
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
        self.in_place_of_its_own().await
    }

    /// `answer`, or that it is not the last word: what `run` writes before the object may change it.
    fn decided(&self, answer: DryRun, run: &RunObjects<'_>) -> DryRun {
        let DryRun::Refused(RequestError::Refused(refusal)) = answer else {
            return answer;
        };
        if !is_undecided(&self.object.object, &refusal, run) {
            return DryRun::Refused(RequestError::Refused(refusal));
        }
        self.in_its_turn(refusal)
    }

    /// Tries the object where its own namespace does not exist yet. What the quota, the policies and
    /// the webhooks of another one say does not count.
    async fn in_another_namespace(&self) -> DryRun {
        match self.as_new(Some(SOME_NAMESPACE)).await {
            DryRun::Refused(RequestError::Refused(refusal)) if is_of_admission(&refusal) => {
                DryRun::Undecided(refusal)
            }
            answer => answer,
        }
    }

    /// `answer`, or what is wrong with the object beside that another one has what only one can have: the
    /// API server says that first.
    async fn beside_what_is_exclusive(
        &self,
        answer: DryRun,
        namespaces: &Namespaces<'_>,
    ) -> DryRun {
        if self.live.is_some() || !answer.refusal().is_some_and(is_for_exclusive) {
            return answer;
        }
        let id = &self.object.object.id;
        let mut body = without_exclusive(&self.object.initial(None));
        let is_absent = |namespace: &&str| namespaces.absent.contains(namespace);
        let namespace = match id.namespace.as_deref() {
            Some(absent) if is_absent(&absent) => Some(SOME_NAMESPACE),
            namespace => namespace,
        };
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = namespace.into();
        }
        let created = self.cluster.create_dry_run(self.resource, namespace, &body);
        match created.await {
            Err(RequestError::Refused(refusal)) if refusal.is_invalid() => {
                DryRun::Refused(RequestError::Refused(refusal))
            }
            _ => answer,
        }
    }

    /// Tries the object as a new one in `namespace`.
    ///
    /// That its name is taken there says that everything else about it was accepted. What permissions
    /// say there does not count.
    async fn as_new(&self, namespace: Option<&str>) -> DryRun {
        let mut body = self.object.initial(self.live).into_owned();
        if let Some(namespace) = namespace {
            body["metadata"]["namespace"] = namespace.into();
        }
        match self
            .cluster
            .create_dry_run(self.resource, namespace, &body)
            .await
        {
            Ok(()) => DryRun::Taken(None),
            Err(error) if error.is_conflict() => DryRun::Taken(None),
            Err(error) if error.is_forbidden() => DryRun::Unasked,
            Err(error) => DryRun::Refused(error),
        }
    }

    /// Tries the object as a new one in its place: addresses and ports that its predecessor still holds
    /// are free then.
    async fn in_place_of_its_own(&self) -> DryRun {
        match self
            .as_new(self.object.object.id.namespace.as_deref())
            .await
        {
            DryRun::Refused(RequestError::Refused(refusal)) if is_for_exclusive(&refusal) => {
                DryRun::Taken(None)
            }
            answer => answer,
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
    Some(Finding {
        exit: ExitCode::Usage,
        at: Some(object.object.origin.clone()),
        object: Some(object.object.id.clone()),
        message,
        remedy: Some(format!("write `{whole}` in `ignoreFields`")),
    })
}

/// How near a field that nobody wants is to one that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Nearness {
    /// It is that field, or lies around it.
    Named,
    /// It is another member of the union of which only one may be there.
    Member,
}

/// How the API server says that only one member of a union may be there: it names the last one, be
/// it wanted or not.
const ONE_ONLY: [&str; 3] = [
    "may not specify more than",
    "must not specify more than",
    "exactly one",
];

/// How near `left` is to the nearest of `causes`; `None` where it has nothing to do with them.
fn nearness_of(left: &Leftover, causes: &[RefusalCause]) -> Option<Nearness> {
    let path = fields_of(&left.path.to_string());
    let (parent, _) = path.rsplit_once('.').unwrap_or_default();
    let near = |cause: &RefusalCause| {
        let field = fields_of(&cause.field);
        let (around, _) = field.rsplit_once('.').unwrap_or_default();
        let is_union = ONE_ONLY.iter().any(|words| cause.message.contains(words));
        if field == path || field.starts_with(&format!("{path}.")) {
            Some(Nearness::Named)
        } else {
            let is_beside = parent == field || parent == around;
            (is_beside && is_union && left.has_parts).then_some(Nearness::Member)
        }
    };
    causes.iter().filter_map(near).min()
}

/// `path` without what says which item of a list is meant: the API server counts them, and
/// `managedFields` name them by their keys.
fn fields_of(path: &str) -> String {
    let mut depth = 0_usize;
    let mut is_outside = |character: char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => return depth == 0,
        }
        false
    };
    path.chars()
        .filter(|character| is_outside(*character))
        .collect()
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
