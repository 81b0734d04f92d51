//! Names of other objects that are no Secrets or `ConfigMaps`.

use serde_json::Value;

use super::{
    platform::Platform,
    rendered::{Rendered, entries, items},
    rules::Problem,
    workload::Workload,
};

/// A name of another object: its kind, namespace and name.
struct Name<'a> {
    kind: &'a str,
    namespace: &'a str,
    own: &'a str,
}

/// A Service and one of its ports, by name or number.
struct Backend<'a> {
    namespace: &'a str,
    name: &'a str,
    port: &'a Value,
}

/// Everything that is named exists, and Services have the ports that are asked for.
pub(super) fn names(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let mut problems = Vec::new();
    for item in &rendered.items {
        let mut named = named_by(item);
        classes(&item["spec"], &mut named);
        let missing = named.into_iter().filter(|it| {
            !is_built_in(it.kind, it.own) && !rendered.has(it.kind, it.namespace, it.own)
        });
        problems.extend(missing.map(|it| {
            let text = format!("there is no {}/{}/{}", it.kind, it.namespace, it.own);
            Problem::of("reference", item, text)
        }));
        let wrong = backends(item)
            .into_iter()
            .filter_map(|backend| backend.wrong(rendered));
        problems.extend(wrong.map(|text| Problem::of("reference", item, text)));
    }
    problems.extend(access_points(platform, rendered));
    problems
}

/// What the plan's access points lead to.
fn access_points(platform: &Platform, rendered: &Rendered) -> Vec<Problem> {
    let wrong = entries(&platform.plan["open"]).filter_map(|(point, target)| {
        let namespace = target["namespace"].as_str();
        let namespace = match namespace {
            // The value of a variable is not known here: any namespace with such a Service will do.
            Some(written) if written.contains("${") => rendered
                .kind("Service")
                .find(|service| service["metadata"]["name"] == target["service"])
                .and_then(|service| service["metadata"]["namespace"].as_str()),
            written => written.or(Some(&rendered.namespace)),
        };
        let backend = Backend {
            namespace: namespace.unwrap_or_default(),
            name: target["service"].as_str()?,
            port: &target["port"],
        };
        let wrong = backend.wrong(rendered)?;
        let object = serde_json::json!({"kind": "plan", "metadata": {"name": point}});
        Some(Problem::of("reference", &object, wrong))
    });
    wrong.collect()
}

/// What `item` names by the fields of its kind.
fn named_by(item: &Value) -> Vec<Name<'_>> {
    let own = item["metadata"]["namespace"].as_str().unwrap_or_default();
    let spec = &item["spec"];
    let mut named = Vec::new();
    let mut add = |kind, name| named.extend(Name::of(kind, own, name));
    if let Some(workload) = Workload::of(item) {
        add("ServiceAccount", &workload.pod()["serviceAccountName"]);
        add("PriorityClass", &workload.pod()["priorityClassName"]);
    }
    match item["kind"].as_str().unwrap_or_default() {
        "StatefulSet" => add("Service", &spec["serviceName"]),
        "Prometheus" | "Alertmanager" => add("ServiceAccount", &spec["serviceAccountName"]),
        "Certificate" => named.extend(Name::of_kind("Issuer", own, &spec["issuerRef"])),
        "ExternalSecret" => {
            named.extend(Name::of_kind("SecretStore", own, &spec["secretStoreRef"]));
        }
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" => {
            let parents = items(&spec["parentRefs"]);
            named.extend(parents.filter_map(|parent| Name::of_kind("Gateway", own, parent)));
        }
        "ScaledObject" | "ScaledJob" => {
            let triggers = items(&spec["triggers"]).map(|trigger| &trigger["authenticationRef"]);
            let kind = "TriggerAuthentication";
            named.extend(triggers.filter_map(|trigger| Name::of_kind(kind, own, trigger)));
        }
        "Application" => add("AppProject", &spec["project"]),
        "Gateway" => add("GatewayClass", &spec["gatewayClassName"]),
        "VolumeSnapshot" => add("VolumeSnapshotClass", &spec["volumeSnapshotClassName"]),
        "RoleBinding" | "ClusterRoleBinding" => {
            named.extend(Name::of_kind("Role", own, &item["roleRef"]));
            let accounts = items(&item["subjects"]).filter(|it| it["kind"] == "ServiceAccount");
            named.extend(accounts.filter_map(|it| Name::of_kind("ServiceAccount", own, it)));
        }
        _ => {}
    }
    named
}

