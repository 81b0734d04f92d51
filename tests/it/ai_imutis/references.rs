//! Whatever a pod of AI-IMUTIS reads is taken away, one thing at a time, and each time the sandbox
//! shows it: the pod does not start, for that reason.
//!
//! Each case is a namespace of its own with one pod and all that it reads, but for one thing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::{
    platforms::{Rendered, Workload, items, platform, text},
    support::{api::Api, eventually, list},
};

/// Something that a pod cannot start without.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Need {
    Object {
        kind: &'static str,
        name: String,
    },
    Key {
        kind: &'static str,
        name: String,
        key: String,
    },
    Claim(String),
    Class(String),
    Account(String),
    PullSecret(String),
}

/// What shows that something is missing.
#[derive(Debug)]
enum Sign {
    /// A warning about the pod, or about what makes it.
    Warning(&'static str, String),
    /// A container that waits.
    Waits(String),
    /// The scheduler finds no place.
    Unschedulable(String),
}

/// A reference to a Secret or a `ConfigMap`.
struct Read<'a> {
    kind: &'static str,
    name: &'a str,
    keys: Vec<&'a str>,
    optional: bool,
    /// The volume, where it is mounted.
    volume: Option<&'a str>,
}

/// All that a pod reads, in the order in which a kubelet comes to it.
fn reads(pod: &Value) -> Vec<Read<'_>> {
    let mut reads = Vec::new();
    for volume in items(&pod["volumes"]) {
        let name = volume["name"].as_str();
        for source in items(&volume["projected"]["sources"]).chain([volume]) {
            for (kind, part) in [
                ("Secret", &source["secret"]),
                ("ConfigMap", &source["configMap"]),
            ] {
                let called = part["secretName"]
                    .as_str()
                    .or_else(|| part["name"].as_str());
                reads.extend(called.map(|called| {
                    Read {
                        kind,
                        name: called,
                        keys: items(&part["items"])
                            .map(|item| text(&item["key"]))
                            .collect(),
                        optional: part["optional"] == true,
                        volume: name,
                    }
                }));
            }
        }
    }
    for container in items(&pod["initContainers"]).chain(items(&pod["containers"])) {
        let whole = items(&container["envFrom"]).flat_map(|it| {
            [
                ("Secret", &it["secretRef"]),
                ("ConfigMap", &it["configMapRef"]),
            ]
        });
        let single = items(&container["env"]).map(|it| &it["valueFrom"]);
        let single = single.flat_map(|it| {
            [
                ("Secret", &it["secretKeyRef"]),
                ("ConfigMap", &it["configMapKeyRef"]),
            ]
        });
        reads.extend(whole.chain(single).filter_map(|(kind, reference)| {
            Some(Read {
                kind,
                name: reference["name"].as_str()?,
                keys: reference["key"].as_str().into_iter().collect(),
                optional: reference["optional"] == true,
                volume: None,
            })
        }));
    }
    reads
}

/// A workload's pod, on its own.
struct Subject<'a> {
    workload: Workload<'a>,
    rendered: &'a Rendered,
    /// The pod's spec, with the claims of a `StatefulSet`.
    spec: Value,
    /// The class of each claim.
    claims: BTreeMap<String, String>,
}

