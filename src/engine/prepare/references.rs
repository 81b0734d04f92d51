//! What the objects of a run refer to and is not there: looked up where nobody knows, and judged.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use crate::engine::{
    desired::DesiredObject,
    desired::SECRETS_PHASE,
    observe::objects::look_for,
    plan::decide::{ChangeAction, Decision},
    prepare::context::{PrepareContext, PrepareError},
    prepare::prepared::Prepared,
    prepare::provisions::{SecretKeys, provisions},
    prepare::render::Rendering,
    prepare::request::Request,
    prepare::secrets,
};
use crate::{
    cluster::{ListScope, Live, Resource, Seen, Served, Tolerated},
    object::{HasKind as _, ObjectId, Provided, Provisions, field::text, mentions},
    ownership::goes_with_ours,
    plan::{PhaseId, Plan},
    preflight::{self, Finding, Lacking, Referrer, Surroundings},
};

/// What is looked up for what a run refers to, and what was said of it.
#[derive(Default)]
pub(crate) struct ReferenceCheck {
    /// What objects say that there will be because of them.
    provided: Vec<(ObjectId, Provided)>,
    /// What was seen of what the plan does not bring.
    looked: Live,
    /// The storage classes of the cluster's volumes, where anybody has to know.
    volumes: Volumes,
    /// The warnings that were said.
    said: HashSet<String>,
}

/// The storage classes that volumes of the cluster are of.
#[derive(Default)]
enum Volumes {
    /// Nobody has asked.
    #[default]
    Unasked,
    /// They may not be listed.
    Hidden,
    /// These.
    Of(BTreeSet<String>),
}

/// How far a run is known when what it refers to is judged.
#[derive(Clone, Copy)]
pub(crate) struct Judged<'a> {
    /// What was decided.
    pub(crate) decisions: &'a [Decision],
    /// Whether the values of declared Secrets are known, and what is removed.
    pub(crate) is_resolved: bool,
}

impl ReferenceCheck {
    /// The check of what `rendering` holds.
    pub(crate) fn of(rendering: &Rendering) -> Self {
        Self {
            provided: rendering.provided(),
            ..Self::default()
        }
    }