impl<'a> Name<'a> {
    fn of(kind: &'a str, namespace: &'a str, name: &'a Value) -> Option<Self> {
        let own = name.as_str().filter(|name| !name.is_empty())?;
        Some(Self {
            kind,
            namespace,
            own,
        })
    }

    /// Of a map that may say a kind and a namespace of its own.
    fn of_kind(kind: &'a str, namespace: &'a str, reference: &'a Value) -> Option<Self> {
        let kind = reference["kind"].as_str().unwrap_or(kind);
        let namespace = reference["namespace"].as_str().unwrap_or(namespace);
        Self::of(kind, namespace, &reference["name"])
    }
}

/// Storage classes, wherever one is named below `value`.
fn classes<'a>(value: &'a Value, named: &mut Vec<Name<'a>>) {
    for (key, value) in entries(value) {
        if ["storageClassName", "storageClass"].contains(&key.as_str()) {
            named.extend(Name::of("StorageClass", "", value));
        }
        classes(value, named);
    }
    for value in items(value) {
        classes(value, named);
    }
}

/// Whether every cluster, or every namespace, has it.
fn is_built_in(kind: &str, name: &str) -> bool {
    match kind {
        "PriorityClass" => name.starts_with("system-"),
        "ServiceAccount" | "AppProject" => name == "default",
        "ClusterRole" => {
            name.starts_with("system:")
                || ["view", "edit", "admin", "cluster-admin"].contains(&name)
        }
        // Names of users and groups are nobody's objects.
        "User" | "Group" => true,
        _ => false,
    }
}

/// The Services that Ingresses and routes lead to.
fn backends(item: &Value) -> Vec<Backend<'_>> {
    let own = item["metadata"]["namespace"].as_str().unwrap_or_default();
    let spec = &item["spec"];
    match item["kind"].as_str().unwrap_or_default() {
        "Ingress" => {
            let rules = items(&spec["rules"]).flat_map(|rule| items(&rule["http"]["paths"]));
            let backends = rules
                .map(|path| &path["backend"])
                .chain([&spec["defaultBackend"]]);
            backends
                .filter_map(|backend| Backend::of_ingress(own, &backend["service"]))
                .collect()
        }
        "HTTPRoute" | "GRPCRoute" | "TLSRoute" | "TCPRoute" => {
            let references = items(&spec["rules"]).flat_map(|rule| items(&rule["backendRefs"]));
            references
                .filter_map(|reference| Backend::of_route(own, reference))
                .collect()
        }
        _ => Vec::new(),
    }
}

impl<'a> Backend<'a> {
    fn of_ingress(namespace: &'a str, service: &'a Value) -> Option<Self> {
        let port = &service["port"];
        let port = if port["name"].is_string() {
            &port["name"]
        } else {
            &port["number"]
        };
        Some(Self {
            namespace,
            name: service["name"].as_str()?,
            port,
        })
    }

    fn of_route(own: &'a str, reference: &'a Value) -> Option<Self> {
        Some(Self {
            namespace: reference["namespace"].as_str().unwrap_or(own),
            name: reference["name"].as_str()?,
            port: &reference["port"],
        })
    }
}

impl Backend<'_> {
    /// Why nothing is there, if so.
    fn wrong(&self, rendered: &Rendered) -> Option<String> {
        let Self {
            namespace,
            name,
            port,
        } = self;
        if rendered.is_given("Service", namespace, name) {
            return None;
        }
        let Some(service) = rendered.find("Service", namespace, name) else {
            return Some(format!("there is no Service/{namespace}/{name}"));
        };
        let mut ports = items(&service["spec"]["ports"]);
        let has = ports.any(|own| own["port"] == **port || own["name"] == **port);
        (!has).then(|| format!("Service/{namespace}/{name} has no port {port}"))
    }
}
