//! Every kind whose operator is played: an object of it becomes ready, fails or stays as it is, as
//! its label says, and what its operator makes comes and goes with it.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Deployctl, Sandbox, eventually, namespace, sandbox};

/// A kind whose operator is played.
struct Played {
    api_version: &'static str,
    kind: &'static str,
    /// A specification that real clusters take, as YAML.
    spec: &'static str,
    /// What is said of an object that is well, and of one that fails: where, and what.
    well: (&'static str, &'static str),
    badly: (&'static str, &'static str),
}

const fn played(
    (api_version, kind): (&'static str, &'static str),
    spec: &'static str,
    well: (&'static str, &'static str),
    badly: (&'static str, &'static str),
) -> Played {
    Played {
        api_version,
        kind,
        spec,
        well,
        badly,
    }
}

/// Kinds that are said to be well by the first of their conditions.
const fn by_condition(kind: (&'static str, &'static str), spec: &'static str) -> Played {
    const STATUS: &str = "/status/conditions/0/status";
    played(kind, spec, (STATUS, "True"), (STATUS, "False"))
}

/// The sets that the sandbox of all tests has.
const SHARED: &[Played] = &[
    by_condition(
        ("cert-manager.io/v1", "Certificate"),
        "{secretName: shop, dnsNames: [shop.test], issuerRef: {name: ca}}",
    ),
    by_condition(("cert-manager.io/v1", "Issuer"), "{selfSigned: {}}"),
    by_condition(("cert-manager.io/v1", "ClusterIssuer"), "{selfSigned: {}}"),
    by_condition(("monitoring.coreos.com/v1", "Prometheus"), "{replicas: 2}"),
    by_condition(
        ("monitoring.coreos.com/v1", "Alertmanager"),
        "{replicas: 2}",
    ),
    by_condition(
        ("monitoring.coreos.com/v1", "ThanosRuler"),
        "{queryEndpoints: [\"http://query.test\"]}",
    ),
    by_condition(
        ("keda.sh/v1alpha1", "ScaledObject"),
        "{scaleTargetRef: {name: web}, minReplicaCount: 0, maxReplicaCount: 8, triggers: [\
            {type: redis, metadata: {address: \"redis:6379\", listName: jobs, listLength: \"10\"}}, \
            {type: cpu, metricType: Utilization, metadata: {value: \"75\"}}]}",
    ),
    by_condition(
        ("keda.sh/v1alpha1", "ScaledJob"),
        "{jobTargetRef: {template: {spec: {restartPolicy: Never, containers: [{name: job, image: job}]}}}, \
          triggers: [{type: redis, metadata: {address: \"redis:6379\", listName: jobs, listLength: \"10\"}}]}",
    ),
];

/// The sets that only the operators' own sandbox has.
const SETS: &str =
    "external-secrets,gateway-api,vpa,zalando,sealed-secrets,argo-cd,snapshotter,velero";

const GATEWAY_ROUTE: (&str, &str) = ("/status/parents/0/conditions/1/status", "True");
const GATEWAY_ROUTE_FAILS: (&str, &str) = ("/status/parents/0/conditions/1/status", "False");

