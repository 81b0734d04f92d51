//! Rendering: namespaces, duplicates, variables, problems with their places.

use std::{fs, path::Path, time::Duration};

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{Builds, Rendered, render};
use crate::{
    object::{KnownScopes, ObjectId, Problem},
    plan::{
        Address, Conditions, ManifestSource, Plan, PlanChecks, PlanContents, PlanNamespace,
        PlanPaths, PlanTimeouts, PlanVariables, ReadinessSettings, ReleaseId, Source, SourceKind,
    },
};

fn source(path: &str) -> Source {
    Source {
        kind: SourceKind::Manifests(ManifestSource {
            path: path.into(),
            exclude: Vec::new(),
        }),
        namespace: None,
        phase: None,
        conditions: Conditions::default(),
        line: 3,
    }
}

fn plan(folder: &Path, is_named: bool) -> Plan {
    Plan {
        paths: PlanPaths {
            file: folder.join("plan.yaml"),
            folder: folder.to_owned(),
        },
        address: Address {
            release: ReleaseId {
                plan: "shop".to_owned(),
                environment: "dev".to_owned(),
            },
            contexts: Vec::new(),
            state_namespace: "deployctl-system".to_owned(),
        },
        protected: false,
        namespace: PlanNamespace {
            name: "shop".to_owned(),
            is_named,
        },
        variables: PlanVariables {
            values: IndexMap::new(),
            foreign: Vec::new(),
            in_manifests: true,
        },
        contents: PlanContents {
            sources: vec![source("m")],
            secrets: Vec::new(),
            phases: Vec::new(),
            readiness: ReadinessSettings::default(),
            requires: Vec::new(),
            open: IndexMap::new(),
            restart_on_change: true,
            ignored: Vec::new(),
        },
        timeouts: PlanTimeouts {
            run: Duration::from_mins(1),
            rollback: Duration::from_mins(1),
        },
        checks: PlanChecks::default(),
    }
}

fn rendered(named: bool, files: &[(&str, &str)]) -> Result<Rendered, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("m")).unwrap();
    for (file, text) in files {
        let path = folder.path().join("m").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let substitute = |value: &mut Value, _: &_, problems: &mut Vec<Problem>| {
        if value["spec"]["image"] == "${image}" {
            value["spec"]["image"] = json!("web:1");
        }
        if value["spec"]["image"] == "${imgae}" {
            problems.push(Problem::error("no variable `imgae`").hint("did you mean `image`"));
        }
    };
    let plan = plan(folder.path(), named);
    let builds = Builds::of(&plan, vec![true], None);
    builds
        .and_then(|builds| render(&plan, &builds, &KnownScopes, &substitute))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn ids(rendered: &Rendered) -> Vec<String> {
    rendered.objects.keys().map(ToString::to_string).collect()
}

const CRD: &str = "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: widgets.example.test}\nspec: {group: example.test, scope: Cluster, names: {kind: Widget}}\n";

#[test]
fn namespaces_are_given_to_namespaced_objects_that_name_none() {
    let text = format!(
        "{CRD}---\napiVersion: example.test/v1\nkind: Widget\nmetadata: {{name: w}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: a}}\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: a, namespace: other}}\n---\napiVersion: unknown.test/v1\nkind: Thing\nmetadata: {{name: t}}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: r, namespace: x}}\n"
    );
    let result = rendered(true, &[("a.yaml", &text)]).unwrap();
    assert_eq!(
        ids(&result),
        [
            "CustomResourceDefinition/widgets.example.test",
            "Widget/w",
            "Service/shop/a",
            "Service/other/a",
            "Thing/shop/t",
            "ClusterRole/r",
            "Namespace/shop"
        ]
    );
    assert_eq!(result.objects[2].body["metadata"]["namespace"], "shop");
    assert_eq!(result.objects[5].body["metadata"], json!({"name": "r"}));
    assert_eq!(result.warnings.len(), 1);
    assert_eq!(result.objects[6].origin.line, 1);
    assert!(result.objects[6].origin.file.ends_with("plan.yaml"));
}

#[test]
fn a_namespace_of_its_own_is_not_added_again() {
    let text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {a: b}}\n";
    assert_eq!(
        ids(&rendered(true, &[("a.yaml", text)]).unwrap()),
        ["Namespace/shop"]
    );
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n";
    assert_eq!(
        ids(&rendered(false, &[("a.yaml", text)]).unwrap()),
        ["Service/shop/a"]
    );
}

