//! The objects that an object names, kind by kind.

use serde_json::Value;

use super::super::{
    ObjectId,
    field::{list, part, text},
    id::group_of,
    pod::{containers, pod_spec},
    view::ManifestView,
};

const RBAC: &str = "rbac.authorization.k8s.io";
const NETWORKING: &str = "networking.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const GATEWAY: &str = "gateway.networking.k8s.io";
const CERT_MANAGER: &str = "cert-manager.io";
const EXTERNAL_SECRETS: &str = "external-secrets.io";
const RESOURCE: &str = "resource.k8s.io";

/// One object that another names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reference {
    /// The object that is named.
    pub(crate) target: ObjectId,
    /// Whether the one that names it cannot exist without it: the API server refuses it, or a
    /// controller deletes it.
    pub(crate) is_vital: bool,
}

/// Every object that `body` names, in the order in which it names them. Selectors are not names.
pub(crate) fn named_by(id: &ObjectId, body: &Value) -> Vec<Reference> {
    let mut names = Names {
        namespace: id.namespace.as_deref(),
        found: Vec::new(),
    };
    if let Some(spec) = pod_spec(body) {
        pod(&mut names, spec);
    }
    owners(&mut names, body);
    let spec = body.get("spec").unwrap_or(&Value::Null);
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Secret") => token_account(&mut names, body),
        // kube-controller-manager deletes Endpoints without a Service when it starts.
        ("", "Endpoints") => names.vital("", "Service", names.namespace, Some(&id.name)),
        ("apps", "StatefulSet") => claim_templates(&mut names, spec),
        ("", "PersistentVolumeClaim") => claim(&mut names, spec),
        ("", "PersistentVolume") => {
            names.cluster(STORAGE, "StorageClass", text(spec, "/storageClassName"));
        }
        (RBAC, "RoleBinding" | "ClusterRoleBinding") => match text(body, "/roleRef/kind") {
            Some("Role") => names.own(RBAC, "Role", text(body, "/roleRef/name")),
            _ => names.cluster(RBAC, "ClusterRole", text(body, "/roleRef/name")),
        },
        (NETWORKING, "Ingress") => ingress(&mut names, body, spec),
        ("admissionregistration.k8s.io", _) => {
            for webhook in list(body, "/webhooks") {
                names.service(part(webhook, "/clientConfig/service"));
            }
        }
        ("apiregistration.k8s.io", "APIService") => names.service(spec.get("service")),
        (GATEWAY, kind) => gateway(&mut names, kind, spec),
        (CERT_MANAGER, "Certificate") => issuer(
            &mut names,
            text(spec, "/issuerRef/kind"),
            text(spec, "/issuerRef/name"),
        ),
        (EXTERNAL_SECRETS, "ExternalSecret") => match text(spec, "/secretStoreRef/kind") {
            Some("ClusterSecretStore") => names.cluster(
                EXTERNAL_SECRETS,
                "ClusterSecretStore",
                text(spec, "/secretStoreRef/name"),
            ),
            _ => names.own(
                EXTERNAL_SECRETS,
                "SecretStore",
                text(spec, "/secretStoreRef/name"),
            ),
        },
        ("keda.sh", _) => keda(&mut names, spec),
        _ => {}
    }
    if pod_spec(body).is_none() && id.group.contains('.') {
        names.own("", "ServiceAccount", text(spec, "/serviceAccountName"));
    }
    names.found
}

/// The `ServiceAccount`s that a binding gives its role to.
pub(super) fn subjects(id: &ObjectId, body: &Value) -> Vec<ObjectId> {
    let mut names = Names {
        namespace: id.namespace.as_deref(),
        found: Vec::new(),
    };
    if id.group == RBAC && id.kind.ends_with("Binding") {
        for subject in list(body, "/subjects")
            .iter()
            .filter(|subject| text(subject, "/kind") == Some("ServiceAccount"))
        {
            names.add(
                "",
                "ServiceAccount",
                text(subject, "/namespace").or(names.namespace),
                text(subject, "/name"),
            );
        }
    }
    names
        .found
        .into_iter()
        .map(|reference| reference.target)
        .collect()
}

