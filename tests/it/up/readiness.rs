//! Waiting until things are really ready, for each kind.

use serde_json::Value;

use super::{
    manifests::{
        claim, config_map, definition, deployment, documents, job, service, widget, workload,
    },
    project::{Project, events, name, position, written},
};
use crate::support::kubectl;

fn verdict(project: &Project, object: &str) -> Value {
    let status = project.status();
    let objects: Vec<&Value> = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|phase| phase["objects"].as_array().unwrap())
        .collect();
    let found = objects
        .iter()
        .find(|entry| name(&entry["id"]) == object)
        .unwrap_or_else(|| panic!("{object} is not in {status:#}"));
    (*found).clone()
}

#[test]
fn workloads_are_waited_for_until_their_pods_are_ready() {
    let cron_job = "apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 3 * * *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: main, image: 'nightly:v1'}]}}}}
";
    let project = Project::new("workloads")
        .manifest("apps/web.yaml", &workload("apps/v1", "Deployment", "web", "replicas: 3", ""))
        .manifest("apps/idle.yaml", &workload("apps/v1", "Deployment", "idle", "replicas: 0", ""))
        .manifest("apps/store.yaml", &workload("apps/v1", "StatefulSet", "store", "{serviceName: store, replicas: 2}".trim_matches(['{', '}']).replace(", ", "\n  ").as_str(), ""))
        .manifest("apps/agent.yaml", &workload("apps/v1", "DaemonSet", "agent", "minReadySeconds: 0", ""))
        .manifest("apps/migrate.yaml", &job("migrate", ""))
        .manifest("apps/nightly.yaml", cron_job)
        .manifest("apps/budget.yaml", "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 2, selector: {matchLabels: {app: web}}}\n")
        .manifest("monitoring/later.yaml", &config_map("later", "1"));
    let log = project.deploy(&[]);
    let finished = position(&log, "phase-finished", "apps");
    for object in [
        "Deployment/workloads/web",
        "StatefulSet/workloads/store",
        "DaemonSet/workloads/agent",
        "Job/workloads/migrate",
    ] {
        let mut verdicts = events(&log, "verdict-changed")
            .into_iter()
            .filter(|event| name(&event["object"]) == object);
        let last = verdicts
            .next_back()
            .unwrap_or_else(|| panic!("no verdict about {object}"));
        assert_eq!(last["to"]["state"], "ready", "{last}");
        assert!(last["sequence"].as_u64().unwrap() <= finished as u64);
    }
    assert_eq!(
        verdict(&project, "Deployment/workloads/web")["replicas"],
        "3/3"
    );
    assert_eq!(
        verdict(&project, "StatefulSet/workloads/store")["replicas"],
        "2/2"
    );
    assert_eq!(project.get("job/migrate")["status"]["succeeded"], 1);
}

#[test]
fn an_update_is_waited_for_and_not_the_old_pods() {
    let project = Project::new("update").manifest(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 2", ""),
    );
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 2", "").replace(":v1", ":v2"),
    );
    project.deploy(&[]);
    let web = project.get("deployment/web");
    let (generation, status) = (&web["metadata"]["generation"], &web["status"]);
    assert_eq!(
        (
            &status["observedGeneration"],
            &status["updatedReplicas"],
            &status["readyReplicas"]
        ),
        (generation, &2.into(), &2.into())
    );
}

