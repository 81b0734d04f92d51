//! Rules of `docs/safety.md` that no other test is about, and that the tests exist that are named there,
//! in `docs/compatibility.md` and in `README.md`.

use std::{fs, path::Path, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    Deployctl,
    api::Api,
    established, eventually,
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, events, name, written},
    proxy::{Fault, Proxy, Requests, Rule},
    running::Running,
    try_kubectl,
};

/// Every Rust file below `folder`, as its path without the ending, with its text.
fn sources(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let name = path
                .with_extension("")
                .to_string_lossy()
                .replace("/mod", "");
            into.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn every_rule_has_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    sources(&root.join("src"), &mut files);
    sources(&root.join("tests/it"), &mut files);
    for (document, at_least) in [
        ("README.md", 20),
        ("docs/safety.md", 60),
        ("docs/compatibility.md", 20),
    ] {
        let text = fs::read_to_string(root.join(document)).unwrap();
        let mut tests = 0;
        for test in text.split('`').filter(|part| is_test(part)) {
            tests += 1;
            let (modules, name) = test.rsplit_once("::").unwrap();
            let ending = format!("/{}", modules.replace("::", "/"));
            let exists = files.iter().any(|(path, text)| {
                path.ends_with(&ending) && text.contains(&format!("fn {name}()"))
            });
            assert!(
                exists,
                "{document} names the test `{test}`, which does not exist"
            );
        }
        assert!(tests >= at_least, "{document} names {tests} tests");
    }
}

/// Whether `part` of a document names a test.
fn is_test(part: &str) -> bool {
    let is_of_name =
        |character: char| character.is_ascii_alphanumeric() || "_:".contains(character);
    part.contains("::") && !part.ends_with("::") && part.chars().all(is_of_name)
}

/// Rule 2.
#[test]
fn names_that_cannot_be_labels_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.yaml"), config_map("settings", "1")).unwrap();
    for (name, environments, said) in [
        ("shop.web", "{dev: {}}", "shop.web"),
        ("shop", "{dev_1: {}}", "dev_1"),
        (&"a".repeat(60), "{development: {}}", "63"),
    ] {
        let plan = format!(
            "apiVersion: deployctl.dev/v1\nname: {name}\nsources: [a.yaml]\nenvironments: {environments}\n"
        );
        fs::write(folder.path().join("plan.yaml"), plan).unwrap();
        let run = Deployctl::new()
            .current_dir(folder.path())
            .args(["validate", "plan.yaml"])
            .run()
            .exited(2);
        assert!(
            run.stderr.contains(said) || run.stdout.contains(said),
            "{name}: {}{}",
            run.stdout,
            run.stderr
        );
    }
}

/// Rule 3.
#[test]
fn an_object_that_moves_to_another_version_is_the_same_object() {
    let autoscaler = |version: &str, spec: &str| {
        format!(
            "apiVersion: autoscaling/{version}\nkind: HorizontalPodAutoscaler\nmetadata: {{name: web}}\nspec: {{scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: web}}, minReplicas: 1, maxReplicas: 3, {spec}}}\n"
        )
    };
    let old = autoscaler("v1", "targetCPUUtilizationPercentage: 70");
    let project = Project::new("moves-version")
        .manifest("apps/web.yaml", &documents(&[deployment("web"), old]));
    project.deploy(&[]);
    let before = project.get("hpa/web");
    let metrics = "metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]";
    project.rewrite(
        "apps/web.yaml",
        &documents(&[deployment("web"), autoscaler("v2", metrics)]),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed HorizontalPodAutoscaler/moves-version/web"]
    );
    let after = project.get("hpa/web");
    assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(
        after["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"],
        80
    );
}

/// Rule 4.
#[test]
fn an_object_without_a_name_of_its_own_is_refused() {
    let generated = "apiVersion: v1\nkind: ConfigMap\nmetadata: {generateName: settings-}\n";
    let run = Project::new("generated")
        .manifest("apps/settings.yaml", generated)
        .command("validate", &[])
        .run()
        .exited(2);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(
        said.contains("settings.yaml:1") && said.contains("generateName"),
        "{said}"
    );
}

