//! A controller of the Gateway API: gateways get an address, and routes are attached to them.
//!
//! See <https://gateway-api.sigs.k8s.io/reference/api-spec/>.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{Absence, PlayedKind, Reference, played},
    subject::{Subject, condition, entries, made_up, namespace, text_or},
};

const GROUP: &str = "gateway.networking.k8s.io";
const OPERATOR: &str = "gateway-controller";
const CONTROLLER: &str = "sandbox.deployctl.dev/gateway";
const API_VERSION: &str = "gateway.networking.k8s.io/v1";

pub(super) const KINDS: &[PlayedKind] = &[
    played(OPERATOR, (GROUP, "GatewayClass"), gateway_class),
    played(OPERATOR, (GROUP, "Gateway"), gateway).referring(class_of_gateway),
    played(OPERATOR, (GROUP, "ListenerSet"), listener_set),
    route("HTTPRoute"),
    route("GRPCRoute"),
    route("TLSRoute"),
    played(OPERATOR, (GROUP, "BackendTLSPolicy"), policy),
];

const fn route(kind: &'static str) -> PlayedKind {
    played(OPERATOR, (GROUP, kind), attached).referring(around_route)
}

fn accepted(subject: &Subject<'_>, what: &str, badly: &str) -> Value {
    subject.observed(
        "Accepted",
        ("Accepted", &format!("the {what} is accepted")),
        (badly, &format!("the {what} is not accepted")),
    )
}

fn programmed(subject: &Subject<'_>, what: &str) -> Value {
    subject.observed(
        "Programmed",
        ("Programmed", &format!("the {what} is programmed")),
        ("Invalid", &format!("the {what} is not programmed")),
    )
}

fn resolved(subject: &Subject<'_>) -> Value {
    subject.observed(
        "ResolvedRefs",
        ("ResolvedRefs", "all references are resolved"),
        ("BackendNotFound", "a reference is not resolved"),
    )
}

fn gateway_class(subject: &Subject<'_>) -> Value {
    json!({"conditions": [accepted(subject, "GatewayClass", "InvalidParameters")]})
}

/// A class that is not there has no controller that would say so.
fn class_of_gateway(object: &Value) -> Vec<Reference> {
    let class = text_or(&object["spec"]["gatewayClassName"], "");
    vec![Reference::to(
        (API_VERSION, "GatewayClass"),
        "",
        class,
        Absence::Silent,
    )]
}

fn gateway(subject: &Subject<'_>) -> Value {
    let asked = entries(&subject.spec()["addresses"]).to_vec();
    let addresses = if asked.is_empty() {
        vec![json!({"type": "IPAddress", "value": address(subject)})]
    } else {
        asked
    };
    json!({
        "addresses": subject.either(addresses, Vec::new()),
        "conditions": [accepted(subject, "Gateway", "Invalid"), programmed(subject, "Gateway")],
        "listeners": listeners(subject),
    })
}

/// An address out of a range that is for documentation only (RFC 5737), as Services get them.
fn address(subject: &Subject<'_>) -> String {
    let digest = made_up(&[subject.namespace(), subject.name()]);
    let number = u8::from_str_radix(&digest[..2], 16).unwrap_or_default();
    format!("203.0.113.{}", number % 250 + 1)
}

fn listener_set(subject: &Subject<'_>) -> Value {
    json!({
        "conditions": [accepted(subject, "ListenerSet", "Invalid"), programmed(subject, "ListenerSet")],
        "listeners": listeners(subject),
    })
}

fn listeners(subject: &Subject<'_>) -> Vec<Value> {
    let status = |listener: &Value| {
        json!({
            "name": listener["name"],
            "attachedRoutes": 0,
            "supportedKinds": supported_kinds(listener),
            "conditions": [accepted(subject, "listener", "Invalid"), programmed(subject, "listener"), resolved(subject)],
        })
    };
    entries(&subject.spec()["listeners"])
        .iter()
        .map(status)
        .collect()
}

fn supported_kinds(listener: &Value) -> Value {
    let asked = &listener["allowedRoutes"]["kinds"];
    if !entries(asked).is_empty() {
        return asked.clone();
    }
    let kinds: &[&str] = match listener["protocol"].as_str() {
        Some("TLS") => &["TLSRoute"],
        Some("TCP") => &["TCPRoute"],
        Some("UDP") => &["UDPRoute"],
        _ => &["HTTPRoute", "GRPCRoute"],
    };
    kinds
        .iter()
        .map(|kind| json!({"group": GROUP, "kind": kind}))
        .collect()
}

/// A route that fails is attached all the same: it is what lies behind it that is not there.
fn attached(subject: &Subject<'_>) -> Value {
    let well = ("Accepted", "the route is attached");
    let mut accepted = condition("Accepted", "True", well);
    accepted["observedGeneration"] = subject.object["metadata"]["generation"].clone();
    let parent = |parent: &Value| {
        let conditions = [&accepted, &resolved(subject)];
        json!({"parentRef": parent, "controllerName": CONTROLLER, "conditions": conditions})
    };
    json!({"parents": entries(&subject.spec()["parentRefs"]).iter().map(parent).collect::<Vec<_>>()})
}

/// The gateways of a route, without which nobody would speak of it, and the Services behind it.
fn around_route(object: &Value) -> Vec<Reference> {
    let spec = &object["spec"];
    let is_gateway = |parent: &&Value| text_or(&parent["kind"], "Gateway") == "Gateway";
    let parents = entries(&spec["parentRefs"])
        .iter()
        .filter(is_gateway)
        .map(|parent| near(object, (API_VERSION, "Gateway"), parent, Absence::Silent));
    let is_service = |backend: &&Value| text_or(&backend["kind"], "Service") == "Service";
    let backends = entries(&spec["rules"])
        .iter()
        .flat_map(|rule| entries(&rule["backendRefs"]))
        .filter(is_service)
        .map(|backend| near(object, ("v1", "Service"), backend, Absence::Fails));
    parents.chain(backends).collect()
}

fn near(object: &Value, kind: (&str, &str), reference: &Value, absence: Absence) -> Reference {
    let namespace = text_or(&reference["namespace"], namespace(object));
    Reference::to(kind, namespace, text_or(&reference["name"], ""), absence)
}

fn policy(subject: &Subject<'_>) -> Value {
    let ancestor = |target: &Value| {
        json!({
            "ancestorRef": target,
            "controllerName": CONTROLLER,
            "conditions": [accepted(subject, "policy", "Invalid"), resolved(subject)],
        })
    };
    json!({"ancestors": entries(&subject.spec()["targetRefs"]).iter().map(ancestor).collect::<Vec<_>>()})
}
