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
        if id.is_workload() && restarts(change) {
            said.extend(rollout(id, change));
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

/// Whether the pods are others afterwards.
fn restarts(change: Surroundings<'_>) -> bool {
    let template = |object| part(object, "/spec/template");
    let digest = |object| {
        let annotations = part(object, "/spec/template/metadata/annotations")?;
        annotations.get(CONFIG_DIGEST)
    };
    replicas(change.after) != Some(0)
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
    let pods = if replicas == 1 {
        "1 pod".to_owned()
    } else {
        format!("{replicas} pods")
    };
    let mut said = vec![(Effect::Restarts, pods)];
    said.extend(outage(id, change, replicas).map(|why| (Effect::Down, why)));
    said
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
    if let Some(claim) = single_claim(change) {
        return Some(format!(
            "its claim `{claim}` is mounted by one node at a time: a new pod on another one waits until the old one is gone"
        ));
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

/// A claim that the pods mount and that only one node can.
fn single_claim(change: Surroundings<'_>) -> Option<String> {
    let volumes = list(pod_spec(change.after)?, "/volumes");
    let mut claims = volumes
        .iter()
        .filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
    let is_single = |claim: &&str| {
        let modes = (change.access_modes)(claim);
        !modes.is_empty() && modes.iter().all(|mode| mode.starts_with("ReadWriteOnce"))
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
    if id.is_configuration() && is_true(after, "/immutable") && !is_true(before, "/immutable") {
        return vec![(Effect::Final, "it becomes immutable".to_owned())];
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(before: &Value, after: &Value, recreated: bool) -> Vec<String> {
        let id = ObjectId::of(after).expect("an object");
        let access_modes = |claim: &str| match claim {
            "single" => vec!["ReadWriteOnce".to_owned()],
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
        assert!(
            changed("Deployment", &json!({"claim": "single"}))[1]
                .starts_with("Down its claim `single`")
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
