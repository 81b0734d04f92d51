//! What a prepared change makes of each object, field by field, and what it does to what is running.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde_json::{Map, Value};

use crate::engine::{
    desired::{DesiredObject, DesiredState, SECRETS_PHASE},
    plan::decide::{ChangeAction, Decision},
    prepare::prepared::Prepared,
};
use crate::{
    diff::{
        Difference, Effect, Fingerprint, Impact, Masker, OutsideField, Secrecy, Surroundings, View,
        apart, deletion, impact,
    },
    object::{
        HasKind as _, ManifestView, ObjectId,
        field::{map, part, texts},
    },
    ownership::{created_again, dropped_by_adoption, is_ours, overlay},
    secret::{FROM_THE_PLAN, OPEN},
};

/// What a prepared change makes of the release.
pub(crate) struct ReleaseDifference {
    /// What is written or removed.
    pub(crate) objects: BTreeMap<ObjectId, ObjectDifference>,
    /// What it does to what is running.
    pub(crate) impact: Vec<Impact>,
}

/// What a prepared change makes of one object.
pub(crate) struct ObjectDifference {
    /// It is there, and becomes the release's.
    pub(crate) adopted: bool,
    /// The release had it, and others have deleted it.
    pub(crate) deleted_outside: bool,
    /// The API server could not be asked what it would store.
    pub(crate) untried: bool,
    /// What changes altogether.
    pub(crate) whole: Difference,
    /// What the release changes of it.
    pub(crate) own: Difference,
    /// What others have changed since the last revision, where that is known.
    pub(crate) outside: Vec<OutsideField>,
    /// What the whole change is from and to.
    pub(crate) fingerprint: Fingerprint,
}

/// What `prepared` makes of each object. `last` is what the last revision wanted: without it, what
/// others have changed is not told apart. No fingerprint depends on the values of the keys that are
/// `open`.
pub(crate) fn differences(
    prepared: &Prepared,
    last: Option<&DesiredState>,
    open: &BTreeSet<String>,
) -> ReleaseDifference {
    let sources = sources(prepared);
    let masker = masker(prepared);
    let label = prepared.desired.release.label();
    let comparing = Comparing {
        prepared,
        last,
        open,
        view: View {
            masker: &masker,
            label: &label,
            sources: &sources,
        },
    };
    let written = prepared
        .decisions
        .iter()
        .filter(|decision| decision.action != ChangeAction::Keep);
    let mut objects = BTreeMap::new();
    let mut impact = Vec::new();
    for decision in written {
        let after = comparing.after(decision);
        impact.extend(comparing.impact(decision, &after));
        objects.insert(decision.id.clone(), comparing.written(decision, &after));
    }
    let removals = prepared.pruning.removals.iter();
    objects.extend(removals.map(|removal| {
        let is_deletion = removal.is_deletion();
        let live = comparing.live(&removal.id).filter(|_| is_deletion);
        impact.extend(live.and_then(|live| deletion(&removal.id, live)));
        (
            removal.id.clone(),
            comparing.removed(&removal.id, is_deletion),
        )
    }));
    impact.extend(prepared.pruning.data().map(|id| Impact {
        object: id.clone(),
        effect: Effect::Final,
        why: "it is deleted with the data on it".to_owned(),
    }));
    ReleaseDifference { objects, impact }
}

/// What knows the secret values that `prepared` is about.
pub(crate) fn masker(prepared: &Prepared) -> Masker {
    let sources = sources(prepared);
    let secrecy = |secret: &Value, key: &str| {
        let name = ManifestView(secret).name();
        match sources.get(&format!("{name}/{key}")) {
            Some(source) if source == FROM_THE_PLAN => Secrecy::Open,
            Some(_) => Secrecy::Declared,
            None if is_declared(prepared, secret) => Secrecy::Declared,
            None => Secrecy::Assumed,
        }
    };
    Masker::of(secrets(prepared), &secrecy)
}

/// Whether the plan declares `secret`; where there is none, whether it is of the phase of declared ones.
fn is_declared(prepared: &Prepared, secret: &Value) -> bool {
    let Some(id) = ObjectId::of(secret) else {
        return false;
    };
    if let Some(declared) = &prepared.secrets.declared {
        return declared.contains(&id);
    }
    let wanted = prepared.desired.objects.get(&id);
    wanted.is_none_or(|wanted| wanted.phase.is_declared_as(SECRETS_PHASE))
}

/// Where the values of declared keys come from.
fn sources(prepared: &Prepared) -> BTreeMap<String, String> {
    prepared.secrets.sources.iter().cloned().collect()
}

/// Every Secret that is there or wanted.
fn secrets(prepared: &Prepared) -> impl Iterator<Item = &Value> {
    let live = prepared.observation.live.present();
    let live = live.map(|(id, there)| (id, there.as_ref()));
    let wanted = prepared.desired.objects.iter();
    let wanted = wanted.map(|(id, wanted)| (id, wanted.sent()));
    let secrets = live.chain(wanted).filter(|(id, _)| id.is_secret());
    secrets.map(|(_, secret)| secret)
}

