//! What a change does to what is running: which workloads restart, which are down meanwhile, and what
//! no rollback brings back.

use serde_json::Value;

use crate::object::{
    CONFIG_DIGEST, Definition, HasKind as _, ManifestView, ObjectId, amount,
    field::{integer, is_true, list, part, text},
    pod_spec,
};

/// One thing that a change does beside changing what is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Impact {
    /// The object.
    pub(crate) object: ObjectId,
    /// What happens to it.
    pub(crate) effect: Effect,
    /// How, or why.
    pub(crate) why: String,
}

/// What a change does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Effect {
    /// Its pods are replaced.
    Restarts,
    /// It is not there, or does not answer, for a moment.
    Down,
    /// It cannot be undone.
    Final,
}

/// One object before and after.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    /// What is there.
    pub(crate) before: &'a Value,
    /// What would be.
    pub(crate) after: &'a Value,
    /// Whether it is deleted and created again.
    pub(crate) recreated: bool,
    /// The modes in which the claim with this name, beside the object, may be mounted.
    pub(crate) access_modes: &'a dyn Fn(&str) -> Vec<String>,
}

/// What changing the object `id` does.
pub(crate) fn impact(id: &ObjectId, change: Surroundings<'_>) -> Vec<Impact> {
    let said = if change.recreated {
        recreated(id)
    } else {
        let mut said = finals(id, change);
        if id.is_workload() {
            said.extend(stops(change));
            if restarts(change) {
                said.extend(rollout(id, change));
            }
        }
        said
    };
    let impact = |(effect, why)| Impact {
        object: id.clone(),
        effect,
        why,
    };
    said.into_iter().map(impact).collect()
}

/// What deleting `live`, which is the object `id`, does beside that it is gone.
pub(crate) fn deletion(id: &ObjectId, live: &Value) -> Option<Impact> {
    let runs = id.is_workload() && replicas(live) != Some(0);
    let (effect, why) = if id.is_definition() {
        (Effect::Final, "it is deleted with every object of its kind")
    } else if id.is_namespace() {
        (Effect::Final, "it is deleted with everything in it")
    } else if runs || id.is_pod() {
        (Effect::Down, "it is deleted with its pods")
    } else if id.is_service() {
        (
            Effect::Down,
            "it is deleted: nothing answers under its name",
        )
    } else {
        return None;
    };
    Some(Impact {
        object: id.clone(),
        effect,
        why: why.to_owned(),
    })
}

type Said = (Effect, String);

fn recreated(id: &ObjectId) -> Vec<Said> {
    if id.is_like_stateful_set() {
        vec![(
            Effect::Final,
            "it is deleted and created again; its pods and claims stay".to_owned(),
        )]
    } else if id.is_workload() || id.is_pod() || id.is_replica_set() {
        vec![(Effect::Down, "it is deleted and created again".to_owned())]
    } else if id.is_service() {
        vec![(
            Effect::Down,
            "it is deleted and created again: connections to it fail meanwhile".to_owned(),
        )]
    } else {
        Vec::new()
    }
}

/// That no pod is wanted any more.
fn stops(change: Surroundings<'_>) -> Option<Said> {
    let before = replicas(change.before).filter(|before| *before > 0)?;
    let why = format!("it is scaled from {before} to 0: nothing of it runs then");
    (replicas(change.after) == Some(0)).then_some((Effect::Down, why))
}

/// Whether the pods are others afterwards; those that come only now are no others.
fn restarts(change: Surroundings<'_>) -> bool {
    let template = |object| part(object, "/spec/template");
    let digest = |object| {
        let annotations = part(object, "/spec/template/metadata/annotations")?;
        annotations.get(CONFIG_DIGEST)
    };
    replicas(change.after) != Some(0)
        && replicas(change.before) != Some(0)
        && !is_true(change.after, "/spec/paused")
        && (template(change.before) != template(change.after)
            || digest(change.before) != digest(change.after))
}

/// How many pods are wanted; `None` for one on each node.
fn replicas(object: &Value) -> Option<i64> {
    if ManifestView(object).is_like_daemon_set() {
        return None;
    }
    Some(integer(object, "/spec/replicas").unwrap_or(1))
}

