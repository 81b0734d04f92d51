//! The set is consistent in itself: what is referred to exists, selectors select, the network lets
//! through exactly what is needed, and everything fits the quota.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::rendered::{
    Rendered, all_containers, both, containers, dev, items, mebibytes, millicores, number, plan,
    pod, prod, render, selects, text, title,
};

/// Old API pods that may still be shutting down while new ones start, beside the one that a rollout
/// adds.
pub(super) const SHUTTING_DOWN: u64 = 4;

const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";

/// Declared Secrets and those that cert-manager makes: their keys, and whether each may be left
/// out.
fn secrets(rendered: &Rendered) -> BTreeMap<String, BTreeMap<String, bool>> {
    let plan = plan();
    let declared = items(&plan["secrets"]).map(|secret| {
        let keys = secret["data"]
            .as_object()
            .expect("a declared Secret has data");
        let keys = keys
            .iter()
            .map(|(key, value)| (key.clone(), value["optional"] == true))
            .collect();
        (text(&secret["name"]).to_owned(), keys)
    });
    let issued = rendered.kind("Certificate").map(|certificate| {
        let keys = ["tls.crt", "tls.key"].map(|key| (key.to_owned(), false));
        (
            text(&certificate["spec"]["secretName"]).to_owned(),
            BTreeMap::from(keys),
        )
    });
    declared.chain(issued).collect()
}

/// That the key of the Secret exists, and always does unless the reference is optional.
fn check_secret_key(
    secrets: &BTreeMap<String, BTreeMap<String, bool>>,
    name: &Value,
    key: &Value,
    optional: &Value,
    place: &str,
) {
    let keys = secrets
        .get(text(name))
        .unwrap_or_else(|| panic!("{place} refers to Secret {name}, which nothing declares"));
    let may_be_absent = keys.get(text(key)).unwrap_or_else(|| {
        panic!("{place} refers to key {key} of Secret {name}, which has no such key")
    });
    assert!(
        !may_be_absent || *optional == true,
        "{place}: {name}/{key} may be left out, so the reference must be optional"
    );
}

#[test]
fn every_key_of_a_secret_or_config_map_in_an_environment_exists() {
    for rendered in both() {
        let secrets = secrets(rendered);
        for workload in rendered.workloads() {
            for container in all_containers(workload) {
                let place = format!("{} of {}", container["name"], title(workload));
                for source in items(&container["env"]).map(|entry| &entry["valueFrom"]) {
                    if let Some(reference) = source.get("secretKeyRef") {
                        check_secret_key(
                            &secrets,
                            &reference["name"],
                            &reference["key"],
                            &reference["optional"],
                            &place,
                        );
                    }
                    if let Some(reference) = source.get("configMapKeyRef") {
                        assert!(
                            rendered.get("ConfigMap", text(&reference["name"]))["data"]
                                [text(&reference["key"])]
                            .is_string(),
                            "{place}"
                        );
                    }
                }
                for source in items(&container["envFrom"]) {
                    rendered.get("ConfigMap", text(&source["configMapRef"]["name"]));
                }
            }
        }
    }
}

#[test]
fn every_volume_and_pull_secret_has_its_source() {
    for rendered in both() {
        let secrets = secrets(rendered);
        for workload in rendered.workloads() {
            let place = title(workload);
            for volume in items(&pod(workload)["volumes"]) {
                if let Some(secret) = volume.get("secret") {
                    let keys = secrets
                        .get(text(&secret["secretName"]))
                        .unwrap_or_else(|| panic!("{place}: {secret}"));
                    assert!(
                        keys.values().any(|optional| !optional) || secret["optional"] == true,
                        "{place}: {secret} may be absent altogether"
                    );
                    for item in items(&secret["items"]) {
                        check_secret_key(
                            &secrets,
                            &secret["secretName"],
                            &item["key"],
                            &secret["optional"],
                            &place,
                        );
                    }
                }
                if let Some(config_map) = volume.get("configMap") {
                    rendered.get("ConfigMap", text(&config_map["name"]));
                }
                if let Some(claim) = volume.get("persistentVolumeClaim") {
                    rendered.get("PersistentVolumeClaim", text(&claim["claimName"]));
                }
            }
            for secret in items(&pod(workload)["imagePullSecrets"]) {
                assert!(
                    secrets.contains_key(text(&secret["name"])),
                    "{place}: {secret}"
                );
            }
        }
        for tls in rendered
            .kind("Ingress")
            .flat_map(|ingress| items(&ingress["spec"]["tls"]))
        {
            assert!(secrets.contains_key(text(&tls["secretName"])), "{tls}");
        }
    }
}