const OWN: &[Played] = &[
    by_condition(
        ("external-secrets.io/v1", "SecretStore"),
        "{provider: {aws: {service: SecretsManager, region: eu-west-1}}}",
    ),
    by_condition(
        ("external-secrets.io/v1", "ClusterSecretStore"),
        "{provider: {aws: {service: SecretsManager, region: eu-west-1}}}",
    ),
    by_condition(
        ("external-secrets.io/v1", "ExternalSecret"),
        "{secretStoreRef: {name: played-good}, target: {name: from-store, template: {type: kubernetes.io/basic-auth, \
            metadata: {labels: {tier: data}}, data: {username: shop, password: \"{{ .secret }}\"}}}, \
          data: [{secretKey: secret, remoteRef: {key: shop/database, property: password}}]}",
    ),
    by_condition(
        ("external-secrets.io/v1alpha1", "PushSecret"),
        "{secretStoreRefs: [{name: played-good}], selector: {secret: {name: from-store}}, \
          data: [{match: {secretKey: password, remoteRef: {remoteKey: shop}}}]}",
    ),
    by_condition(
        ("bitnami.com/v1alpha1", "SealedSecret"),
        "{encryptedData: {token: AgBy3i4OJSWK}, template: {metadata: {labels: {tier: web}}, data: {url: \"http://{{ .token }}@web\"}}}",
    ),
    by_condition(
        ("gateway.networking.k8s.io/v1", "GatewayClass"),
        "{controllerName: gateway.nginx.org/nginx-gateway-controller}",
    ),
    by_condition(
        ("gateway.networking.k8s.io/v1", "Gateway"),
        "{gatewayClassName: played-good, listeners: [{name: http, port: 80, protocol: HTTP}, \
            {name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]}",
    ),
    by_condition(
        ("gateway.networking.k8s.io/v1", "ListenerSet"),
        "{parentRef: {name: played-good}, listeners: [{name: more, port: 8080, protocol: HTTP}]}",
    ),
    played(
        ("gateway.networking.k8s.io/v1", "HTTPRoute"),
        "{parentRefs: [{name: played-good, sectionName: http}], rules: [{backendRefs: [{name: web, port: 80}]}]}",
        GATEWAY_ROUTE,
        GATEWAY_ROUTE_FAILS,
    ),
    played(
        ("gateway.networking.k8s.io/v1", "GRPCRoute"),
        "{parentRefs: [{name: played-good}], rules: [{backendRefs: [{name: web, port: 80}]}]}",
        GATEWAY_ROUTE,
        GATEWAY_ROUTE_FAILS,
    ),
    played(
        ("gateway.networking.k8s.io/v1", "TLSRoute"),
        "{parentRefs: [{name: played-good, sectionName: tls}], hostnames: [shop.test], rules: [{backendRefs: [{name: web, port: 80}]}]}",
        GATEWAY_ROUTE,
        GATEWAY_ROUTE_FAILS,
    ),
    played(
        ("gateway.networking.k8s.io/v1", "BackendTLSPolicy"),
        "{targetRefs: [{group: \"\", kind: Service, name: web}], validation: {hostname: web.test, wellKnownCACertificates: System}}",
        ("/status/ancestors/0/conditions/0/status", "True"),
        ("/status/ancestors/0/conditions/0/status", "False"),
    ),
    by_condition(
        ("autoscaling.k8s.io/v1", "VerticalPodAutoscaler"),
        "{targetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, updatePolicy: {updateMode: \"Off\"}}",
    ),
    played(
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshot"),
        "{volumeSnapshotClassName: disks, source: {persistentVolumeClaimName: data}}",
        ("/status/readyToUse", "true"),
        ("/status/readyToUse", "false"),
    ),
    played(
        ("snapshot.storage.k8s.io/v1", "VolumeSnapshotContent"),
        "{deletionPolicy: Retain, driver: disks.test, source: {snapshotHandle: there}, volumeSnapshotRef: {name: old, namespace: default}}",
        ("/status/readyToUse", "true"),
        ("/status/readyToUse", "false"),
    ),
    played(
        ("velero.io/v1", "BackupStorageLocation"),
        "{provider: aws, objectStorage: {bucket: backups}}",
        ("/status/phase", "Available"),
        ("/status/phase", "Unavailable"),
    ),
    played(
        ("velero.io/v1", "Schedule"),
        "{schedule: \"0 1 * * *\", template: {ttl: 720h0m0s}}",
        ("/status/phase", "Enabled"),
        ("/status/phase", "FailedValidation"),
    ),
    played(
        ("velero.io/v1", "Backup"),
        "{ttl: 720h0m0s}",
        ("/status/phase", "Completed"),
        ("/status/phase", "Failed"),
    ),
    played(
        ("velero.io/v1", "Restore"),
        "{backupName: played-good}",
        ("/status/phase", "Completed"),
        ("/status/phase", "Failed"),
    ),
    played(
        ("argoproj.io/v1alpha1", "Application"),
        "{project: shop, source: {repoURL: \"https://git.test/shop\", path: web}, destination: {namespace: shop}}",
        ("/status/health/status", "Healthy"),
        ("/status/health/status", "Degraded"),
    ),
    played(
        ("argoproj.io/v1alpha1", "ApplicationSet"),
        "{generators: [], template: {metadata: {name: a}, spec: {project: shop, destination: {namespace: shop}, \
            source: {repoURL: \"https://git.test/shop\", path: web}}}}",
        ("/status/conditions/2/status", "True"),
        ("/status/conditions/2/status", "False"),
    ),
    played(
        ("acid.zalan.do/v1", "postgresql"),
        "{teamId: acid, numberOfInstances: 2, volume: {size: 10Gi}, users: {shop_owner: []}, databases: {shop: shop_owner}, \
          postgresql: {version: \"15\"}}",
        ("/status/PostgresClusterStatus", "Running"),
        ("/status/PostgresClusterStatus", "CreateFailed"),
    ),
];