struct Comparing<'a> {
    prepared: &'a Prepared,
    last: Option<&'a DesiredState>,
    open: &'a BTreeSet<String>,
    view: View<'a>,
}

impl<'a> Comparing<'a> {
    /// What is there, unless it is on its way out.
    fn live(&self, id: &ObjectId) -> Option<&'a Value> {
        let live = self.prepared.observation.live.object(id)?;
        Some(live.as_ref()).filter(|live| !ManifestView(live).is_terminating())
    }

    fn manager(&self) -> String {
        self.prepared.desired.release.field_manager()
    }

    fn is_ours(&self, id: &ObjectId, live: &Value) -> bool {
        is_ours(live, &self.manager()) || self.prepared.history.records.get(id).is_some()
    }

    /// The object of `decision` as it would be. Of one that is created that is what is sent: nobody
    /// wants to read what the API server fills in.
    fn after(&self, decision: &Decision) -> Cow<'a, Value> {
        let wanted = &self.prepared.desired.objects[&decision.id];
        let Some(live) = self.live(&decision.id) else {
            return wanted.initial(None);
        };
        if decision.action == ChangeAction::Replace {
            // What others have put into it goes with it.
            return Cow::Owned(created_again(live, &wanted.initial(Some(live))));
        }
        let answer = self.prepared.observation.answers.get(&decision.id);
        let mut after = match answer {
            Some(answer) => answer.clone(),
            None => overlay(live, &wanted.initial(Some(live))),
        };
        let dropped = dropped_by_adoption(live, wanted.sent(), &self.manager());
        for path in decision.cleared.iter().chain(&dropped) {
            path.remove(&mut after);
        }
        if wanted.scaled_by_others
            && let (Some(replicas), Some(Value::Object(spec))) =
                (part(live, "/spec/replicas"), after.get_mut("spec"))
        {
            // Given up before the apply, so that it stays; the dry run does not know that.
            spec.insert("replicas".to_owned(), replicas.clone());
        }
        Cow::Owned(after)
    }

    fn written(&self, decision: &Decision, after: &Value) -> ObjectDifference {
        let id = &decision.id;
        let live = self.live(id);
        let records = &self.prepared.history.records;
        let is_expected = records
            .get(id)
            .is_some_and(|record| !record.completed && !record.kept);
        let (outside, left) = match live {
            Some(live) => self.outside(id, live, after),
            None => (Vec::new(), None),
        };
        let whole = self.view.compare(id, live, Some(after));
        let own = match &left {
            Some(left) => self.view.compare(id, Some(left), Some(after)),
            None => whole.clone(),
        };
        ObjectDifference {
            adopted: live.is_some_and(|live| !self.is_ours(id, live)),
            deleted_outside: live.is_none()
                && is_expected
                && self.prepared.history.unsettled.is_none(),
            untried: live.is_some()
                && decision.action != ChangeAction::Replace
                && !self.prepared.observation.answers.contains_key(id),
            fingerprint: self.fingerprint(id, live, Some((after, &whole))),
            whole,
            own,
            outside,
        }
    }

    /// What others have changed of `live`, and that as it would be without it; nothing where the last
    /// revision is not known or not settled, or what it wrote is still there.
    fn outside(
        &self,
        id: &ObjectId,
        live: &Value,
        after: &Value,
    ) -> (Vec<OutsideField>, Option<Value>) {
        let nothing = (Vec::new(), None);
        let history = &self.prepared.history;
        let manager = self.manager();
        let sent = self.last.and_then(|last| last.objects.get(id));
        let record = history.records.get(id);
        let (Some(sent), Some(record), None) = (sent, record, &history.unsettled) else {
            return nothing;
        };
        if record.holds(live, &manager) {
            return nothing;
        }
        let (outside, left) = apart(&self.view, id, (live, sent.sent(), after), &manager);
        (outside, Some(left))
    }

    fn removed(&self, id: &ObjectId, is_deletion: bool) -> ObjectDifference {
        let live = self.live(id);
        ObjectDifference {
            adopted: false,
            deleted_outside: false,
            untried: false,
            whole: match live.filter(|_| is_deletion) {
                Some(live) => self.view.compare(id, Some(live), None),
                None => Difference::default(),
            },
            own: Difference::default(),
            outside: Vec::new(),
            fingerprint: self.fingerprint(id, live, None),
        }
    }

    /// The fingerprint of a change to `after`, which makes a difference; of a deletion, which is one
    /// whatever becomes of the object meanwhile, without.
    fn fingerprint(
        &self,
        id: &ObjectId,
        live: Option<&Value>,
        after: Option<(&Value, &Difference)>,
    ) -> Fingerprint {
        let uid = live.and_then(|live| ManifestView(live).uid());
        let uid = uid.unwrap_or_default();
        let Some((after, difference)) = after else {
            let nothing = (&Value::Null, &Value::Null);
            return Fingerprint::of(uid, &Difference::default(), nothing);
        };
        if !id.is_secret() {
            return Fingerprint::of(uid, difference, (&Value::Null, &Value::Null));
        }
        let live = live.map(|live| without(live, self.open));
        let after = without(after, self.open);
        // Where a new value comes from is none of what becomes of the object.
        let view = View {
            sources: &BTreeMap::new(),
            ..self.view
        };
        let difference = view.compare(id, live.as_ref(), Some(&after));
        let (before, after) = self.settled_values(id, &live.unwrap_or_default(), &after);
        Fingerprint::of(uid, &difference, (&before, &after))
    }

    /// The values of the Secret `id` that change, before and after, as far as they are the same each time
    /// they are asked for: not those that somebody types or a generator draws, nor what may be composed
    /// of those.
    fn settled_values(&self, id: &ObjectId, before: &Value, after: &Value) -> (Value, Value) {
        let is_settled = |key: &str| {
            let source = self.view.sources.get(&format!("{}/{key}", id.name));
            source.is_none_or(|source| !DRAWN.contains(&source.as_str()))
        };
        let changed = |one: &Value, other: &Value| {
            let other = map(other, "/data");
            let values = map(one, "/data").into_iter().flatten();
            let settled = values.filter(|(key, value)| {
                is_settled(key) && other.and_then(|other| other.get(*key)) != Some(*value)
            });
            let settled = settled.map(|(key, value)| (key.clone(), value.clone()));
            Value::Object(settled.collect())
        };
        (changed(before, after), changed(after, before))
    }

    /// What the change of `decision` does to what is running.
    fn impact(&self, decision: &Decision, after: &Value) -> Vec<Impact> {
        let id = &decision.id;
        let grows = decision.expansions.iter().map(|expansion| Impact {
            object: expansion.claim.clone(),
            effect: Effect::Final,
            why: format!("it grows to {}, and a claim cannot shrink", expansion.size),
        });
        let grows: Vec<Impact> = grows.collect();
        let Some(before) = self.live(id) else {
            return grows;
        };
        let access_modes = |claim: &str| self.access_modes(id, claim);
        // The restart may have been decided after the object was tried.
        let sent = self.prepared.desired.objects[id].sent();
        let after = with_restart(after, sent);
        let change = Surroundings {
            before,
            after: &after,
            recreated: decision.action == ChangeAction::Replace,
            access_modes: &access_modes,
        };
        impact(id, change).into_iter().chain(grows).collect()
    }

    /// In which modes the claim `name` beside `id` may be mounted, as it is or is wanted.
    fn access_modes(&self, id: &ObjectId, name: &str) -> Vec<String> {
        let claim = ObjectId::core("PersistentVolumeClaim", id.namespace.as_deref(), name);
        let wanted = self.prepared.desired.objects.get(&claim);
        let known = self.live(&claim).or(wanted.map(DesiredObject::sent));
        let modes = known
            .into_iter()
            .flat_map(|claim| texts(claim, "/spec/accessModes"));
        modes.map(str::to_owned).collect()
    }
}