/// How the pods are replaced.
fn rollout(id: &ObjectId, change: Surroundings<'_>) -> Vec<Said> {
    let after = change.after;
    let strategy = if id.is_deployment() {
        "/spec/strategy"
    } else {
        "/spec/updateStrategy"
    };
    if part(after, strategy).and_then(|it| text(it, "/type")) == Some("OnDelete") {
        let why = "its pods are replaced when somebody deletes them (OnDelete)";
        return vec![(Effect::Restarts, why.to_owned())];
    }
    let Some(replicas) = replicas(after) else {
        return vec![(Effect::Restarts, "on each node".to_owned())];
    };
    let replaced = replicas - held_back(after, replicas);
    if replaced == 0 {
        return Vec::new();
    }
    let pods = match (replaced, replicas) {
        (1, 1) => "1 pod".to_owned(),
        (_, _) if replaced == replicas => format!("{replicas} pods"),
        _ => format!("{replaced} of {replicas} pods: its `partition` holds the others back"),
    };
    let mut said = vec![(Effect::Restarts, pods)];
    match outage(id, change, replicas) {
        Some(why) => said.push((Effect::Down, why)),
        None if id.is_deployment() => {
            said.extend(waits_for_claim(change).map(|why| (Effect::Restarts, why)));
        }
        None => {}
    }
    said
}

/// How many of the `replicas` pods of a StatefulSet stay as they are, since their ordinal is below its
/// partition.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#partitions>
fn held_back(after: &Value, replicas: i64) -> i64 {
    let partition = integer(after, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);
    let first = integer(after, "/spec/ordinals/start").unwrap_or(0);
    (partition - first).clamp(0, replicas)
}

/// Why nothing of the workload answers while its pods are replaced.
fn outage(id: &ObjectId, change: Surroundings<'_>, replicas: i64) -> Option<String> {
    let after = change.after;
    if id.is_like_stateful_set() {
        return (replicas == 1)
            .then(|| "it has one replica, which goes before the new one comes".to_owned());
    }
    if text(after, "/spec/strategy/type") == Some("Recreate") {
        return Some("its strategy is `Recreate`".to_owned());
    }
    let bound = |name: &str, default: &str| {
        let bound = part(after, "/spec/strategy/rollingUpdate").and_then(|it| it.get(name));
        bound.cloned().unwrap_or_else(|| default.into())
    };
    let unavailable = share(&bound("maxUnavailable", "25%"), replicas, f64::floor);
    let surge = share(&bound("maxSurge", "25%"), replicas, f64::ceil);
    // Where both come to nothing the controller takes one pod at a time.
    let unavailable = if unavailable == 0 && surge == 0 {
        1
    } else {
        unavailable
    };
    (unavailable >= replicas).then(|| {
        format!("`maxUnavailable` lets {unavailable} of {replicas} go before new ones are ready")
    })
}

/// What a number or a percentage comes to.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-update-deployment>
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "numbers of pods are small"
)]
fn share(bound: &Value, replicas: i64, round: fn(f64) -> f64) -> i64 {
    let percent = bound.as_str().and_then(|text| text.strip_suffix('%'));
    match percent.and_then(|percent| percent.parse::<f64>().ok()) {
        Some(percent) => round(percent * replicas as f64 / 100.0) as i64,
        None => bound.as_i64().unwrap_or(0),
    }
}

/// Why a new pod may not get what the old one has, which stays until the new one is ready.
/// <https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes>
fn waits_for_claim(change: Surroundings<'_>) -> Option<String> {
    let surge = part(change.after, "/spec/strategy/rollingUpdate");
    let surge = surge.and_then(|it| it.get("maxSurge"));
    if surge.is_some_and(|surge| share(surge, 1, f64::ceil) == 0) {
        return None;
    }
    if let Some(claim) = single_claim(change, &["ReadWriteOncePod"]) {
        return Some(format!(
            "the new pod waits for the claim `{claim}` until the old one is gone: the rollout hangs"
        ));
    }
    let claim = single_claim(change, &["ReadWriteOnce", "ReadWriteOncePod"])?;
    Some(format!(
        "the new pod may wait for the claim `{claim}` until the old one is gone: the rollout can hang"
    ))
}

