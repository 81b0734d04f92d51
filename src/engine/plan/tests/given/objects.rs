//! Objects and what is remembered of them, out of what a case writes.

use std::{path::Path, sync::Arc, time::Duration};

use indexmap::IndexMap;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::{
    cluster::{Live, Seen},
    engine::desired::{DesiredObject, DesiredState},
    object::{
        ChartPart, Digest, Hook, HookEvent, HookResult, ManifestView, Marks, Object, ObjectId,
        Origin,
    },
    phase::Ordered,
    plan::{Conditions, FailureBudget, OnFailure, PhaseId, PhaseSettings, ReleaseId},
    release::{ObjectRecord, Program, Records, Work},
};

/// What a case says of each object, by its name.
pub(super) type Written = IndexMap<String, Value>;

/// The kinds that cases are about: `apiVersion`, and whether they lie in namespaces.
const KINDS: [(&str, &str, bool); 18] = [
    ("APIService", "apiregistration.k8s.io/v1", false),
    ("ConfigMap", "v1", true),
    ("CronJob", "batch/v1", true),
    ("CustomResourceDefinition", "apiextensions.k8s.io/v1", false),
    ("DaemonSet", "apps/v1", true),
    ("Deployment", "apps/v1", true),
    ("Job", "batch/v1", true),
    ("Namespace", "v1", false),
    ("PersistentVolume", "v1", false),
    ("PersistentVolumeClaim", "v1", true),
    ("Pod", "v1", true),
    ("Project", "project.openshift.io/v1", false),
    ("ReplicaSet", "apps/v1", true),
    ("Secret", "v1", true),
    ("Service", "v1", true),
    ("StatefulSet", "apps/v1", true),
    (
        "ValidatingWebhookConfiguration",
        "admissionregistration.k8s.io/v1",
        false,
    ),
    ("Widget", "example.org/v1", true),
];

/// The parts of a manifest that a case may write.
const PARTS: [&str; 6] = [
    "apiVersion",
    "metadata",
    "spec",
    "data",
    "immutable",
    "status",
];

/// The release of all cases.
pub(super) fn release() -> ReleaseId {
    ReleaseId {
        plan: "shop".to_owned(),
        environment: "dev".to_owned(),
    }
}

pub(super) fn manager() -> String {
    release().field_manager()
}

fn kind(name: &str) -> (&'static str, bool) {
    let known = KINDS.iter().find(|(kind, ..)| *kind == name);
    let (_, api_version, namespaced) = known.unwrap_or_else(|| panic!("no kind `{name}`"));
    (api_version, *namespaced)
}

/// The object that a case calls `name`.
pub(super) fn id(name: &str) -> ObjectId {
    let parts: Vec<&str> = name.split('/').collect();
    let (kind_name, namespace, name) = match parts.as_slice() {
        [kind, name] => (*kind, "shop", *name),
        [kind, namespace, name] => (*kind, *namespace, *name),
        _ => panic!("`{name}` is no name of an object"),
    };
    let (api_version, namespaced) = kind(kind_name);
    ObjectId {
        group: ManifestView(&json!({"apiVersion": api_version}))
            .group()
            .to_owned(),
        kind: kind_name.to_owned(),
        namespace: namespaced.then(|| namespace.to_owned()),
        name: name.to_owned(),
    }
}

/// The phase that a case calls `name`.
pub(super) fn phase(name: &str) -> PhaseId {
    serde_json::from_value(name.into()).expect("a phase is a text")
}

/// The phase that `written` says an object belongs to.
pub(super) fn phase_of(written: &Value) -> PhaseId {
    phase(
        written
            .get("phase")
            .and_then(Value::as_str)
            .unwrap_or("apps"),
    )
}

/// The phases of a case, each with those that it comes after; by default `databases` and then
/// `apps`.
pub(super) fn phases(written: &IndexMap<String, Vec<String>>) -> Vec<PhaseSettings> {
    let settings = |name: &str, after: Vec<String>| PhaseSettings {
        name: name.to_owned(),
        after,
        matches: Vec::new(),
        conditions: Conditions::default(),
        timeout: Duration::from_mins(1),
        failure_budget: FailureBudget::default(),
        on_failure: OnFailure::Rollback,
        expects: Vec::new(),
    };
    if written.is_empty() {
        let after = vec!["databases".to_owned()];
        return vec![settings("databases", Vec::new()), settings("apps", after)];
    }
    written
        .iter()
        .map(|(name, after)| settings(name, after.clone()))
        .collect()
}

/// Takes what `written` says under `word` out of it.
fn take<T: DeserializeOwned + Default>(written: &mut Map<String, Value>, word: &str) -> T {
    let value = written.remove(word);
    value.map_or_else(T::default, |value| {
        serde_json::from_value(value).unwrap_or_else(|error| panic!("`{word}`: {error}"))
    })
}

