//! Text of the user that looks like a variable: shells, dashboards and configuration files write
//! `${…}` too.

use serde_json::{Value, json};

use crate::support::{
    manifests::documents,
    project::{Project, events, written},
};

const SCRIPTS: &str = r#"apiVersion: v1
kind: ConfigMap
metadata: {name: scripts}
data:
  cleanup.sh: |
    #!/bin/sh
    for namespace in team-a team-b; do
      echo "cleaning ${namespace} ${IMAGE_TAG}"
    done
    environment=${1:-dev}; plan=$2
    echo "plan ${plan} of ${environment}"
  Makefile: |
    show:
    	@echo $${HOME} $${image_tag} $$ $(HOME)
  release.js: "`${release.name}`"
  panel.json: '{"expr": "sum(kube_pod_info{namespace=\"${namespace}\", tag=\"${image_tag}\"})"}'
"#;

const CLEANUP: &str = r#"apiVersion: batch/v1
kind: CronJob
metadata: {name: cleanup}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: main
            image: registry.test/tools:1
            command: [sh, -c, "for namespace in a b; do clean ${namespace} $${image_tag}; done"]
"#;

fn command(project: &Project) -> Value {
    let job = project.get("cronjob/cleanup");
    job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["command"][2].clone()
}

/// <https://github.com/fluxcd/kustomize-controller/issues/398>
#[test]
fn a_plan_without_variables_replaces_nothing() {
    let project =
        Project::new("own-text").manifest("apps/scripts.yaml", &documents(&[SCRIPTS, CLEANUP]));
    let run = project.up(&["-o", "jsonl"]).run().exited(0);
    let file = project.folder().join("manifests/apps/scripts.yaml");
    let file = file.to_str().unwrap();
    let read = project.kubectl(&["annotate", "--local", "-o", "json", "-f", file, "x=y"]);
    let read: Vec<Value> = serde_json::Deserializer::from_str(&read)
        .into_iter()
        .map(Result::unwrap)
        .collect();
    assert_eq!(project.get("configmap/scripts")["data"], read[0]["data"]);
    let untouched = "for namespace in a b; do clean ${namespace} $${image_tag}; done";
    assert_eq!(command(&project), untouched);
    // What only this program can mean is not passed over silently.
    let said = run.stderr + &run.stdout;
    assert!(said.contains("`${release.name}` stays as it is"), "{said}");
    assert!(said.contains("`variables: {}`"), "{said}");
    assert!(!said.contains("`${namespace}`"), "{said}");
}

#[test]
fn only_declared_names_are_replaced_and_an_object_can_be_left_alone() {
    let annotation = "metadata: {annotations: {deployctl.dev/substitute: \"false\"}, name: left}";
    let left = SCRIPTS.replace("metadata: {name: scripts}", annotation);
    let project = Project::new("own-text-declared")
        .plan("variables: {image_tag: {default: v2}}\n")
        .manifest(
            "apps/scripts.yaml",
            &documents(&[SCRIPTS.to_owned(), CLEANUP.to_owned(), left.clone()]),
        );
    let run = project.up(&["-o", "jsonl"]).run().exited(0);
    let said = format!("{}{}", run.stderr, run.stdout);
    assert!(said.contains("nearly `image_tag`"), "{said}");
    // Once in the file, though two of its objects have it.
    let former = "`${namespace}` is not replaced; the built-in is `${release.namespace}`";
    assert_eq!(said.matches(former).count(), 1, "{said}");
    let events_of_run = run.events();
    assert!(!events(&events_of_run, "object-written").is_empty());

    let data = project.get("configmap/scripts")["data"].clone();
    let script = data["cleanup.sh"].as_str().unwrap();
    assert!(script.contains("cleaning ${namespace} ${IMAGE_TAG}"));
    assert!(script.contains("plan ${plan} of ${environment}"));
    assert_eq!(
        json!([data["Makefile"], data["release.js"], data["panel.json"]]),
        json!([
            "show:\n\t@echo $${HOME} ${image_tag} $$ $(HOME)\n",
            "`own-text-declared.default`",
            r#"{"expr": "sum(kube_pod_info{namespace=\"${namespace}\", tag=\"v2\"})"}"#
        ])
    );
    let expected = "for namespace in a b; do clean ${namespace} ${image_tag}; done";
    assert_eq!(command(&project), expected);

    let object = project.get("configmap/left");
    assert_eq!(
        object["data"]["release.js"], "`${release.name}`",
        "{object}"
    );
    assert_eq!(
        object["data"]["Makefile"],
        "show:\n\t@echo $${HOME} $${image_tag} $$ $(HOME)\n"
    );
    let annotations = &object["metadata"]["annotations"];
    assert_eq!(annotations["deployctl.dev/substitute"], Value::Null);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    let wrong = left.replace("\"false\"", "\"no\"");
    project.rewrite("apps/scripts.yaml", &wrong);
    let refused = project.up(&[]).run().exited(2);
    let message = "the annotation `deployctl.dev/substitute` is `no`, which means nothing";
    assert!(refused.stderr.contains(message), "{}", refused.stderr);
}