/// A claim that the pods mount and that has no other mode than `only`.
fn single_claim(change: Surroundings<'_>, only: &[&str]) -> Option<String> {
    let volumes = list(pod_spec(change.after)?, "/volumes");
    let mut claims = volumes
        .iter()
        .filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let is_single = |claim: &&str| {
        let modes = (change.access_modes)(claim);
        !modes.is_empty() && modes.iter().all(|mode| only.contains(&mode.as_str()))
    };
    claims.find(is_single).map(str::to_owned)
}

/// What of the change no rollback brings back.
fn finals(id: &ObjectId, change: Surroundings<'_>) -> Vec<Said> {
    let Surroundings { before, after, .. } = change;
    if id.is_definition() {
        let stored = |object| {
            let definition = Definition::of(object)?;
            definition
                .versions()
                .find(|version| version.is_stored)
                .map(|version| version.name)
        };
        return match (stored(before), stored(after)) {
            (Some(one), Some(other)) if one != other => vec![(
                Effect::Final,
                format!(
                    "objects are stored in version `{other}` instead of `{one}`, which must stay served from then on"
                ),
            )],
            _ => Vec::new(),
        };
    }
    let size = |object| text(object, "/spec/resources/requests/storage");
    if id.is_claim()
        && let (Some(one), Some(other)) = (size(before), size(after))
        && amount(other) > amount(one)
    {
        return vec![(
            Effect::Final,
            format!("it grows to {other}, and a claim cannot shrink"),
        )];
    }
    if let Some(why) = lost_claims(id, change) {
        return vec![(Effect::Final, why)];
    }
    if id.is_configuration() && is_true(after, "/immutable") && !is_true(before, "/immutable") {
        return vec![(Effect::Final, "it becomes immutable".to_owned())];
    }
    Vec::new()
}

