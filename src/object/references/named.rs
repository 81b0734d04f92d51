//! The objects that an object names, and that come before it.

use serde_json::Value;

use super::{
    super::{
        ObjectId,
        field::{list, part, text},
        id::group_of,
        view::ManifestView,
    },
    made::made_by,
    mention::mentions,
    table::Bearing,
};

const RBAC: &str = "rbac.authorization.k8s.io";

/// One object that another names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The object that is named.
    pub(crate) target: ObjectId,
    /// Whether the one that names it cannot exist without it: the API server refuses it, or a
    /// controller deletes it.
    pub(crate) is_vital: bool,
}

/// Every object that `body` names and that comes before it. Selectors are not names.
pub(crate) fn named_by(id: &ObjectId, body: &Value) -> Vec<Reference> {
    let mut names = Names {
        namespace: id.namespace.as_deref(),
        found: Vec::new(),
    };
    for mention in mentions(id, body) {
        if mention.bearing != Bearing::Unordered {
            names.push(mention.target, mention.bearing == Bearing::Vital);
        }
    }
    owners(&mut names, body);
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Secret") => token_account(&mut names, body),
        // kube-controller-manager deletes Endpoints without a Service when it starts.
        ("", "Endpoints") => names.vital("", "Service", names.namespace, Some(&id.name)),
        _ => {}
    }
    names.found
}

/// The `ServiceAccount`s that a binding gives its role to.
pub(super) fn subjects(id: &ObjectId, body: &Value) -> Vec<ObjectId> {
    if id.group != RBAC || !id.kind.ends_with("Binding") {
        return Vec::new();
    }
    let is_account = |subject: &&Value| text(subject, "/kind") == Some("ServiceAccount");
    let accounts = list(body, "/subjects").iter().filter(is_account);
    accounts
        .filter_map(|subject| {
            let namespace = text(subject, "/namespace").or(id.namespace.as_deref());
            let name = text(subject, "/name")?;
            Some(ObjectId::core("ServiceAccount", namespace, name))
        })
        .collect()
}

/// The Secret that a controller makes for `body`, which is there for nothing else: of an
/// `ExternalSecret`, a `Certificate`, a `SealedSecret`.
pub(crate) fn made_secret(id: &ObjectId, body: &Value) -> Option<ObjectId> {
    const MAKERS: [(&str, &str); 3] = [
        ("external-secrets.io", "ExternalSecret"),
        ("cert-manager.io", "Certificate"),
        ("bitnami.com", "SealedSecret"),
    ];
    let is_maker = MAKERS.contains(&(&id.group, &id.kind));
    let made = is_maker.then(|| made_by(id, body));
    made?.into_iter().next().map(|made| made.target)
}

/// The workload that an autoscaler is for: that of a `VerticalPodAutoscaler`, and that of whatever
/// decides how many replicas there are.
pub(crate) fn autoscaled(id: &ObjectId, body: &Value) -> Option<ObjectId> {
    let is_vertical =
        (id.group.as_str(), id.kind.as_str()) == ("autoscaling.k8s.io", "VerticalPodAutoscaler");
    if is_vertical {
        return target(id, part(body, "/spec/targetRef")?);
    }
    scale_target(id, body)
}

/// What an autoscaler of any kind decides the number of replicas of. The shape says that it is one:
/// a `scaleTargetRef`, which names a Deployment where it says no more.
/// <https://keda.sh/docs/latest/reference/scaledobject-spec/#scaletargetref>
///
/// A `targetRef` is what many name that scale nothing; that of a `DatadogPodAutoscaler` counts.
pub(crate) fn scale_target(id: &ObjectId, body: &Value) -> Option<ObjectId> {
    let is_datadog =
        (id.group.as_str(), id.kind.as_str()) == ("datadoghq.com", "DatadogPodAutoscaler");
    let reference = if is_datadog {
        "/spec/targetRef"
    } else {
        "/spec/scaleTargetRef"
    };
    target(id, part(body, reference)?)
}

/// What `reference`, of the autoscaler `id`, names.
fn target(id: &ObjectId, reference: &Value) -> Option<ObjectId> {
    let version = text(reference, "/apiVersion").unwrap_or("apps/v1");
    let kind = text(reference, "/kind").unwrap_or("Deployment");
    Some(ObjectId {
        group: group_of(version).to_owned(),
        kind: kind.to_owned(),
        namespace: id.namespace.clone(),
        name: text(reference, "/name")?.to_owned(),
    })
}

