//! When a `Service` or `Ingress` is ready.

use serde_json::Value;

use crate::{
    object::field::{list, text},
    readiness::{case::Case, verdict::Verdict},
};

/// A Service is ready as soon as it is stored; one of type `LoadBalancer` when it has an address.
pub(in crate::readiness) fn judge_service(case: &Case<'_>) -> Verdict {
    match text(case.object, "/spec/type") {
        Some("LoadBalancer") => address(case.object).map_or_else(
            || Verdict::in_progress("NoAddress", "its load balancer has no address yet"),
            |address| Verdict::ready(format!("its load balancer is at {address}")),
        ),
        Some("ExternalName") => Verdict::ready(format!(
            "it stands for `{}`",
            text(case.object, "/spec/externalName").unwrap_or_default()
        )),
        _ => Verdict::ready("exists"),
    }
}

/// An Ingress is ready when its controller has given it an address.
pub(in crate::readiness) fn judge_ingress(case: &Case<'_>) -> Verdict {
    match address(case.object) {
        Some(address) => Verdict::ready(format!("it is at {address}")),
        None => Verdict::in_progress("NoAddress", no_address(case.object)),
    }
}

fn no_address(ingress: &Value) -> String {
    match text(ingress, "/spec/ingressClassName") {
        Some(class) => format!("no controller of class `{class}` has given it an address yet"),
        None => "no controller has given it an address yet, and it names no `ingressClassName`"
            .to_owned(),
    }
}

fn address(object: &Value) -> Option<String> {
    let points = list(object, "/status/loadBalancer/ingress").iter();
    let addresses: Vec<&str> = points
        .filter_map(|point| text(point, "/ip").or_else(|| text(point, "/hostname")))
        .collect();
    (!addresses.is_empty()).then(|| addresses.join(", "))
}