/// The keys of declared Secrets, as `NAME/KEY`, whose values are left open.
pub(crate) fn open_keys(prepared: &Prepared) -> BTreeSet<String> {
    let sources = prepared.secrets.sources.iter();
    let open = sources.filter(|(_, source)| OPEN.contains(&source.as_str()));
    open.map(|(key, _)| key.clone()).collect()
}

/// The Secret `secret` without those of its keys that are in `open`.
fn without(secret: &Value, open: &BTreeSet<String>) -> Value {
    let mut secret = secret.clone();
    let name = ManifestView(&secret).name().to_owned();
    if let Some(Value::Object(data)) = secret.get_mut("data") {
        data.retain(|key, _| !open.contains(&format!("{name}/{key}")));
        if data.is_empty()
            && let Value::Object(fields) = &mut secret
        {
            fields.remove("data");
        }
    }
    secret
}

/// Where values come from that may be others each time.
const DRAWN: [&str; 4] = [
    "generated",
    "asked for",
    "composed",
    "derived from the private key",
];

/// `after` with the annotation of `sent` by which pods are restarted.
fn with_restart<'a>(after: &'a Value, sent: &Value) -> Cow<'a, Value> {
    let annotations = "/spec/template/metadata/annotations";
    let digest = map(sent, annotations).and_then(|all| all.get(crate::object::CONFIG_DIGEST));
    let mut after = Cow::Borrowed(after);
    if let Some(digest) = digest
        && let Some(Value::Object(template)) = after.to_mut().pointer_mut("/spec/template/metadata")
    {
        template
            .entry("annotations")
            .or_insert_with(|| Map::new().into())[crate::object::CONFIG_DIGEST] = digest.clone();
    }
    after
}
