//! Plain manifests with what is left out of them, and sources side by side.

use super::{Project, manifests};

#[test]
fn what_a_folder_holds_of_other_tools_is_named_with_the_entry_to_write() {
    let project = Project::new("foreign-folders")
        .manifest("apps/web.yaml", &manifests::config_map("web", "1"))
        .manifest(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: x\nversion: 1.0.0\n",
        )
        .manifest("chart/templates/a.yaml", "a: {{ .Values.a }}\n")
        .manifest("overlay/kustomization.yaml", "resources: []\n")
        .manifest("values-prod.yaml", "replicas: 3\n");
    let refused = project.command("validate", &[]).run().exited(2);
    for entry in [
        "`manifests/chart` is a Helm chart, not a folder of plain manifests; write `- {helm: {chart: ../manifests/chart}}` into `sources`",
        "`manifests/overlay` is a kustomization, not a folder of plain manifests; write `- {kustomize: ../manifests/overlay}` into `sources`",
        "manifests/values-prod.yaml:1: this is a Helm values file, not a manifest",
    ] {
        assert!(
            refused.stderr.contains(entry),
            "{entry}\n{}",
            refused.stderr
        );
    }

    let sources = "[{path: ../manifests, exclude: [chart/**, overlay, values-*.yaml]}]";
    let project = Project::with_sources("foreign-excluded", sources)
        .manifest("apps/web.yaml", &manifests::config_map("web", "1"))
        .manifest("chart/Chart.yaml", "apiVersion: v2\n")
        .manifest("overlay/kustomization.yaml", "resources: []\n")
        .manifest("values-prod.yaml", "replicas: 3\n");
    let rendered = project.command("render", &["-o", "json"]).run().exited(0);
    let items = rendered.json()["items"].as_array().unwrap().len();
    assert_eq!(items, 2, "its namespace and one ConfigMap");
}

#[test]
fn a_source_says_the_namespace_and_the_phase_of_what_names_none() {
    let sources = "[../manifests/own, {path: ../manifests/other, namespace: source-other, phase: monitoring}]";
    let project = Project::with_sources("source-own", sources)
        .manifest("own/web.yaml", &manifests::config_map("web", "1"))
        .manifest(
            "other/all.yaml",
            &format!(
                "{}---\n{}---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: source-other}}\n",
                manifests::config_map("web", "2"),
                manifests::deployment("reader").replace(
                    "metadata: {name: reader}",
                    "metadata: {name: reader, namespace: source-own}"
                ),
            ),
        );
    let placed = project
        .command("render", &["--phases", "-o", "json"])
        .run()
        .exited(0)
        .json();
    let placed: Vec<String> = placed
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            format!(
                "{} {}",
                it["phase"].as_str().unwrap(),
                it["object"].as_str().unwrap()
            )
        })
        .collect();
    for object in [
        "monitoring ConfigMap/source-other/web",
        "monitoring Deployment/source-own/reader",
        "monitoring ClusterRole/source-other",
        "namespace Namespace/source-other",
        "namespace Namespace/source-own",
    ] {
        assert!(
            placed.iter().any(|it| it == object),
            "{object}\n{placed:#?}"
        );
    }
    project.deploy(&[]);
    assert_eq!(
        super::get("source-other", "configmap/web")["data"]["value"],
        "2"
    );
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn the_same_object_from_two_sources_names_both() {
    let sources = "[../manifests/one, {kustomize: ../manifests/two}]";
    let project = Project::with_sources("two-sources", sources)
        .manifest("one/web.yaml", &manifests::config_map("web", "1"))
        .manifest("two/kustomization.yaml", "resources: [web.yaml]\n")
        .manifest("two/web.yaml", &manifests::config_map("web", "2"));
    let refused = project.command("validate", &[]).run().exited(2);
    let said = "manifests/two/web.yaml:1: ConfigMap/two-sources/web: the object is there twice, first at manifests/one/web.yaml:1";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
}

#[test]
fn mistakes_in_sources_are_told_at_once_with_their_lines() {
    let sources = "\n- {path: ../manifests}\n- {kustomize: ../k, exclude: [a]}\n- {path: a, helm: {chart: ./x}}";
    let project = Project::with_sources("wrong-sources", sources);
    let refused = project.command("validate", &[]).run().exited(2).stderr;
    insta::assert_snapshot!(refused, @r#"
    Error: plans/wrong-sources.yaml has 2 errors
    plans/wrong-sources.yaml:5:3: `sources[1]`: `exclude` belongs to `path`
      5 | - {kustomize: ../k, exclude: [a]}
        |   ^
    plans/wrong-sources.yaml:6:3: `sources[2]`: exactly one of `path`, `kustomize` and `helm` must be given
      6 | - {path: a, helm: {chart: ./x}}
        |   ^
    "#);
}

#[test]
fn what_a_source_names_is_checked() {
    let sources = "\n- {path: ../manifests, phase: app, namespace: A_b}\n- {helm: {chart: redis}}\n- {helm: {chart: \"oci://registry.test/redis\", digest: sha1}}\n- {helm: {chart: ../c, version: \"1\", namespace: A_b}}";
    let project = Project::with_sources("wrong-names", sources);
    let refused = project.command("validate", &[]).run().exited(2).stderr;
    let said: Vec<&str> = refused
        .lines()
        .filter(|line| line.starts_with("plans/"))
        .collect();
    assert_eq!(
        said,
        [
            "plans/wrong-names.yaml:4:24: the plan has no phase `app`; did you mean `apps`?",
            "plans/wrong-names.yaml:4:36: `A_b` cannot be the name of a namespace; use lower-case letters, digits and `-`",
            "plans/wrong-names.yaml:5:11: `redis` is no path, which begins with `./`, `../` or `/`, and no `oci://…`; say in `repository` where it comes from",
            "plans/wrong-names.yaml:5:11: give its `version`, so that every run deploys the same chart",
            "plans/wrong-names.yaml:6:11: give its `version`, so that every run deploys the same chart",
            "plans/wrong-names.yaml:6:47: `sha1` is no digest; write `sha256:` and 64 digits",
            "plans/wrong-names.yaml:7:24: the chart's folder says its version itself; remove `version`",
            "plans/wrong-names.yaml:7:38: `A_b` cannot be the name of a namespace; use lower-case letters, digits and `-`",
        ]
    );
}

#[test]
fn a_source_cannot_depend_on_what_the_plan_brings() {
    let sources = "\n- {path: ../manifests, unless: {crd: widgets.own.example.org}}";
    let project = Project::with_sources("own-condition", sources)
        .manifest("widgets.yaml", &manifests::definition("own.example.org"));
    let refused = project.command("validate", &[]).run();
    let up = project.up(&[]).run().exited(2);
    let said = "plans/own-condition.yaml:4: the source `../manifests` depends on `widgets.own.example.org`, which the plan itself brings; let it depend on a variable";
    assert!(up.stderr.contains(said), "{} {}", up.stderr, refused.stderr);
}