    /// Looks up what the objects that are about to be written refer to, and what nobody has seen.
    pub(crate) async fn look(
        &mut self,
        context: PrepareContext<'_>,
        (request, plan): (&Request<'_>, &Plan),
        prepared: &Prepared,
        decisions: &[Decision],
    ) -> Result<(), PrepareError> {
        let judged = Judged {
            decisions,
            is_resolved: false,
        };
        let provisions = self.provisions((request, plan), prepared, judged);
        let unseen = unseen(prepared, context.served, decisions, &provisions);
        if unseen.is_empty() {
            return Ok(());
        }
        let absent = &prepared.observation.absent_namespaces;
        let looked = look_for(context.cluster, &unseen, absent);
        let what = "cannot read what the objects refer to";
        self.looked = context.answer(what, looked).await?;
        let is_missing = |(id, _): &(ObjectId, Resource)| {
            id.is_storage_class() && matches!(self.looked.seen(id), Seen::Absent)
        };
        if unseen.iter().any(is_missing) {
            self.volumes = volumes(context).await?;
        }
        Ok(())
    }

    /// What the run refers to and is not there. Each warning comes once.
    pub(crate) fn findings(
        &mut self,
        (request, plan): (&Request<'_>, &Plan),
        prepared: &Prepared,
        judged: Judged<'_>,
    ) -> Vec<Finding> {
        let provisions = self.provisions((request, plan), prepared, judged);
        let known = Known {
            check: self,
            request,
            plan,
            prepared,
            provisions: &provisions,
            removed: removed(prepared, judged),
        };
        let changed = changed(judged.decisions);
        let lacking: Vec<Lacking<'_>> = known
            .referrers()
            .flat_map(|wanted| {
                let referrer = Referrer {
                    object: &wanted.object,
                    phase: &wanted.phase,
                };
                preflight::lacking(referrer, &known)
            })
            .filter(|lacking| known.concerns(lacking, &changed))
            .collect();
        let declared = secrets::declared(plan);
        let remedies = preflight::remedies(&lacking, &plan.namespace.name, declared);
        let findings: Vec<Finding> = lacking
            .iter()
            .map(|lacking| preflight::reference_finding(lacking, &remedies, &known))
            .collect();
        let new = findings
            .into_iter()
            .filter(|finding| finding.is_error() || self.said.insert(finding.to_string()));
        new.collect()
    }

    fn provisions(
        &self,
        (request, plan): (&Request<'_>, &Plan),
        prepared: &Prepared,
        judged: Judged<'_>,
    ) -> Provisions {
        let objects = prepared.desired.objects.values();
        let secrets = if judged.is_resolved {
            SecretKeys::Resolved(request.selection)
        } else {
            SecretKeys::Declared
        };
        provisions(
            objects.map(|wanted| &wanted.object),
            plan,
            secrets,
            &self.provided,
        )
    }
}

/// What `decisions` write.
fn changed(decisions: &[Decision]) -> HashSet<&ObjectId> {
    let changed = decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep);
    changed.map(|decision| &decision.id).collect()
}

/// What the run deletes because it is not wanted any more.
fn removed<'a>(prepared: &'a Prepared, judged: Judged<'_>) -> HashSet<&'a ObjectId> {
    let removals = prepared.pruning.removals.iter();
    let deleted = removals.filter(|removal| judged.is_resolved && removal.is_deletion());
    deleted.map(|removal| &removal.id).collect()
}

/// What is referred to by what `decisions` write, what the plan does not bring, and what nobody has
/// looked at, each with the kind that it is read as.
fn unseen(
    prepared: &Prepared,
    served: &Served,
    decisions: &[Decision],
    provisions: &Provisions,
) -> Vec<(ObjectId, Resource)> {
    let mut unseen: BTreeMap<ObjectId, Resource> = BTreeMap::new();
    let live = &prepared.observation.live;
    for id in changed(decisions) {
        let body = &prepared.desired.objects[id].object.body;
        let named = mentions(id, body).into_iter();
        let targets = named.filter(|mention| {
            !mention.is_optional
                && provisions.get(&mention.target).is_none()
                && matches!(live.seen(&mention.target), Seen::Unasked)
        });
        for mention in targets {
            let mut target = mention.target;
            let Some(resource) = served.preferred(&target.group, &target.kind) else {
                continue;
            };
            let is_readable = resource.verbs.iter().any(|verb| verb == "get");
            // What is named as if it were in the namespace may belong to the cluster.
            target.namespace = target.namespace.filter(|_| resource.namespaced);
            if is_readable && resource.namespaced == target.namespace.is_some() {
                unseen.insert(target, resource.clone());
            }
        }
    }
    unseen.into_iter().collect()
}

async fn volumes(context: PrepareContext<'_>) -> Result<Volumes, PrepareError> {
    let Some(resource) = context.served.preferred("", "PersistentVolume") else {
        return Ok(Volumes::Hidden);
    };
    let everywhere = ListScope::Everywhere {
        otherwise: &BTreeSet::new(),
    };
    let listed = context
        .cluster
        .list_permitted(resource, everywhere, None, Tolerated::Forbidden);
    let listed = context.answer("cannot list the volumes", listed).await?;
    if !listed.complete {
        return Ok(Volumes::Hidden);
    }
    let classes = listed.items.iter();
    let classes = classes.filter_map(|volume| text(volume, "/spec/storageClassName"));
    Ok(Volumes::Of(classes.map(str::to_owned).collect()))
}

/// What is known of a run and of the cluster.
struct Known<'a> {
    check: &'a ReferenceCheck,
    request: &'a Request<'a>,
    plan: &'a Plan,
    prepared: &'a Prepared,
    provisions: &'a Provisions,
    removed: HashSet<&'a ObjectId>,
}

impl<'a> Known<'a> {
    /// The objects of the run.
    fn referrers(&self) -> impl Iterator<Item = &'a DesiredObject> {
        let selection = self.request.selection;
        let wanted = self.prepared.desired.objects.values();
        wanted.filter(move |wanted| selection.holds_wanted(wanted))
    }