/// What the objects above refer to.
const AROUND: &str = "
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template: {metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 3Gi}}}
---
";
const SNAPSHOT_CLASS: &str = "apiVersion: snapshot.storage.k8s.io/v1\nkind: VolumeSnapshotClass\n\
    metadata: {name: disks}\ndriver: disks.test\ndeletionPolicy: Delete\n---\n";

/// A name for each fault. What stays as it is comes first: when the rest has been played, its turn
/// has been.
const FAULTS: [(&str, &str); 3] = [
    ("played-mute", "silent"),
    ("played-bad", "fails"),
    ("played-good", "none"),
];

fn manifests(kinds: &[Played]) -> String {
    let all = FAULTS.iter().flat_map(|(name, fault)| {
        kinds.iter().map(move |it| {
            let (api_version, kind, spec) = (it.api_version, it.kind, it.spec);
            format!(
                "apiVersion: {api_version}\nkind: {kind}\n\
                 metadata: {{name: {name}, labels: {{sandbox.deployctl.dev/fault: {fault}}}}}\nspec: {spec}\n---\n"
            )
        })
    });
    all.collect()
}

/// Whether the object says `what` at `place`.
fn says(object: &Value, (place, what): (&str, &str)) -> bool {
    object.pointer(place).is_some_and(|value| match value {
        Value::String(text) => text == what,
        other => serde_json::from_str::<Value>(what).is_ok_and(|what| *other == what),
    })
}

/// Creates objects of all `kinds`, and waits until each of them is as its label says.
fn play(cluster: &Sandbox, namespace: &str, kinds: &[Played]) {
    let manifests = manifests(kinds);
    cluster.kubectl(&["apply", "-n", namespace, "-f", "-"], &manifests);
    let look = || -> Vec<Value> {
        let list = cluster.kubectl(
            &["get", "-n", namespace, "-f", "-", "-o", "json"],
            &manifests,
        );
        let mut list: Value = serde_json::from_str(&list).unwrap();
        serde_json::from_value(list["items"].take()).unwrap()
    };
    let objects = eventually("all operators have done their part", || {
        let objects = look();
        let (bad, good) = (
            &objects[kinds.len()..2 * kinds.len()],
            &objects[2 * kinds.len()..],
        );
        let done = kinds
            .iter()
            .enumerate()
            .all(|(index, it)| says(&good[index], it.well) && says(&bad[index], it.badly));
        done.then_some(objects)
    });
    for (object, it) in objects.iter().zip(kinds) {
        assert!(
            !says(object, it.well) && !says(object, it.badly),
            "{object:#}"
        );
    }
    let list =
        serde_json::json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
    let verdicts = Deployctl::new()
        .args(["readiness", "-f", "-", "-o", "json"])
        .stdin(list)
        .run();
    for (line, object) in verdicts.stdout.lines().zip(&objects) {
        let verdict: Value = serde_json::from_str(line).unwrap();
        let is_good = object["metadata"]["name"] == "played-good";
        // What its recommender says of it is not waited for.
        let is_judged = is_good || object["kind"] != "VerticalPodAutoscaler";
        assert!(
            !is_judged || (verdict["verdict"] == "ready") == is_good,
            "{verdict} of {object:#}"
        );
    }
}

#[test]
fn what_the_shared_sandbox_serves_becomes_ready_fails_or_stays_silent() {
    let namespace = namespace("played");
    sandbox().kubectl(&["apply", "-n", &namespace, "-f", "-"], AROUND);
    play(sandbox(), &namespace, SHARED);
    let get = |what: &str| get(sandbox(), &namespace, what);
    let autoscaler = get("hpa/keda-hpa-played-good");
    assert_eq!(autoscaler["spec"]["scaleTargetRef"]["name"], "web");
    assert_eq!(autoscaler["spec"]["minReplicas"], 1);
    assert_eq!(autoscaler["spec"]["maxReplicas"], 8);
    let metrics = &autoscaler["spec"]["metrics"];
    assert_eq!(metrics[0]["external"]["metric"]["name"], "s0-redis");
    assert_eq!(metrics[0]["external"]["target"]["averageValue"], "10");
    assert_eq!(metrics[1]["resource"]["target"]["averageUtilization"], 75);
    assert_eq!(get("hpa/keda-hpa-played-bad"), Value::Null);
    let delete = ["delete", "-n", &namespace, "scaledobject/played-good"];
    sandbox().kubectl(&delete, "");
    eventually("the autoscaler goes with what it was made for", || {
        get("hpa/keda-hpa-played-good").is_null().then_some(())
    });
}

