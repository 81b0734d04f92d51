//! Everything that the platform's objects refer to, taken away one at a time: each is found before
//! anything is written.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::own::platform;
use crate::{
    platforms::{Rendered, entries, items, text},
    support::project::Project,
};

/// The namespace that this test has to itself.
const NAMESPACE: &str = "imutis-lacks";

/// Something that an object refers to: its kind, its name, and a key of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Named {
    kind: &'static str,
    name: String,
    key: Option<String>,
}

/// What the fields of any object refer to, by what they are called: not by where they stand.
fn named(value: &Value, found: &mut BTreeSet<Named>) {
    let mut add = |kind, name: &Value, key: &Value| {
        if let Some(name) = name.as_str() {
            found.insert(Named {
                kind,
                name: name.to_owned(),
                key: key.as_str().map(str::to_owned),
            });
        }
    };
    for (field, value) in entries(value) {
        if value["optional"] == true {
            continue;
        }
        match field.as_str() {
            "secretKeyRef" | "secretRef" => add("Secret", &value["name"], &value["key"]),
            "configMapKeyRef" | "configMapRef" => add("ConfigMap", &value["name"], &value["key"]),
            "secret" => {
                add("Secret", &value["secretName"], &Value::Null);
                for item in items(&value["items"]) {
                    add("Secret", &value["secretName"], &item["key"]);
                }
            }
            "configMap" => {
                add("ConfigMap", &value["name"], &Value::Null);
                for item in items(&value["items"]) {
                    add("ConfigMap", &value["name"], &item["key"]);
                }
            }
            "imagePullSecrets" => {
                for secret in items(value) {
                    add("Secret", &secret["name"], &Value::Null);
                }
            }
            "serviceAccountName" => add("ServiceAccount", value, &Value::Null),
            "claimName" => add("PersistentVolumeClaim", value, &Value::Null),
            "storageClassName" => add("StorageClass", value, &Value::Null),
            "ingressClassName" => add("IngressClass", value, &Value::Null),
            "serviceName" => add("Service", value, &Value::Null),
            "service" => add("Service", &value["name"], &Value::Null),
            "issuerRef" => add("ClusterIssuer", &value["name"], &Value::Null),
            _ => {}
        }
    }
    for (_, value) in entries(value) {
        named(value, found);
    }
    for value in items(value) {
        named(value, found);
    }
}

/// The platform as a plan of a test's own: its objects, and the Secrets that it declares with values
/// of text.
struct Taken {
    objects: Vec<Value>,
    secrets: Vec<Value>,
}

impl Taken {
    fn of(rendered: &Rendered) -> Self {
        let text = serde_json::to_string(&rendered.items).unwrap();
        let text = text.replace(&rendered.namespace, NAMESPACE);
        let secrets = items(&platform().plan["secrets"]).map(|secret| {
            let data = entries(&secret["data"]);
            let data = data.map(|(key, _)| (key.clone(), json!({"value": "x"})));
            let data: serde_json::Map<String, Value> = data.collect();
            let mut declared = json!({"name": secret["name"], "data": data});
            if !secret["type"].is_null() {
                declared["type"] = secret["type"].clone();
            }
            declared
        });
        Self {
            objects: serde_json::from_str(&text).unwrap(),
            secrets: secrets.collect(),
        }
    }

    /// The same without `named`. Classes are the cluster's, so that another is named.
    fn without(&self, named: &Named) -> Self {
        let Named { kind, name, key } = named;
        let is_it =
            |object: &Value| object["kind"] == *kind && object["metadata"]["name"] == **name;
        let mut objects = self.objects.clone();
        let mut secrets = self.secrets.clone();
        match key {
            Some(key) => {
                for object in objects.iter_mut().filter(|object| is_it(object)) {
                    object["data"].as_object_mut().unwrap().remove(key);
                }
                for secret in secrets.iter_mut().filter(|secret| secret["name"] == **name) {
                    let data = secret["data"].as_object_mut().unwrap();
                    let value = data.remove(key).unwrap();
                    // A declared Secret without any keys is refused as such.
                    data.insert("other".to_owned(), value);
                }
            }
            None if kind.ends_with("Class") => {
                let text = serde_json::to_string(&objects).unwrap();
                let of = |name: &str| format!("\"{}Name\":\"{name}\"", lower(kind));
                let text = text.replace(&of(name), &of(&absent(name)));
                objects = serde_json::from_str(&text).unwrap();
            }
            None => {
                objects.retain(|object| !is_it(object));
                secrets.retain(|secret| *kind != "Secret" || secret["name"] != **name);
            }
        }
        Self { objects, secrets }
    }

