//! What a run wants to be in the cluster, object by object, as it will be sent.

use std::{borrow::Cow, sync::Arc};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    cluster::{Resource, Served},
    object::{
        ChartPart, Definition, Digest, FieldPath, Hook, Marks, Object, ObjectId, Origin, Scope,
        field::part, scale_target,
    },
    phase::Ordered,
    plan::{
        ExpectedCrd, ExpectedScope, FieldSelector, PhaseId, PhaseSettings, ReadinessRule, ReleaseId,
    },
    release::UnreadBy,
};

/// The phase that Secrets belong to which a plan declares.
pub(crate) const SECRETS_PHASE: &str = "secrets";

/// Everything that a run wants to be in the cluster.
#[derive(Debug, Clone)]
pub(crate) struct DesiredState {
    /// The release.
    pub(crate) release: ReleaseId,
    /// The objects.
    pub(crate) objects: IndexMap<ObjectId, DesiredObject>,
    /// The phases, each after those that it names in `after`.
    pub(crate) phases: Vec<PhaseSettings>,
    /// What the plan says about when objects are ready, in the order in which the rules are tried.
    pub(crate) readiness: Vec<ReadinessRule>,
    /// What its charts run where they are deleted or tested; some of it is among the objects too.
    pub(crate) hooks: Vec<DesiredObject>,
}

/// One object as it will be sent. Stored in revisions, so that an older one can be brought back
/// without its files.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "StoredObject", try_from = "StoredObject")]
pub(crate) struct DesiredObject {
    /// The object as rendered.
    pub(crate) object: Object,
    /// The phase that it belongs to.
    pub(crate) phase: PhaseId,
    /// When it is written, inside of its phase.
    pub(crate) order: WriteOrder,
    /// An autoscaler decides about its replicas.
    pub(crate) scaled_by_others: bool,
    /// How it is changed and put back.
    pub(crate) marks: Marks,
    /// What it is in its chart.
    pub(crate) part: Option<ChartPart>,
    /// Who reads it and is no part of the run that changes its contents.
    pub(crate) unread_by: Vec<UnreadBy>,
    sent: Sent,
}

/// When an object is written, inside of its phase.
#[derive(Debug, Clone)]
pub(crate) struct WriteOrder {
    /// Objects that must be there first.
    pub(crate) after: Vec<ObjectId>,
    /// Those of them that must be ready.
    pub(crate) ready: Vec<ObjectId>,
    /// Objects without which it may fail while it starts.
    pub(crate) soft_dependencies: Vec<ObjectId>,
    /// Of the objects that could be written, the one with the highest priority is.
    pub(crate) priority: u32,
    /// It is written once everything else of its phase is ready: an admission webhook.
    pub(crate) last: bool,
}

impl From<Ordered> for WriteOrder {
    fn from(order: Ordered) -> Self {
        let Ordered {
            after,
            ready,
            soft_dependencies,
            priority,
            last,
            ..
        } = order;
        Self {
            after,
            ready,
            soft_dependencies,
            priority,
            last,
        }
    }
}

/// What is sent, with its digest, which is never that of anything else.
#[derive(Debug, Clone)]
struct Sent {
    /// What an object that is not there is created with.
    initial: Arc<Value>,
    /// Fields that others decide about as soon as it is there.
    ignored: Vec<FieldSelector>,
    /// `initial` without them.
    body: Arc<Value>,
    /// Digest of `body`.
    digest: Digest,
}

impl Sent {
    fn new(initial: Arc<Value>, ignored: Vec<FieldSelector>) -> Self {
        let mut body = Arc::clone(&initial);
        if !ignored.is_empty() {
            let body = Arc::make_mut(&mut body);
            for field in &ignored {
                field.remove(body);
            }
        }
        Self {
            digest: Digest::of(&body),
            initial,
            ignored,
            body,
        }
    }

    fn change(&mut self, change: impl FnOnce(&mut Value)) {
        let mut initial = (*self.initial).clone();
        change(&mut initial);
        *self = Self::new(Arc::new(initial), std::mem::take(&mut self.ignored));
    }
}

