//! `when` and `unless`: parts of a plan that are not in every cluster or environment.

use serde_json::{Value, json};

use super::{
    manifests::config_map,
    project::{Project, events, written},
};

/// The parts that a run has left out, and why.
fn skipped(log: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let events = log.iter().filter(|event| {
        let name = event["event"].as_str().unwrap_or_default();
        name.ends_with("-skipped")
    });
    events
        .map(|event| {
            let part = [&event["phase"], &event["part"]].map(text).concat();
            (part, text(&event["why"]))
        })
        .collect()
}

fn pair(part: &str, why: &str) -> (String, String) {
    (part.to_owned(), why.to_owned())
}

/// Two phases of which there is one, and Secrets that belong to the first.
const EXTRAS: &str = "variables: {extras: {default: false}}
phases:
  extras: {after: [apps], when: {variable: extras, is: true}}
  plain: {after: [apps], unless: {variable: extras, is: true}}
secrets:
  - {name: api, data: {key: {prompt: Key}}, when: {variable: extras, is: true}}
  - {name: own, data: {key: {generate: {length: 8}}}, when: {variable: extras, is: true}}
";

#[test]
fn variables_decide_about_phases_and_secrets() {
    let project = Project::new("conditions-variables")
        .plan(EXTRAS)
        .manifest("extras/extra.yaml", &config_map("extra", "1"))
        .manifest("plain/plain.yaml", &config_map("plain", "1"));
    // Nobody is asked for the key, which could not be supplied here.
    let log = project.deploy(&[]);
    let not_wanted = "the variable `extras` is `false`, and not `true`";
    assert_eq!(
        skipped(&log),
        [
            pair("extras", not_wanted),
            pair("secret `api`", not_wanted),
            pair("secret `own`", not_wanted)
        ]
    );
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/conditions-variables/plain",
            "created Namespace/conditions-variables"
        ]
    );
    let said = project.up(&[]).run().exited(0);
    assert_eq!(said.stderr.matches("secret `api`  skipped: ").count(), 1);

    let set = ["--set", "extras=true"];
    let missing = project.up(&set).run().exited(2);
    assert!(missing.stderr.contains("api/key"), "{}", missing.stderr);
    project.write("key", "hunter2");
    let with_key = [&set[..], &["--secret", "api/key=@key"]].concat();
    let log = project.deploy(&with_key);
    assert_eq!(
        skipped(&log),
        [pair("plain", "the variable `extras` is `true`")]
    );
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/conditions-variables/extra",
            "created Secret/conditions-variables/api",
            "created Secret/conditions-variables/own",
            "deleted ConfigMap/conditions-variables/plain"
        ]
    );

    // A Secret that is not wanted any more is what any such object is.
    let log = project.deploy(&[]);
    assert_eq!(
        written(&log),
        [
            "created ConfigMap/conditions-variables/plain",
            "deleted ConfigMap/conditions-variables/extra",
            "deleted Secret/conditions-variables/api",
            "deleted Secret/conditions-variables/own"
        ]
    );
    assert!(project.get("secret/api").is_null());
}

#[test]
fn what_the_cluster_serves_decides() {
    let plan = "phases:
  certificates: {after: [apps], when: {api: cert-manager.io/v1}}
  fallback: {after: [apps], unless: {crd: issuers.cert-manager.io}}
  streams: {after: [apps], when: {api: kafka.strimzi.io/v1}}
secrets:
  - {name: streams, data: {key: {prompt: Key}}, when: {crd: kafkas.kafka.strimzi.io}}
requires:
  crds:
    - {name: kafkas.kafka.strimzi.io, when: {api: kafka.strimzi.io/v1}}
";
    let project = Project::new("conditions-served")
        .plan(plan)
        .manifest("certificates/issuer.yaml", "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: own}\nspec: {selfSigned: {}}\n")
        .manifest("fallback/settings.yaml", &config_map("fallback", "1"))
        .manifest("streams/orders.yaml", "apiVersion: kafka.strimzi.io/v1\nkind: Kafka\nmetadata: {name: orders}\nspec: {kafka: {}}\n");
    let log = project.deploy(&[]);
    assert_eq!(
        skipped(&log),
        [
            pair("fallback", "the cluster serves `issuers.cert-manager.io`"),
            pair(
                "streams",
                "the cluster does not serve `kafka.strimzi.io/v1`"
            ),
            pair(
                "secret `streams`",
                "the cluster does not serve `kafkas.kafka.strimzi.io`"
            ),
            pair(
                "required definition `kafkas.kafka.strimzi.io`",
                "the cluster does not serve `kafka.strimzi.io/v1`"
            ),
        ]
    );
    assert_eq!(
        written(&log),
        [
            "created Issuer/conditions-served/own",
            "created Namespace/conditions-served"
        ]
    );
    let document = project.up(&["-o", "json"]).run().exited(0).json();
    assert_eq!(document["skipped"][1]["phase"], json!("streams"));
    assert_eq!(document["skipped"][2]["part"], json!("secret `streams`"));
    assert_eq!(events(&log, "part-skipped").len(), 2);
}

/// What the run itself brings is there once it is needed; but not what is left out.
#[test]
fn what_the_run_brings_counts_as_served() {
    let definition = |group: &str| {
        format!(
            "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: widgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{plural: widgets, singular: widget, kind: Widget, listKind: WidgetList}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object}}}}
"
        )
    };
    let plan = "variables: {operator: {default: false}}
phases:
  operator: {after: [namespace], before: [secrets], when: {variable: operator, is: true}}
  brought: {after: [apps], when: {api: brought.conditions.example.org/v1}}
  absent: {after: [apps], when: {crd: widgets.absent.conditions.example.org}}
";
    let project = Project::new("conditions-brought")
        .plan(plan)
        .manifest(
            "storage/definition.yaml",
            &definition("brought.conditions.example.org"),
        )
        .manifest(
            "operator/definition.yaml",
            &definition("absent.conditions.example.org"),
        )
        .manifest("brought/settings.yaml", &config_map("brought", "1"))
        .manifest("absent/settings.yaml", &config_map("absent", "1"));
    let log = project.deploy(&[]);
    assert_eq!(
        skipped(&log),
        [
            pair(
                "operator",
                "the variable `operator` is `false`, and not `true`"
            ),
            pair(
                "absent",
                "the cluster does not serve `widgets.absent.conditions.example.org`"
            )
        ]
    );
    assert!(!project.get("configmap/brought").is_null());
    project.command("down", &["--yes"]).run().exited(0);
}
