//! What only one object of a cluster can have at a time.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{
    field::{integer, is_true, list, text},
    kind::HasKind as _,
    view::ManifestView,
};

/// What `object` asks for that only one object can have, in words: another one that asks for it is
/// refused as long as this one is there.
///
/// Addresses and node ports of Services
/// (<https://kubernetes.io/docs/concepts/services-networking/cluster-ip-allocation/>), the default
/// among `PriorityClass`es, and the hosts and paths of Ingresses, which the webhooks of their controllers
/// give to one of them
/// (<https://github.com/kubernetes/ingress-nginx/blob/main/internal/ingress/controller/controller.go>).
pub(crate) fn exclusive(object: &Value) -> BTreeSet<String> {
    match ManifestView(object).group_and_kind() {
        ("", "Service") => of_service(object),
        ("scheduling.k8s.io", "PriorityClass") if is_true(object, "/globalDefault") => {
            BTreeSet::from(["the global default".to_owned()])
        }
        ("networking.k8s.io", "Ingress") => of_ingress(object),
        _ => BTreeSet::new(),
    }
}

/// `object` without what it asks for of that, but for the places of an Ingress: what is wrong with the
/// rest of it the API server says only then.
pub(crate) fn without_exclusive(object: &Value) -> Value {
    let mut object = object.clone();
    if ManifestView(&object).is_service() {
        for port in object
            .pointer_mut("/spec/ports")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            port.as_object_mut().map(|port| port.remove("nodePort"));
        }
        let spec = object.get_mut("spec").and_then(Value::as_object_mut);
        if let Some(spec) = spec {
            spec.retain(|field, _| {
                !matches!(
                    field.as_str(),
                    "clusterIP" | "clusterIPs" | "healthCheckNodePort"
                )
            });
        }
    }
    object
        .as_object_mut()
        .map(|object| object.remove("globalDefault"));
    object
}

fn of_service(service: &Value) -> BTreeSet<String> {
    let ports = list(service, "/spec/ports").iter();
    let ports = ports
        .filter_map(|port| integer(port, "/nodePort"))
        .chain(integer(service, "/spec/healthCheckNodePort"))
        .filter(|port| *port != 0)
        .map(|port| format!("node port {port}"));
    let others = list(service, "/spec/clusterIPs").iter();
    let addresses = others
        .filter_map(Value::as_str)
        .chain(text(service, "/spec/clusterIP"))
        .filter(|address| !matches!(*address, "" | "None"))
        .map(|address| format!("address {address}"));
    ports.chain(addresses).collect()
}

fn of_ingress(ingress: &Value) -> BTreeSet<String> {
    let rules = list(ingress, "/spec/rules").iter();
    let places = rules.flat_map(|rule| {
        let host = text(rule, "/host").unwrap_or("*");
        let paths = list(rule, "/http/paths").iter();
        paths.map(move |path| format!("host {host}{}", text(path, "/path").unwrap_or("/")))
    });
    places.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn claimed(object: &Value) -> Vec<String> {
        exclusive(object).into_iter().collect()
    }

    #[test]
    fn ports_and_addresses_of_a_service_are_its_own() {
        let spec = json!({"clusterIP": "10.0.0.5", "clusterIPs": ["10.0.0.5", "fd00::5"], "healthCheckNodePort": 30900,
            "ports": [{"port": 80, "nodePort": 30080}, {"port": 81}, {"port": 82, "nodePort": 0}]});
        let service = json!({"apiVersion": "v1", "kind": "Service", "spec": spec});
        let expected = [
            "address 10.0.0.5",
            "address fd00::5",
            "node port 30080",
            "node port 30900",
        ];
        assert_eq!(claimed(&service), expected);
        let headless = json!({"apiVersion": "v1", "kind": "Service", "spec": {"clusterIP": "None", "clusterIPs": ["None"]}});
        assert!(claimed(&headless).is_empty());
    }

    #[test]
    fn one_priority_class_is_the_default_and_one_ingress_has_a_path() {
        let class = json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "globalDefault": true});
        assert_eq!(claimed(&class), ["the global default"]);
        let ingress = json!({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "spec": {"rules": [
            {"host": "shop.example", "http": {"paths": [{"path": "/"}, {"path": "/api"}]}},
            {"http": {"paths": [{}]}},
        ]}});
        let expected = ["host */", "host shop.example/", "host shop.example/api"];
        assert_eq!(claimed(&ingress), expected);
    }
}
