//! Entries that a list holds twice, where `kubectl apply` takes them and server-side apply, which
//! knows entries by their keys, refuses.

use serde_json::Value;

use crate::object::{
    FieldPath, HasKind as _, ObjectId, Problem,
    field::{list, part, text},
    pod_template_path,
};

/// A list whose entries the API server knows by keys.
struct KeyedList {
    /// Where it stands in what `Place` says.
    path: &'static str,
    /// The fields by which an entry is known, and what stands for an absent one; none where an
    /// entry is its own key.
    keys: &'static [(&'static str, &'static str)],
    twice: Twice,
}

/// What entries with the same keys come to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twice {
    /// The last one counts alone.
    Last,
    /// The last one counts, with the fields that only those before it have.
    Merged,
    /// All of them count: their lists of this name are joined.
    Joined(&'static str),
    /// One, where they say the same. Others the API server refuses from `kubectl apply` as well, as
    /// soon as there is nothing yet that they could be merged into.
    Same,
}

/// A list in which only entries that say the same are taken.
const fn of_same(path: &'static str, keys: &'static [(&'static str, &'static str)]) -> KeyedList {
    KeyedList {
        path,
        keys,
        twice: Twice::Same,
    }
}

const OF_OBJECTS: [KeyedList; 2] = [
    KeyedList {
        path: "/metadata/finalizers",
        keys: &[],
        twice: Twice::Last,
    },
    KeyedList {
        path: "/metadata/ownerReferences",
        keys: &[("/uid", "")],
        twice: Twice::Last,
    },
];
const OF_SERVICE_ACCOUNTS: [KeyedList; 1] = [KeyedList {
    path: "/secrets",
    keys: &[("/name", "")],
    twice: Twice::Merged,
}];
const OF_SERVICES: [KeyedList; 1] = [of_same(
    "/spec/ports",
    &[("/port", ""), ("/protocol", "TCP")],
)];
const OF_PODS: [KeyedList; 6] = [
    KeyedList {
        path: "/spec/imagePullSecrets",
        keys: &[("/name", "")],
        twice: Twice::Last,
    },
    KeyedList {
        path: "/spec/hostAliases",
        keys: &[("/ip", "")],
        twice: Twice::Joined("hostnames"),
    },
    of_same("/spec/volumes", &[("/name", "")]),
    of_same("/spec/initContainers", &[("/name", "")]),
    of_same("/spec/containers", &[("/name", "")]),
    of_same(
        "/spec/topologySpreadConstraints",
        &[("/topologyKey", ""), ("/whenUnsatisfiable", "")],
    ),
];
const OF_CONTAINERS: [KeyedList; 4] = [
    KeyedList {
        path: ENVIRONMENT,
        keys: &[("/name", "")],
        twice: Twice::Last,
    },
    KeyedList {
        path: "/ports",
        keys: &[("/containerPort", ""), ("/protocol", "TCP")],
        twice: Twice::Merged,
    },
    of_same("/volumeMounts", &[("/mountPath", "")]),
    of_same("/volumeDevices", &[("/devicePath", "")]),
];
const ENVIRONMENT: &str = "/env";

/// Groups whose lists of pods are the API server's own; a custom resource's are as its definition
/// says.
const GROUPS: [&str; 3] = ["", "apps", "batch"];

/// Leaves one of the entries that `object` holds twice, as `kubectl apply` would have it, and warns
/// about each. The problems have no place yet.
pub(super) fn merge_duplicates(object: &mut Value, problems: &mut Vec<Problem>) {
    let Some(id) = ObjectId::of(object) else {
        return;
    };
    for (place, list) in places(object, &id) {
        if let Some(Value::Array(entries)) = object.pointer_mut(&place) {
            merge_list(entries, list, &place, problems);
        }
    }
}

/// Where lists stand in `object` that may hold an entry twice, those inside of others first.
fn places(object: &Value, id: &ObjectId) -> Vec<(String, &'static KeyedList)> {
    let mut places: Vec<(String, &KeyedList)> = Vec::new();
    let mut add = |prefix: &str, lists: &'static [KeyedList]| {
        let place = |list: &'static KeyedList| (format!("{prefix}{}", list.path), list);
        places.extend(lists.iter().map(place));
    };
    add("", &OF_OBJECTS);
    if id.is_service_account() {
        add("", &OF_SERVICE_ACCOUNTS);
    }
    if id.is_service() {
        add("", &OF_SERVICES);
    }
    let template = pod_template_path(object).filter(|_| GROUPS.contains(&id.group.as_str()));
    if let Some(template) = template {
        if !template.is_empty() {
            add(template, &OF_OBJECTS[..1]);
        }
        for containers in ["initContainers", "containers", "ephemeralContainers"] {
            let place = format!("{template}/spec/{containers}");
            for index in 0..list(object, &place).len() {
                add(&format!("{place}/{index}"), &OF_CONTAINERS);
            }
        }
        add(template, &OF_PODS);
    }
    places
}