    /// Whether the run has anything to do with what is `lacking`: it writes or removes one of both.
    /// What stays as it is goes on as well as it did.
    fn concerns(&self, lacking: &Lacking<'_>, changed: &HashSet<&ObjectId>) -> bool {
        let target = &lacking.mention.target;
        let by = self.provisions.get(target).map(|provision| provision.by);
        changed.contains(&lacking.referrer.object.id)
            || self.removed.contains(target)
            || by.is_some_and(|by| changed.contains(&by))
    }

    fn is_declared(&self, id: &ObjectId) -> bool {
        secrets::declared(self.plan).any(|declared| declared == *id)
    }

    fn phase_of(&self, id: &ObjectId) -> Option<PhaseId> {
        let wanted = self.prepared.desired.objects.get(id);
        let declared = || {
            self.is_declared(id)
                .then(|| PhaseId::declared(SECRETS_PHASE))
        };
        wanted.map(|wanted| wanted.phase.clone()).or_else(declared)
    }
}

impl Surroundings for Known<'_> {
    fn provisions(&self) -> &Provisions {
        self.provisions
    }

    fn wanted(&self, id: &ObjectId) -> Option<&Value> {
        let wanted = self.prepared.desired.objects.get(id)?;
        Some(&wanted.object.body)
    }

    fn live(&self, id: &ObjectId) -> Seen<&Value> {
        // What is named beside an object may belong to the cluster as a whole.
        let of_cluster = ObjectId {
            namespace: None,
            ..id.clone()
        };
        let looks = [
            self.prepared.observation.live.seen(id),
            self.check.looked.seen(id),
            self.check.looked.seen(&of_cluster),
        ];
        let mut known = looks
            .into_iter()
            .filter(|seen| !matches!(seen, Seen::Unasked));
        match known.next() {
            Some(Seen::Present(there)) => Seen::Present(there),
            Some(Seen::Absent) => Seen::Absent,
            Some(Seen::Forbidden) => Seen::Forbidden,
            Some(Seen::Unasked) | None => Seen::Unasked,
        }
    }

    fn is_of_run(&self, by: &ObjectId) -> bool {
        let selection = self.request.selection;
        match self.prepared.desired.objects.get(by) {
            Some(wanted) => selection.holds_wanted(wanted),
            None => secrets::selected(self.plan, selection).any(|selected| selected == *by),
        }
    }

    fn later_phase(&self, by: &ObjectId, phase: &PhaseId) -> Option<PhaseId> {
        let own = self.phase_of(by)?;
        self.prepared
            .desired
            .comes_before(phase, &own)
            .then_some(own)
    }

    fn goes(&self, id: &ObjectId) -> bool {
        self.removed.contains(id)
    }

    fn loses_key(&self, id: &ObjectId, key: &str) -> bool {
        let manager = self.prepared.desired.release.field_manager();
        let goes = |live: &Value| {
            let data = ["data", "binaryData", "stringData"];
            data.iter()
                .any(|part| goes_with_ours(live, &[part, key], &manager))
        };
        let live = self.prepared.observation.live.object(id);
        self.is_of_run(id) && live.is_some_and(|live| goes(live))
    }

    fn has_volume_of(&self, class: &str) -> bool {
        match &self.check.volumes {
            Volumes::Unasked => false,
            Volumes::Hidden => true,
            Volumes::Of(classes) => classes.contains(class),
        }
    }

    fn is_offline(&self) -> bool {
        false
    }
}