impl DesiredObject {
    /// `object` of `phase` as it will be sent for `release`.
    pub(crate) fn new(object: Object, phase: PhaseId, order: Ordered, release: &ReleaseId) -> Self {
        let mut sent = (*object.body).clone();
        set_label(&mut sent, &release.label());
        Self {
            object,
            phase,
            order: order.into(),
            scaled_by_others: false,
            marks: Marks::default(),
            part: None,
            unread_by: Vec::new(),
            sent: Sent::new(Arc::new(sent), Vec::new()),
        }
    }

    /// The same object, changed and put back as `marks` say.
    pub(crate) fn marked(self, marks: Marks) -> Self {
        Self { marks, ..self }
    }

    /// The same object as a part of a chart.
    pub(crate) fn of_chart(self, part: Option<ChartPart>) -> Self {
        Self { part, ..self }
    }

    /// The same object, of which others decide about `fields`.
    pub(crate) fn ignoring(self, fields: Vec<FieldSelector>) -> Self {
        let sent = Sent::new(self.sent.initial, fields);
        Self { sent, ..self }
    }

    /// What is sent where the object is there: the body with our label, without what others decide
    /// about.
    pub(crate) fn sent(&self) -> &Value {
        &self.sent.body
    }

    /// What the object is created with; `predecessor` is the one that was deleted for it, which
    /// others may have changed in what they decide about.
    pub(crate) fn initial(&self, predecessor: Option<&Value>) -> Cow<'_, Value> {
        self.with_ignored_of(predecessor, &self.sent.initial)
    }

    /// What has to be sent so that a dry run leaves what others decide about as it is in `live`: we
    /// may still hold it, and give it up only before the real apply.
    pub(crate) fn sent_keeping(&self, live: &Value) -> Cow<'_, Value> {
        self.with_ignored_of(Some(live), &self.sent.body)
    }

    fn with_ignored_of<'a>(&self, live: Option<&Value>, body: &'a Value) -> Cow<'a, Value> {
        let mut body = Cow::Borrowed(body);
        let there = |live: &&Value| !self.sent.ignored.is_empty() && live.is_object();
        if let Some(live) = live.filter(there) {
            for field in &self.sent.ignored {
                field.copy(live, body.to_mut());
            }
        }
        body
    }

    /// The fields that others decide about.
    pub(crate) fn ignored(&self) -> &[FieldSelector] {
        &self.sent.ignored
    }

    /// What it is as a hook of its chart; `None` where it is none.
    pub(crate) fn hook(&self) -> Option<&Hook> {
        self.part.as_ref()?.hook.as_ref()
    }

    /// Says that it is also run where `other` is, another hook of its name.
    pub(crate) fn add_events_of(&mut self, other: &Self) {
        let own = self.part.as_mut().and_then(|part| part.hook.as_mut());
        if let (Some(own), Some(other)) = (own, other.hook()) {
            own.events.extend(&other.events);
            own.events.sort_unstable();
            own.events.dedup();
        }
    }

    /// Digest of what is sent.
    pub(crate) fn digest(&self) -> &Digest {
        &self.sent.digest
    }
}

/// A wanted object as a revision stores it.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredObject {
    phase: PhaseId,
    after: Vec<ObjectId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ready: Vec<ObjectId>,
    #[serde(default, rename = "leansOn")]
    soft_dependencies: Vec<ObjectId>,
    priority: u32,
    last: bool,
    scaled_by_others: bool,
    #[serde(default)]
    marks: Marks,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<ChartPart>,
    /// Where it was written down, for messages.
    file: String,
    line: u32,
    sent: Arc<Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    ignored: Vec<FieldSelector>,
}

impl From<DesiredObject> for StoredObject {
    fn from(object: DesiredObject) -> Self {
        let WriteOrder {
            after,
            ready,
            soft_dependencies,
            priority,
            last,
        } = object.order;
        let Origin { file, line } = object.object.origin;
        Self {
            phase: object.phase,
            after,
            ready,
            soft_dependencies,
            priority,
            last,
            scaled_by_others: object.scaled_by_others,
            marks: object.marks,
            part: object.part,
            file: file.to_string_lossy().into_owned(),
            line,
            sent: object.sent.initial,
            ignored: object.sent.ignored,
        }
    }
}

impl TryFrom<StoredObject> for DesiredObject {
    type Error = &'static str;