/// The Secret that a controller makes for `body`: of an `ExternalSecret`, a `Certificate`, a
/// `SealedSecret`.
pub(crate) fn made_secret(id: &ObjectId, body: &Value) -> Option<ObjectId> {
    let name = match (id.group.as_str(), id.kind.as_str()) {
        (EXTERNAL_SECRETS, "ExternalSecret") => text(body, "/spec/target/name").unwrap_or(&id.name),
        (CERT_MANAGER, "Certificate") => text(body, "/spec/secretName")?,
        ("bitnami.com", "SealedSecret") => {
            text(body, "/spec/template/metadata/name").unwrap_or(&id.name)
        }
        _ => return None,
    };
    Some(ObjectId::core("Secret", id.namespace.as_deref(), name))
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
    fn add(&mut self, group: &str, kind: &str, namespace: Option<&str>, name: Option<&str>) {
        self.push(group, kind, namespace, name, false);
    }

    /// An object without which the one that names it cannot exist.
    fn vital(&mut self, group: &str, kind: &str, namespace: Option<&str>, name: Option<&str>) {
        self.push(group, kind, namespace, name, true);
    }

    fn push(
        &mut self,
        group: &str,
        kind: &str,
        namespace: Option<&str>,
        name: Option<&str>,
        is_vital: bool,
    ) {
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            return;
        };
        let target = ObjectId {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        match self
            .found
            .iter_mut()
            .find(|reference| reference.target == target)
        {
            Some(known) => known.is_vital |= is_vital,
            None => self.found.push(Reference { target, is_vital }),
        }
    }

    /// An object in the same namespace.
    fn own(&mut self, group: &str, kind: &str, name: Option<&str>) {
        self.add(group, kind, self.namespace, name);
    }

    fn cluster(&mut self, group: &str, kind: &str, name: Option<&str>) {
        self.add(group, kind, None, name);
    }

    /// A `ConfigMap` or Secret that `source` names at the path `name_at`, as volumes and variables do.
    fn source(&mut self, kind: &str, source: Option<&Value>, name_at: &str) {
        let Some(source) = source else { return };
        self.own("", kind, text(source, name_at));
    }

    /// A Service named with its namespace.
    fn service(&mut self, service: Option<&Value>) {
        let Some(service) = service else { return };
        self.add(
            "",
            "Service",
            text(service, "/namespace").or(self.namespace),
            text(service, "/name"),
        );
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

fn pod(names: &mut Names<'_>, spec: &Value) {
    // Every namespace is given a `default` one.
    match text(spec, "/serviceAccountName") {
        Some("default") => names.own("", "ServiceAccount", Some("default")),
        account => names.vital("", "ServiceAccount", names.namespace, account),
    }
    for secret in list(spec, "/imagePullSecrets") {
        names.own("", "Secret", text(secret, "/name"));
    }
    let priority = text(spec, "/priorityClassName").filter(|name| !name.starts_with("system-"));
    names.vital("scheduling.k8s.io", "PriorityClass", None, priority);
    let runtime = text(spec, "/runtimeClassName");
    names.vital("node.k8s.io", "RuntimeClass", None, runtime);
    for claim in list(spec, "/resourceClaims") {
        let template = text(claim, "/resourceClaimTemplateName");
        names.own(RESOURCE, "ResourceClaim", text(claim, "/resourceClaimName"));
        names.own(RESOURCE, "ResourceClaimTemplate", template);
    }
    for container in containers(spec) {
        for variable in list(container, "/env") {
            names.source(
                "ConfigMap",
                part(variable, "/valueFrom/configMapKeyRef"),
                "/name",
            );
            names.source("Secret", part(variable, "/valueFrom/secretKeyRef"), "/name");
        }
        for source in list(container, "/envFrom") {
            names.source("ConfigMap", source.get("configMapRef"), "/name");
            names.source("Secret", source.get("secretRef"), "/name");
        }
    }
    for volume in list(spec, "/volumes") {
        self::volume(names, volume);
    }
}

fn volume(names: &mut Names<'_>, volume: &Value) {
    names.source("ConfigMap", volume.get("configMap"), "/name");
    names.source("Secret", volume.get("secret"), "/secretName");
    names.own(
        "",
        "PersistentVolumeClaim",
        text(volume, "/persistentVolumeClaim/claimName"),
    );
    for source in list(volume, "/projected/sources") {
        names.source("ConfigMap", source.get("configMap"), "/name");
        names.source("Secret", source.get("secret"), "/name");
    }
    names.own("", "Secret", text(volume, "/csi/nodePublishSecretRef/name"));
    names.own("", "Secret", text(volume, "/azureFile/secretName"));
    names.own(
        "secrets-store.csi.x-k8s.io",
        "SecretProviderClass",
        text(volume, "/csi/volumeAttributes/secretProviderClass"),
    );
    names.cluster(
        STORAGE,
        "StorageClass",
        text(
            volume,
            "/ephemeral/volumeClaimTemplate/spec/storageClassName",
        ),
    );
}

fn claim_templates(names: &mut Names<'_>, spec: &Value) {
    for template in list(spec, "/volumeClaimTemplates") {
        let class = text(template, "/spec/storageClassName");
        names.cluster(STORAGE, "StorageClass", class);
    }
}

fn claim(names: &mut Names<'_>, spec: &Value) {
    names.cluster(STORAGE, "StorageClass", text(spec, "/storageClassName"));
    names.cluster("", "PersistentVolume", text(spec, "/volumeName"));
    let attributes = text(spec, "/volumeAttributesClassName");
    names.cluster(STORAGE, "VolumeAttributesClass", attributes);
    for source in ["/dataSource", "/dataSourceRef"]
        .iter()
        .filter_map(|path| part(spec, path))
    {
        names.own(
            text(source, "/apiGroup").unwrap_or_default(),
            text(source, "/kind").unwrap_or_default(),
            text(source, "/name"),
        );
    }
}

fn ingress(names: &mut Names<'_>, body: &Value, spec: &Value) {
    names.cluster(NETWORKING, "IngressClass", text(spec, "/ingressClassName"));
    // A certificate may be made by cert-manager or be the controller's default one.
    for tls in list(spec, "/tls") {
        names.own("", "Secret", text(tls, "/secretName"));
    }
    names.own("", "Service", text(spec, "/defaultBackend/service/name"));
    for path in list(spec, "/rules")
        .iter()
        .filter_map(|rule| rule.get("http"))
        .flat_map(|http| list(http, "/paths"))
    {
        names.own("", "Service", text(path, "/backend/service/name"));
    }
    let annotation = |key: &str| ManifestView(body).annotation(key);
    issuer(names, Some("Issuer"), annotation("cert-manager.io/issuer"));
    issuer(
        names,
        Some("ClusterIssuer"),
        annotation("cert-manager.io/cluster-issuer"),
    );
    names.own(
        "",
        "Secret",
        annotation("nginx.ingress.kubernetes.io/auth-secret").filter(|name| !name.contains('/')),
    );
}

fn issuer(names: &mut Names<'_>, kind: Option<&str>, name: Option<&str>) {
    match kind {
        Some("ClusterIssuer") => names.cluster(CERT_MANAGER, "ClusterIssuer", name),
        _ => names.own(CERT_MANAGER, "Issuer", name),
    }
}

fn gateway(names: &mut Names<'_>, kind: &str, spec: &Value) {
    if kind == "Gateway" {
        names.cluster(GATEWAY, "GatewayClass", text(spec, "/gatewayClassName"));
        let secrets = list(spec, "/listeners")
            .iter()
            .filter_map(|listener| listener.get("tls"))
            .flat_map(|tls| list(tls, "/certificateRefs"));
        for secret in
            secrets.filter(|secret| text(secret, "/kind").is_none_or(|kind| kind == "Secret"))
        {
            names.add(
                "",
                "Secret",
                text(secret, "/namespace").or(names.namespace),
                text(secret, "/name"),
            );
        }
    }
    for parent in list(spec, "/parentRefs")
        .iter()
        .filter(|parent| text(parent, "/kind").is_none_or(|kind| kind == "Gateway"))
    {
        names.add(
            GATEWAY,
            "Gateway",
            text(parent, "/namespace").or(names.namespace),
            text(parent, "/name"),
        );
    }
    let backends = list(spec, "/rules")
        .iter()
        .flat_map(|rule| list(rule, "/backendRefs"));
    for backend in
        backends.filter(|backend| text(backend, "/kind").is_none_or(|kind| kind == "Service"))
    {
        names.service(Some(backend));
    }
}

fn keda(names: &mut Names<'_>, spec: &Value) {
    for reference in list(spec, "/triggers")
        .iter()
        .filter_map(|trigger| trigger.get("authenticationRef"))
    {
        match text(reference, "/kind") {
            Some("ClusterTriggerAuthentication") => names.cluster(
                "keda.sh",
                "ClusterTriggerAuthentication",
                text(reference, "/name"),
            ),
            _ => names.own("keda.sh", "TriggerAuthentication", text(reference, "/name")),
        }
    }
    for secret in list(spec, "/secretTargetRef") {
        names.own("", "Secret", text(secret, "/name"));
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