#[test]
fn files_that_configurations_name_are_mounted() {
    let secrets = secrets(prod());
    let config = text(&prod().get("ConfigMap", "alertmanager-config")["data"]["alertmanager.yml"]);
    let mount = items(&prod().container("alertmanager", "alertmanager")["volumeMounts"])
        .find(|mount| mount["name"] == "receivers");
    let folder = text(&mount.expect("the receivers are mounted")["mountPath"]);
    let named: BTreeSet<_> = config
        .split(&format!("{folder}/"))
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .collect();
    let declared: BTreeSet<_> = secrets["alertmanager-receivers"]
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(named, declared);
}

#[test]
fn names_of_other_objects_exist() {
    for rendered in both() {
        for workload in rendered.kind("StatefulSet") {
            rendered.get("Service", text(&workload["spec"]["serviceName"]));
        }
        for path in rendered
            .kind("Ingress")
            .flat_map(|it| items(&it["spec"]["rules"]))
            .flat_map(|rule| items(&rule["http"]["paths"]))
        {
            let backend = &path["backend"]["service"];
            let service = rendered.get("Service", text(&backend["name"]));
            assert!(
                items(&service["spec"]["ports"])
                    .any(|port| port["name"] == backend["port"]["name"]),
                "{backend}"
            );
        }
        for certificate in rendered.kind("Certificate") {
            let issuer = &certificate["spec"]["issuerRef"];
            rendered.get(text(&issuer["kind"]), text(&issuer["name"]));
        }
        for binding in rendered.kind("RoleBinding") {
            rendered.get(
                text(&binding["roleRef"]["kind"]),
                text(&binding["roleRef"]["name"]),
            );
            for subject in items(&binding["subjects"]) {
                rendered.get("ServiceAccount", text(&subject["name"]));
                assert_eq!(subject["namespace"], rendered.namespace());
            }
        }
    }
}

/// The labels of a workload's pods.
fn pod_labels(workload: &Value) -> &Value {
    &workload["spec"]["template"]["metadata"]["labels"]
}

/// The one workload whose pods `selector`, that of `item`, selects.
#[track_caller]
fn selected<'a>(rendered: &'a Rendered, item: &Value, selector: &Value) -> &'a Value {
    let selected: Vec<_> = rendered
        .workloads()
        .filter(|workload| selects(selector, pod_labels(workload)))
        .collect();
    assert_eq!(selected.len(), 1, "{}", title(item));
    selected[0]
}

#[test]
fn every_workload_selects_its_own_pods() {
    for workload in both().into_iter().flat_map(Rendered::workloads) {
        let selector = &workload["spec"]["selector"]["matchLabels"];
        assert!(
            selector
                .as_object()
                .is_some_and(|selector| !selector.is_empty())
                && selects(selector, pod_labels(workload)),
            "{}",
            title(workload)
        );
    }
}

#[test]
fn every_service_selects_one_workload_and_leads_to_ports_of_its_containers() {
    for rendered in both() {
        for service in rendered.kind("Service") {
            let mut selector = service["spec"]["selector"].clone();
            // Put on each pod by the StatefulSet itself, so no template has it.
            let pod_name = selector
                .as_object_mut()
                .and_then(|selector| selector.remove(POD_NAME));
            let workload = selected(rendered, service, &selector);
            if let Some(pod_name) = pod_name {
                assert_eq!(
                    pod_name,
                    format!("{}-0", text(&workload["metadata"]["name"]))
                );
            }
            for port in items(&service["spec"]["ports"]) {
                let named = containers(workload)
                    .into_iter()
                    .flat_map(|container| items(&container["ports"]));
                assert_eq!(
                    named
                        .filter(|named| named["name"] == port["targetPort"])
                        .count(),
                    1,
                    "{} {port}",
                    title(service)
                );
            }
        }
    }
}

#[test]
fn every_disruption_budget_selects_one_workload() {
    for rendered in both() {
        for budget in rendered.kind("PodDisruptionBudget") {
            selected(rendered, budget, &budget["spec"]["selector"]["matchLabels"]);
        }
    }
}

#[test]
fn one_autoscaler_scales_a_workload_and_nothing_else_sets_its_replicas() {
    for rendered in both() {
        let mut targets = BTreeSet::new();
        for autoscaler in rendered.kind("HorizontalPodAutoscaler") {
            let target = &autoscaler["spec"]["scaleTargetRef"];
            let workload = rendered.get(text(&target["kind"]), text(&target["name"]));
            assert!(
                workload["spec"].get("replicas").is_none(),
                "{}",
                title(workload)
            );
            assert!(
                targets.insert(title(workload)),
                "two autoscalers act on {}",
                title(workload)
            );
        }
        for workload in rendered
            .workloads()
            .filter(|workload| !targets.contains(&title(workload)))
        {
            assert!(workload["spec"]["replicas"].is_u64(), "{}", title(workload));
        }
    }
}

