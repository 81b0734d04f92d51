//! How to reach what runs: the addresses that Ingresses and load balancers were given.

use indexmap::IndexMap;
use serde_json::Value;

use crate::engine::{desired::DesiredState, watch::cache::ResourceCache};
use crate::event::AccessPoint;
use crate::object::{
    HasKind as _, ObjectId,
    field::{list, part, text},
};

/// How to reach what runs: the plan's `open`, and the addresses that Ingresses and load balancers
/// were given. The Services `idle`, behind which there is no pod, are left out.
pub(crate) fn access_points(
    open: &IndexMap<String, String>,
    wanted: &DesiredState,
    cache: &ResourceCache,
    idle: &[ObjectId],
) -> Vec<AccessPoint> {
    let mut points: Vec<AccessPoint> = open
        .iter()
        .filter(|(_, how)| !idle.iter().any(|service| leads_to(how, service)))
        .map(|(name, how)| AccessPoint {
            name: name.clone(),
            how: how.clone(),
        })
        .collect();
    for id in wanted
        .objects
        .keys()
        .filter(|id| matches!(id.kind.as_str(), "Ingress" | "Service") && !idle.contains(id))
    {
        let Some(object) = cache.object(id) else {
            continue;
        };
        if let Some(how) = address(object) {
            points.push(AccessPoint {
                name: id.to_string(),
                how,
            });
        }
    }
    points
}

/// Whether `how`, a command that forwards a port, leads to `service`.
fn leads_to(how: &str, service: &ObjectId) -> bool {
    let namespace = service.namespace.as_deref().unwrap_or_default();
    service.is_service() && how.contains(&format!(" -n {namespace} service/{} ", service.name))
}

/// The address of a load balancer, and the hosts that it answers to: `https://api.shop.test
/// (192.0.2.1)`.
pub(crate) fn address(object: &Value) -> Option<String> {
    let balancer = list(object, "/status/loadBalancer/ingress").first()?;
    let address = text(balancer, "/hostname").or_else(|| text(balancer, "/ip"))?;
    let scheme = if part(object, "/spec/tls").is_some() {
        "https"
    } else {
        "http"
    };
    let hosts: Vec<String> = list(object, "/spec/rules")
        .iter()
        .filter_map(|rule| Some(format!("{scheme}://{}", text(rule, "/host")?)))
        .collect();
    Some(if hosts.is_empty() {
        address.to_owned()
    } else {
        format!("{} ({address})", hosts.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{address, leads_to};
    use crate::object::ObjectId;

    #[test]
    fn a_command_leads_to_the_service_that_it_names() {
        let how = "kubectl --context dev port-forward -n shop service/api 8080:80, then http://localhost:8080";
        let service = |name: &str| ObjectId::core("Service", Some("shop"), name);
        assert!(leads_to(how, &service("api")));
        assert!(!leads_to(how, &service("ap")));
    }

    #[test]
    fn an_ingress_is_reached_by_its_hosts() {
        let ingress = json!({
            "spec": {"rules": [{"host": "api.shop.test"}], "tls": [{"hosts": ["api.shop.test"]}]},
            "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}},
        });
        assert_eq!(
            address(&ingress).as_deref(),
            Some("https://api.shop.test (192.0.2.1)")
        );
        assert_eq!(address(&json!({"status": {"loadBalancer": {}}})), None);
    }
}
