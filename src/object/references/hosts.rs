//! The Services that a workload's configuration mentions as hosts, for example in a database's
//! URL.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use serde_json::Value;

use super::named::named_by;
use crate::object::{HasKind as _, Object, ObjectId, pod::pod_spec};

/// The Services that the configuration of each workload mentions by name: in its containers'
/// commands, arguments and variables, and in the ConfigMaps and Secrets that it reads. Nobody
/// promises that they are spoken to, so that this may excuse, and never decide.
pub(super) fn services_mentioned(
    objects: &IndexMap<ObjectId, Object>,
) -> HashMap<ObjectId, Vec<ObjectId>> {
    let services: Vec<&ObjectId> = objects.keys().filter(|id| id.is_service()).collect();
    let mut mentioned = HashMap::new();
    for (id, object) in objects {
        let Some(spec) = pod_spec(&object.body).filter(|_| !services.is_empty()) else {
            continue;
        };
        let mut words = HashSet::new();
        collect(spec, &mut words);
        for reference in named_by(id, &object.body) {
            let read = objects.get(&reference.target);
            if let Some(read) = read.filter(|read| read.id.is_configuration()) {
                collect_data(read, &mut words);
            }
        }
        // A Service of another namespace is called by both names.
        let near = |service: &ObjectId| {
            service.namespace == id.namespace
                || service
                    .namespace
                    .as_ref()
                    .is_some_and(|namespace| words.contains(namespace))
        };
        let found: Vec<ObjectId> = services
            .iter()
            .filter(|service| words.contains(&service.name) && near(service))
            .map(|service| (*service).clone())
            .collect();
        if !found.is_empty() {
            mentioned.insert(id.clone(), found);
        }
    }
    mentioned
}

/// Every word in a text of `value` that could be the name of a Service.
fn collect(value: &Value, words: &mut HashSet<String>) {
    match value {
        Value::String(text) => collect_words(text, words),
        Value::Array(items) => items.iter().for_each(|item| collect(item, words)),
        Value::Object(fields) => fields.values().for_each(|field| collect(field, words)),
        _ => {}
    }
}

fn collect_data(object: &Object, words: &mut HashSet<String>) {
    let texts = |field: &str| {
        object
            .body
            .get(field)
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(_, text)| text.as_str())
    };
    let is_secret = object.id.is_secret();
    for text in texts("data") {
        let decoded = if is_secret {
            STANDARD.decode(text).ok()
        } else {
            None
        };
        let text = decoded
            .as_deref()
            .map_or(Cow::Borrowed(text), String::from_utf8_lossy);
        collect_words(&text, words);
    }
    texts("stringData").for_each(|text| collect_words(text, words));
}

/// Names of Services are DNS labels.
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#rfc-1035-label-names>
fn collect_words(text: &str, words: &mut HashSet<String>) {
    let split = text.split(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '-'));
    words.extend(
        split
            .filter(|word| !word.is_empty() && word.len() <= 63)
            .map(str::to_owned),
    );
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use serde_json::json;

    use super::*;
    use crate::object::Origin;

    fn objects(bodies: Vec<Value>) -> IndexMap<ObjectId, Object> {
        let object = |body: Value| {
            let id = ObjectId::of(&body).unwrap();
            let api_version = body["apiVersion"].as_str().unwrap().to_owned();
            (
                id.clone(),
                Object {
                    id,
                    api_version,
                    body: Arc::new(body),
                    origin: Origin {
                        file: Path::new("a.yaml").into(),
                        line: 1,
                    },
                },
            )
        };
        bodies.into_iter().map(object).collect()
    }

    fn service(namespace: &str, name: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}})
    }

    fn mentioned(bodies: Vec<Value>) -> Vec<String> {
        let found = services_mentioned(&objects(bodies));
        let mut names: Vec<String> = found
            .into_values()
            .flatten()
            .map(|id| id.to_string())
            .collect();
        names.sort();
        names
    }

    fn web(container: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [container]}}}})
    }

    #[test]
    fn services_are_found_in_variables_arguments_and_what_is_read() {
        let container = json!({"name": "web", "image": "cache:1", "args": ["--queue=amqp://queue.shop.svc:5672"],
            "env": [{"name": "URL", "value": "postgres://database:5432/web"}],
            "envFrom": [{"secretRef": {"name": "keys"}}, {"configMapRef": {"name": "settings"}}]});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "namespace": "shop"},
            "data": {"URL": STANDARD.encode("redis://:made-up@redis:6379")}});
        let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop"}, "data": {"host": "mail"}});
        let services =
            ["database", "queue", "redis", "mail", "other"].map(|name| service("shop", name));
        let bodies = [web(&container), secret, settings]
            .into_iter()
            .chain(services)
            .collect();
        assert_eq!(
            mentioned(bodies),
            ["database", "mail", "queue", "redis"].map(|name| format!("Service/shop/{name}"))
        );
    }

    #[test]
    fn a_service_of_another_namespace_is_called_by_both_names() {
        let container =
            |url: &str| web(&json!({"name": "web", "env": [{"name": "URL", "value": url}]}));
        assert!(
            mentioned(vec![
                container("http://database"),
                service("data", "database")
            ])
            .is_empty()
        );
        assert_eq!(
            mentioned(vec![
                container("http://database.data.svc"),
                service("data", "database")
            ]),
            ["Service/data/database"]
        );
    }
}