#[test]
fn two_environments_fit_in_one_cluster() {
    let ids = |rendered: &Rendered| -> BTreeSet<String> {
        let ids: BTreeSet<_> = rendered
            .items
            .iter()
            .map(|item| format!("{} {}", title(item), item["metadata"]["namespace"]))
            .collect();
        assert_eq!(ids.len(), rendered.items.len(), "no object is there twice");
        ids
    };
    assert_eq!(
        ids(dev()).intersection(&ids(prod())).collect::<Vec<_>>(),
        Vec::<&String>::new()
    );
    for rendered in both() {
        for item in rendered
            .items
            .iter()
            .filter(|item| item["kind"] != "Namespace" && item["kind"] != "ClusterIssuer")
        {
            assert_eq!(
                item["metadata"]["namespace"],
                rendered.namespace(),
                "{}",
                title(item)
            );
        }
    }
}

/// Whether a policy's peer is the pods of `app` in the same namespace.
fn is_app(peer: &Value, app: &str) -> bool {
    peer.get("namespaceSelector").is_none() && peer["podSelector"]["matchLabels"]["app"] == app
}

/// Whether a rule about the pods of `app` in `direction` lets `port` through to a peer that
/// `accepts`.
fn lets(
    rendered: &Rendered,
    app: &str,
    direction: &str,
    port: u64,
    accepts: &dyn Fn(&Value) -> bool,
) -> bool {
    let peers = if direction == "ingress" { "from" } else { "to" };
    let about = |policy: &&Value| {
        let selector = &policy["spec"]["podSelector"];
        let listed = items(&selector["matchExpressions"][0]["values"]).any(|value| value == app);
        selector["matchLabels"]["app"] == app || listed
    };
    rendered
        .kind("NetworkPolicy")
        .filter(about)
        .flat_map(|policy| items(&policy["spec"][direction]))
        .any(|rule| {
            assert!(
                rule["ports"].is_array() && rule[peers].is_array(),
                "a rule without ports or peers lets everything through: {rule}"
            );
            items(&rule["ports"]).any(|allowed| allowed["port"] == port)
                && items(&rule[peers]).any(accepts)
        })
}

const APPS: [&str; 5] = ["api", "postgres", "redis", "prometheus", "alertmanager"];

#[test]
fn pods_reach_exactly_those_that_they_need() {
    for rendered in both() {
        let deny = &rendered.get("NetworkPolicy", "default-deny")["spec"];
        assert_eq!(
            *deny,
            serde_json::json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]})
        );
        let ports: BTreeSet<u64> = rendered
            .workloads()
            .flat_map(all_containers)
            .flat_map(|it| items(&it["ports"]))
            .map(|port| number(&port["containerPort"]))
            .collect();
        let mut reached = BTreeSet::new();
        for (from, to) in APPS.into_iter().flat_map(|from| APPS.map(|to| (from, to))) {
            let open = ports.iter().filter(|&&port| {
                lets(rendered, from, "egress", port, &|peer| is_app(peer, to))
                    && lets(rendered, to, "ingress", port, &|peer| is_app(peer, from))
            });
            reached.extend(open.map(|&port| (from, to, port)));
        }
        let needed = [
            ("api", "postgres", 5432),
            ("api", "redis", 6379),
            ("postgres", "postgres", 5432),
            ("prometheus", "alertmanager", 9093),
            ("prometheus", "api", 8000),
            ("prometheus", "postgres", 9187),
            ("prometheus", "redis", 9121),
            ("redis", "redis", 6379),
        ];
        assert_eq!(reached, BTreeSet::from(needed));
    }
}

#[test]
fn the_namespace_is_open_to_exactly_what_is_needed() {
    let namespace = |peer: &Value, name: &str| {
        peer["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"] == name
    };
    for rendered in both() {
        for app in APPS {
            assert!(
                lets(rendered, app, "egress", 53, &|peer| namespace(
                    peer,
                    "kube-system"
                )),
                "{app} resolves names"
            );
            let nginx = lets(rendered, app, "ingress", 8000, &|peer| {
                namespace(peer, "ingress-nginx")
            });
            assert_eq!(nginx, app == "api", "{app} from ingress-nginx");
            let internet = lets(rendered, app, "egress", 443, &|peer| {
                peer["ipBlock"]["cidr"] == "0.0.0.0/0"
            });
            assert_eq!(
                internet,
                ["api", "prometheus", "alertmanager"].contains(&app),
                "{app} to the internet"
            );
            let jaeger = lets(rendered, app, "egress", 4318, &|peer| {
                namespace(peer, "observability")
            });
            assert_eq!(jaeger, app == "api", "{app} to Jaeger");
        }
        let endpoint = text(&rendered.get("ConfigMap", "api-config")["data"]["JAEGER_ENDPOINT"]);
        assert_eq!(endpoint, "http://jaeger-collector.observability:4318");
    }
}