#[test]
fn duplicates_are_found_after_defaulting_with_both_places() {
    let errors = rendered(true, &[
        ("a.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: autoscaling/v1\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n"),
        ("b.yaml", "# x\napiVersion: v1\nkind: Service\nmetadata: {name: a, namespace: shop, labels: {a: b}}\n---\napiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: a}\n"),
    ])
    .unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors[0].contains("b.yaml:2: Service/shop/a: the object is there twice, first at ")
            && errors[0].contains("a.yaml:1; remove one of them"),
        "{}",
        errors[0]
    );
    assert!(
        errors[1].contains("b.yaml:6: HorizontalPodAutoscaler/shop/a"),
        "{}",
        errors[1]
    );
}

#[test]
fn what_is_there_twice_and_the_same_is_taken_once() {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: NodePort}\n";
    let same = service.replace("name: a", "namespace: shop, name: 'a'");
    let rendered_twice = rendered(true, &[("a.yaml", service), ("b/a.yaml", &same)]).unwrap();
    assert_eq!(ids(&rendered_twice), ["Service/shop/a", "Namespace/shop"]);
    let warnings: Vec<_> = rendered_twice
        .warnings
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(warnings.len(), 1);
    assert!(
        warnings[0].contains("a.yaml:1: Service/shop/a: the object is there twice and the same")
            && warnings[0].contains("remove one of them"),
        "{warnings:?}"
    );
    let annotation = "annotations: {deployctl.dev/recreate: 'true'}, name: a";
    let marked = service.replace("name: a", annotation);
    let refused = rendered(true, &[("a.yaml", service), ("b.yaml", &marked)]);
    assert_eq!(refused.unwrap_err().len(), 1);
}

#[test]
fn variables_are_replaced_and_their_problems_placed() {
    let good = "apiVersion: example.test/v1\nkind: Thing\nmetadata: {name: a}\nspec: {image: '${image}'}\n";
    assert_eq!(
        rendered(true, &[("a.yaml", good)]).unwrap().objects[0].body["spec"]["image"],
        "web:1"
    );
    let errors = rendered(
        true,
        &[
            ("a.yaml", &good.replace("image}", "imgae}")),
            ("b.yaml", "a: 1\na: 2\n"),
        ],
    )
    .unwrap_err();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(
        errors
            .iter()
            .any(|error| error
                .contains("a.yaml:1: Thing/a: no variable `imgae`; did you mean `image`")),
        "{errors:?}"
    );
}

#[test]
fn the_phase_annotation_is_kept_apart() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: a, annotations: {deployctl.dev/phase: monitoring}}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: b, annotations: {deployctl.dev/phase: apps, x: z}}\n";
    let result = rendered(false, &[("03-databases.yaml", text)]).unwrap();
    assert_eq!(
        result.objects[0].body["metadata"],
        json!({"name": "a", "namespace": "shop"})
    );
    assert_eq!(
        result.objects[1].body["metadata"]["annotations"],
        json!({"x": "z"})
    );
    let id: &ObjectId = result.objects.get_index(0).unwrap().0;
    let hint = &result.hints[id];
    assert_eq!(
        (
            hint.annotation.as_deref(),
            hint.path.as_path(),
            hint.file.as_path()
        ),
        (
            Some("monitoring"),
            Path::new("m/03-databases.yaml"),
            Path::new("m/03-databases.yaml")
        )
    );
}

#[test]
fn a_service_that_knows_a_lost_port_by_its_name_is_told() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, labels: {app: web}}\nspec: {containers: [{name: a, ports: [{containerPort: 80, name: http}, {containerPort: 80, name: web}]}, OTHER]}\n";
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}\n";
    let with = |other: &str, service: &str| {
        let pod = pod.replace("OTHER", other);
        rendered(false, &[("a.yaml", &format!("{pod}---\n{service}"))])
    };
    let other = "{name: b}";
    let refused = with(other, service).expect_err("refused");
    let told = "`spec.containers[0].ports` has `80/TCP` twice with different names: `http` would be lost, and a `targetPort` of Service/web (";
    assert!(refused[0].contains(told), "{refused:?}");
    assert!(
        refused[0].contains("m/a.yaml:6) uses it; leave one of them"),
        "{refused:?}"
    );
    for (other, service) in [
        (
            other,
            service.replace("targetPort: http", "targetPort: web"),
        ),
        (other, service.replace("app: web", "app: other")),
        (
            other,
            service.replace("name: web}", "name: web, namespace: other}"),
        ),
        (
            "{name: b, ports: [{containerPort: 81, name: http}]}",
            service.to_owned(),
        ),
    ] {
        let warnings = with(other, &service).unwrap().warnings;
        assert!(
            warnings[0].message.ends_with("and `name: http` is lost"),
            "{warnings:?}"
        );
    }
}
