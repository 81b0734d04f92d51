//! The connections that a platform's data file names, and the evaluator on policies of its own.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{
    super::{
        data::{Connection, Peer},
        platform::platforms,
        rendered::Rendered,
        rules::report,
    },
    endpoint::Endpoint,
    evaluator::{Target, Verdict, connect},
};

#[test]
fn what_is_needed_is_allowed_and_the_rest_is_refused() {
    report(platforms().flat_map(|platform| {
        let network = &platform.data.expectations.network;
        let each = [(true, &network.allowed), (false, &network.refused)];
        let wrong = move |rendered: &Rendered| {
            let connections = each.into_iter().flat_map(|(allowed, list)| {
                list.iter().map(move |connection| (allowed, connection))
            });
            let about = connections.filter(|(_, it)| it.is_in(&rendered.environment));
            let wrong = about.filter_map(|(allowed, it)| check(rendered, it, allowed).err());
            let line = |problem| format!("{} {}: {problem}", platform.name, rendered.environment);
            wrong.map(line).collect::<Vec<_>>()
        };
        let empty = network.allowed.is_empty() || network.refused.is_empty();
        let says_nothing = empty.then(|| format!("{}: no connection is named", platform.name));
        platform
            .environments
            .iter()
            .flat_map(wrong)
            .chain(says_nothing)
    }));
}

/// Why a connection is not as it is to be.
fn check(rendered: &Rendered, connection: &Connection, allowed: bool) -> Result<(), String> {
    let from = Endpoint::read(rendered, &connection.from)?;
    let to = Endpoint::read(rendered, &connection.to)?;
    let protocol = connection.protocol.as_deref().unwrap_or("TCP");
    let target = Target {
        port: connection.port,
        protocol,
    };
    let what = format!(
        "{} to {} at {protocol} {}",
        from.title, to.title, connection.port
    );
    match connect(rendered, &from, &to, target) {
        Verdict::Allowed if allowed => listens(&connection.to, rendered, &target)
            .map_err(|problem| format!("{what}: {problem}")),
        Verdict::Refused(_) if !allowed => Ok(()),
        Verdict::Allowed => Err(format!("{what} must be refused, and is allowed")),
        Verdict::Perhaps if allowed => Err(format!(
            "{what}: only a block of addresses allows it, which not every network plugin takes for pods"
        )),
        Verdict::Perhaps => Err(format!(
            "{what} must be refused, and a block of addresses may allow it"
        )),
        Verdict::Refused(missing) => Err(format!("{what} is refused: {missing}")),
    }
}

/// That the platform's own pods have the port which they are to be reached at.
fn listens(peer: &Peer, rendered: &Rendered, target: &Target<'_>) -> Result<(), String> {
    let Peer::Workload(name) = peer else {
        return Ok(());
    };
    let pods = super::super::pods::Pods::of(rendered.named(name)?).ok_or("it makes no pods")?;
    let port = pods.port(&json!(target.port));
    port.map(|_| ())
        .ok_or_else(|| format!("no container of it has the port {}", target.port))
}

/// Pods called `app` by their label, in `namespace`, that listen on `web`, 8080.
fn pods(namespace: &str, app: &str) -> Value {
    let port = json!({"name": "web", "containerPort": 8080});
    let template = json!({
        "metadata": {"labels": {"app": app}},
        "spec": {"containers": [{"name": "main", "ports": [port]}]},
    });
    let metadata = json!({"name": app, "namespace": namespace});
    json!({"kind": "Deployment", "metadata": metadata, "spec": {"template": template}})
}

fn policy(spec: &Value) -> Value {
    json!({"kind": "NetworkPolicy", "metadata": {"name": "policy", "namespace": "shop"}, "spec": spec})
}

/// Whether `web` in `shop` reaches `database` in `shop`, and `web` in `other` does, at 8080.
fn reaches(policies: &[Value]) -> [bool; 2] {
    let objects = [
        pods("shop", "web"),
        pods("shop", "database"),
        pods("other", "web"),
    ];
    let rendered = Rendered::of_items(
        objects
            .into_iter()
            .chain(policies.iter().cloned())
            .collect(),
    );
    let peer = |name: &str| Endpoint::read(&rendered, &Peer::Workload(name.to_owned())).unwrap();
    let to = peer("Deployment/database");
    ["Deployment/shop/web", "Deployment/other/web"].map(|from| {
        let target = Target {
            port: 8080,
            protocol: "TCP",
        };
        connect(&rendered, &peer(from), &to, target) == Verdict::Allowed
    })
}

#[test]
fn policies_are_understood_as_a_network_plugin_does() {
    let web = json!({"podSelector": {"matchLabels": {"app": "web"}}});
    let other =
        json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "other"}}});
    let everybody = json!({"namespaceSelector": {}});
    let database = json!({"matchLabels": {"app": "database"}});
    let deny = json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]});
    let lets_in = |from: &[&Value], port: Value| json!({"podSelector": database, "ingress": [{"from": from, "ports": [port]}]});
    let lets_out = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{}]});
    let named = json!({"port": "web"});
    for (policies, reached) in [
        (vec![], [true, true]),
        (vec![deny.clone()], [false, false]),
        (
            vec![deny.clone(), lets_in(&[&web], named.clone())],
            [false, false],
        ),
        (
            vec![
                deny.clone(),
                lets_out.clone(),
                lets_in(&[&web], named.clone()),
            ],
            [true, false],
        ),
        (vec![lets_in(&[&web, &other], named.clone())], [true, true]),
        (vec![lets_in(&[&everybody], named)], [true, true]),
        (
            vec![lets_in(&[&web], json!({"port": 9090}))],
            [false, false],
        ),
        (
            vec![lets_in(&[&web], json!({"port": 8000, "endPort": 8100}))],
            [true, false],
        ),
        (
            vec![lets_in(&[&web], json!({"port": 8080, "protocol": "UDP"}))],
            [false, false],
        ),
        (vec![lets_in(&[], json!({"port": 8080}))], [true, true]),
    ] {
        let policies: Vec<Value> = policies.iter().map(policy).collect();
        assert_eq!(reaches(&policies), reached, "{policies:#?}");
    }
}

#[test]
fn blocks_of_addresses_are_for_what_is_outside() {
    let block = json!({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["192.168.0.0/16"]}});
    let spec = json!({"podSelector": {}, "policyTypes": ["Egress"], "egress": [{"to": [block]}]});
    let items = vec![pods("shop", "web"), pods("shop", "database"), policy(&spec)];
    let rendered = Rendered::of_items(items);
    let from = Endpoint::read(&rendered, &Peer::Workload("Deployment/web".to_owned())).unwrap();
    let address = |address: &str| Peer::Address {
        address: address.to_owned(),
    };
    let pods = Peer::Pods {
        namespace: "shop".to_owned(),
        labels: BTreeMap::new(),
    };
    for (peer, verdict) in [
        (address("203.0.113.9"), Some(Verdict::Allowed)),
        (address("192.168.1.1"), None),
        (pods, Some(Verdict::Perhaps)),
    ] {
        let to = Endpoint::read(&rendered, &peer).unwrap();
        let target = Target {
            port: 443,
            protocol: "TCP",
        };
        let found = connect(&rendered, &from, &to, target);
        match verdict {
            Some(verdict) => assert_eq!(found, verdict, "{}", to.title),
            None => assert!(matches!(found, Verdict::Refused(_)), "{}", to.title),
        }
    }
}
