//! Assignment and order, rule by rule.

use std::{collections::HashMap, path::Path, sync::Arc, time::Duration};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{
    Ordered, assign, declare_hooks, order, reason::PhaseReason, table::documentation::tables,
};
use crate::{
    object::{ChartPart, Hook, HookEvent, Object, ObjectId, Origin, PhaseHint, References},
    plan::{Conditions, FailureBudget, Match, OnFailure, PhaseSettings},
};

const SEVEN: [&str; 7] = [
    "namespace",
    "secrets",
    "storage",
    "databases",
    "apps",
    "monitoring",
    "ingress",
];

fn phases() -> Vec<PhaseSettings> {
    let after = |index: usize| {
        if index == 0 {
            Vec::new()
        } else {
            vec![SEVEN[index - 1].to_owned()]
        }
    };
    SEVEN
        .iter()
        .enumerate()
        .map(|(index, name)| phase(name, after(index)))
        .collect()
}

fn phase(name: &str, after: Vec<String>) -> PhaseSettings {
    PhaseSettings {
        name: name.to_owned(),
        after,
        matches: Vec::new(),
        conditions: Conditions::default(),
        timeout: Duration::from_secs(1),
        failure_budget: FailureBudget::default(),
        on_failure: OnFailure::Rollback,
        expects: Vec::new(),
    }
}

/// The objects in a text of YAML-like JSON values; all are in namespace `shop` but for those of
/// cluster-scoped kinds.
fn objects(values: Vec<Value>) -> IndexMap<ObjectId, Object> {
    let cluster = [
        "Namespace",
        "CustomResourceDefinition",
        "ClusterRole",
        "ClusterRoleBinding",
        "StorageClass",
        "ClusterIssuer",
        "PriorityClass",
        "ValidatingWebhookConfiguration",
    ];
    let object = |mut value: Value| {
        if !cluster.contains(&value["kind"].as_str().unwrap()) {
            value["metadata"]["namespace"] = json!("shop");
        }
        let id = ObjectId::of(&value).unwrap();
        let origin = Origin {
            file: Arc::from(Path::new("a.yaml")),
            line: 1,
        };
        (
            id.clone(),
            Object {
                id,
                api_version: value["apiVersion"].as_str().unwrap().to_owned(),
                body: Arc::new(value),
                origin,
            },
        )
    };
    values.into_iter().map(object).collect()
}

fn value(version: &str, kind: &str, name: &str, rest: impl Into<Value>) -> Value {
    let mut value = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    for (key, entry) in rest.into().as_object().unwrap() {
        if key == "labels" {
            value["metadata"]["labels"] = entry.clone();
        } else {
            value[key] = entry.clone();
        }
    }
    value
}

fn workload(kind: &str, name: &str, image: &str, mut pod: Value) -> Value {
    pod["containers"] = json!([{"name": "main", "image": image}]);
    value(
        "apps/v1",
        kind,
        name,
        json!({"spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": pod}}}),
    )
}

fn plain(version: &str, kind: &str, name: &str) -> Value {
    value(version, kind, name, json!({}))
}

