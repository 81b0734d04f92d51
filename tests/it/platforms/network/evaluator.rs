//! `NetworkPolicies`, as a network plugin understands them.
//! <https://kubernetes.io/docs/concepts/services-networking/network-policies/>

use std::net::IpAddr;

use serde_json::Value;

use super::{
    super::{
        pods::{Port, selects},
        rendered::{Rendered, items, title},
    },
    endpoint::{Endpoint, Place},
};

/// Whether a connection is let through.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Allowed,
    /// Only by a block of addresses in which pods may be: not every network plugin takes it so.
    Perhaps,
    /// With what is missing.
    Refused(String),
}

/// A port of the destination's pods.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<'a> {
    pub(super) port: u16,
    pub(super) protocol: &'a str,
}

/// An address that a pod may have. It is none of a node's, or of anybody outside.
const POD_ADDRESS: &str = "10.244.17.23";

/// Whether `from` reaches `to`.
pub(super) fn connect(
    rendered: &Rendered,
    from: &Endpoint,
    to: &Endpoint,
    target: Target<'_>,
) -> Verdict {
    let out = one_way(rendered, Direction::Egress, from, to, target);
    let inside = one_way(rendered, Direction::Ingress, to, from, target);
    match (out, inside) {
        (Verdict::Refused(first), Verdict::Refused(second)) => {
            Verdict::Refused(format!("{first}; {second}"))
        }
        (refused @ Verdict::Refused(_), _) | (_, refused @ Verdict::Refused(_)) => refused,
        (Verdict::Perhaps, _) | (_, Verdict::Perhaps) => Verdict::Perhaps,
        _ => Verdict::Allowed,
    }
}

/// Which rules of a policy count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Egress,
    Ingress,
}

impl Direction {
    /// The keys of its rules and of their peers.
    fn keys(self) -> (&'static str, &'static str) {
        match self {
            Self::Egress => ("egress", "to"),
            Self::Ingress => ("ingress", "from"),
        }
    }

    /// Whether `policy` is about it.
    fn is_of(self, policy: &Value) -> bool {
        let spec = &policy["spec"];
        let named = &spec["policyTypes"];
        match self {
            _ if named.is_array() => items(named).any(|it| *it == format!("{self:?}")),
            Self::Ingress => true,
            Self::Egress => spec["egress"].is_array(),
        }
    }
}

/// Whether the policies about `own` let a connection through in `direction`.
fn one_way(
    rendered: &Rendered,
    direction: Direction,
    own: &Endpoint,
    peer: &Endpoint,
    target: Target<'_>,
) -> Verdict {
    let Place::Pods {
        namespace,
        labels,
        ports,
        ..
    } = &own.place
    else {
        return Verdict::Allowed;
    };
    let about: Vec<&Value> = rendered
        .kind("NetworkPolicy")
        .filter(|policy| policy["metadata"]["namespace"] == **namespace && direction.is_of(policy))
        .filter(|policy| selects(&policy["spec"]["podSelector"], labels))
        .collect();
    if about.is_empty() {
        return Verdict::Allowed;
    }
    // A port is called as the pods that it belongs to call it.
    let ports = match (direction, &peer.place) {
        (Direction::Ingress, _) => ports.as_slice(),
        (Direction::Egress, Place::Pods { ports, .. }) => ports.as_slice(),
        (Direction::Egress, Place::Address(_)) => &[],
    };
    let (rules, peers) = direction.keys();
    let mut verdict = None;
    for rule in about
        .iter()
        .flat_map(|policy| items(&policy["spec"][rules]))
    {
        if !lets_port(rule, ports, target) {
            continue;
        }
        match lets_peer(&rule[peers], namespace, peer) {
            Some(Verdict::Allowed) => return Verdict::Allowed,
            Some(perhaps) => verdict = Some(perhaps),
            None => {}
        }
    }
    verdict.unwrap_or_else(|| Verdict::Refused(missing(direction, own, peer, target, &about)))
}

/// What a policy would have to say.
fn missing(
    direction: Direction,
    own: &Endpoint,
    peer: &Endpoint,
    target: Target<'_>,
    about: &[&Value],
) -> String {
    let names: Vec<_> = about.iter().map(|policy| title(policy)).collect();
    let (rules, peers) = direction.keys();
    let Target { port, protocol } = target;
    format!(
        "{} needs {rules} {peers} {} at {protocol} {port}, which none of its policies has ({})",
        own.title,
        peer.title,
        names.join(", ")
    )
}