impl<'a> Subject<'a> {
    fn of(rendered: &'a Rendered, workload: Workload<'a>) -> Self {
        let mut spec = workload.pod().clone();
        let mut claims = BTreeMap::new();
        for template in items(&workload.object["spec"]["volumeClaimTemplates"]) {
            let volume = text(&template["metadata"]["name"]);
            let name = format!("{volume}-{}-0", workload.name());
            claims.insert(
                name.clone(),
                text(&template["spec"]["storageClassName"]).to_owned(),
            );
            let claimed = json!({"name": volume, "persistentVolumeClaim": {"claimName": name}});
            match spec["volumes"].as_array_mut() {
                Some(volumes) => volumes.push(claimed),
                None => spec["volumes"] = json!([claimed]),
            }
        }
        for volume in items(&workload.pod()["volumes"]) {
            if let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                let claim = rendered.get("PersistentVolumeClaim", name);
                claims.insert(
                    name.to_owned(),
                    text(&claim["spec"]["storageClassName"]).to_owned(),
                );
            }
        }
        Self {
            workload,
            rendered,
            spec,
            claims,
        }
    }

    fn account(&self) -> Option<&str> {
        self.spec["serviceAccountName"].as_str()
    }

    /// The secrets for pulling its images, its own and those of its account.
    fn pull_secrets(&self) -> BTreeSet<&str> {
        let account = self
            .account()
            .map(|name| self.rendered.get("ServiceAccount", name));
        let of_account = account
            .into_iter()
            .flat_map(|it| items(&it["imagePullSecrets"]));
        let all = items(&self.spec["imagePullSecrets"]).chain(of_account);
        all.map(|it| text(&it["name"])).collect()
    }

    fn needs(&self) -> BTreeSet<Need> {
        let reads = reads(&self.spec);
        let required = reads.iter().filter(|read| !read.optional);
        let mut needs: BTreeSet<Need> = required
            .flat_map(|read| {
                let (kind, name) = (read.kind, read.name.to_owned());
                let keys = read.keys.iter().map(|key| (*key).to_owned());
                let keys: Vec<Need> = keys
                    .map(|key| Need::Key {
                        kind,
                        name: name.clone(),
                        key,
                    })
                    .collect();
                keys.into_iter().chain([Need::Object { kind, name }])
            })
            .collect();
        needs.extend(self.claims.keys().cloned().map(Need::Claim));
        needs.extend(self.claims.keys().cloned().map(Need::Class));
        needs.extend(self.account().map(|name| Need::Account(name.to_owned())));
        needs.extend(
            self.pull_secrets()
                .into_iter()
                .map(|name| Need::PullSecret(name.to_owned())),
        );
        needs
    }

    /// All objects that it needs in `namespace`, but for what is `missing`, and what makes its pod.
    fn objects(&self, namespace: &str, missing: Option<&Need>) -> Vec<(String, Value)> {
        let core = |plural: &str| format!("/api/v1/namespaces/{namespace}/{plural}");
        let is_missing = |need: Need| missing == Some(&need);
        let mut objects = Vec::new();
        for ((kind, name), keys) in self.stored() {
            if is_missing(Need::Object {
                kind,
                name: name.clone(),
            }) || is_missing(Need::PullSecret(name.clone()))
            {
                continue;
            }
            let is_there = |key: &&String| {
                !is_missing(Need::Key {
                    kind,
                    name: name.clone(),
                    key: (*key).clone(),
                })
            };
            let data: BTreeMap<&String, &str> =
                keys.iter().filter(is_there).map(|key| (key, "x")).collect();
            let plural = format!("{}s", kind.to_lowercase());
            let field = if kind == "Secret" {
                "stringData"
            } else {
                "data"
            };
            objects.push((
                core(&plural),
                json!({"metadata": {"name": name}, field: data}),
            ));
        }
        for (name, class) in &self.claims {
            // The class of another environment is one that this cluster does not have.
            let class = if is_missing(Need::Class(name.clone())) {
                "premium-rwo"
            } else {
                class
            };
            if !is_missing(Need::Claim(name.clone())) {
                let spec = json!({"storageClassName": class, "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}});
                objects.push((
                    core("persistentvolumeclaims"),
                    json!({"metadata": {"name": name}, "spec": spec}),
                ));
            }
        }
        if let Some(name) = self
            .account()
            .filter(|name| !is_missing(Need::Account((*name).to_owned())))
        {
            let account = self.rendered.get("ServiceAccount", name);
            objects.push((core("serviceaccounts"), json!({"metadata": {"name": name}, "imagePullSecrets": account["imagePullSecrets"]})));
        }
        objects.push((
            format!("/apis/apps/v1/namespaces/{namespace}/replicasets"),
            self.maker(),
        ));
        objects
    }

    /// The Secrets and `ConfigMaps` that it reads, with all keys that it reads of them.
    fn stored(&self) -> BTreeMap<(&'static str, String), BTreeSet<String>> {
        let mut stored: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for read in reads(&self.spec).iter().filter(|read| !read.optional) {
            let keys = stored.entry((read.kind, read.name.to_owned())).or_default();
            keys.extend(read.keys.iter().map(|key| (*key).to_owned()));
        }
        for name in self.pull_secrets() {
            stored.entry(("Secret", name.to_owned())).or_default();
        }
        stored
    }

    fn maker(&self) -> Value {
        let mut spec = self.spec.clone();
        spec["restartPolicy"] = "Always".into();
        spec.as_object_mut()
            .unwrap()
            .remove("activeDeadlineSeconds");
        let labels = json!({"app": "subject"});
        json!({"metadata": {"name": "subject"}, "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": spec}}})
    }

    /// What shows that something is missing.
    fn sign(&self, namespace: &str, missing: &Need) -> Sign {
        let reads = reads(&self.spec);
        let first = |kind: &str, name: &str, key: Option<&str>| {
            let mut required = reads
                .iter()
                .filter(|read| !read.optional && (read.kind, read.name) == (kind, name));
            required
                .find(|read| key.is_none_or(|key| read.keys.contains(&key)))
                .expect("it is read")
        };
        let mount = |volume: &str, why: String| {
            Sign::Warning(
                "FailedMount",
                format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}"),
            )
        };
        match missing {
            Need::Object { kind, name } => {
                let why = format!("{} \"{name}\" not found", kind.to_lowercase());
                match first(kind, name, None).volume {
                    Some(volume) => mount(volume, why),
                    None => Sign::Waits(why),
                }
            }
            Need::Key { kind, name, key } => match first(kind, name, Some(key)).volume {
                Some(volume) if *kind == "Secret" => {
                    mount(volume, format!("references non-existent secret key: {key}"))
                }
                Some(volume) => mount(
                    volume,
                    format!("configmap references non-existent config key: {key}"),
                ),
                None => Sign::Waits(format!(
                    "couldn't find key {key} in {kind} {namespace}/{name}"
                )),
            },
            Need::Claim(name) => {
                Sign::Unschedulable(format!("persistentvolumeclaim \"{name}\" not found"))
            }
            Need::Class(_) => {
                Sign::Unschedulable("unbound immediate PersistentVolumeClaims".to_owned())
            }
            Need::Account(name) => Sign::Warning(
                "FailedCreate",
                format!("serviceaccount \"{name}\" not found"),
            ),
            Need::PullSecret(name) => Sign::Warning(
                "FailedToRetrieveImagePullSecret",
                format!("image pull secrets ({name})"),
            ),
        }
    }
}