/// That the claims of the pods that go are deleted with them.
/// <https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#persistentvolumeclaim-retention>
fn lost_claims(id: &ObjectId, change: Surroundings<'_>) -> Option<String> {
    let Surroundings { before, after, .. } = change;
    let policy = "/spec/persistentVolumeClaimRetentionPolicy/whenScaled";
    if !id.is_like_stateful_set() || text(after, policy) != Some("Delete") {
        return None;
    }
    let (before, after) = (replicas(before)?, replicas(after)?);
    let has_claims = !list(change.before, "/spec/volumeClaimTemplates").is_empty();
    (has_claims && after < before).then(|| {
        format!(
            "it is scaled from {before} to {after}, and `whenScaled: Delete` deletes the claims of the pods that go, with their data"
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(before: &Value, after: &Value, recreated: bool) -> Vec<String> {
        let id = ObjectId::of(after).expect("an object");
        let access_modes = |claim: &str| match claim {
            "single" => vec!["ReadWriteOnce".to_owned()],
            "pod" => vec!["ReadWriteOncePod".to_owned()],
            "shared" => vec!["ReadWriteMany".to_owned()],
            _ => Vec::new(),
        };
        let change = Surroundings {
            before,
            after,
            recreated,
            access_modes: &access_modes,
        };
        let impacts = impact(&id, change);
        impacts
            .iter()
            .map(|impact| format!("{:?} {}", impact.effect, impact.why))
            .collect()
    }

    fn workload(kind: &str, image: &str, spec: &Value) -> Value {
        let mut object = json!({
            "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [{"name": "main", "image": image}]}}},
        });
        for (name, value) in spec.as_object().into_iter().flatten() {
            match name.as_str() {
                "claim" => {
                    object["spec"]["template"]["spec"]["volumes"] =
                        json!([{"persistentVolumeClaim": {"claimName": value}}]);
                }
                _ => object["spec"][name] = value.clone(),
            }
        }
        object
    }

    fn changed(kind: &str, spec: &Value) -> Vec<String> {
        said(
            &workload(kind, "web:1", spec),
            &workload(kind, "web:2", spec),
            false,
        )
    }

    #[test]
    fn who_restarts_and_who_is_down_meanwhile() {
        assert_eq!(
            changed("Deployment", &json!({"replicas": 3})),
            ["Restarts 3 pods"]
        );
        assert_eq!(changed("Deployment", &json!({})), ["Restarts 1 pod"]);
        for stands_still in [json!({"replicas": 0}), json!({"paused": true})] {
            let said = changed("Deployment", &stands_still);
            assert_eq!(said, Vec::<String>::new());
        }
        assert_eq!(
            changed(
                "Deployment",
                &json!({"replicas": 2, "strategy": {"type": "Recreate"}})
            ),
            ["Restarts 2 pods", "Down its strategy is `Recreate`"]
        );
        assert_eq!(
            changed(
                "Deployment",
                &json!({"strategy": {"rollingUpdate": {"maxUnavailable": 1}}})
            ),
            [
                "Restarts 1 pod",
                "Down `maxUnavailable` lets 1 of 1 go before new ones are ready"
            ]
        );
        assert_eq!(
            changed(
                "Deployment",
                &json!({"strategy": {"rollingUpdate": {"maxUnavailable": 0, "maxSurge": 0}}})
            )[1],
            "Down `maxUnavailable` lets 1 of 1 go before new ones are ready"
        );
        assert_eq!(
            changed("Deployment", &json!({"claim": "shared"})),
            ["Restarts 1 pod"]
        );
        assert_eq!(
            changed("StatefulSet", &json!({})),
            [
                "Restarts 1 pod",
                "Down it has one replica, which goes before the new one comes"
            ]
        );
        assert_eq!(
            changed("StatefulSet", &json!({"replicas": 3})),
            ["Restarts 3 pods"]
        );
        assert_eq!(
            changed(
                "StatefulSet",
                &json!({"updateStrategy": {"type": "OnDelete"}})
            ),
            ["Restarts its pods are replaced when somebody deletes them (OnDelete)"]
        );
        assert_eq!(changed("DaemonSet", &json!({})), ["Restarts on each node"]);
    }

    #[test]
    fn a_rollout_may_wait_for_a_claim() {
        for (claim, why) in [
            (
                "single",
                "the new pod may wait for the claim `single` until the old one is gone: the rollout can hang",
            ),
            (
                "pod",
                "the new pod waits for the claim `pod` until the old one is gone: the rollout hangs",
            ),
        ] {
            assert_eq!(
                changed("Deployment", &json!({"claim": claim})),
                ["Restarts 1 pod".to_owned(), format!("Restarts {why}")]
            );
            let no_surge = json!({"maxUnavailable": 1, "maxSurge": 0});
            let said = changed(
                "Deployment",
                &json!({"claim": claim, "strategy": {"rollingUpdate": no_surge}}),
            );
            assert!(said[1].starts_with("Down `maxUnavailable`"), "{said:?}");
            assert_eq!(said.len(), 2);
        }
    }

    #[test]
    fn a_partition_holds_pods_back() {
        let with = |partition: i64, start: i64| {
            let update = json!({"rollingUpdate": {"partition": partition}});
            changed(
                "StatefulSet",
                &json!({"replicas": 3, "updateStrategy": update, "ordinals": {"start": start}}),
            )
        };
        assert_eq!(with(0, 0), ["Restarts 3 pods"]);
        assert_eq!(
            with(2, 0),
            ["Restarts 1 of 3 pods: its `partition` holds the others back"]
        );
        assert_eq!(with(3, 0), Vec::<String>::new());
        assert_eq!(
            with(3, 2),
            ["Restarts 2 of 3 pods: its `partition` holds the others back"]
        );
    }

    #[test]
    fn what_is_scaled_from_or_to_nothing() {
        let scaled = |one: i64, other: i64| {
            said(
                &workload("Deployment", "web:1", &json!({"replicas": one})),
                &workload("Deployment", "web:2", &json!({"replicas": other})),
                false,
            )
        };
        assert_eq!(scaled(0, 3), Vec::<String>::new());
        assert_eq!(
            scaled(3, 0),
            ["Down it is scaled from 3 to 0: nothing of it runs then"]
        );
        assert_eq!(scaled(0, 0), Vec::<String>::new());
        assert_eq!(scaled(1, 2), ["Restarts 2 pods"]);
    }

    #[test]
    fn what_goes_is_said_of_what_is_used() {
        let said = |object: &Value| {
            let id = ObjectId::of(object).expect("an object");
            let impact = deletion(&id, object);
            impact.map(|impact| format!("{:?} {}", impact.effect, impact.why))
        };
        let object = |version: &str, kind: &str| json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a.b"}});
        let definition = object("apiextensions.k8s.io/v1", "CustomResourceDefinition");
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            said(&definition),
            some("Final it is deleted with every object of its kind")
        );
        assert_eq!(
            said(&object("v1", "Namespace")),
            some("Final it is deleted with everything in it")
        );
        assert_eq!(
            said(&object("v1", "Service")),
            some("Down it is deleted: nothing answers under its name")
        );
        for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
            let running = workload(kind, "a", &json!({"replicas": 2}));
            assert_eq!(said(&running), some("Down it is deleted with its pods"));
        }
        let stopped = workload("Deployment", "a", &json!({"replicas": 0}));
        assert_eq!(said(&stopped), None);
        assert_eq!(said(&object("v1", "ConfigMap")), None);
    }

    #[test]
    fn what_is_scaled_down_may_lose_its_claims() {
        let set = |replicas: i64, when_scaled: &str, templates: usize| {
            let policy = json!({"whenScaled": when_scaled});
            let template = json!({"metadata": {"name": "data"}});
            let templates = vec![template; templates];
            workload(
                "StatefulSet",
                "db:1",
                &json!({
                    "replicas": replicas, "persistentVolumeClaimRetentionPolicy": policy, "volumeClaimTemplates": templates,
                }),
            )
        };
        assert_eq!(
            said(&set(3, "Delete", 1), &set(1, "Delete", 1), false),
            [
                "Final it is scaled from 3 to 1, and `whenScaled: Delete` deletes the claims of the pods that go, with their data"
            ]
        );
        // The policy of what is going to be there counts.
        assert_eq!(
            said(&set(3, "Retain", 1), &set(1, "Delete", 1), false).len(),
            1
        );
        for (before, after) in [
            (set(3, "Delete", 1), set(1, "Retain", 1)),
            (set(3, "Delete", 0), set(1, "Delete", 0)),
            (set(1, "Delete", 1), set(3, "Delete", 1)),
        ] {
            assert_eq!(said(&before, &after, false), Vec::<String>::new());
        }
    }

    #[test]
    fn what_changes_beside_the_template_restarts_nothing() {
        let (one, other) = (
            workload("Deployment", "web:1", &json!({"replicas": 1})),
            workload("Deployment", "web:1", &json!({"replicas": 2})),
        );
        assert_eq!(said(&one, &other, false), Vec::<String>::new());
    }

    #[test]
    fn what_is_recreated() {
        let again = |kind| {
            let object = workload(kind, "web:1", &json!({}));
            said(&object, &object, true)
        };
        assert_eq!(
            again("Deployment"),
            ["Down it is deleted and created again"]
        );
        assert!(again("StatefulSet")[0].starts_with("Final it is deleted and created again"));
    }

    #[test]
    fn what_cannot_be_undone() {
        let claim = |size| {
            json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "a"},
            "spec": {"resources": {"requests": {"storage": size}}}})
        };
        assert_eq!(
            said(&claim("1Gi"), &claim("2Gi"), false),
            ["Final it grows to 2Gi, and a claim cannot shrink"]
        );
        let definition = |stored: &str| {
            let version =
                |name: &str| json!({"name": name, "served": true, "storage": name == stored});
            json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "a.b"},
                "spec": {"versions": [version("v1"), version("v2")]}})
        };
        assert!(
            said(&definition("v1"), &definition("v2"), false)[0]
                .starts_with("Final objects are stored in version `v2`")
        );
        assert_eq!(
            said(&definition("v1"), &definition("v1"), false),
            Vec::<String>::new()
        );
        let map = |immutable| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "immutable": immutable});
        assert_eq!(
            said(&map(false), &map(true), false),
            ["Final it becomes immutable"]
        );
    }
}