/// Leaves one entry of each key.
fn merge_list(
    entries: &mut Vec<Value>,
    list: &KeyedList,
    place: &str,
    problems: &mut Vec<Problem>,
) {
    let mut index = 0;
    while index < entries.len() {
        let key = key_of(&entries[index], list);
        let again = entries[index + 1..]
            .iter()
            .position(|entry| key.is_some() && key_of(entry, list) == key)
            .map(|distance| index + 1 + distance);
        let (Some(again), Some(key)) = (again, key) else {
            index += 1;
            continue;
        };
        let between = &entries[index + 1..=again];
        let is_same = entries[index] == entries[again];
        if !is_same && list.twice == Twice::Same {
            index += 1;
            continue;
        }
        if !is_same && list.path == ENVIRONMENT && between.iter().any(|entry| reads(entry, &key)) {
            problems.push(read_in_between(place, &key));
            index += 1;
            continue;
        }
        problems.push(taken_once(place, &key, list.twice));
        if is_same {
            entries.remove(again);
        } else {
            let earlier = entries.remove(index);
            combine(&earlier, &mut entries[again - 1], list.twice);
        }
    }
}

/// What `entry` is known by; `None` for what is no entry.
fn key_of(entry: &Value, list: &KeyedList) -> Option<String> {
    if list.keys.is_empty() {
        return entry.as_str().map(str::to_owned);
    }
    let keys = list
        .keys
        .iter()
        .map(|(field, absent)| match part(entry, field) {
            None | Some(Value::Null) => Some((*absent).to_owned()).filter(|key| !key.is_empty()),
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
        });
    keys.collect::<Option<Vec<_>>>().map(|keys| keys.join("/"))
}

/// Whether the value of the environment variable `entry` is composed of the variable `name`.
/// <https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/>
fn reads(entry: &Value, name: &str) -> bool {
    text(entry, "/value").is_some_and(|value| value.contains(&format!("$({name})")))
}

fn combine(earlier: &Value, last: &mut Value, twice: Twice) {
    let (Some(earlier), Some(last)) = (earlier.as_object(), last.as_object_mut()) else {
        return;
    };
    match twice {
        Twice::Last | Twice::Same => {}
        Twice::Merged => {
            for (field, value) in earlier {
                last.entry(field).or_insert_with(|| value.clone());
            }
        }
        Twice::Joined(field) => {
            let mut joined = Vec::new();
            for entry in [Some(earlier), Some(&*last)].into_iter().flatten() {
                let items = entry.get(field).and_then(Value::as_array);
                for item in items.into_iter().flatten() {
                    if !joined.contains(item) {
                        joined.push(item.clone());
                    }
                }
            }
            last.insert(field.to_owned(), Value::Array(joined));
        }
    }
}

fn taken_once(place: &str, key: &str, twice: Twice) -> Problem {
    let counts = match twice {
        Twice::Last => "the last one counts",
        Twice::Same => "one of them counts",
        Twice::Merged => "what the last one says counts",
        Twice::Joined(_) => "they are taken together",
    };
    let place = FieldPath::of_pointer(place);
    Problem::warning(format!("`{place}` has `{key}` twice; {counts}")).hint("remove one of them")
}

