//! Who knows the port of a container by its name: its own probes and hooks, and Services.

use serde_json::{Map, Value};

use super::manifests::Manifest;
use crate::object::{
    HasKind as _, ManifestView, containers,
    field::{list, map, part, text},
    pod_spec, pod_template,
};

/// The ports of pods that Services know by name.
#[derive(Default)]
pub(super) struct NamedTargets<'a> {
    /// Where objects are that say no namespace.
    namespace: &'a str,
    targets: Vec<NamedTarget>,
}

/// A `targetPort` of a Service that is a name.
struct NamedTarget {
    namespace: String,
    /// The labels of the pods behind the Service.
    selector: Map<String, Value>,
    port: String,
    /// The Service and its place, as people read them.
    service: String,
}

/// Somebody who knows a port by its name.
pub(super) struct PortUse {
    /// The name of the port.
    pub(super) port: String,
    /// Who uses it, as people read it.
    pub(super) by: String,
}

impl<'a> NamedTargets<'a> {
    /// Those of the Services among `manifests`. What says no namespace is in `namespace`.
    pub(super) fn of(manifests: &[Manifest], namespace: &'a str) -> Self {
        let mut found = Self {
            namespace,
            targets: Vec::new(),
        };
        for manifest in manifests {
            let value = &manifest.value;
            let selector = map(value, "/spec/selector").filter(|labels| !labels.is_empty());
            let (true, Some(selector)) = (ManifestView(value).is_service(), selector) else {
                continue;
            };
            let ports = list(value, "/spec/ports").iter();
            for port in ports.filter_map(|port| text(port, "/targetPort")) {
                found.targets.push(NamedTarget {
                    namespace: found.namespace_of(value),
                    selector: selector.clone(),
                    port: port.to_owned(),
                    service: format!(
                        "Service/{} ({})",
                        ManifestView(value).name(),
                        manifest.origin
                    ),
                });
            }
        }
        found
    }

    /// Who knows ports of the container at the JSON pointer `container` of `object` by name.
    ///
    /// A Service whose port another container of the pod has as well is not among them.
    pub(super) fn uses(&self, object: &Value, container: &str) -> Vec<PortUse> {
        let Some(container) = part(object, container) else {
            return Vec::new();
        };
        let mut uses = own_uses(container);
        let labels = pod_template(object).and_then(|template| map(template, "/metadata/labels"));
        let others = pod_spec(object).into_iter().flat_map(containers);
        let others: Vec<&str> = others
            .filter(|other| *other != container)
            .flat_map(|other| list(other, "/ports"))
            .filter_map(|port| text(port, "/name"))
            .collect();
        let namespace = self.namespace_of(object);
        let selects = |target: &NamedTarget| {
            let mut selector = target.selector.iter();
            selector.all(|(key, value)| labels.and_then(|labels| labels.get(key)) == Some(value))
        };
        let targets = self.targets.iter().filter(|target| {
            target.namespace == namespace
                && !others.contains(&target.port.as_str())
                && selects(target)
        });
        uses.extend(targets.map(|target| PortUse {
            port: target.port.clone(),
            by: format!("a `targetPort` of {}", target.service),
        }));
        uses
    }

    fn namespace_of(&self, object: &Value) -> String {
        let said = ManifestView(object).namespace();
        said.unwrap_or(self.namespace).to_owned()
    }
}

/// The probes and hooks of `container` that name a port of it.
fn own_uses(container: &Value) -> Vec<PortUse> {
    let fields = [
        "livenessProbe",
        "readinessProbe",
        "startupProbe",
        "lifecycle",
    ];
    let handlers = ["", "/postStart", "/preStop"];
    let mut uses = Vec::new();
    for field in fields {
        for handler in handlers {
            for action in ["httpGet", "tcpSocket"] {
                let port = text(container, &format!("/{field}{handler}/{action}/port"));
                uses.extend(port.map(|port| PortUse {
                    port: port.to_owned(),
                    by: format!("its `{field}`"),
                }));
            }
        }
    }
    uses
}