/// An object, and null where there is none.
fn get(cluster: &Sandbox, namespace: &str, what: &str) -> Value {
    let found = cluster.kubectl(
        &[
            "get",
            "-n",
            namespace,
            what,
            "-o",
            "json",
            "--ignore-not-found",
        ],
        "",
    );
    serde_json::from_str(&found).unwrap_or_default()
}

#[test]
fn what_the_platforms_need_becomes_ready_fails_or_stays_silent() {
    let cluster = Sandbox::start("operators", SETS);
    let around = AROUND.to_owned() + SNAPSHOT_CLASS;
    cluster.kubectl(&["apply", "-n", "default", "-f", "-"], &around);
    play(&cluster, "default", OWN);
    secrets_are_made(&cluster);
    a_database_is_made(&cluster);
    a_content_is_made(&cluster);
    gateways_tell_of_their_listeners(&cluster);
    made_objects_go_with_their_owners(&cluster);
    what_is_missing_is_waited_for(&cluster);
    a_change_is_followed(&cluster);
}

fn keys(secret: &Value) -> Vec<&String> {
    secret["data"]
        .as_object()
        .map(|data| data.keys().collect())
        .unwrap_or_default()
}

fn secrets_are_made(cluster: &Sandbox) {
    let secret = get(cluster, "default", "secret/from-store");
    assert_eq!(keys(&secret), ["password", "username"]);
    assert_eq!(secret["type"], "kubernetes.io/basic-auth");
    assert_eq!(secret["metadata"]["labels"]["tier"], "data");
    assert_eq!(
        secret["metadata"]["ownerReferences"][0]["kind"],
        "ExternalSecret"
    );
    assert_eq!(secret["data"]["username"], "c2hvcA==");
    assert_ne!(secret["data"]["password"], "e3sgLnNlY3JldCB9fQ==");
    let secret = get(cluster, "default", "secret/played-good");
    assert_eq!(keys(&secret), ["token", "url"]);
    assert_eq!(secret["metadata"]["labels"]["tier"], "web");
    assert_eq!(get(cluster, "default", "secret/played-bad"), Value::Null);
}

fn a_database_is_made(cluster: &Sandbox) {
    let get = |what: &str| get(cluster, "default", what);
    let secret = get("secret/shop-owner.played-good.credentials.postgresql.acid.zalan.do");
    assert_eq!(keys(&secret), ["password", "username"]);
    assert_eq!(secret["data"]["username"], "c2hvcF9vd25lcg==");
    assert!(!get("secret/postgres.played-good.credentials.postgresql.acid.zalan.do").is_null());
    let set = get("statefulset/played-good");
    assert_eq!(set["spec"]["replicas"], 2);
    let claim = &set["spec"]["volumeClaimTemplates"][0]["spec"];
    assert_eq!(claim["resources"]["requests"]["storage"], "10Gi");
    for service in ["service/played-good", "service/played-good-repl"] {
        assert_eq!(get(service)["spec"]["ports"][0]["port"], 5432);
    }
    assert_eq!(get("statefulset/played-bad"), Value::Null);
}

fn a_content_is_made(cluster: &Sandbox) {
    let snapshot = get(cluster, "default", "volumesnapshot/played-good");
    assert_eq!(snapshot["status"]["restoreSize"], "3Gi");
    let name = snapshot["status"]["boundVolumeSnapshotContentName"]
        .as_str()
        .unwrap();
    let content = get(cluster, "default", &format!("volumesnapshotcontent/{name}"));
    assert_eq!(content["spec"]["driver"], "disks.test");
    assert_eq!(content["spec"]["volumeSnapshotRef"]["name"], "played-good");
    assert_eq!(content["status"]["readyToUse"], true);
}

fn gateways_tell_of_their_listeners(cluster: &Sandbox) {
    let status = &get(cluster, "default", "gateway/played-good")["status"];
    assert!(
        status["addresses"][0]["value"]
            .as_str()
            .unwrap()
            .starts_with("203.0.113.")
    );
    assert_eq!(status["listeners"][0]["name"], "http");
    assert_eq!(
        status["listeners"][0]["supportedKinds"][0]["kind"],
        "HTTPRoute"
    );
    assert_eq!(
        status["listeners"][1]["supportedKinds"][0]["kind"],
        "TLSRoute"
    );
}

