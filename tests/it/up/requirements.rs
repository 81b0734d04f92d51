//! `requires`: all that must be there before the first write.

use serde_json::json;

use super::{
    manifests::{config_map, documents},
    project::{Project, written},
    user::User,
};
use crate::support::namespace;

fn project(name: &str, requires: &str) -> Project {
    Project::new(name)
        .plan(&format!("requires:\n{requires}"))
        .manifest("apps/settings.yaml", &config_map("settings", "1"))
}

#[test]
fn all_that_is_missing_is_told_at_once_with_its_line() {
    let requires = "  ingressClasses: [nowhere]
  apis: [apps/v1, metrics.k8s.io/v1beta1]
  tools:
    - {name: no-such-program, install: apt install no-such-program}
    - {name: sh}
  nodes:
    - {labels: {kubernetes.io/os: linux}}
    - {labels: {example.org/pool: gpu}, count: 2}
  resources: {cpu: 1k, memory: 1Gi}
  releases: [absent-operators.default]
";
    let project = project("requires-all", requires);
    let outcome = project.up(&[]).run().exited(5);
    for text in [
        "6 problems found",
        "requires-all.yaml:6: the plan requires IngressClass `nowhere`",
        "requires-all.yaml:7: the plan requires the API `metrics.k8s.io/v1beta1`, and the cluster does not serve it",
        "requires-all.yaml:9: the plan requires the program `no-such-program`, and it is not on the `PATH`",
        "install it: `apt install no-such-program`",
        "requires-all.yaml:13: the plan requires 2 nodes with the labels `example.org/pool=gpu`, and the cluster has none",
        "requires-all.yaml:14: the plan requires nodes with 1k CPUs in all, and the nodes have ",
        "requires-all.yaml:15: the plan requires the release `absent-operators.default`, and nothing of absent-operators.default is deployed",
        "deploy it: `deployctl up absent-operators`",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
    project.assert_nothing_was_written();
}

#[test]
fn a_release_that_is_required_must_stand() {
    let operators = Project::new("required-operators")
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    let project = project(
        "requires-release",
        "  releases: [required-operators.default]\n",
    );
    project.up(&[]).run().exited(5);
    operators.deploy(&[]);
    project.deploy(&[]);
    operators.command("down", &["--yes"]).run().exited(0);
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    let refused = project.up(&[]).run().exited(5);
    assert!(
        refused
            .stderr
            .contains("required-operators.default is uninstalled since revision 2"),
        "{}",
        refused.stderr
    );
}

#[test]
fn what_the_run_brings_itself_is_there() {
    let classes = "apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: requires-own}
spec: {controller: example.org/own}
";
    let definition = "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: parcels.requires.example.org}
spec:
  group: requires.example.org
  scope: Namespaced
  names: {plural: parcels, singular: parcel, kind: Parcel, listKind: ParcelList}
  versions:
    - {name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}
";
    let requires = "  ingressClasses: [requires-own]
  crds: [{name: parcels.requires.example.org}]
  apis: [requires.example.org/v1]
";
    let project = project("requires-own", requires).manifest(
        "ingress/own.yaml",
        &documents(&[classes.to_owned(), definition.to_owned()]),
    );
    let log = project.deploy(&[]);
    assert!(
        written(&log).contains(&"created IngressClass/requires-own".to_owned()),
        "{log:?}"
    );
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn who_may_not_read_nodes_is_warned_and_deploys() {
    let home = namespace("requires-nodes");
    let rules = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
    let user = User::with_role(&home, &rules);
    let requires = "  resources: {cpu: 1k}\n  storageClasses: [no-such-class]\n";
    let project = project(&home, requires);
    let command = project.up(&["--state-namespace", &home]);
    let outcome = user.runs(command).run().exited(0);
    for text in [
        "Warning: ",
        ":6: the plan requires nodes with 1k CPUs in all, and you may not read nodes; whether it is there is not known",
        ":7: the plan requires StorageClass `no-such-class`, and you may not read StorageClasses",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn what_is_required_is_named_and_can_be_left_out() {
    let project = project("requires-skip", "  ingressClasses: [nowhere]\n");
    let refused = project.up(&[]).run().exited(5);
    assert!(
        refused
            .stderr
            .contains("has no IngressClasses [requirement]")
            || refused.stderr.contains("` [requirement]"),
        "{}",
        refused.stderr
    );
    let other = project.up(&["--skip-check", "missing-owner"]).run();
    other.exited(5);
    project.deploy(&["--skip-check", "requirement"]);
}