/// With `OnDelete` somebody deletes the pods, and with a partition the lower ones keep the old
/// revision: neither is waited for.
#[test]
fn stateful_sets_that_keep_old_pods_are_ready() {
    let on_delete = "updateStrategy: {type: OnDelete}\n  serviceName: store";
    let partition = "updateStrategy: {type: RollingUpdate, rollingUpdate: {partition: 1}}\n  replicas: 2\n  serviceName: shard";
    let manifests = |tag: &str| {
        let both = [
            workload("apps/v1", "StatefulSet", "store", on_delete, ""),
            workload("apps/v1", "StatefulSet", "shard", partition, ""),
        ];
        documents(&both).replace(":v1\"", &format!(":{tag}\""))
    };
    let project = Project::new("old-pods").manifest("databases/sets.yaml", &manifests("v1"));
    project.deploy(&[]);
    project.rewrite("databases/sets.yaml", &manifests("v2"));
    project.deploy(&[]);
    let image = |pod: &str| project.get(pod)["spec"]["containers"][0]["image"].clone();
    assert_eq!(
        (
            image("pod/store-0"),
            image("pod/shard-0"),
            image("pod/shard-1")
        ),
        ("store:v1".into(), "shard:v1".into(), "shard:v2".into())
    );
}

#[test]
fn a_claim_that_waits_for_its_first_pod_does_not_block() {
    let database = workload(
        "apps/v1",
        "StatefulSet",
        "database",
        "serviceName: database",
        "",
    );
    let with_volume =
        database + "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";
    let project = Project::new("claims")
        .manifest(
            "storage/claims.yaml",
            &documents(&[
                claim("data", "standard-wait"),
                claim("unused", "standard-wait"),
                claim("bound", "standard"),
            ]),
        )
        .manifest("databases/database.yaml", &with_volume);
    let log = project.deploy(&[]);
    assert!(
        position(&log, "phase-finished", "storage") < position(&log, "phase-started", "databases")
    );
    assert_eq!(project.get("pvc/bound")["status"]["phase"], "Bound");
    assert_eq!(project.get("pvc/unused")["status"]["phase"], "Pending");
    assert_eq!(project.get("pvc/data")["status"]["phase"], "Bound");
    assert_eq!(
        verdict(&project, "PersistentVolumeClaim/claims/unused")["verdict"]["reason"],
        "WaitForFirstConsumer"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn addresses_are_waited_for_and_told() {
    let ingress = "apiVersion: networking.k8s.io/v1\nkind: Ingress\nmetadata: {name: web}\nspec: {defaultBackend: {service: {name: web, port: {number: 80}}}}\n";
    let project = Project::new("addresses")
        .manifest(
            "apps/web.yaml",
            &documents(&[deployment("web"), service("web", ", type: LoadBalancer")]),
        )
        .manifest("ingress/web.yaml", ingress);
    let log = project.deploy(&[]);
    let access = log.last().unwrap()["access"].as_array().unwrap().clone();
    let address = |object: &str| {
        let live = project.get(object);
        live["status"]["loadBalancer"]["ingress"][0]["ip"]
            .as_str()
            .expect("it has an address")
            .to_owned()
    };
    let expected = [
        ("Service/addresses/web", address("service/web")),
        ("Ingress/addresses/web", address("ingress/web")),
    ];
    for (object, address) in expected {
        assert!(
            access
                .iter()
                .any(|point| point["name"] == object && point["how"] == *address),
            "{object} at {address} is not in {access:?}"
        );
    }
}

#[test]
fn a_load_balancer_without_an_address_is_named_when_the_time_is_up() {
    let balancer = service("web", ", type: LoadBalancer").replace(
        "{name: web}",
        "{name: web, labels: {sandbox.deployctl.dev/fault: no-address}}",
    );
    let project = Project::new("no-address")
        .plan("phases: {apps: {timeout: 2s}}\n")
        .manifest("apps/web.yaml", &documents(&[deployment("web"), balancer]));
    let outcome = project.up(&[]).run().exited(1);
    assert!(
        outcome.stderr.contains("Service/no-address/web")
            && outcome.stderr.contains("has no address yet"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn an_autoscaler_without_metrics_is_said_and_does_not_fail() {
    let scaled =
        workload("apps/v1", "Deployment", "web", "replicas: 2", "").replace("  replicas: 2\n", "");
    let autoscaler = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  minReplicas: 1
  maxReplicas: 3
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]
";
    let project = Project::new("autoscaler").manifest(
        "apps/web.yaml",
        &documents(&[scaled, autoscaler.to_owned()]),
    );
    project.deploy(&[]);
    let autoscaler = verdict(&project, "HorizontalPodAutoscaler/autoscaler/web");
    assert_eq!(autoscaler["verdict"]["state"], "ready", "{autoscaler}");
    assert!(
        autoscaler["verdict"]["message"]
            .as_str()
            .unwrap()
            .contains("no metrics yet"),
        "{autoscaler}"
    );
    assert!(
        autoscaler["autoscaling"]
            .as_str()
            .unwrap()
            .starts_with("cpu ?/70%"),
        "{autoscaler}"
    );
}

#[test]
fn custom_resources_are_waited_for_by_their_conditions() {
    let issuer = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {selfSigned: {}}\n";
    let certificate = |fault: &str| {
        format!(
            "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: web, labels: {{{fault}}}}}\nspec: {{secretName: web-tls, dnsNames: [web.shop.test], issuerRef: {{name: own}}}}\n"
        )
    };
    let project = Project::new("certificates")
        .plan("phases: {ingress: {timeout: 3s}}\n")
        .manifest("ingress/tls.yaml", &documents(&[issuer, &certificate("")]));
    project.deploy(&[]);
    assert_eq!(
        verdict(&project, "Certificate/certificates/web")["verdict"]["state"],
        "ready"
    );

    let silent = Project::new("silent-certificate").plan("phases: {ingress: {timeout: 2s}}\n");
    let silent = silent.manifest(
        "ingress/tls.yaml",
        &documents(&[issuer, &certificate("sandbox.deployctl.dev/fault: silent")]),
    );
    let outcome = silent.up(&[]).run().exited(1);
    assert!(
        outcome
            .stderr
            .contains("Certificate/silent-certificate/web"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn what_is_suspended_on_purpose_passes() {
    let suspended = job("later", "").replace(
        "spec:\n  backoffLimit",
        "spec:\n  suspend: true\n  backoffLimit",
    );
    let paused = workload("apps/v1", "Deployment", "paused", "paused: true", "");
    let project =
        Project::new("suspended").manifest("apps/later.yaml", &documents(&[suspended, paused]));
    project.deploy(&[]);
    assert_eq!(
        verdict(&project, "Job/suspended/later")["verdict"]["state"],
        "suspended"
    );
    assert_eq!(
        verdict(&project, "Deployment/suspended/paused")["verdict"]["state"],
        "suspended"
    );
}

#[test]
fn what_can_hold_no_status_is_ready_when_stored_also_in_a_family_with_a_rule_for_all() {
    let (without, empty) = ("e2e-without.upbound.io", "e2e-empty.upbound.io");
    let with_subresource = definition(empty).replacen(
        "      schema:",
        "      subresources: {status: {}}\n      schema:",
        1,
    );
    let project = Project::new("no-status")
        .plan("phases: {apps: {timeout: 20s}}\n")
        .manifest(
            "namespace/definitions.yaml",
            &documents(&[definition(without), with_subresource]),
        )
        .manifest(
            "apps/widgets.yaml",
            &documents(&[widget(without, "1"), widget(empty, "1")]),
        );
    let log = project.deploy(&[]);
    let verdicts: Vec<&Value> = events(&log, "verdict-changed")
        .into_iter()
        .filter(|event| event["object"]["kind"] == "Widget")
        .map(|event| &event["to"]["reason"])
        .collect();
    assert_eq!(verdicts, ["NoStatus", "NoStatus"]);
    project
        .command("down", &[&format!("--yes={}", project.release())])
        .run()
        .exited(0);
    for group in [without, empty] {
        kubectl(&[
            "delete",
            "crd",
            "--ignore-not-found",
            &format!("widgets.{group}"),
        ]);
    }
}