/// `KIND/NAME PHASE (REASON)` of every object.
fn placed(
    values: Vec<Value>,
    hints: &[(&str, PhaseHint)],
    phases: &[PhaseSettings],
) -> (Vec<String>, Vec<String>) {
    let objects = objects(values);
    let hints: HashMap<ObjectId, PhaseHint> = hints
        .iter()
        .map(|(name, hint)| {
            (
                objects.keys().find(|id| id.name == *name).unwrap().clone(),
                hint.clone(),
            )
        })
        .collect();
    match assign(&objects, &hints, &References::between(&objects), phases) {
        Ok(assignment) => (
            assignment
                .placements
                .iter()
                .map(|(id, placement)| {
                    format!(
                        "{}/{} {} ({})",
                        id.kind, id.name, phases[placement.phase].name, placement.reason
                    )
                })
                .collect(),
            assignment
                .warnings
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
        Err(problems) => (
            Vec::new(),
            problems.iter().map(ToString::to_string).collect(),
        ),
    }
}

fn path(path: &str) -> PhaseHint {
    PhaseHint {
        path: path.into(),
        file: Path::new("../manifests").join(path),
        ..PhaseHint::default()
    }
}

/// Asserts that each object goes where it says beside it, `PHASE (REASON)`, and that nothing is
/// warned of.
#[track_caller]
fn assert_placed<const COUNT: usize>(cases: [(Value, &str); COUNT]) {
    let expected = cases.each_ref().map(|(object, place)| {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (kind, name) = (text(&object["kind"]), text(&object["metadata"]["name"]));
        format!("{kind}/{name} {place}")
    });
    let values = cases.into_iter().map(|(object, _)| object).collect();
    let (placements, warnings) = placed(values, &[], &phases());
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(placements, expected);
}

#[test]
fn kinds_go_where_the_table_says() {
    let deployment = |name, image| workload("Deployment", name, image, json!({}));
    let stateful_set = |name, image| workload("StatefulSet", name, image, json!({}));
    let crd = plain("apiextensions.k8s.io/v1", "CustomResourceDefinition", "crd");
    let all_pods = json!({"spec": {"podSelector": {}}});
    let deny = value("networking.k8s.io/v1", "NetworkPolicy", "deny", all_pods);
    let pod = json!({"spec": {"containers": [{"image": "postgres:16"}]}});
    let migrate = value(
        "batch/v1",
        "Job",
        "migrate",
        json!({"spec": {"template": pod}}),
    );
    let monitor = plain("monitoring.coreos.com/v1", "ServiceMonitor", "monitor");
    let label = json!({"labels": {"grafana_dashboard": "1"}});
    let dashboard = value("v1", "ConfigMap", "dashboard", label);
    assert_placed([
        (plain("v1", "Namespace", "shop"), "namespace (kind)"),
        (plain("v1", "ResourceQuota", "quota"), "namespace (kind)"),
        (crd, "namespace (kind)"),
        (deny, "namespace (kind)"),
        (plain("v1", "Secret", "secret"), "secrets (kind)"),
        (
            plain("v1", "PersistentVolumeClaim", "claim"),
            "storage (kind)",
        ),
        (
            plain("storage.k8s.io/v1", "StorageClass", "fast"),
            "storage (kind)",
        ),
        (
            stateful_set("data", "docker.io/postgis/postgis:16-3.4"),
            "databases (image `postgis`)",
        ),
        (
            stateful_set("shop-mongodb", "registry/own:1"),
            "databases (a StatefulSet with `mongodb` in its name)",
        ),
        (deployment("cache", "redis:7"), "databases (image `redis`)"),
        (deployment("api", "own:1"), "apps (kind)"),
        (migrate, "apps (kind)"),
        (
            deployment("prom", "prom/prometheus:v3"),
            "monitoring (image `prometheus`)",
        ),
        (
            deployment("exporter", "x/postgres-exporter:1"),
            "monitoring (image `postgres-exporter`)",
        ),
        (monitor, "monitoring (kind)"),
        (dashboard, "monitoring (label `grafana_dashboard`)"),
        (
            plain("networking.k8s.io/v1", "Ingress", "web"),
            "ingress (kind)",
        ),
        (
            plain("cert-manager.io/v1", "Certificate", "tls"),
            "ingress (kind)",
        ),
        (plain("example.test/v1", "Widget", "other"), "apps (kind)"),
    ]);
}

const IN_APPS: &str = "apps (kind)";
const FOLLOWS_API: &str = "apps (follows Deployment/shop/api)";
const IN_DATABASES: &str = "databases (image `postgres`)";
const FOLLOWS_DB: &str = "databases (follows StatefulSet/shop/db)";

/// A Deployment of the phase `apps`.
fn api() -> Value {
    let volumes = json!([{"configMap": {"name": "shared"}}, {"configMap": {"name": "api"}}]);
    workload("Deployment", "api", "own:1", json!({"volumes": volumes}))
}

/// A StatefulSet of the phase `databases`, which is before that of the Deployment.
fn db() -> Value {
    let volumes = json!([{"configMap": {"name": "shared"}}, {"secret": {"secretName": "db-tls"}}]);
    let pod = json!({"serviceAccountName": "db", "volumes": volumes});
    workload("StatefulSet", "db", "postgres:16", pod)
}

#[test]
fn what_a_workload_uses_follows_it() {
    let binding = value(
        "rbac.authorization.k8s.io/v1",
        "RoleBinding",
        "db",
        json!({"roleRef": {"kind": "Role", "name": "reader"}, "subjects": [{"kind": "ServiceAccount", "name": "db"}]}),
    );
    let role = |name| plain("rbac.authorization.k8s.io/v1", "Role", name);
    let certificate = value(
        "cert-manager.io/v1",
        "Certificate",
        "db",
        json!({"spec": {"secretName": "db-tls", "issuerRef": {"name": "ca", "kind": "ClusterIssuer"}}}),
    );
    let issuer = plain("cert-manager.io/v1", "ClusterIssuer", "ca");
    assert_placed([
        (api(), IN_APPS),
        (db(), IN_DATABASES),
        (plain("v1", "ConfigMap", "shared"), FOLLOWS_DB),
        (plain("v1", "ConfigMap", "api"), FOLLOWS_API),
        (plain("v1", "ConfigMap", "unused"), IN_APPS),
        (plain("v1", "ServiceAccount", "db"), FOLLOWS_DB),
        (binding, FOLLOWS_DB),
        (role("reader"), FOLLOWS_DB),
        (role("other"), "namespace (kind)"),
        (certificate, FOLLOWS_DB),
        (issuer, "databases (follows Certificate/shop/db)"),
    ]);
}

#[test]
fn what_selects_or_scales_a_workload_follows_it() {
    let service = |name: &str, selector: Value| {
        value(
            "v1",
            "Service",
            name,
            json!({"spec": {"selector": selector}}),
        )
    };
    let primary = json!({"app": "db", "statefulset.kubernetes.io/pod-name": "db-0"});
    let first = json!({"app": "db", "apps.kubernetes.io/pod-index": "0"});
    let foreign = json!({"statefulset.kubernetes.io/pod-name": "other-0"});
    let labels = json!({"matchLabels": {"app": "db"}});
    let budget = json!({"spec": {"selector": labels}});
    let policy = json!({"spec": {"podSelector": labels}});
    let autoscaler = value(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "api",
        json!({"spec": {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api"}}}),
    );
    assert_placed([
        (api(), IN_APPS),
        (db(), IN_DATABASES),
        (service("db", json!({"app": "db"})), FOLLOWS_DB),
        (service("primary", primary), FOLLOWS_DB),
        (service("first", first), FOLLOWS_DB),
        (service("foreign", foreign), IN_APPS),
        (
            value("policy/v1", "PodDisruptionBudget", "db", budget),
            FOLLOWS_DB,
        ),
        (
            value("networking.k8s.io/v1", "NetworkPolicy", "db", policy),
            FOLLOWS_DB,
        ),
        (autoscaler, FOLLOWS_API),
    ]);
}

/// The phases, of which `monitoring` and `ingress` have `match`.
fn phases_with_matches() -> Vec<PhaseSettings> {
    let mut phases = phases();
    phases[5].matches = vec![
        Match {
            kind: Some("Service".to_owned()),
            name: Some("m-*".to_owned()),
            ..Match::default()
        },
        Match {
            file: Some("../manifests/watch/**".to_owned()),
            ..Match::default()
        },
    ];
    phases[6].matches = vec![Match {
        labels: IndexMap::from([("tier".to_owned(), "edge".to_owned())]),
        ..Match::default()
    }];
    phases
}

#[test]
fn what_was_written_down_decides_in_its_order() {
    let annotated = PhaseHint {
        annotation: Some("storage".to_owned()),
        ..path("apps/x.yaml")
    };
    let services =
        ["a", "m-one", "b", "c", "d", "e", "f", "g"].map(|name| plain("v1", "Service", name));
    let mut values = services.to_vec();
    values.push(value(
        "v1",
        "Service",
        "m-edge",
        json!({"labels": {"tier": "edge"}}),
    ));
    values.push(value(
        "v1",
        "Secret",
        "edge",
        json!({"labels": {"tier": "edge"}}),
    ));
    let hints = [
        ("a", annotated),
        ("m-one", path("shop/apps/x.yaml")),
        ("b", path("shop/03-databases/x.yaml")),
        ("c", path("shop/databases/03-monitoring.yaml")),
        ("d", path("shop/apps/deep/er/x.yaml")),
        ("e", path("shop/Secret.yaml")),
        ("f", path("watch/x.yaml")),
        ("g", path("shop/3databases-x/x.yaml")),
    ];
    let (placements, _) = placed(values, &hints, &phases_with_matches());
    assert_eq!(
        placements,
        [
            "Service/a storage (annotation `deployctl.dev/phase`)",
            "Service/m-one monitoring (match `kind: Service, name: m-*`)",
            "Service/b databases (folder `03-databases`)",
            "Service/c monitoring (file name `03-monitoring.yaml`)",
            "Service/d apps (folder `apps`)",
            "Service/e secrets (file name `Secret.yaml`)",
            "Service/f monitoring (match `file: ../manifests/watch/**`)",
            "Service/g apps (kind)",
            "Service/m-edge monitoring (match `kind: Service, name: m-*`)",
            "Secret/edge ingress (match `tier=edge`)",
        ]
    );
}

#[test]
fn an_unknown_phase_is_an_error() {
    let hint = PhaseHint {
        annotation: Some("app".to_owned()),
        ..PhaseHint::default()
    };
    let (_, errors) = placed(vec![plain("v1", "Service", "a")], &[("a", hint)], &phases());
    assert!(
        errors[0].starts_with(
            "a.yaml:1: Service/shop/a: the annotation `deployctl.dev/phase` names the phase `app`"
        ),
        "{errors:?}"
    );
    assert!(
        errors[0].ends_with("use one of `namespace`, `secrets`, `storage`, `databases`, `apps`, `monitoring`, `ingress`"),
        "{errors:?}"
    );
}

#[test]
fn needs_of_a_later_phase_are_said_unless_they_can_be_moved() {
    let pod = json!({"volumes": [{"configMap": {"name": "late"}}, {"persistentVolumeClaim": {"claimName": "claim"}}]});
    let hints = [
        ("db", path("secrets/db.yaml")),
        ("late", path("ingress/late.yaml")),
    ];
    let values = vec![
        workload("StatefulSet", "db", "postgres:16", pod),
        plain("v1", "ConfigMap", "late"),
        value(
            "v1",
            "PersistentVolumeClaim",
            "claim",
            json!({"spec": {"storageClassName": "fast"}}),
        ),
        plain("storage.k8s.io/v1", "StorageClass", "fast"),
    ];
    let (placements, warnings) = placed(values.clone(), &hints, &phases());
    assert_eq!(
        placements[2],
        "PersistentVolumeClaim/claim secrets (follows StatefulSet/shop/db)"
    );
    assert_eq!(
        placements[3],
        "StorageClass/fast secrets (follows PersistentVolumeClaim/shop/claim)"
    );
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(
        warnings[0]
            .contains("needs ConfigMap/shop/late, which is in phase `ingress` (folder `ingress`)"),
        "{warnings:?}"
    );

    let parallel = vec![phase("one", vec![]), phase("two", vec![])];
    let hints = [
        ("db", path("two/x.yaml")),
        ("late", path("one/x.yaml")),
        ("claim", path("two/x.yaml")),
        ("fast", path("two/x.yaml")),
    ];
    assert_eq!(
        placed(values, &hints, &parallel).1.len(),
        1,
        "phases that run side by side"
    );
}

/// A definition of the kind Widget, and a Widget.
fn defined_kind() -> [Value; 2] {
    let names = json!({"spec": {"group": "example.test", "names": {"kind": "Widget"}}});
    [
        value(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "widgets",
            names,
        ),
        plain("example.test/v1", "Widget", "w"),
    ]
}

#[test]
fn what_an_object_cannot_exist_without_comes_before_it_whatever_its_file_is_called() {
    let [definition, widget] = defined_kind();
    let mut token = value(
        "v1",
        "Secret",
        "token",
        json!({"type": "kubernetes.io/service-account-token"}),
    );
    token["metadata"]["annotations"] = json!({"kubernetes.io/service-account.name": "api"});
    let mut owned = plain("v1", "ConfigMap", "owned");
    let owner = json!({"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "u"});
    owned["metadata"]["ownerReferences"] = json!([owner]);
    let pod = json!({"serviceAccountName": "api", "priorityClassName": "high"});
    let values = vec![
        definition,
        widget,
        workload("Deployment", "api", "own:1", pod),
        token,
        plain("v1", "ServiceAccount", "api"),
        plain("scheduling.k8s.io/v1", "PriorityClass", "high"),
        owned,
        plain("v1", "ConfigMap", "owner"),
    ];
    let hints = [
        ("widgets", path("monitoring/crds.yaml")),
        ("w", path("secrets/w.yaml")),
        ("high", path("ingress.yaml")),
        ("owned", path("storage/owned.yaml")),
        ("owner", path("ingress/owner.yaml")),
    ];
    let (placements, warnings) = placed(values, &hints, &phases());
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(
        placements,
        [
            "CustomResourceDefinition/widgets secrets (before Widget/shop/w, not in `monitoring` (folder `monitoring`))",
            "Widget/w secrets (folder `secrets`)",
            "Deployment/api apps (kind)",
            "Secret/token secrets (kind)",
            "ServiceAccount/api secrets (follows Secret/shop/token)",
            "PriorityClass/high apps (before Deployment/shop/api, not in `ingress` (file name `ingress.yaml`))",
            "ConfigMap/owned storage (folder `storage`)",
            "ConfigMap/owner storage (before ConfigMap/shop/owned, not in `ingress` (folder `ingress`))",
        ]
    );
}

#[test]
fn what_was_said_of_a_definition_itself_stays_and_both_places_are_named() {
    let annotated = PhaseHint {
        annotation: Some("apps".to_owned()),
        ..PhaseHint::default()
    };
    let hints = [("widgets", annotated), ("w", path("secrets/w.yaml"))];
    let (placements, warnings) = placed(defined_kind().to_vec(), &hints, &phases());
    assert_eq!(
        placements[0],
        "CustomResourceDefinition/widgets apps (annotation `deployctl.dev/phase`)"
    );
    assert_eq!(
        warnings,
        [
            "a.yaml:1: Widget/shop/w: it is in phase `secrets` and needs CustomResourceDefinition/widgets, which is in phase `apps` (annotation `deployctl.dev/phase`) and may come later; put CustomResourceDefinition/widgets (a.yaml:1) into `secrets` or an earlier phase [late-need]"
        ]
    );
}

#[test]
fn what_phases_side_by_side_need_goes_before_both() {
    let after = |name: &str| vec![name.to_owned()];
    let phases = vec![
        phase("namespace", vec![]),
        phase("one", after("namespace")),
        phase("two", after("namespace")),
    ];
    let [definition, widget] = defined_kind();
    let hints = [("widgets", path("one/crd.yaml")), ("w", path("two/w.yaml"))];
    let (placements, warnings) = placed(vec![definition, widget], &hints, &phases);
    assert_eq!(warnings, Vec::<String>::new());
    assert_eq!(
        placements[0],
        "CustomResourceDefinition/widgets namespace (before Widget/shop/w, not in `one` (folder `one`))"
    );
}

fn ordered(values: Vec<Value>) -> Vec<Ordered> {
    let objects = objects(values);
    order(
        &objects.values().collect::<Vec<_>>(),
        &References::between(&objects),
    )
}

fn position(ordered: &[Ordered], name: &str) -> usize {
    ordered
        .iter()
        .position(|entry| format!("{}/{}", entry.id.kind, entry.id.name) == name)
        .unwrap_or_else(|| panic!("{name}"))
}

fn after(ordered: &[Ordered], name: &str) -> Vec<String> {
    let mut names: Vec<String> = ordered[position(ordered, name)]
        .after
        .iter()
        .map(|id| format!("{}/{}", id.kind, id.name))
        .collect();
    names.sort();
    names
}

fn everything() -> Vec<Value> {
    let webhook =
        json!({"webhooks": [{"clientConfig": {"service": {"name": "hook", "namespace": "shop"}}}]});
    vec![
        value(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            "hook",
            webhook,
        ),
        value("example.test/v1", "Widget", "w", json!({})),
        workload(
            "Deployment",
            "api",
            "own:1",
            json!({"serviceAccountName": "api", "volumes": [{"configMap": {"name": "config"}}]}),
        ),
        plain("v1", "ConfigMap", "config"),
        plain("v1", "ConfigMap", "another"),
        plain("v1", "ServiceAccount", "api"),
        value(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding",
            "api",
            json!({"roleRef": {"kind": "ClusterRole", "name": "api"}, "subjects": [{"kind": "ServiceAccount", "name": "api", "namespace": "shop"}]}),
        ),
        plain("rbac.authorization.k8s.io/v1", "ClusterRole", "api"),
        value(
            "v1",
            "Service",
            "hook",
            json!({"spec": {"selector": {"app": "api"}}}),
        ),
        plain("v1", "LimitRange", "limits"),
        value(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            "widgets",
            json!({"spec": {"group": "example.test", "names": {"kind": "Widget"}}}),
        ),
        plain("v1", "Namespace", "shop"),
    ]
}

#[test]
fn objects_come_after_what_they_need() {
    let ordered = ordered(everything());
    assert_eq!(after(&ordered, "Namespace/shop"), Vec::<String>::new());
    assert_eq!(
        after(&ordered, "Widget/w"),
        ["CustomResourceDefinition/widgets", "Namespace/shop"]
    );
    assert_eq!(
        after(&ordered, "ClusterRoleBinding/api"),
        ["ClusterRole/api"]
    );
    assert_eq!(after(&ordered, "ConfigMap/config"), ["Namespace/shop"]);
    assert_eq!(
        after(&ordered, "Deployment/api"),
        [
            "ClusterRoleBinding/api",
            "ConfigMap/config",
            "LimitRange/limits",
            "Namespace/shop",
            "ServiceAccount/api"
        ]
    );
    assert_eq!(
        after(&ordered, "ValidatingWebhookConfiguration/hook").len(),
        11
    );
    assert!(ordered[11].last && ordered[..11].iter().all(|entry| !entry.last));
    for (index, entry) in ordered.iter().enumerate() {
        assert!(
            entry
                .after
                .iter()
                .all(|id| ordered[..index].iter().any(|earlier| earlier.id == *id)),
            "{}",
            entry.id
        );
    }
}

#[test]
fn workloads_and_what_they_need_are_started_first() {
    let ordered = ordered(everything());
    assert!(position(&ordered, "ConfigMap/config") < position(&ordered, "ConfigMap/another"));
    assert!(position(&ordered, "Deployment/api") < position(&ordered, "ConfigMap/another"));
    assert!(
        ordered[position(&ordered, "ConfigMap/config")].priority
            > ordered[position(&ordered, "ConfigMap/another")].priority
    );
}

#[test]
fn cycles_are_broken_always_alike() {
    let claim = |name: &str, other: &str| {
        value(
            "v1",
            "PersistentVolumeClaim",
            name,
            json!({"spec": {"dataSource": {"kind": "PersistentVolumeClaim", "name": other}}}),
        )
    };
    let values = vec![
        plain("v1", "Namespace", "shop"),
        claim("c", "a"),
        claim("b", "c"),
        claim("a", "b"),
        claim("d", "a"),
    ];
    let mut reversed = values.clone();
    reversed.reverse();
    let (one, other) = (ordered(values), ordered(reversed));
    assert_eq!(
        one.iter().map(|entry| &entry.id).collect::<Vec<_>>(),
        other.iter().map(|entry| &entry.id).collect::<Vec<_>>()
    );
    assert_eq!(
        after(&one, "PersistentVolumeClaim/a"),
        ["Namespace/shop"],
        "the edge of the smallest is left out, the namespace stays"
    );
    assert_eq!(one.len(), 5);
}

fn ready(ordered: &[Ordered], name: &str) -> Vec<String> {
    let ready = ordered[position(ordered, name)].ready.iter();
    let mut names: Vec<String> = ready.map(|id| format!("{}/{}", id.kind, id.name)).collect();
    names.sort();
    names
}

#[test]
fn annotations_order_what_is_in_one_phase() {
    let annotated = |name: &str, annotation: &str, text: &str| {
        let mut object = workload("Deployment", name, "own:1", json!({}));
        object["metadata"]["annotations"] = json!({annotation: text});
        object
    };
    let wave = |name: &str, number: &str| annotated(name, "argocd.argoproj.io/sync-wave", number);
    let reading = |name: &str, map: &str| {
        workload(
            "Deployment",
            name,
            "own:1",
            json!({"volumes": [{"configMap": {"name": map}}]}),
        )
    };
    let mut late = plain("v1", "ConfigMap", "late");
    late["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": "3"});
    let entries = ordered(vec![
        plain("v1", "Namespace", "shop"),
        wave("third", "5"),
        wave("second", "2"),
        wave("first", "-1"),
        reading("reader", "late"),
        late,
        annotated(
            "asked",
            "config.kubernetes.io/depends-on",
            "apps/namespaces/shop/Deployment/second",
        ),
    ]);
    assert_eq!(ready(&entries, "Deployment/first"), Vec::<String>::new());
    assert_eq!(ready(&entries, "Deployment/reader"), ["Deployment/first"]);
    assert_eq!(
        after(&entries, "Deployment/reader"),
        ["ConfigMap/late", "Deployment/first", "Namespace/shop"],
        "what it needs counts more than a number"
    );
    assert_eq!(
        ready(&entries, "Deployment/second"),
        ["Deployment/reader", "Namespace/shop"],
        "a name counts more than a number"
    );
    assert!(ready(&entries, "ConfigMap/late").is_empty());
    assert_eq!(ready(&entries, "Deployment/third"), ["ConfigMap/late"]);
    let asked = ready(&entries, "Deployment/asked");
    assert_eq!(asked, ["Deployment/first", "Deployment/second"]);
}

/// `object` with the number that Argo CD orders it by.
fn wave(mut object: Value, number: &str) -> Value {
    object["metadata"]["annotations"] = json!({"argocd.argoproj.io/sync-wave": number});
    object
}

#[test]
fn what_can_only_become_ready_once_an_object_is_there_does_not_hold_it_up() {
    let web = || workload("Deployment", "web", "own:1", json!({}));
    let none = Vec::<String>::new();
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
    for (version, kind, reference) in [
        (
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            "scaleTargetRef",
        ),
        ("keda.sh/v1alpha1", "ScaledObject", "scaleTargetRef"),
        (
            "autoscaling.k8s.io/v1",
            "VerticalPodAutoscaler",
            "targetRef",
        ),
    ] {
        let scaler = value(
            version,
            kind,
            "scaler",
            json!({"spec": {reference: target}}),
        );
        let entries = ordered(vec![scaler, wave(web(), "1")]);
        let scaler = format!("{kind}/scaler");
        assert_eq!(ready(&entries, "Deployment/web"), none, "{kind}");
        assert_eq!(after(&entries, "Deployment/web"), [scaler], "{kind}");
    }

    // By way of others: the autoscaler of wave 0 needs what comes two waves later; what is between
    // does not wait for it, and what comes after waits for that.
    let scaler = value(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        "scaler",
        json!({"spec": {"scaleTargetRef": target}}),
    );
    let entries = ordered(vec![
        scaler,
        plain("v1", "ConfigMap", "first"),
        wave(plain("v1", "ConfigMap", "middle"), "1"),
        wave(web(), "2"),
        wave(plain("v1", "ConfigMap", "last"), "3"),
    ]);
    assert_eq!(ready(&entries, "ConfigMap/middle"), ["ConfigMap/first"]);
    assert_eq!(ready(&entries, "Deployment/web"), ["ConfigMap/middle"]);
    assert_eq!(ready(&entries, "ConfigMap/last"), ["Deployment/web"]);
}

#[test]
fn an_aggregated_api_does_not_hold_up_its_server() {
    let server = workload("Deployment", "api", "own:1", json!({}));
    let service = value(
        "v1",
        "Service",
        "api",
        json!({"spec": {"selector": {"app": "api"}}}),
    );
    let mut registered = value(
        "apiregistration.k8s.io/v1",
        "APIService",
        "v1.example.org",
        json!({"spec": {"service": {"name": "api", "namespace": "shop"}}}),
    );
    registered["metadata"]
        .as_object_mut()
        .expect("an object")
        .remove("namespace");
    let entries = ordered(vec![registered, service, wave(server, "1")]);
    assert_eq!(ready(&entries, "Deployment/api"), ["Service/api"]);
}

#[test]
fn many_objects_are_ordered_quickly_enough_to_test() {
    let mut values = vec![plain("v1", "Namespace", "shop")];
    for index in 0..1500 {
        values.push(plain("v1", "ConfigMap", &format!("c{index}")));
        values.push(workload(
            "Deployment",
            &format!("d{index}"),
            "own:1",
            json!({"volumes": [{"configMap": {"name": format!("c{index}")}}]}),
        ));
    }
    assert_eq!(ordered(values).len(), 3001);
}

#[test]
fn reasons_know_what_was_written_down() {
    assert!(PhaseReason::Folder("a".to_owned()).is_explicit());
    assert!(!PhaseReason::Kind.is_explicit());
}

#[test]
fn the_documentation_has_the_tables_of_the_code() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/phases.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (start, end) = ("<!-- tables: begin -->\n", "<!-- tables: end -->");
    let (head, rest) = text.split_once(start).unwrap();
    let (found, tail) = rest.split_once(end).unwrap();
    let expected = format!("\n{}\n", tables());
    if std::env::var_os("DEPLOYCTL_REGENERATE").is_some() {
        std::fs::write(&file, format!("{head}{start}{expected}{end}{tail}")).unwrap();
    } else {
        assert_eq!(found, expected, "run this test with DEPLOYCTL_REGENERATE=1");
    }
}

#[test]
fn hooks_come_one_after_the_other_by_weight_name_and_kind_and_after_what_they_need() {
    let hook = |weight, event| {
        let events = vec![event];
        let deleted_on = Vec::new();
        Some(Hook {
            events,
            weight,
            deleted_on,
        })
    };
    let before = |weight| hook(weight, HookEvent::PreInstall);
    let job = |name: &str, reads: Value| {
        let container = json!({"name": "main", "image": "a", "envFrom": reads});
        let spec = json!({"template": {"spec": {"containers": [container]}}});
        value("batch/v1", "Job", name, json!({"spec": spec}))
    };
    let reads = json!([{"configMapRef": {"name": "z-script"}}]);
    let parts = vec![
        (job("welcome", json!([])), hook(-9, HookEvent::PostInstall)),
        (plain("apps/v1", "Deployment", "web"), None),
        (job("b-migrate", json!([])), before(0)),
        (plain("v1", "ServiceAccount", "b-migrate"), before(0)),
        (job("a-prepare", reads), before(0)),
        (plain("v1", "ConfigMap", "z-script"), before(0)),
        (plain("v1", "ConfigMap", "y-first"), before(-1)),
    ];
    let values = parts.iter().map(|(value, _)| value.clone()).collect();
    let objects = objects(values);
    let hints = objects.keys().zip(&parts).map(|(id, (_, hook))| {
        let part = Some(ChartPart {
            chart: "shop".to_owned(),
            hook: hook.clone(),
        });
        let hint = PhaseHint {
            part,
            ..PhaseHint::default()
        };
        (id.clone(), hint)
    });
    let mut references = References::between(&objects);
    declare_hooks(&mut references, &hints.collect());
    let ordered = order(&objects.values().collect::<Vec<_>>(), &references);
    let expected = [
        "ConfigMap/y-first",
        "ConfigMap/z-script",
        "Job/a-prepare",
        "ServiceAccount/b-migrate",
        "Job/b-migrate",
        "Deployment/web",
        "Job/welcome",
    ];
    assert_eq!(ordered.len(), expected.len());
    for (before, (entry, expected)) in ordered.iter().zip(expected).enumerate() {
        assert_eq!(format!("{}/{}", entry.id.kind, entry.id.name), expected);
        assert_eq!(entry.ready.len(), before, "{expected} awaits all before it");
    }
}