fn read_in_between(place: &str, key: &str) -> Problem {
    let place = FieldPath::of_pointer(place);
    Problem::error(format!(
        "`{place}` has `{key}` twice, and `$({key})` is read in between: the API server cannot keep both"
    ))
    .hint("give one of them another name")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut object: Value) -> (Value, Vec<String>) {
        let mut problems = Vec::new();
        merge_duplicates(&mut object, &mut problems);
        (object, problems.iter().map(ToString::to_string).collect())
    }

    fn container(container: &Value) -> (Value, Vec<String>) {
        let spec = json!({"containers": [{"name": "a"}, container]});
        let (object, problems) = merged(json!({
            "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "a"},
            "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}},
        }));
        let template = &object["spec"]["jobTemplate"]["spec"]["template"];
        (template["spec"]["containers"][1].clone(), problems)
    }

    #[test]
    fn the_last_of_an_environment_variable_counts() {
        let (found, problems) = container(&json!({"env": [
            {"name": "A", "value": "hunter2"}, {"name": "B", "value": "$(C)"}, {"name": "A", "value": "2"},
            {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}, {"name": "C", "value": "$(A)"},
        ]}));
        assert_eq!(
            found["env"],
            json!([
                {"name": "B", "value": "$(C)"}, {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
                {"name": "C", "value": "$(A)"},
            ])
        );
        let warning = "`spec.jobTemplate.spec.template.spec.containers[1].env` has `A` twice; the last one counts; remove one of them";
        assert_eq!(problems, [warning, warning]);
    }

    #[test]
    fn a_variable_that_is_read_before_it_is_said_again_cannot_be_kept() {
        for again in ["2", "$(A):x"] {
            let env = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "x"}, {"name": "A", "value": again}]);
            let (_, problems) = container(&json!({"env": env}));
            assert_eq!(problems[0].contains("cannot keep both"), again != "2");
        }
        let env = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}, {"name": "A", "value": "1"}]);
        let (found, problems) = container(&json!({"env": env}));
        assert_eq!(
            found["env"],
            json!([{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)"}])
        );
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn a_port_keeps_the_name_that_only_one_of_two_has() {
        let (found, problems) = container(&json!({"ports": [
            {"containerPort": 80, "name": "http"}, {"containerPort": 80, "protocol": "UDP"},
            {"containerPort": 80, "protocol": "TCP"},
        ]}));
        assert_eq!(
            found["ports"],
            json!([{"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80, "name": "http", "protocol": "TCP"}])
        );
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn lists_of_pods_accounts_and_metadata_are_merged() {
        let (object, problems) = merged(json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "a", "finalizers": ["x/a", "x/b", "x/a"], "ownerReferences": [{"uid": "1"}, {"uid": "1"}]},
            "spec": {
                "containers": [],
                "imagePullSecrets": [{"name": "a"}, {"name": "a"}],
                "hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a", "b"]}, {"ip": "10.0.0.1", "hostnames": ["b", "c"]}],
                "volumes": [{"name": "a"}, {"name": "a", "emptyDir": {}}],
            },
        }));
        assert_eq!(object["metadata"]["finalizers"], json!(["x/a", "x/b"]));
        assert_eq!(object["metadata"]["ownerReferences"], json!([{"uid": "1"}]));
        assert_eq!(object["spec"]["imagePullSecrets"], json!([{"name": "a"}]));
        let aliases = json!([{"ip": "10.0.0.1", "hostnames": ["a", "b", "c"]}]);
        assert_eq!(object["spec"]["hostAliases"], aliases);
        // The API server refuses them from kubectl as well.
        assert_eq!(object["spec"]["volumes"].as_array().unwrap().len(), 2);
        assert_eq!(problems.len(), 4);
        let (account, _) = merged(json!({
            "apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}, "secrets": [{"name": "b"}, {"name": "b"}],
        }));
        assert_eq!(account["secrets"], json!([{"name": "b"}]));
    }

    #[test]
    fn of_other_lists_only_entries_that_say_the_same_are_taken() {
        let mounts = json!([{"mountPath": "/x", "name": "v"}, {"mountPath": "/y", "name": "v"}, {"mountPath": "/x", "name": "v"}]);
        let (found, problems) = container(&json!({"volumeMounts": mounts}));
        assert_eq!(found["volumeMounts"].as_array().unwrap().len(), 2);
        assert!(problems[0].contains("volumeMounts` has `/x` twice; one of them counts"));
        let mounts = json!([{"mountPath": "/x", "name": "v"}, {"mountPath": "/x", "name": "w"}]);
        let (found, problems) = container(&json!({"volumeMounts": mounts}));
        assert_eq!((&found["volumeMounts"], problems.len()), (&mounts, 0));
        let ports = json!([{"port": 80, "name": "a"}, {"port": 80, "name": "a"}]);
        let (service, problems) = merged(json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports},
        }));
        assert_eq!(service["spec"]["ports"], json!([{"port": 80, "name": "a"}]));
        assert_eq!(problems.len(), 1);
    }

    #[test]
    fn custom_resources_are_left_as_they_are() {
        let env = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
        let rollout = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "a"},
            "spec": {"template": {"spec": {"containers": [{"name": "a", "env": env}]}}},
        });
        assert_eq!(merged(rollout.clone()), (rollout, Vec::new()));
    }
}
