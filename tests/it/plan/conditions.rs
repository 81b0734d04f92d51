//! `when` and `unless` in the plan, without a cluster.

use super::Folder;

const WIDGET: &str = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: main}\n";

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\n";

/// A plan with two objects, each in a phase of its own, and `more` from the third line on.
fn plan(more: &str) -> Folder {
    let text = format!("apiVersion: deployctl.dev/v1\nsources: [../manifests]\n{more}");
    Folder::new()
        .file("plans/shop.yaml", &text)
        .file("manifests/widgets/widget.yaml", WIDGET)
        .file("manifests/apps/settings.yaml", CONFIG)
}

#[test]
fn variables_decide_what_is_rendered_and_what_is_left_out_is_said() {
    let folder = plan(
        "variables: {widgets: {default: false}, edition: {default: small}}
phases:
  widgets: {after: [apps], when: {variable: widgets, is: true}}
secrets:
  - {name: api, data: {key: {prompt: Key}}, unless: {variable: edition, is: small}}
  - {name: other, data: {key: {generate: {}}}, when: {variable: edition, is: small}}
",
    );
    let (stdout, stderr) = folder.run(&["render", "--phases"]).success();
    assert!(
        stdout.contains("ConfigMap") && !stdout.contains("Widget"),
        "{stdout}"
    );
    insta::assert_snapshot!(stderr, @r"
    Skipped: phase `widgets`: the variable `widgets` is `false`, and not `true`
    Skipped: secret `api`: the variable `edition` is `small`
    Left out, because the plan declares them and `up` makes them: Secret/default/other
    ");
    let set = ["render", "--set", "widgets=true", "--set", "edition=large"];
    let (stdout, stderr) = folder.run(&set).success();
    assert!(stdout.contains("kind: Widget"), "{stdout}");
    insta::assert_snapshot!(stderr, @r"
    Skipped: secret `other`: the variable `edition` is `large`, and not `small`
    Left out, because the plan declares them and `up` makes them: Secret/default/api
    ");
}

#[test]
fn what_only_a_cluster_knows_is_taken_for_served_and_said_to_be() {
    let folder = plan(
        "phases:
  widgets: {after: [apps], when: {crd: widgets.example.org}}
secrets:
  - {name: metrics, data: {key: {generate: {}}}, when: {api: metrics.k8s.io/v1beta1}}
  - {name: own, data: {key: {generate: {}}}, unless: {crd: externalsecrets.external-secrets.io}}
",
    );
    let (stdout, stderr) = folder.run(&["render"]).success();
    assert!(stdout.contains("kind: Widget"), "{stdout}");
    insta::assert_snapshot!(stderr, @r"
    Skipped: secret `own`: a cluster that serves `externalsecrets.external-secrets.io` is assumed
    Note: phase `widgets`: a cluster that serves `widgets.example.org` is assumed
    Note: secret `metrics`: a cluster that serves `metrics.k8s.io/v1beta1` is assumed
    Left out, because the plan declares them and `up` makes them: Secret/default/metrics
    ");
}

#[test]
fn wrong_conditions_are_told_all_at_once_with_their_place() {
    let folder = plan(
        "variables: {edition: {default: small}}
phases:
  widgets: {after: [apps], when: {variable: editon, is: small}}
  apps: {unless: {crd: widgets}}
secrets:
  - {name: api, data: {key: {prompt: Key}}, when: {variable: edition, is: small}}
  - name: composed
    data: {url: {template: '${api/key}'}}
requires:
  crds: [{name: widgets.example.org, when: {api: example.org/v1, crd: a.b.c}}]
",
    );
    insta::assert_snapshot!(folder.run(&["validate"]).refusal(), @r"
    Error: plans/shop.yaml has 4 errors
    plans/shop.yaml:5:35: the plan declares no variable `editon`; did you mean `edition`?
      5 |   widgets: {after: [apps], when: {variable: editon, is: small}}
        |                                   ^^^^^^^^
    plans/shop.yaml:6:19: `widgets` cannot be the name of a CustomResourceDefinition; write for example `certificates.cert-manager.io`
      6 |   apps: {unless: {crd: widgets}}
        |                   ^^^
    plans/shop.yaml:10:18: the secret `api` is not always made; give `composed`, which is composed of it, the same `when` and `unless`
      10 |     data: {url: {template
         |                  ^^^^^^^^
    plans/shop.yaml:12:38: `requires.crds[0].when` says several things (`crd`, `api`); leave one
      12 |   crds: [{name: widgets.example.org, when: {api: example.org/v1, crd: a.b.c}}]
         |                                      ^^^^
    ");
}

#[test]
fn what_is_composed_shares_the_conditions_of_what_it_is_composed_of() {
    let folder = plan(
        "variables: {edition: {default: small}}
secrets:
  - {name: api, data: {key: {prompt: Key}}, when: {variable: edition, is: small}}
  - {name: composed, data: {url: {template: '${api/key}'}}, when: {variable: edition, is: small}}
",
    );
    folder.run(&["validate"]).success();
}
