//! What the cluster fills in, in manifests that were exported from one.

use serde_json::json;

use crate::support::{
    eventually, get, kubectl,
    project::{Project, written},
};

/// As `kubectl get deployment,service,job -o yaml` printed it elsewhere.
const EXPORTED: &str = r#"
apiVersion: v1
kind: List
metadata: {resourceVersion: "", selfLink: ""}
items:
- apiVersion: apps/v1
  kind: Deployment
  metadata:
    annotations: {deployment.kubernetes.io/revision: "7", team: shop}
    creationTimestamp: "2024-03-01T08:00:00Z"
    generation: 9
    name: api
    resourceVersion: "812345"
    uid: 0c7a0000-0000-4000-8000-000000000001
  spec:
    replicas: 1
    selector: {matchLabels: {app: api}}
    template:
      metadata: {creationTimestamp: null, labels: {app: api}}
      spec:
        containers: [{image: "api:v1", name: api, resources: {}}]
        securityContext: {}
  status: {availableReplicas: 1, observedGeneration: 9, replicas: 1}
- apiVersion: batch/v1
  kind: Job
  metadata:
    labels: {controller-uid: u, batch.kubernetes.io/controller-uid: u, job-name: migrate, batch.kubernetes.io/job-name: migrate}
    annotations: {batch.kubernetes.io/job-tracking: ""}
    name: migrate
    uid: 0c7a0000-0000-4000-8000-000000000002
  spec:
    selector: {matchLabels: {batch.kubernetes.io/controller-uid: u}}
    template:
      metadata:
        creationTimestamp: null
        labels: {controller-uid: u, batch.kubernetes.io/controller-uid: u, job-name: migrate, batch.kubernetes.io/job-name: migrate}
      spec: {restartPolicy: Never, containers: [{image: "migrate:v1", name: main}]}
  status: {succeeded: 1}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata:
    annotations: {pv.kubernetes.io/bind-completed: "yes", pv.kubernetes.io/bound-by-controller: "yes", volume.kubernetes.io/storage-provisioner: elsewhere}
    finalizers: [kubernetes.io/pvc-protection]
    name: data
  spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
  status: {phase: Bound}
- apiVersion: v1
  kind: Secret
  metadata:
    name: api-token
    annotations: {kubernetes.io/service-account.name: api, kubernetes.io/service-account.uid: another}
  type: kubernetes.io/service-account-token
  data: {token: eA==, ca.crt: eA==, namespace: eA==}
- apiVersion: v1
  kind: ServiceAccount
  metadata: {name: api}
"#;

/// <https://github.com/karmada-io/karmada/pull/4946>
#[test]
fn exported_objects_come_without_what_another_cluster_has_filled_in() {
    let project = Project::new("exported").manifest("apps/exported.yaml", EXPORTED);
    let run = project.up(&[]).run().exited(0);
    assert!(
        run.stderr.contains("only the cluster sets") && run.stderr.contains("revision"),
        "{}",
        run.stderr
    );
    let annotations = project.get("deployment/api")["metadata"]["annotations"].clone();
    assert_eq!(
        annotations,
        json!({"deployment.kubernetes.io/revision": "1", "team": "shop"})
    );
    assert_eq!(
        project.get("job/migrate")["status"]["succeeded"],
        1,
        "it ran here"
    );
    let token = eventually("the token controller fills in its Secret", || {
        let secret = project.get("secret/api-token");
        secret["data"]["token"].is_string().then_some(secret)
    });
    assert_ne!(token["data"]["token"], "eA==");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");
}

