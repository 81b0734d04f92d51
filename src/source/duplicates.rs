//! Entries that a list holds twice, where `kubectl apply` takes them and server-side apply, which
//! knows entries by their keys, refuses.

use serde_json::{Map, Value};

use super::named_ports::{NamedTargets, PortUse};
use crate::finding::Check;
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
    /// The last one counts, with the fields that only those before it have. Of what they say
    /// differently the rest is lost.
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
const OF_WEBHOOK_CONFIGURATIONS: [KeyedList; 1] = [of_same("/webhooks", &[("/name", "")])];
const OF_PODS: [KeyedList; 8] = [
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
    of_same("/spec/schedulingGates", &[("/name", "")]),
    of_same("/spec/resourceClaims", &[("/name", "")]),
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
        path: PORTS,
        keys: &[("/containerPort", ""), ("/protocol", "TCP")],
        twice: Twice::Merged,
    },
    of_same("/volumeMounts", &[("/mountPath", "")]),
    of_same("/volumeDevices", &[("/devicePath", "")]),
];
const ENVIRONMENT: &str = "/env";
const PORTS: &str = "/ports";

/// Groups whose lists of pods are the API server's own; a custom resource's are as its definition
/// says.
const GROUPS: [&str; 3] = ["", "apps", "batch"];