fn words(written: &Value) -> Map<String, Value> {
    match written {
        Value::Object(words) => words.clone(),
        other => panic!("`{other}` is no object"),
    }
}

/// The manifest of `id`, with `parts` as a case writes them.
fn manifest(id: &ObjectId, mut parts: Map<String, Value>) -> Value {
    let mut body = json!({
        "apiVersion": kind(&id.kind).0,
        "kind": id.kind,
        "metadata": {"name": id.name},
    });
    let pods = pods(&mut parts);
    let size: Option<String> = take(&mut parts, "size");
    let claims: IndexMap<String, String> = take(&mut parts, "claims");
    if let Some(namespace) = &id.namespace {
        body["metadata"]["namespace"] = namespace.as_str().into();
    }
    for (part, value) in parts {
        assert!(PARTS.contains(&part.as_str()), "`{part}` means nothing");
        match (part.as_str(), value) {
            ("metadata", Value::Object(metadata)) => metadata
                .into_iter()
                .for_each(|(key, value)| body["metadata"][key] = value),
            (_, value) => body[part] = value,
        }
    }
    if let Some(pods) = pods {
        body["spec"]["template"] = pods;
    }
    if let Some(size) = size {
        body["spec"]["resources"]["requests"]["storage"] = size.into();
    }
    if !claims.is_empty() {
        let template = |(name, size): (&String, &String)| {
            let requests = json!({"storage": size});
            json!({"metadata": {"name": name}, "spec": {"resources": {"requests": requests}}})
        };
        body["spec"]["volumeClaimTemplates"] = claims.iter().map(template).collect();
    }
    body
}

/// The template of pods that `image`, `reads` and `annotation` of a case make.
fn pods(parts: &mut Map<String, Value>) -> Option<Value> {
    let image: Option<u64> = take(parts, "image");
    let reads: Vec<String> = take(parts, "reads");
    let annotation: Option<String> = take(parts, "annotation");
    if image.is_none() && reads.is_empty() {
        return None;
    }
    let sources = reads.iter().map(|name| {
        let id = id(name);
        let key = match id.kind.as_str() {
            "Secret" => "secretRef",
            _ => "configMapRef",
        };
        json!({key: {"name": id.name}})
    });
    let container = json!({"image": image, "envFrom": sources.collect::<Vec<_>>()});
    let mut template = json!({"spec": {"containers": [container]}});
    if let Some(annotation) = annotation {
        template["metadata"]["annotations"]["deployctl.dev/config-digest"] = annotation.into();
    }
    Some(template)
}

pub(super) fn time(seconds: u64) -> String {
    format!("2026-01-01T00:00:{seconds:02}Z")
}

/// Everything below `value` as `fieldsV1` owns it.
fn fields(value: &Value) -> Value {
    let below = value.as_object().into_iter().flatten();
    let owned = below.map(|(name, value)| (format!("f:{name}"), fields(value)));
    Value::Object(owned.collect())
}

/// The object `id` as the API server holds it.
pub(super) fn stored(id: &ObjectId, written: &Value) -> Value {
    let mut words = words(written);
    let uid: Value = take(&mut words, "uid");
    let by: Option<Vec<String>> = take(&mut words, "by");
    let created_at: u64 = take(&mut words, "createdAt");
    let applied_at: Option<u64> = take(&mut words, "appliedAt");
    let posted: bool = take(&mut words, "posted");
    let deleting: bool = take(&mut words, "deleting");
    let unlabelled: bool = take(&mut words, "unlabelled");
    words.remove("phase");
    let by = by.unwrap_or_else(|| vec!["us".to_owned()]);
    let mut body = manifest(id, words);
    let mut owned = fields(&body);
    for part in ["f:apiVersion", "f:kind", "f:metadata", "f:status"] {
        owned.as_object_mut().map(|owned| owned.remove(part));
    }
    let applied = time(applied_at.unwrap_or(created_at));
    let entry = |manager: &str, operation: &str| {
        let manager = match manager {
            "us" => self::manager(),
            other => other.to_owned(),
        };
        json!({"manager": manager, "operation": operation, "time": applied, "fieldsV1": owned})
    };
    let mut entries: Vec<Value> = by.iter().map(|manager| entry(manager, "Apply")).collect();
    entries.extend(posted.then(|| entry("us", "Update")));
    let metadata = &mut body["metadata"];
    metadata["uid"] = match uid {
        Value::Null => "1".to_owned(),
        Value::String(uid) => uid,
        uid => uid.to_string(),
    }
    .into();
    metadata["creationTimestamp"] = time(created_at).into();
    metadata["managedFields"] = entries.into();
    if !unlabelled && (posted || by.iter().any(|manager| manager == "us")) {
        metadata["labels"][release().label()] = "".into();
    }
    if deleting {
        metadata["deletionTimestamp"] = time(59).into();
    }
    body
}