/// Services with addresses and ports of a cluster that has other ranges.
#[test]
fn a_service_that_was_exported_gets_addresses_of_this_cluster() {
    let services = r#"
apiVersion: v1
kind: Service
metadata: {name: front, uid: 0c7a0000-0000-4000-8000-000000000003, resourceVersion: "7", ownerReferences: [{apiVersion: v1, kind: ConfigMap, name: gone, uid: 0c7a0000-0000-4000-8000-000000000004}]}
spec:
  type: LoadBalancer
  clusterIP: 172.31.255.9
  clusterIPs: [172.31.255.9]
  externalTrafficPolicy: Local
  healthCheckNodePort: 40001
  selector: {app: front}
  ports: [{port: 80, nodePort: 40002}]
status: {loadBalancer: {ingress: [{ip: 192.0.2.1}]}}
"#;
    let project = Project::new("exported-service")
        .plan("readiness: [{kind: Service, ready: 'true'}]\n")
        .manifest("apps/front.yaml", services);
    let run = project.up(&[]).run().exited(0);
    assert!(run.stderr.contains("`spec.clusterIP`"), "{}", run.stderr);
    let front = project.get("service/front");
    assert!(front["metadata"].get("ownerReferences").is_none());
    assert_ne!(front["spec"]["clusterIP"], "172.31.255.9");
    assert_ne!(front["spec"]["ports"][0]["nodePort"], 40002);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// An aggregated `ClusterRole` as the documentation of Kubernetes showed it for years.
/// <https://github.com/kubernetes/website/pull/56495>
#[test]
fn the_rules_of_an_aggregated_role_are_its_controllers_and_it_is_removed_all_the_same() {
    let role = |name: &str, more: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {name}, {more}\n"
        )
    };
    let aggregated = role(
        "aggregated-observers",
        "}\naggregationRule: {clusterRoleSelectors: [{matchLabels: {aggregated.test/observers: \"true\"}}]}\nrules: []",
    );
    let part = role(
        "aggregated-pods",
        "labels: {aggregated.test/observers: \"true\"}}\nrules: [{apiGroups: [\"\"], resources: [pods], verbs: [get]}]",
    );
    let project = Project::new("aggregated")
        .manifest("apps/observers.yaml", &aggregated)
        .manifest("apps/pods.yaml", &part);
    project.deploy(&[]);
    let rules = || get("", "clusterrole/aggregated-observers")["rules"].clone();
    let filled = eventually("the controller fills the rules in", || {
        let rules = rules();
        rules
            .as_array()
            .is_some_and(|it| !it.is_empty())
            .then_some(rules)
    });
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(rules(), filled);
    assert_eq!(project.status()["standing"], "deployed");
    // The controller has applied it too; that does not make it its own.
    project
        .command("down", &["--yes=aggregated.default"])
        .run()
        .exited(0);
    assert!(get("", "clusterrole/aggregated-observers").is_null());
    assert!(get("", "clusterrole/aggregated-pods").is_null());
}

/// cert-manager's cainjector and the install Jobs of charts put the bundle in; the placeholder in
/// the manifest must not put it out again.
#[test]
fn a_ca_bundle_that_was_injected_stays() {
    let manifest = "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingWebhookConfiguration
metadata: {name: injected-hook, annotations: {cert-manager.io/inject-ca-from: injected/ca}}
webhooks:
- name: check.injected.test
  admissionReviewVersions: [v1]
  sideEffects: None
  failurePolicy: Ignore
  clientConfig: {caBundle: Cg==, service: {name: hook, namespace: injected}}
  rules: [{apiGroups: [injected.test], apiVersions: [v1], operations: [CREATE], resources: [nothing]}]
";
    let project = Project::new("injected").manifest("apps/hook.yaml", manifest);
    project.deploy(&[]);
    let bundle = r#"[{"op":"add","path":"/webhooks/0/clientConfig/caBundle","value":"LS0t"}]"#;
    kubectl(&[
        "patch",
        "validatingwebhookconfiguration/injected-hook",
        "--field-manager=cert-manager-cainjector",
        "--type=json",
        "-p",
        bundle,
    ]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");
    let hook = get("", "validatingwebhookconfiguration/injected-hook");
    assert_eq!(hook["webhooks"][0]["clientConfig"]["caBundle"], "LS0t");
    project
        .command("down", &["--yes=injected.default"])
        .run()
        .exited(0);
}