/// Leaves one of the entries that `object` holds twice, as `kubectl apply` would have it, and warns
/// about each. `targets` are ports that Services name. The problems have no place yet.
pub(super) fn merge_duplicates(
    object: &mut Value,
    targets: &NamedTargets<'_>,
    problems: &mut Vec<Problem>,
) {
    let Some(id) = ObjectId::of(object) else {
        return;
    };
    for (place, list) in places(object, &id) {
        let uses = if list.path == PORTS {
            targets.uses(object, place.trim_end_matches(PORTS))
        } else {
            Vec::new()
        };
        if let Some(Value::Array(entries)) = object.pointer_mut(&place) {
            let merging = Merging {
                list,
                place: &place,
                uses: &uses,
            };
            merging.merge(entries, problems);
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
    if id.is_webhook_configuration() {
        add("", &OF_WEBHOOK_CONFIGURATIONS);
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

/// A list of one object that is brought to one entry of each key.
struct Merging<'a> {
    list: &'static KeyedList,
    /// JSON pointer to the list.
    place: &'a str,
    /// Who names a port of the list.
    uses: &'a [PortUse],
}

impl Merging<'_> {
    /// Leaves one entry of each key.
    fn merge(&self, entries: &mut Vec<Value>, problems: &mut Vec<Problem>) {
        let mut index = 0;
        while index < entries.len() {
            let key = key_of(&entries[index], self.list);
            let again = entries[index + 1..]
                .iter()
                .position(|entry| key.is_some() && key_of(entry, self.list) == key)
                .map(|distance| index + 1 + distance);
            let (Some(again), Some(key)) = (again, key) else {
                index += 1;
                continue;
            };
            let is_same = entries[index] == entries[again];
            if !is_same && self.list.twice == Twice::Same {
                problems.push(self.refused(&key));
                index += 1;
                continue;
            }
            let lost = self.lost(&entries[index], &entries[again]);
            let refused = self
                .read_in_between(&entries[index..=again], &key)
                .or_else(|| self.names_in_use(&lost, &key));
            if let Some(problem) = refused {
                problems.push(problem);
                index += 1;
                continue;
            }
            problems.push(self.taken_once(&key, &lost));
            if is_same {
                entries.remove(again);
            } else {
                let earlier = entries.remove(index);
                combine(&earlier, &mut entries[again - 1], self.list.twice);
            }
        }
    }

    /// What only `earlier` says, and `last` says otherwise.
    fn lost<'entry>(
        &self,
        earlier: &'entry Value,
        last: &Value,
    ) -> Vec<(&'entry String, &'entry Value)> {
        let is_merged = self.list.twice == Twice::Merged;
        let fields = earlier.as_object().filter(|_| is_merged);
        let is_key = |field: &str| {
            let mut keys = self.list.keys.iter();
            keys.any(|(path, _)| path.strip_prefix('/') == Some(field))
        };
        let differs = |field: &str, value: &Value| {
            let other = last.get(field).filter(|other| !other.is_null());
            !value.is_null() && other.is_some_and(|other| other != value)
        };
        let fields = fields.into_iter().flatten();
        fields
            .filter(|(field, value)| !is_key(field) && differs(field, value))
            .collect()
    }

    /// The error where the value of an environment variable is read between its two `entries` at
    /// the ends, which differ.
    fn read_in_between(&self, entries: &[Value], key: &str) -> Option<Problem> {
        let (first, others) = entries.split_first()?;
        let is_read = self.list.path == ENVIRONMENT
            && others.last() != Some(first)
            && others.iter().any(|entry| reads(entry, key));
        let place = FieldPath::of_pointer(self.place);
        is_read.then(|| {
            Problem::of(Check::DuplicateEntry, format!(
                "`{place}` has `{key}` twice, and `$({key})` is read in between: the API server cannot keep both"
            ))
            .hint("give one of them another name")
        })
    }

    /// The error where a name is among what is `lost` that somebody knows a port by.
    fn names_in_use(&self, lost: &[(&String, &Value)], key: &str) -> Option<Problem> {
        let mut names = lost.iter().filter(|(field, _)| *field == "name");
        let used = names.find_map(|(_, name)| self.uses.iter().find(|used| *name == &used.port))?;
        let PortUse { port, by } = used;
        let place = FieldPath::of_pointer(self.place);
        let message = format!(
            "`{place}` has `{key}` twice with different names: `{port}` would be lost, and {by} uses it"
        );
        Some(
            Problem::of(Check::DuplicateEntry, message)
                .hint("leave one of them, with the name that is used"),
        )
    }

    /// The error where two entries of a key differ, and the API server takes neither.
    fn refused(&self, key: &str) -> Problem {
        let place = FieldPath::of_pointer(self.place);
        let message = format!(
            "`{place}` has `{key}` twice, and the two differ: the API server knows entries by it"
        );
        Problem::of(Check::DuplicateEntry, message)
            .hint("remove one of them, or give it another name")
    }

    fn taken_once(&self, key: &str, lost: &[(&String, &Value)]) -> Problem {
        let counts = match self.list.twice {
            Twice::Last => "the last one counts",
            Twice::Same => "one of them counts",
            Twice::Merged => "what the last one says counts",
            Twice::Joined(_) => "they are taken together",
        };
        let lost: Vec<String> = lost
            .iter()
            .map(|(field, value)| format!("`{field}: {}`", shown(value)))
            .collect();
        let lost = match lost.as_slice() {
            [] => String::new(),
            [one] => format!(", and {one} is lost"),
            several => format!(", and {} are lost", several.join(", ")),
        };
        let place = FieldPath::of_pointer(self.place);
        Problem::of(
            Check::RepeatedEntry,
            format!("`{place}` has `{key}` twice; {counts}{lost}"),
        )
        .hint("remove one of them")
    }
}

/// `value` as it was written down.
fn shown(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
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
    text(entry, "/value").is_some_and(|value| expanded(value).contains(&name))
}

/// The names that `text` refers to as `$(NAME)`. `$$` is an escaped `$`, and `$` takes what follows
/// it along, whatever that is.
/// <https://github.com/kubernetes/kubernetes/blob/master/third_party/forked/golang/expansion/expand.go>
fn expanded(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once('$') {
        let mut characters = after.chars();
        let next = characters.next();
        rest = characters.as_str();
        if next == Some('(')
            && let Some((name, behind)) = rest.split_once(')')
        {
            names.push(name);
            rest = behind;
        }
    }
    names
}

fn combine(earlier: &Value, last: &mut Value, twice: Twice) {
    let (Some(earlier), Some(last)) = (earlier.as_object(), last.as_object_mut()) else {
        return;
    };
    match twice {
        Twice::Last | Twice::Same => {}
        Twice::Merged => {
            take_over(earlier, last);
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

/// Gives `last` what only `earlier` says.
fn take_over(earlier: &Map<String, Value>, last: &mut Map<String, Value>) {
    for (field, value) in earlier {
        let known = last.entry(field).or_insert(Value::Null);
        if known.is_null() {
            known.clone_from(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn merged(mut object: Value) -> (Value, Vec<String>) {
        let mut problems = Vec::new();
        merge_duplicates(&mut object, &NamedTargets::default(), &mut problems);
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
        let warning = "`spec.jobTemplate.spec.template.spec.containers[1].env` has `A` twice; the last one counts; remove one of them [repeated-entry]";
        assert_eq!(problems, [warning, warning]);
    }

    #[test]
    fn a_variable_that_is_read_before_it_is_said_again_cannot_be_kept() {
        for again in ["2", "$$(A)", "$a$(B", "$(A):x", "$$$(A)", "x$(B)$(A)"] {
            let env = json!([{"name": "A", "value": "1"}, {"name": "B", "value": "x"}, {"name": "A", "value": again}]);
            let (_, problems) = container(&json!({"env": env}));
            let is_read = again.ends_with("$(A)") && again != "$$(A)" || again.ends_with(":x");
            assert_eq!(problems[0].contains("cannot keep both"), is_read, "{again}");
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
    fn names_are_read_as_kubernetes_expands_them() {
        for (text, names) in [
            ("$(A) $(B)", &["A", "B"][..]),
            ("$$(A)", &[]),
            ("$$$(A)", &["A"]),
            ("$x$(A)", &["A"]),
            ("$(A", &[]),
            ("$($(A)", &["$(A"]),
            ("${A} $", &[]),
            ("ü$(A)ü", &["A"]),
        ] {
            assert_eq!(expanded(text), names, "{text}");
        }
    }

    #[test]
    fn what_two_ports_say_differently_is_named_and_a_name_in_use_is_not_lost() {
        let ports = json!([
            {"containerPort": 80, "name": "http", "hostPort": 8080}, {"containerPort": 80, "name": "web", "hostPort": 8081},
        ]);
        let mut container_of = json!({"name": "b", "ports": ports});
        let (found, problems) = container(&container_of);
        let kept = json!([{"containerPort": 80, "name": "web", "hostPort": 8081}]);
        assert_eq!(found["ports"], kept);
        let lost = "what the last one says counts, and `hostPort: 8080`, `name: http` are lost; remove one of them [repeated-entry]";
        assert_eq!(problems.len(), 1);
        assert!(problems[0].ends_with(lost), "{}", problems[0]);

        for (field, value) in [
            ("livenessProbe", json!({"httpGet": {"port": "http"}})),
            ("startupProbe", json!({"tcpSocket": {"port": "http"}})),
            (
                "lifecycle",
                json!({"preStop": {"httpGet": {"port": "http"}}}),
            ),
        ] {
            container_of[field] = value;
            let (found, problems) = container(&container_of);
            assert_eq!(found["ports"], ports);
            let used = format!("`http` would be lost, and its `{field}` uses it; leave one");
            assert!(problems[0].contains(&used), "{}", problems[0]);
            container_of[field] = json!({"httpGet": {"port": "web"}});
            assert!(!container(&container_of).1[0].contains("uses it"));
        }
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
        assert_eq!(problems.len(), 5);
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
        assert_eq!(found["volumeMounts"], mounts);
        assert!(problems[0].contains("`/x` twice, and the two differ"));
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