/// Rule 7.
#[test]
fn what_appeared_in_between_is_not_deleted_on_the_way_back() {
    let project = Project::new("appeared")
        .plan("phases: {monitoring: {timeout: 3s}}\n")
        .manifest("databases/slow.yaml", &faulty_deployment("slow", "slow"))
        .manifest("apps/settings.yaml", &config_map("settings", "ours"))
        .manifest(
            "monitoring/web.yaml",
            &faulty_deployment("web", "never-ready"),
        );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["name"] == "slow");
    project.kubectl(&["create", "configmap", "settings", "--from-literal=theirs=1"]);
    let (status, log, stderr) = run.end();
    assert_eq!(status, Some(1), "{stderr}");
    let there = project.get("configmap/settings");
    assert_eq!(there["data"]["theirs"], "1", "{there:#}");
    let left = &events(&log, "rollback-proved")[0]["proof"]["byOthers"];
    assert_eq!(
        name(&left[0]["object"]),
        "ConfigMap/appeared/settings",
        "{left:#}"
    );
    assert!(
        left[0]["what"]
            .as_str()
            .unwrap()
            .contains("created outside deployctl"),
        "{left:#}"
    );
}

/// Rule 7: as by an operator that something of the same run has called for.
#[test]
fn what_appeared_while_it_was_written_is_not_deleted_on_the_way_back() {
    let project = Project::new("appeared-just-now")
        .manifest("apps/settings.yaml", &config_map("settings", "ours"))
        .manifest(
            "monitoring/web.yaml",
            &faulty_deployment("web", "crash-loop"),
        );
    let proxy = Proxy::start();
    let path = "/configmaps/settings";
    // Less than the precision of the times that tell who created an object.
    proxy.inject([Rule::new(
        Requests::mutating().about(path),
        Fault::Delay(Duration::from_millis(900)),
    )
    .times(1)]);
    let run = Running::start(proxy.through(project.up(&[])));
    eventually("the request is on its way", || {
        let requests = proxy.mutating();
        requests
            .iter()
            .any(|request| request.path.contains(path))
            .then_some(())
    });
    let theirs = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"theirs": "1"}});
    Api::shared().create("/api/v1/namespaces/appeared-just-now/configmaps", &theirs);
    let (status, log, stderr) = run.end();
    assert_eq!(status, Some(1), "{stderr}");
    let there = project.get("configmap/settings");
    assert_eq!(there["data"]["theirs"], "1", "{there:#}");
    let left = &events(&log, "rollback-proved")[0]["proof"]["byOthers"];
    assert_eq!(
        name(&left[0]["object"]),
        "ConfigMap/appeared-just-now/settings",
        "{left:#}"
    );
}

/// Rule 9: objects are converted by dropping what the other version does not know.
#[test]
fn a_field_that_only_the_stored_version_has_survives_the_way_back() {
    let version = |name: &str, stored: bool, fields: &str| {
        format!(
            "    - {{name: {name}, served: true, storage: {stored}, schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{{fields}}}}}}}}}}}}}\n"
        )
    };
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: widgets.stored.example.org}}\nspec:\n  group: stored.example.org\n  scope: Namespaced\n  names: {{kind: Widget, plural: widgets, singular: widget}}\n  versions:\n{}{}",
        version("v1", false, "size: {type: integer}"),
        version("v2", true, "size: {type: integer}, color: {type: string}")
    );
    let applied = try_kubectl(&["apply", "-f", "-"], &definition);
    assert!(
        applied.status.success(),
        "{}",
        String::from_utf8_lossy(&applied.stderr)
    );
    established("widgets.stored.example.org");
    let widget = |size: u32| {
        format!(
            "apiVersion: stored.example.org/v1\nkind: Widget\nmetadata: {{name: first}}\nspec: {{size: {size}}}\n"
        )
    };
    let project = Project::new("stored-version").manifest("databases/widget.yaml", &widget(1));
    project.deploy(&[]);
    project.kubectl(&[
        "patch",
        "widgets.v2.stored.example.org/first",
        "--type=merge",
        "-p",
        r#"{"spec":{"color":"red"}}"#,
    ]);
    project.rewrite("databases/widget.yaml", &widget(2));
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "crash-loop"));
    project.up(&[]).run().exited(1);
    let after: Value = serde_json::from_str(&project.kubectl(&[
        "get",
        "widgets.v2.stored.example.org/first",
        "-o",
        "json",
    ]))
    .unwrap();
    assert_eq!(
        (&after["spec"]["size"], &after["spec"]["color"]),
        (&1.into(), &"red".into()),
        "{after:#}"
    );
}