fn made_objects_go_with_their_owners(cluster: &Sandbox) {
    let owners = [
        "externalsecret",
        "sealedsecret",
        "postgresql",
        "volumesnapshot",
    ];
    for owner in owners {
        cluster.kubectl(
            &["delete", "-n", "default", &format!("{owner}/played-good")],
            "",
        );
    }
    eventually("what was made goes with its owner", || {
        let kinds = "secrets,statefulsets,volumesnapshotcontents,pods";
        let left = cluster.kubectl(&["get", "-n", "default", kinds, "-o", "name"], "");
        let is_made = |line: &&str| !line.contains("/web-") && !line.contains("/played-");
        // The contents that were there before are of nobody.
        let gone = !left
            .lines()
            .any(|line| is_made(&line) || line.contains("secret/"));
        (gone && !left.contains("statefulset")).then_some(())
    });
}

fn what_is_missing_is_waited_for(cluster: &Sandbox) {
    let route = "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: late}\n\
        spec: {parentRefs: [{name: played-good}], rules: [{backendRefs: [{name: late, port: 80}]}]}\n---\n\
        apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {name: late}\n\
        spec: {secretStoreRef: {name: late}, data: [{secretKey: key, remoteRef: {key: shop}}]}\n";
    cluster.kubectl(&["apply", "-n", "default", "-f", "-"], route);
    let message = |what: &str, place: &str| {
        let object = get(cluster, "default", what);
        object
            .pointer(place)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let of_route = || message("httproute/late", "/status/parents/0/conditions/1/message");
    let of_secret = || message("externalsecret/late", "/status/conditions/0/message");
    let of_both = || of_route().zip(of_secret());
    let (route, secret) = eventually("both tell what they lack", of_both);
    assert!(route.ends_with("Service \"late\" not found"), "{route}");
    assert!(
        secret.ends_with("SecretStore \"late\" not found"),
        "{secret}"
    );
    let lacking = "apiVersion: v1\nkind: Service\nmetadata: {name: late}\nspec: {ports: [{port: 80}]}\n---\n\
        apiVersion: external-secrets.io/v1\nkind: SecretStore\nmetadata: {name: late}\n\
        spec: {provider: {aws: {service: SecretsManager, region: eu-west-1}}}\n";
    cluster.kubectl(&["apply", "-n", "default", "-f", "-"], lacking);
    eventually("both have what they lacked", || {
        let (route, secret) = of_both()?;
        (route == "all references are resolved" && secret == "secret synced").then_some(())
    });
}

fn a_change_is_followed(cluster: &Sandbox) {
    let change = r#"{"metadata":{"annotations":{"sandbox.deployctl.dev/keys":"one, two"}},
        "spec":{"data":[{"secretKey":"other","remoteRef":{"key":"shop"}}]}}"#;
    cluster.kubectl(
        &[
            "patch",
            "-n",
            "default",
            "externalsecret/late",
            "--type=merge",
            "-p",
            change,
        ],
        "",
    );
    eventually("the Secret has the keys that are asked for", || {
        let secret = get(cluster, "default", "secret/late");
        (keys(&secret) == ["one", "other", "two"]).then_some(())
    });
    let heal = [
        "label",
        "backups.velero.io/played-bad",
        "sandbox.deployctl.dev/fault-",
    ];
    cluster.kubectl(&heal, "");
    eventually(
        "what failed is well, and says nothing of its failure",
        || {
            let status = &get(cluster, "default", "backups.velero.io/played-bad")["status"];
            (status["phase"] == "Completed" && status["failureReason"].is_null()).then_some(())
        },
    );
}

#[test]
fn every_kind_that_the_document_names_is_tried() {
    let document = std::fs::read_to_string("docs/sandbox.md").unwrap();
    let (_, table) = document.split_once("| operator | kinds |").unwrap();
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'));
    let named: BTreeSet<&str> = rows
        .flat_map(|row| row.split('|').nth(2).unwrap_or_default().split(','))
        .map(str::trim)
        .collect();
    let tried = SHARED.iter().chain(OWN).map(|it| it.kind).collect();
    assert_eq!(named, tried);
}
