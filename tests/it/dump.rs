//! The comparison that other tests rely on sees everything, and can fail.

use std::collections::HashSet;

use crate::support::{
    apply,
    dump::{Dump, Scope},
    kubectl,
    manifests::{config_map, deployment, documents, service},
    namespace, try_kubectl,
};

/// An object that `kubectl` applies as `manager`.
#[track_caller]
fn apply_as(manager: &str, namespace: &str, manifest: &str) {
    let arguments = [
        "apply",
        "--server-side",
        "--field-manager",
        manager,
        "--namespace",
        namespace,
        "-f",
        "-",
    ];
    assert!(try_kubectl(&arguments, manifest).status.success());
}

/// The test fails where `differences` are not one line for each of `expected`, which it starts
/// with.
#[track_caller]
fn assert_shows(differences: &[String], expected: &[&str]) {
    let shown = |start: &&&str| differences.iter().any(|line| line.starts_with(**start));
    assert_eq!(
        expected.iter().filter(shown).count(),
        differences.len(),
        "{differences:#?}"
    );
    assert_eq!(expected.len(), differences.len(), "{differences:#?}");
}

/// Creates what is dumped, and waits until it is at rest.
#[track_caller]
fn create_objects(namespace: &str) {
    apply(
        namespace,
        &documents(&[
            config_map("old", "1"),
            deployment("web"),
            service("web", ""),
        ]),
    );
    apply_as("one", namespace, &config_map("settings", "1"));
    kubectl(&[
        "create",
        "secret",
        "generic",
        "login",
        "--from-literal=password=first",
        "-n",
        namespace,
    ]);
    create_cluster_role(&format!("{namespace}-reader"), "get");
    kubectl(&["rollout", "status", "deployment/web", "-n", namespace]);
}

/// Creates a `ClusterRole` that permits `verb` on pods.
#[track_caller]
fn create_cluster_role(name: &str, verb: &str) {
    kubectl(&[
        "create",
        "clusterrole",
        name,
        &format!("--verb={verb}"),
        "--resource=pods",
    ]);
}

/// A pod without its owner. The finalizer keeps the garbage collector from being faster than the
/// dump.
const ORPHAN: &str = "apiVersion: v1
kind: Pod
metadata:
  name: orphan
  finalizers: [example.org/kept]
  ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: gone, uid: 00000000-0000-0000-0000-000000000001, controller: true}]
spec: {containers: [{name: main, image: main}]}
";

/// Makes the differences that are shown as [`PLANTED`].
#[track_caller]
fn plant_differences(namespace: &str) {
    kubectl(&["label", "service/web", "team=shop", "-n", namespace]);
    kubectl(&["scale", "deployment/web", "--replicas=2", "-n", namespace]);
    apply_as("other", namespace, &config_map("settings", "1"));
    kubectl(&["delete", "configmap/old", "-n", namespace]);
    kubectl(&["create", "configmap", "new", "-n", namespace]);
    create_cluster_role(&format!("{namespace}-writer"), "patch");
    kubectl(&[
        "patch",
        "secret/login",
        "-n",
        namespace,
        "--field-manager=kubectl-create",
        "-p",
        r#"{"stringData":{"password":"second"}}"#,
    ]);
    apply(namespace, ORPHAN);
}

/// What is shown of the differences that [`plant_differences`] makes.
const PLANTED: [&str; 11] = [
    "ClusterRole.rbac.authorization.k8s.io/NAMESPACE-writer: it was not there before",
    "ConfigMap/NAMESPACE/new: it was not there before",
    "ConfigMap/NAMESPACE/old: it is gone",
    "ConfigMap/NAMESPACE/settings .metadata.managedFields.other: {",
    "Deployment.apps/NAMESPACE/web .metadata.managedFields.kubectl-client-side-apply.Update.apps/v1.fields.f:spec.f:replicas: {} is gone",
    "Deployment.apps/NAMESPACE/web .metadata.managedFields.kubectl: {",
    "Deployment.apps/NAMESPACE/web .spec.replicas: 1 became 2",
    "Pod/NAMESPACE/orphan: its owner is gone",
    "Secret/NAMESPACE/login .data.password: it is not the same",
    "Service/NAMESPACE/web .metadata.labels: {\"team\":\"shop\"} is new",
    "Service/NAMESPACE/web .metadata.managedFields.kubectl-label: {",
];

#[test]
fn what_is_as_before_shows_no_difference_and_every_planted_one_is_shown() {
    let namespace = namespace("dumped");
    create_objects(&namespace);
    let scope = Scope::namespaces(&[&namespace]).and_cluster_objects(&format!("{namespace}-"));
    let before = Dump::of(&scope);

    kubectl(&["delete", "pod", "-l", "app=web", "-n", &namespace]);
    kubectl(&["rollout", "status", "deployment/web", "-n", &namespace]);
    assert_shows(&Dump::differences(&before, &Dump::of(&scope)), &[]);

    plant_differences(&namespace);
    let after = Dump::of(&scope);
    kubectl(&[
        "patch",
        "pod/orphan",
        "-n",
        &namespace,
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    let expected = PLANTED.map(|line| line.replace("NAMESPACE", &namespace));
    assert_shows(
        &Dump::differences(&before, &after),
        &expected.each_ref().map(String::as_str),
    );
}

#[test]
fn a_dump_of_the_cluster_holds_built_in_and_custom_kinds_of_every_scope() {
    let namespace = namespace("listed");
    apply(
        &namespace,
        "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: custom}\nspec: {selfSigned: {}}\n",
    );
    let dump = Dump::of(&Scope::cluster());
    let identities: HashSet<&str> = dump.identities().collect();
    let custom = format!("Issuer.cert-manager.io/{namespace}/custom");
    for identity in [
        "Namespace/default",
        "Node/node-1",
        "ServiceAccount/default/default",
        "ConfigMap/default/kube-root-ca.crt",
        "ClusterRole.rbac.authorization.k8s.io/cluster-admin",
        "StorageClass.storage.k8s.io/standard",
        "APIService.apiregistration.k8s.io/v1.apps",
        "CustomResourceDefinition.apiextensions.k8s.io/issuers.cert-manager.io",
        &custom,
    ] {
        assert!(identities.contains(identity), "{identity} is not in it");
    }
    assert!(
        !identities
            .iter()
            .any(|identity| identity.starts_with("Lease.")),
        "what the ignore list names is in it"
    );
}