    fn project(&self, number: usize) -> Project {
        let secrets = Value::from(self.secrets.clone());
        let documents: Vec<String> = self.objects.iter().map(ToString::to_string).collect();
        let name = format!("{NAMESPACE}-{number}");
        let plan =
            format!("secrets: {secrets}\nenvironments: {{lacks: {{namespace: {NAMESPACE}}}}}\n");
        Project::new(&name)
            .plan(&plan)
            .manifest("all.yaml", &documents.join("\n---\n"))
    }
}

fn lower(kind: &str) -> String {
    kind[..1].to_lowercase() + &kind[1..]
}

fn absent(name: &str) -> String {
    format!("{name}-that-is-not-there")
}

/// What `up` says of a project from which `lacks` was taken, or why that is wrong.
fn found(taken: &Taken, number: usize, lacks: &Named) -> Option<String> {
    // What may come by itself stops nobody: something that is certain is taken away too.
    let certain = Named {
        kind: "ServiceAccount",
        name: "api".to_owned(),
        key: None,
    };
    let project = taken.without(lacks).without(&certain).project(number);
    let outcome = project.up(&[]).run().exited(5);
    let name = match lacks.kind {
        kind if kind.ends_with("Class") => absent(&lacks.name),
        _ => lacks.name.clone(),
    };
    let line = outcome.stderr.lines().find(|line| {
        let named = line.contains(&format!("/{name} (`")) && line.contains(lacks.kind);
        let key = lacks.key.as_ref();
        line.contains("it needs ")
            && named
            && key.is_none_or(|key| line.contains(&format!("key `{key}`")))
    });
    line.is_none()
        .then(|| format!("{lacks:?} is not found: {}", outcome.stderr))
}

#[test]
fn everything_that_is_referred_to_is_missed_when_it_is_taken_away() {
    let taken = Taken::of(platform().environment("dev"));
    let mut all = BTreeSet::new();
    for object in &taken.objects {
        named(object, &mut all);
    }
    // The whole as well as each key of it.
    let wholes: Vec<Named> = all
        .iter()
        .map(|named| Named {
            key: None,
            ..named.clone()
        })
        .collect();
    all.extend(wholes);
    // The cluster's own; and what cert-manager makes for the Ingress.
    all.retain(|named| named.name != "default" && named.name != "api-tls");
    let kinds: BTreeSet<&str> = all.iter().map(|named| named.kind).collect();
    assert!(all.len() > 20 && kinds.len() >= 8, "{all:#?}");
    let all: Vec<Named> = all.into_iter().collect();
    let lanes = 4;
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let (taken, all) = (&taken, &all);
        let running: Vec<_> = (0..lanes)
            .map(|lane| {
                scope.spawn(move || {
                    let own = all.iter().enumerate().skip(lane).step_by(lanes);
                    own.filter_map(|(number, lacks)| found(taken, number, lacks))
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        running
            .into_iter()
            .flat_map(|lane| lane.join().unwrap())
            .collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_missed_where_nothing_is_taken_away() {
    let taken = Taken::of(platform().environment("dev"));
    let project = taken.project(999);
    let document = project.command("validate", &["-o", "json"]).run().json();
    let doubtful = items(&document["findings"]).filter(|it| it["check"] == "doubtful-reference");
    assert_eq!(doubtful.count(), 0, "{document:#}");
    let needed: Vec<&str> = items(&document["needed"])
        .map(|needed| text(&needed["what"]))
        .collect();
    assert_eq!(needed, ["IngressClass/nginx", "StorageClass/standard"]);
}