    fn try_from(stored: StoredObject) -> Result<Self, Self::Error> {
        let sent = stored.sent;
        let id = ObjectId::of(&sent).ok_or("an object without a name")?;
        let api_version = sent
            .get("apiVersion")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let origin = Origin {
            file: std::path::Path::new(&stored.file).into(),
            line: stored.line,
        };
        Ok(Self {
            object: Object {
                id,
                api_version,
                body: Arc::clone(&sent),
                origin,
            },
            phase: stored.phase,
            order: WriteOrder {
                after: stored.after,
                ready: stored.ready,
                soft_dependencies: stored.soft_dependencies,
                priority: stored.priority,
                last: stored.last,
            },
            scaled_by_others: stored.scaled_by_others,
            marks: stored.marks,
            part: stored.part,
            unread_by: Vec::new(),
            sent: Sent::new(sent, stored.ignored),
        })
    }
}

impl DesiredObject {
    /// Leaves `spec.replicas` to whoever scales the object.
    pub(crate) fn leave_replicas(&mut self) {
        if !self.sent.initial.get("spec").is_some_and(Value::is_object) {
            return;
        }
        self.sent.change(|sent| {
            let spec = sent.get_mut("spec").and_then(Value::as_object_mut);
            spec.map(|spec| spec.remove("replicas"));
        });
        self.scaled_by_others = true;
    }

    /// Carries the label `to` instead of `from`: it is of a release that has got another name.
    pub(crate) fn relabel(&mut self, from: &str, to: &str) {
        self.sent.change(|sent| {
            if let Some(labels) = sent
                .pointer_mut("/metadata/labels")
                .and_then(Value::as_object_mut)
            {
                labels.remove(from);
            }
            set_label(sent, to);
        });
        self.object.body = Arc::clone(&self.sent.initial);
    }

    /// Says that it is written in another version of its kind.
    pub(crate) fn rename_version(&mut self, api_version: &str) {
        api_version.clone_into(&mut self.object.api_version);
        Arc::make_mut(&mut self.object.body)["apiVersion"] = api_version.into();
        self.sent
            .change(|sent| sent["apiVersion"] = api_version.into());
    }

    /// Leaves `field` to whoever scales the object by it.
    pub(crate) fn leave(&mut self, field: FieldSelector) {
        let Sent {
            initial, ignored, ..
        } = &self.sent;
        let fields = ignored.iter().cloned().chain([field]).collect();
        self.sent = Sent::new(Arc::clone(initial), fields);
    }

    /// Sets how much each of the object's claim templates asks for.
    pub(crate) fn set_claim_sizes<'a>(&mut self, sizes: impl Iterator<Item = &'a str>) {
        self.sent.change(|sent| {
            let templates = sent
                .pointer_mut("/spec/volumeClaimTemplates")
                .and_then(Value::as_array_mut);
            for (template, size) in templates.into_iter().flatten().zip(sizes) {
                template["spec"]["resources"]["requests"]["storage"] = size.into();
            }
        });
    }

    /// Takes over the labels and annotations of `other`, with what they say about how it is changed
    /// and put back; whether these are others than before.
    pub(crate) fn take_metadata(&mut self, other: &Self) -> bool {
        let parts = [
            ("labels", "/metadata/labels"),
            ("annotations", "/metadata/annotations"),
        ];
        if parts
            .iter()
            .all(|(_, path)| part(self.sent(), path) == part(other.sent(), path))
        {
            return false;
        }
        let parts = parts.map(|(name, path)| (name, part(other.sent(), path).cloned()));
        self.marks = other.marks;
        self.sent.change(|sent| {
            for (name, value) in parts {
                match (sent["metadata"].as_object_mut(), value) {
                    (Some(metadata), Some(value)) => drop(metadata.insert(name.to_owned(), value)),
                    (Some(metadata), None) => drop(metadata.remove(name)),
                    (None, _) => {}
                }
            }
        });
        true
    }

    /// Takes over the values that `live` has at the keys of its data.
    pub(crate) fn keep_data(&mut self, live: &Value) {
        self.sent.change(|sent| {
            let Some(data) = sent.get_mut("data").and_then(Value::as_object_mut) else {
                return;
            };
            let there = |key: &str| part(live, "/data")?.get(key).cloned();
            *data = std::mem::take(data)
                .into_iter()
                .filter_map(|(key, _)| there(&key).map(|value| (key, value)))
                .collect();
        });
    }

    /// Takes over the values that `live` has at `paths`, and returns where, as people write it.
    pub(crate) fn keep_values(&mut self, paths: &[Vec<String>], live: &Value) -> Vec<String> {
        let pointers = paths.iter().map(|path| pointer(path));
        let there = pointers.filter_map(|pointer| {
            let value = live.pointer(&pointer)?.clone();
            is_same_place(self.sent(), live, &pointer).then_some((pointer, value))
        });
        let there: Vec<(String, Value)> = there.collect();
        let mut kept = Vec::new();
        if there.is_empty() {
            return kept;
        }
        self.sent.change(|sent| {
            for (pointer, value) in there {
                if let Some(place) = sent.pointer_mut(&pointer) {
                    *place = value;
                    kept.push(FieldPath::of_pointer(&pointer).to_string());
                }
            }
        });
        kept
    }

    /// Gives the object's template of pods an annotation, or takes it off.
    pub(crate) fn set_template_annotation(&mut self, name: &str, value: Option<String>) {
        self.sent.change(|sent| {
            let Some(template) = sent.pointer_mut("/spec/template") else {
                return;
            };
            match value {
                Some(value) => template["metadata"]["annotations"][name] = value.into(),
                None => remove_annotation(&mut template["metadata"], name),
            }
        });
    }
}