/// Whether `sign` shows in a namespace.
fn shows(namespace: &str, sign: &Sign) -> bool {
    let pods = || list(namespace, "pods?labelSelector=app=subject");
    match sign {
        Sign::Warning(reason, message) => {
            let warnings = list(namespace, &format!("events?fieldSelector=reason={reason}"));
            warnings
                .iter()
                .any(|it| text(&it["message"]).contains(message.as_str()))
        }
        Sign::Waits(message) => pods().iter().any(|pod| {
            let lists = ["initContainerStatuses", "containerStatuses"];
            let mut statuses = lists.iter().flat_map(|list| items(&pod["status"][*list]));
            statuses.any(|it| {
                let waiting = &it["state"]["waiting"];
                waiting["reason"] == "CreateContainerConfigError" && waiting["message"] == *message
            })
        }),
        Sign::Unschedulable(message) => pods().iter().any(|pod| {
            let mut conditions = items(&pod["status"]["conditions"]);
            conditions.any(|it| {
                it["reason"] == "Unschedulable" && text(&it["message"]).contains(message.as_str())
            })
        }),
    }
}

fn runs(namespace: &str) -> bool {
    let pods = list(namespace, "pods?labelSelector=app=subject");
    pods.iter().any(|pod| pod["status"]["phase"] == "Running")
}

/// Creates a namespace with `objects`, those that are of a quota's or a policy's making excepted.
fn create(namespace: &str, objects: Vec<(String, Value)>) {
    let api = Api::shared();
    api.create(
        "/api/v1/namespaces",
        &json!({"metadata": {"name": namespace}}),
    );
    for (path, object) in objects {
        api.create(&path, &object);
    }
}

#[test]
fn whatever_is_taken_away_keeps_a_pod_from_starting() {
    let rendered = platform("ai-imutis")
        .environments
        .iter()
        .find(|it| it.environment == "dev")
        .unwrap();
    let subjects: Vec<Subject<'_>> = rendered
        .workloads()
        .map(|it| Subject::of(rendered, it))
        .collect();
    let mut cases = Vec::new();
    for subject in &subjects {
        let whole = format!("whole-{}", subject.workload.name());
        create(&whole, subject.objects(&whole, None));
        for need in subject.needs() {
            let namespace = format!("taken-{}", cases.len());
            create(&namespace, subject.objects(&namespace, Some(&need)));
            cases.push((subject, need, namespace));
        }
    }
    for subject in &subjects {
        let name = subject.workload.name();
        eventually(&format!("{name} runs"), || {
            runs(&format!("whole-{name}")).then_some(())
        });
    }
    for (subject, need, namespace) in &cases {
        let sign = subject.sign(namespace, need);
        let title = subject.workload.title();
        eventually(&format!("{title} without {need:?} shows {sign:?}"), || {
            shows(namespace, &sign).then_some(())
        });
        // A kubelet tries without what an open registry does not ask for.
        let starts = matches!(need, Need::PullSecret(_));
        assert!(starts || !runs(namespace), "{title} runs without {need:?}");
    }
    let sorts: BTreeSet<String> = cases
        .iter()
        .map(|(_, need, _)| format!("{need:?}").chars().take(5).collect())
        .collect();
    assert_eq!(
        sorts.len(),
        6,
        "nothing was taken away of some sort: {sorts:?}"
    );
}