/// Collects what one object names.
struct Names<'a> {
    namespace: Option<&'a str>,
    found: Vec<Reference>,
}

impl Names<'_> {
    /// An object without which the one that names it cannot exist.
    fn vital(&mut self, group: &str, kind: &str, namespace: Option<&str>, name: Option<&str>) {
        if let Some(name) = name.filter(|name| !name.is_empty()) {
            let target = ObjectId {
                group: group.to_owned(),
                kind: kind.to_owned(),
                namespace: namespace.map(str::to_owned),
                name: name.to_owned(),
            };
            self.push(target, true);
        }
    }

    fn push(&mut self, target: ObjectId, is_vital: bool) {
        let mut found = self.found.iter_mut();
        match found.find(|reference| reference.target == target) {
            Some(known) => known.is_vital |= is_vital,
            None => self.found.push(Reference { target, is_vital }),
        }
    }
}

/// The objects that it belongs to, which are in its namespace or in none: the garbage collector
/// deletes what has lost all of them.
/// <https://kubernetes.io/docs/concepts/architecture/garbage-collection/#owners-dependents>
fn owners(names: &mut Names<'_>, body: &Value) {
    for owner in ManifestView(body).owners() {
        let group = group_of(owner.api_version);
        for namespace in [names.namespace, None] {
            names.vital(group, owner.kind, namespace, Some(owner.name));
        }
    }
}

/// The account that a token Secret is for: its controller deletes the Secret where that is not
/// there.
/// <https://github.com/kubernetes/kubernetes/blob/master/pkg/controller/serviceaccount/tokens_controller.go>
fn token_account(names: &mut Names<'_>, body: &Value) {
    if text(body, "/type") == Some("kubernetes.io/service-account-token") {
        let account = ManifestView(body).annotation("kubernetes.io/service-account.name");
        names.vital("", "ServiceAccount", names.namespace, account);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_autoscaler_of_any_kind_is_known_by_its_target() {
        let target = |api_version: &str, kind: &str, spec: Value| {
            let body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a", "namespace": "n"}, "spec": spec});
            let id = ObjectId::of(&body).expect("has an identity");
            let shown = |target: Option<ObjectId>| target.map(|target| target.to_string());
            (
                shown(scale_target(&id, &body)),
                shown(autoscaled(&id, &body)),
            )
        };
        let web = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let scaled = Some("Deployment/n/web".to_owned());
        for (version, kind) in [
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
            ("autoscaling.gke.io/v1beta1", "MultidimPodAutoscaler"),
            (
                "autoscaling.alibabacloud.com/v1beta1",
                "AdvancedHorizontalPodAutoscaler",
            ),
            ("autoscaling.karmada.io/v1alpha1", "FederatedHPA"),
            ("custompodautoscaler.com/v1", "CustomPodAutoscaler"),
            ("datadoghq.com/v1alpha1", "WatermarkPodAutoscaler"),
            ("http.keda.sh/v1alpha1", "HTTPScaledObject"),
            ("keda.sh/v1alpha1", "ScaledObject"),
        ] {
            let found = target(version, kind, json!({"scaleTargetRef": web}));
            assert_eq!(found, (scaled.clone(), scaled.clone()), "{kind}");
        }
        let reference = json!({"targetRef": web});
        let of = |version, kind| target(version, kind, reference.clone());
        assert_eq!(
            of("datadoghq.com/v1alpha2", "DatadogPodAutoscaler").0,
            scaled
        );
        assert_eq!(
            of("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
            (None, scaled)
        );
        assert_eq!(
            of("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
            (None, None)
        );
        let short = target(
            "keda.sh/v1alpha1",
            "ScaledObject",
            json!({"scaleTargetRef": {"name": "web"}}),
        );
        assert_eq!(short.0.as_deref(), Some("Deployment/n/web"));
        let other = json!({"scaleTargetRef": {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "name": "web"}});
        assert!(
            target("autoscaling/v2", "HorizontalPodAutoscaler", other)
                .0
                .is_some_and(|found| found.starts_with("Rollout"))
        );
    }
}