/// Whether `pointer` leads to the same place in both: through items of lists that have one name.
fn is_same_place(one: &Value, other: &Value, pointer: &str) -> bool {
    let is_same_item = |at: usize| {
        let (list, item) = (&pointer[..at], pointer[at..].split('/').nth(1));
        if !one.pointer(list).is_some_and(Value::is_array) {
            return true;
        }
        let item = format!("{list}/{}", item.unwrap_or_default());
        let name = |object: &'_ Value| object.pointer(&item)?.get("name").cloned();
        name(one).is_some() && name(one) == name(other)
    };
    pointer.match_indices('/').all(|(at, _)| is_same_item(at))
}

/// The JSON pointer to `path`.
/// <https://datatracker.ietf.org/doc/html/rfc6901>
fn pointer(path: &[String]) -> String {
    let escaped = path
        .iter()
        .map(|key| key.replace('~', "~0").replace('/', "~1"));
    escaped.fold(String::new(), |pointer, key| pointer + "/" + &key)
}

/// Takes the annotation `name` out of `metadata`, and all of them where it was the only one.
fn remove_annotation(metadata: &mut Value, name: &str) {
    let Some(metadata) = metadata.as_object_mut() else {
        return;
    };
    let annotations = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut);
    let is_empty = annotations.is_some_and(|annotations| {
        annotations.remove(name);
        annotations.is_empty()
    });
    if is_empty {
        metadata.remove("annotations");
    }
}

/// Puts the label that marks the release's objects on `body`.
fn set_label(body: &mut Value, label: &str) {
    let Some(metadata) = body.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    let labels = metadata
        .entry("labels")
        .or_insert_with(|| Value::Object(serde_json::Map::new()));
    if let Some(labels) = labels.as_object_mut() {
        labels.insert(label.to_owned(), "".into());
    }
}

impl DesiredState {
    /// Leaves `spec.replicas` of everything that an autoscaler among the wanted objects scales to
    /// that autoscaler.
    pub(crate) fn leave_replicas_to_autoscalers(&mut self) {
        let targets: Vec<ObjectId> = self
            .objects
            .iter()
            .filter_map(|(id, autoscaler)| scale_target(id, autoscaler.sent()))
            .collect();
        for target in targets {
            if let Some(scaled) = self.objects.get_mut(&target) {
                scaled.leave_replicas();
            }
        }
    }

    /// The kind of `object` as it is served, or as a CustomResourceDefinition among the wanted
    /// objects will serve it.
    pub(crate) fn resource(&self, object: &Object, served: &Served) -> Option<Resource> {
        served
            .exact(&object.api_version, &object.id.kind)
            .cloned()
            .or_else(|| self.defined_here(object))
    }

    /// The kind of `object` as the run brings it: by a CustomResourceDefinition among the wanted
    /// objects, or by a controller of an earlier phase, as the plan says.
    pub(crate) fn defined_here(&self, object: &Object) -> Option<Resource> {
        self.defined_by_definition(object)
            .or_else(|| self.expected(object))
    }