/// Whether a rule is about a port of `ports`.
fn lets_port(rule: &Value, ports: &[Port], target: Target<'_>) -> bool {
    let wanted = u64::from(target.port);
    let lets = |allowed: &Value| {
        let protocol = allowed["protocol"].as_str().unwrap_or("TCP");
        let number = match &allowed["port"] {
            Value::Null => return protocol == target.protocol,
            Value::String(name) => {
                let named = ports.iter().find(|port| port.name == *name);
                named.map(|port| port.number)
            }
            number => number.as_u64(),
        };
        let end = allowed["endPort"].as_u64().or(number);
        protocol == target.protocol
            && number <= Some(wanted)
            && Some(wanted) <= end
            && number.is_some()
    };
    rule["ports"]
        .as_array()
        .is_none_or(|ports| ports.is_empty() || ports.iter().any(lets))
}

/// Whether the peers of a rule, in a policy of `namespace`, have `peer` among them.
fn lets_peer(peers: &Value, namespace: &str, peer: &Endpoint) -> Option<Verdict> {
    let Some(peers) = peers.as_array().filter(|peers| !peers.is_empty()) else {
        return Some(Verdict::Allowed);
    };
    let verdicts = peers
        .iter()
        .filter_map(|allowed| lets(allowed, namespace, peer));
    verdicts.min_by_key(|verdict| *verdict != Verdict::Allowed)
}

fn lets(allowed: &Value, own_namespace: &str, peer: &Endpoint) -> Option<Verdict> {
    let block = &allowed["ipBlock"];
    match &peer.place {
        Place::Address(address) => holds(block, *address).then_some(Verdict::Allowed),
        Place::Pods { .. } if block.is_object() => {
            let address = POD_ADDRESS.parse().expect("it is an address");
            holds(block, address).then_some(Verdict::Perhaps)
        }
        Place::Pods {
            namespace,
            namespace_labels,
            labels,
            ..
        } => {
            let of_namespace = &allowed["namespaceSelector"];
            let is_there = if of_namespace.is_null() {
                namespace == own_namespace
            } else {
                selects(of_namespace, namespace_labels)
            };
            (is_there && selects(&allowed["podSelector"], labels)).then_some(Verdict::Allowed)
        }
    }
}

/// Whether an address is in a block, and not among its exceptions.
fn holds(block: &Value, address: IpAddr) -> bool {
    let within = |range: &Value| range.as_str().is_some_and(|range| is_in(range, address));
    within(&block["cidr"]) && !items(&block["except"]).any(within)
}

/// Whether an address is in a range such as `10.0.0.0/8`.
fn is_in(range: &str, address: IpAddr) -> bool {
    let (start, bits) = range.split_once('/').unwrap_or((range, "128"));
    let bits: u32 = bits
        .parse()
        .unwrap_or_else(|_| panic!("`{range}` is no range"));
    let start: IpAddr = start
        .parse()
        .unwrap_or_else(|_| panic!("`{range}` is no range"));
    match (start, address) {
        (IpAddr::V4(start), IpAddr::V4(address)) => {
            let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
            start.to_bits() & mask == address.to_bits() & mask
        }
        (IpAddr::V6(start), IpAddr::V6(address)) => {
            let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
            start.to_bits() & mask == address.to_bits() & mask
        }
        _ => false,
    }
}

#[test]
fn addresses_are_in_their_ranges() {
    for (range, address, inside) in [
        ("0.0.0.0/0", "203.0.113.9", true),
        ("10.0.0.0/8", "10.255.0.1", true),
        ("10.0.0.0/8", "11.0.0.1", false),
        ("169.254.20.10/32", "169.254.20.10", true),
        ("169.254.20.10/32", "169.254.20.11", false),
        ("fd00::/8", "fd12::1", true),
        ("::/0", "203.0.113.9", false),
    ] {
        assert_eq!(
            is_in(range, address.parse().unwrap()),
            inside,
            "{address} in {range}"
        );
    }
}