/// What a pod of the workload counts against the quota: the larger of what its containers need
/// together and what any init container needs.
/// <https://kubernetes.io/docs/concepts/workloads/pods/init-containers/#resource-sharing-within-containers>
fn pod_needs(workload: &Value) -> [u64; 4] {
    let each = |container: &Value| {
        let resources = &container["resources"];
        let (requests, limits) = (&resources["requests"], &resources["limits"]);
        [
            millicores(&requests["cpu"]),
            mebibytes(&requests["memory"]),
            millicores(&limits["cpu"]),
            mebibytes(&limits["memory"]),
        ]
    };
    let mut needs = [0; 4];
    for container in containers(workload) {
        needs = std::array::from_fn(|index| needs[index] + each(container)[index]);
    }
    for container in items(&pod(workload)["initContainers"]) {
        needs = std::array::from_fn(|index| needs[index].max(each(container)[index]));
    }
    needs
}

/// Pods, then requests (thousandths of a CPU, mebibytes) and limits of everything at its maximum
/// while the API rolls.
pub(super) fn sums(rendered: &Rendered) -> (u64, [u64; 4]) {
    let mut sums = (0, [0; 4]);
    for workload in rendered.workloads() {
        let autoscaler = rendered.find(
            "HorizontalPodAutoscaler",
            text(&workload["metadata"]["name"]),
        );
        let pods = match autoscaler {
            Some(autoscaler) => {
                let surge = number(&workload["spec"]["strategy"]["rollingUpdate"]["maxSurge"]);
                number(&autoscaler["spec"]["maxReplicas"]) + surge + SHUTTING_DOWN
            }
            None => number(&workload["spec"]["replicas"]),
        };
        let needs = pod_needs(workload);
        sums = (
            sums.0 + pods,
            std::array::from_fn(|index| sums.1[index] + pods * needs[index]),
        );
    }
    sums
}

/// An environment with as many database pods as there may be.
pub(super) fn at_maximum(environment: &'static str) -> Rendered {
    render(
        environment,
        &["--set", "postgres_replicas=3", "--set", "redis_replicas=3"],
    )
}

#[test]
fn everything_fits_the_quota_at_its_maximum() {
    for environment in ["dev", "prod"] {
        let rendered = at_maximum(environment);
        let hard = &rendered.get("ResourceQuota", "ai-imutis")["spec"]["hard"];
        let (pods, needs) = sums(&rendered);
        let allowed = [
            millicores(&hard["requests.cpu"]),
            mebibytes(&hard["requests.memory"]),
            millicores(&hard["limits.cpu"]),
            mebibytes(&hard["limits.memory"]),
        ];
        assert!(
            needs
                .iter()
                .zip(allowed)
                .all(|(need, allowed)| *need <= allowed),
            "{environment}: {needs:?} of {allowed:?}"
        );
        let count = |key: &str| text(&hard[key]).parse::<u64>().expect("a count");
        assert!(pods <= count("pods"), "{environment}: {pods} pods");
        let services = rendered.kind("Service").count() as u64;
        assert!(
            services < count("services"),
            "{environment}: {services} Services, and one more for cert-manager's solver"
        );
        let templates = |workload: &Value| {
            items(&workload["spec"]["volumeClaimTemplates"]).count() as u64
                * workload["spec"]["replicas"].as_u64().unwrap_or(0)
        };
        let claims = rendered.kind("PersistentVolumeClaim").count() as u64
            + rendered.workloads().map(templates).sum::<u64>();
        assert_eq!(claims, count("persistentvolumeclaims"), "{environment}");
    }
}

#[test]
fn containers_stay_within_the_limit_range() {
    let limit = &prod().get("LimitRange", "ai-imutis")["spec"]["limits"][0]["max"];
    for container in prod().workloads().flat_map(all_containers) {
        let limits = &container["resources"]["limits"];
        assert!(
            millicores(&limits["cpu"]) <= millicores(&limit["cpu"])
                && mebibytes(&limits["memory"]) <= mebibytes(&limit["memory"])
        );
    }
}

#[test]
fn the_apis_pools_leave_connections_for_others() {
    for rendered in both() {
        let settings = &rendered.get("ConfigMap", "api-config")["data"];
        assert_eq!(
            (
                text(&settings["WEB_CONCURRENCY"]),
                text(&settings["DATABASE_MAX_OVERFLOW"])
            ),
            ("1", "0"),
            "one pool per pod"
        );
        let pool: u64 = text(&settings["DATABASE_POOL_SIZE"])
            .parse()
            .expect("a number");
        let maximum =
            number(&rendered.get("HorizontalPodAutoscaler", "api")["spec"]["maxReplicas"]);
        let connections = (maximum + 1 + SHUTTING_DOWN) * pool;
        assert!(
            connections <= 180,
            "{}: {connections} connections",
            rendered.environment
        );
    }
}