/// The object `id` as it is wanted.
pub(super) fn desired(id: &ObjectId, written: &Value) -> DesiredObject {
    let mut words = words(written);
    let after: Vec<String> = take(&mut words, "after");
    let ready: Vec<String> = take(&mut words, "ready");
    let marks: Marks = take(&mut words, "marks");
    let part = part(&mut words);
    let order = Ordered {
        id: id.clone(),
        after: after.iter().map(|name| self::id(name)).collect(),
        ready: ready.iter().map(|name| self::id(name)).collect(),
        soft_dependencies: Vec::new(),
        priority: take(&mut words, "priority"),
        last: take(&mut words, "last"),
    };
    words.remove("phase");
    let object = Object {
        id: id.clone(),
        api_version: kind(&id.kind).0.to_owned(),
        body: Arc::new(manifest(id, words)),
        origin: Origin {
            file: Path::new("shop.yaml").into(),
            line: 1,
        },
    };
    DesiredObject::new(object, phase_of(written), order, &release())
        .marked(marks)
        .of_chart(part)
}

/// What `chart`, `hook`, `weight` and `deletedOn` of a case say.
fn part(words: &mut Map<String, Value>) -> Option<ChartPart> {
    let chart: Option<String> = take(words, "chart");
    let events: Vec<HookEvent> = take(words, "hook");
    let weight: i64 = take(words, "weight");
    let deleted_on: Vec<HookResult> = take(words, "deletedOn");
    let hook = Hook {
        events,
        weight,
        deleted_on,
    };
    Some(ChartPart {
        chart: chart?,
        hook: Some(hook).filter(|hook| !hook.events.is_empty()),
    })
}

/// All that is wanted.
pub(super) fn desired_state(written: &Written, phases: Vec<PhaseSettings>) -> DesiredState {
    let objects = written
        .iter()
        .map(|(name, object)| (id(name), desired(&id(name), object)));
    DesiredState {
        release: release(),
        objects: objects.collect(),
        phases,
        readiness: Vec::new(),
        hooks: Vec::new(),
    }
}

/// What is there. Of what a case does not name nobody has looked.
pub(super) fn live(written: &Written) -> Live {
    let mut live = Live::default();
    for (name, object) in written {
        let id = id(name);
        let seen = match object {
            Value::Null => Seen::Absent,
            Value::String(word) if word == "forbidden" => Seen::Forbidden,
            object => Seen::Present(Arc::new(stored(&id, object))),
        };
        live.note(id, seen);
    }
    live
}

/// What is remembered: of each object what was sent, `sent` or else what is wanted now, and what
/// was stored then, `stored` or else what is there now.
pub(super) fn records(written: &Written, desired: &DesiredState, live: &Live) -> Records {
    let record = |(name, record): (&String, &Value)| {
        let id = id(name);
        let mut words = words(record);
        let sent = take::<Option<Value>>(&mut words, "sent")
            .map(|sent| self::desired(&id, &sent).digest().clone())
            .or_else(|| Some(desired.objects.get(&id)?.digest().clone()));
        let answer = take::<Option<Value>>(&mut words, "stored")
            .map(|answer| stored(&id, &answer))
            .or_else(|| Some(live.object(&id)?.as_ref().clone()))
            .unwrap_or_else(|| stored(&id, &json!({})));
        let known = ObjectRecord {
            created: take(&mut words, "created"),
            completed: take(&mut words, "completed"),
            kept: take(&mut words, "kept"),
            ..ObjectRecord::of_answer(
                &id,
                &phase_of(record),
                (&answer, &sent.unwrap_or_else(|| Digest::of(&json!({})))),
                &answer,
                &manager(),
            )
            .unwrap_or_else(|| panic!("{name} was not ours"))
        };
        words.remove("phase");
        assert!(words.is_empty(), "{words:?} of {name} mean nothing");
        known
    };
    written.iter().map(record).collect()
}

/// The program that `lines` say, such as `apply ConfigMap/a in apps` and `delete Secret/b`.
pub(super) fn program(lines: &[String]) -> Program {
    let mut program = Program::default();
    for line in lines {
        let mut words = line.split(' ');
        let (what, object) = (words.next(), words.next().expect("an object"));
        let object = id(object);
        let phase = words.nth(1).map_or(PhaseId::declared("apps"), phase);
        let work = match what {
            Some("apply") => Work::Apply {
                cleared: Vec::new(),
                object,
                force: false,
            },
            Some("discard") => Work::Discard { object },
            Some("delete") => Work::Delete {
                object,
                uid: "1".to_owned(),
                belongings: crate::release::Belongings::Go,
                if_empty: false,
            },
            _ => panic!("`{line}` is no step"),
        };
        program.push(&phase, Vec::new(), 0, work);
    }
    program
}

/// Reads what a case gives.
pub(super) fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}