    /// The definition of the kind of `object`, where it is wanted.
    pub(crate) fn definition_of(&self, object: &Object) -> Option<&DesiredObject> {
        let is_defined = |wanted: &&DesiredObject| {
            Definition::of(&wanted.object.body).is_some_and(|definition| {
                definition.group() == object.id.group && definition.kind() == object.id.kind
            })
        };
        self.objects.values().find(is_defined)
    }

    /// The phase whose controllers are expected to define the kind of `object`.
    pub(crate) fn expecting_phase(&self, object: &Object) -> Option<PhaseId> {
        Some(self.expectation(object)?.0.id())
    }

    /// Whether a controller of an earlier phase is expected to define the kind of `object`.
    pub(crate) fn is_expected(&self, object: &Object) -> bool {
        self.expectation(object).is_some()
    }

    /// The definition that a controller of an earlier phase than that of `object` is expected to
    /// create for its kind, and that phase.
    fn expectation(&self, object: &Object) -> Option<(&PhaseSettings, &ExpectedCrd)> {
        let own = &self.objects.get(&object.id)?.phase;
        let earlier = self
            .phases
            .iter()
            .filter(|phase| self.is_before(phase, own));
        earlier.rev().find_map(|phase| {
            let expects = phase.expects.iter();
            let crd = ExpectedCrd::of_kind(expects, &object.id.group, &object.id.kind)?;
            Some((phase, crd))
        })
    }

    /// Whether the phase `one` has ended when `other` starts.
    pub(crate) fn comes_before(&self, one: &PhaseId, other: &PhaseId) -> bool {
        let mut phases = self.phases.iter();
        phases.any(|phase| phase.id() == *one && self.is_before(phase, other))
    }

    /// Whether `phase` has ended when `other` starts.
    fn is_before(&self, phase: &PhaseSettings, other: &PhaseId) -> bool {
        let after = |id: &PhaseId| {
            let settings = self.phases.iter().find(|known| known.id() == *id);
            settings.map_or(&[][..], |settings| settings.after.as_slice())
        };
        let mut open: Vec<PhaseId> = vec![other.clone()];
        let mut seen: Vec<PhaseId> = Vec::new();
        while let Some(next) = open.pop() {
            let before = after(&next).iter().map(|name| PhaseId::declared(name));
            let new: Vec<PhaseId> = before.filter(|id| !seen.contains(id)).collect();
            seen.extend(new.iter().cloned());
            open.extend(new);
        }
        seen.contains(&phase.id())
    }

    fn expected(&self, object: &Object) -> Option<Resource> {
        let (_, version) = object.api_version.split_once('/')?;
        let (_, crd) = self.expectation(object)?;
        Some(Resource {
            group: object.id.group.clone(),
            version: version.to_owned(),
            kind: object.id.kind.clone(),
            plural: crd.plural().to_owned(),
            namespaced: crd.scope == ExpectedScope::Namespaced,
            verbs: Vec::new(),
            has_status: false,
        })
    }

    fn defined_by_definition(&self, object: &Object) -> Option<Resource> {
        let (group, version) = object.api_version.split_once('/')?;
        let kind = object.id.kind.as_str();
        let definition = self
            .objects
            .values()
            .filter_map(|wanted| Definition::of(&wanted.object.body))
            .find(|definition| definition.group() == group && definition.kind() == kind)?;
        Some(Resource {
            group: group.to_owned(),
            version: version.to_owned(),
            kind: kind.to_owned(),
            plural: Some(definition.plural())
                .filter(|plural| !plural.is_empty())?
                .to_owned(),
            namespaced: definition.scope()? == Scope::Namespaced,
            verbs: Vec::new(),
            has_status: definition
                .versions()
                .any(|served| served.name == version && served.has_status),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::set_label;

    #[test]
    fn the_label_joins_what_is_there() {
        let mut body = json!({"metadata": {"name": "a", "labels": {"app": "a"}}});
        set_label(&mut body, "deployctl.dev/shop.dev");
        assert_eq!(
            body["metadata"]["labels"],
            json!({"app": "a", "deployctl.dev/shop.dev": ""})
        );
        let mut bare = json!({"metadata": {"name": "a"}});
        set_label(&mut bare, "deployctl.dev/shop.dev");
        assert_eq!(
            bare["metadata"]["labels"],
            json!({"deployctl.dev/shop.dev": ""})
        );
    }
}
