//! The plan file through `validate`, `render` and `schema`, without a cluster.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use tempfile::TempDir;

use crate::support::{Deployctl, Helm};

mod checks;
mod conditions;
mod readiness_rules;
mod requires;

/// A folder with files, and the program run in it.
struct Folder {
    root: TempDir,
    variables: Vec<(String, String)>,
}

/// What a run of the program gave.
struct Ran {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Folder {
    fn new() -> Self {
        Self {
            root: TempDir::new().expect("a temporary folder"),
            variables: Vec::new(),
        }
    }

    fn file(self, path: &str, text: &str) -> Self {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        fs::write(path, text).expect("the file can be written");
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_in(".", arguments)
    }

    fn run_in(&self, folder: &str, arguments: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deployctl"));
        command
            .args(arguments)
            .current_dir(self.root.path().join(folder))
            .env_clear();
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        Ran::of(&command.output().expect("the program starts"))
    }
}

impl Ran {
    fn of(output: &Output) -> Self {
        Self {
            status: output.status.code().expect("the program ended by itself"),
            stdout: String::from_utf8(output.stdout.clone()).expect("text"),
            stderr: String::from_utf8(output.stderr.clone()).expect("text"),
        }
    }

    /// Standard error of a run that ended with 2 and printed no data.
    fn refusal(self) -> String {
        assert_eq!(
            (self.status, self.stdout.as_str()),
            (2, ""),
            "{}",
            self.stderr
        );
        self.stderr
    }

    /// Both streams of a run that ended with 0.
    fn success(self) -> (String, String) {
        assert_eq!(self.status, 0, "{}", self.stderr);
        (self.stdout, self.stderr)
    }
}

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  domain: ${domain}\n  home: ${HOME}\n";

const DEPLOYMENT: &str = "
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  labels: {version: '${replicas}'}
spec:
  replicas: ${replicas}
  selector: {matchLabels: {app: api}}
  template:
    metadata: {labels: {app: api}}
    spec:
      containers: [{name: api, image: 'registry.test/api:${image_tag}'}]
";

/// The plan of the design, as far as this version carries it out.
const SHOP: &str = r#"apiVersion: deployctl.dev/v1
name: shop
sources: [../manifests/shop]
variables: {image_tag: {}, domain: {}, replicas: {default: 2}}
environments:
  dev: {default: true, namespace: shop-dev, variables: {domain: dev.shop.test, image_tag: main}}
  prod: {contexts: ["*shop-prod"], namespace: shop, protected: true, variables: {domain: shop.io, image_tag: v1}}
secrets:
  - name: postgres
    data: {username: {value: shop}, password: {generate: {length: 32}}}
  - name: api
    data:
      stripe-key: {prompt: Stripe secret key, pattern: "^sk_"}
      database-url: {template: "postgres://${postgres/username}:${postgres/password|percent}@postgres/shop"}
phases:
  databases: {timeout: 15m}
  scaling: {after: [apps], match: [{kind: ScaledObject}], when: {crd: scaledobjects.keda.sh}, onFailure: stop}
requires: {kubernetes: ">=1.26", storageClasses: [fast], crds: [{name: certificates.cert-manager.io, install: "deployctl up operators"}]}
open: {grafana: {service: grafana, port: 3000}}
"#;

fn shop(plan: &str) -> Folder {
    Folder::new()
        .file("plans/shop.yaml", plan)
        .file("manifests/shop/settings.yaml", CONFIG)
        .file("manifests/shop/api.yaml", DEPLOYMENT)
}

fn refused(plan: &str) -> String {
    shop(plan).run(&["validate"]).refusal()
}

/// The smallest plan, with `more` below it.
fn smallest(more: &str) -> String {
    format!("apiVersion: deployctl.dev/v1\nsources: [../manifests/other]\n{more}")
}

fn refused_small(more: &str) -> String {
    Folder::new()
        .file("plans/shop.yaml", &smallest(more))
        .file(
            "manifests/other/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        )
        .run(&["validate"])
        .refusal()
}

#[test]
fn a_good_plan_is_valid_in_all_environments() {
    let (stdout, stderr) = shop(SHOP).run(&["validate"]).success();
    assert_eq!(stdout, "");
    insta::assert_snapshot!(stderr, @"plans/shop.yaml is valid (environments: dev, prod)");
}

#[test]
fn what_is_wrong_is_told_all_at_once_with_its_place() {
    let plan = SHOP
        .replace("namespace: shop,", "namespce: shop,")
        .replace("15m", "15")
        .replace("onFailure: stop", "onFailure: halt");
    insta::assert_snapshot!(refused(&plan), @r#"
    Error: plans/shop.yaml has 3 errors
    plans/shop.yaml:7:36: unknown key `namespce` in `environments.prod`; did you mean `namespace`?
      7 |   prod: {contexts: ["*shop-prod"], namespce: shop, protected: true, variables: {domain: shop.io, ima
        |                                    ^^^^^^^^
    plans/shop.yaml:16:24: `phases.databases.timeout`: `15` is not a duration; write for example `90s`, `15m` or `1h 30m`
      16 |   databases: {timeout: 15}
         |                        ^^
    plans/shop.yaml:17:106: `phases.scaling.onFailure`: unknown value `halt`; there is `rollback`, `stop`
      17 |   scaling: {after: [apps], match: [{kind: ScaledObject}], when: {crd: scaledobjects.keda.sh}, onFailure: halt
         |                                                                                                          ^^^^
    "#);
}

#[test]
fn meaning_is_checked_too() {
    insta::assert_snapshot!(refused_small("
environments:
  dev: {protected: true}
  Prod: {variables: {tag: x}}
secrets:
  - {name: a, data: {b: {}, c: {template: '${a/d}'}}}
phases:
  database: {timeout: 5m}
  scaling: {after: [app]}
requires: {kubernetes: newest, crds: [{name: certificates}]}
open: {api: {service: api, port: 0, scheme: htp}}
"), @r"
    Error: plans/shop.yaml has 11 errors
    plans/shop.yaml:5:9: the environment `dev` is protected, so `contexts` must say which it may touch
      5 |   dev: {protected: true}
        |         ^^^^^^^^^
    plans/shop.yaml:6:3: `Prod` cannot be the name of an environment; use lower-case letters, digits and `-`
      6 |   Prod: {variables: {tag: x}}
        |   ^^^^
    plans/shop.yaml:6:22: the plan declares no variable `tag`; declare it under `variables`
      6 |   Prod: {variables: {tag: x}}
        |                      ^^^
    plans/shop.yaml:8:22: `b` says nothing about where its value comes from; give one of `value`, `generate`, `prompt`, `file`, `env`, `command`, `sops`, `template`
      8 |   - {name: a, data: {b
        |                      ^
    plans/shop.yaml:8:33: the secret `a` has no key `d`; did you mean `b`?
      8 |   - {name: a, data: {b: {}, c: {template
        |                                 ^^^^^^^^
    plans/shop.yaml:10:3: the phase `database` is none of the seven (did you mean `databases`?); say what it comes `after` or `before`
      10 |   database: {timeout: 5m}
         |   ^^^^^^^^
    plans/shop.yaml:11:21: `after` names an unknown phase `app`; did you mean `apps`?
      11 |   scaling: {after: [app]}
         |                     ^^^
    plans/shop.yaml:12:12: `newest` is not a version requirement; write for example `>=1.26` or `>=1.26, <1.36`
      12 | requires: {kubernetes: newest, crds: [{name: certificates}]}
         |            ^^^^^^^^^^
    plans/shop.yaml:12:40: `certificates` cannot be the name of a CustomResourceDefinition; write for example `certificates.cert-manager.io`
      12 | requires: {kubernetes: newest, crds: [{name: certificates}]}
         |                                        ^^^^
    plans/shop.yaml:13:28: `port` must be from 1 to 65535
      13 | open: {api: {service: api, port: 0, scheme: htp}}
         |                            ^^^^
    plans/shop.yaml:13:37: unknown scheme `htp`; did you mean `http`?
      13 | open: {api: {service: api, port: 0, scheme: htp}}
         |                                     ^^^^^^
    ");
}

#[test]
fn yaml_that_cannot_be_read_has_a_place() {
    insta::assert_snapshot!(refused("apiVersion: deployctl.dev/v1\nsources: [a\nname: b\n"), @r"
    Error: plans/shop.yaml:3:5: not readable as YAML: illegal placement of ':' indicator
      3 | name:
        |     ^
    ");
    insta::assert_snapshot!(refused("apiVersion: deployctl.dev/v1\nsources: [a]\nsources: [b]\n"), @r"
    Error: plans/shop.yaml:3:1: the key `sources` stands here twice; take one out
      3 | s
        | ^
    ");
    let two =
        refused("apiVersion: deployctl.dev/v1\nsources: [a]\n---\napiVersion: deployctl.dev/v1\n");
    assert!(
        two.contains("plans/shop.yaml:4:1: a plan is one YAML document"),
        "{two}"
    );
}

#[test]
fn a_file_that_is_no_plan_is_told_apart() {
    insta::assert_snapshot!(refused("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"), @r"
    Error: plans/shop.yaml:1:1: `v1` with a `kind` is a manifest, not a plan; a plan starts with `apiVersion: deployctl.dev/v1`
      1 | apiVersion: v1
        | ^^^^^^^^^^
    ");
    insta::assert_snapshot!(refused(""), @r"Error: plans/shop.yaml:1:1: the key `apiVersion` is missing");
}

#[test]
fn variables_without_values_are_listed() {
    insta::assert_snapshot!(refused(&SHOP.replace("domain: shop.io, image_tag: v1", "")), @r"
    Error: plans/shop.yaml:4:13: the variables `image_tag`, `domain` have no value in the environment `prod`; give `--set image_tag=…`, `--set domain=…`, or write it under `environments.prod.variables`
      4 | variables: {image_tag: {}, domain: {}, replicas: {default: 2}}
        |             ^^^^^^^^^
    ");
}

#[test]
fn set_beats_the_plan_and_unknown_names_are_refused() {
    let folder = shop(SHOP);
    let (stdout, _) = folder
        .run(&["render", "--set", "image_tag=v2", "--set", "replicas=5"])
        .success();
    assert!(stdout.contains("image: registry.test/api:v2"), "{stdout}");
    assert!(stdout.contains("replicas: 5"), "{stdout}");
    insta::assert_snapshot!(folder.run(&["render", "--set", "image=v2", "--set", "replicas=many", "--set", "x"]).refusal(), @r"
    Error: plans/shop.yaml has 3 errors
    `--set image`: the plan declares no variable `image`; did you mean `image_tag`?
    `--set x`: write `--set NAME=VALUE`
    the variable `replicas` must be a number, like its default
    ");
}

#[test]
fn a_near_miss_in_a_manifest_is_said_with_its_place() {
    let folder = shop(SHOP).file(
        "manifests/shop/settings.yaml",
        &CONFIG.replace("${domain}", "${domian}"),
    );
    let (_, stderr) = folder.run(&["validate"]).success();
    insta::assert_snapshot!(stderr, @r"
    Warning: manifests/shop/settings.yaml:1: ConfigMap/settings: `data.domain`: `${domian}` is not a variable of the plan, but nearly `domain`, and stays as it is [unknown-variable]
    plans/shop.yaml is valid (environments: dev, prod)
    ");
    let folder = folder.file(
        "manifests/shop/api.yaml",
        &DEPLOYMENT.replace("${image_tag}", "${image_tg}"),
    );
    insta::assert_snapshot!(folder.run(&["validate"]).refusal(), @r#"
    Warning: manifests/shop/settings.yaml:1: ConfigMap/settings: `data.domain`: `${domian}` is not a variable of the plan, but nearly `domain`, and stays as it is [unknown-variable]
    Error: manifests/shop/api.yaml:2: Deployment/api: `spec.template.spec.containers[0].image`: `${image_tg}` is not a variable of the plan, but nearly `image_tag`; write `${image_tag}`, or annotate the object with `deployctl.dev/substitute: "false"` if its text shall stay as it is [variable]
    "#);
}

#[test]
fn keys_of_later_versions_are_warned_about() {
    let plan = smallest(
        "phases:
  databases:
    backup: [{exec: {in: statefulset/postgres, command: [pg_dump, -Fc, shop]}, restore: {command: [pg_restore]}}]
    afterReady: [{exec: {in: statefulset/mongodb, command: [mongosh], unless: [test]}}]
    checks: [{http: {service: api, path: /health, status: 200}}]
",
    );
    let folder = Folder::new().file("plans/shop.yaml", &plan).file(
        "manifests/other/a.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    );
    let (_, stderr) = folder.run(&["validate"]).success();
    insta::assert_snapshot!(stderr, @r"
    Warning: plans/shop.yaml:5:5: `phases.databases.backup` is not supported yet; `up` refuses the plan [unsupported-key]
    Warning: plans/shop.yaml:6:5: `phases.databases.afterReady` is not supported yet; `up` refuses the plan [unsupported-key]
    Warning: plans/shop.yaml:7:5: `phases.databases.checks` is not supported yet; `up` refuses the plan [unsupported-key]
    plans/shop.yaml is valid (environment: default)
    ");
}

#[test]
fn fields_that_are_left_to_others_are_checked_with_their_places() {
    let folder = |entries: &str| {
        let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {x: z}\n";
        Folder::new()
            .file(
                "plans/shop.yaml",
                &smallest(&format!("ignoreFields:\n{entries}")),
            )
            .file("manifests/other/a.yaml", manifest)
    };
    let wrong = folder(
        "  - match: [{kind: ConfigMap, recreate: true}, {name: '[a'}, {}]
    fields: [/spec/replicas, metadata.labels, 'spec.containers[web]']
  - match: []
    fields: []
",
    );
    insta::assert_snapshot!(wrong.run(&["validate"]).refusal(), @r#"
    Error: plans/shop.yaml has 8 errors
    plans/shop.yaml:4:31: `recreate` belongs to a `match` of a phase
      4 |   - match: [{kind: ConfigMap, recreate: true}, {name: '[a'}, {}]
        |                               ^^^^^^^^
    plans/shop.yaml:4:49: `[a` is not a glob: unclosed character class; missing ']'
      4 |   - match: [{kind: ConfigMap, recreate: true}, {name: '[a'}, {}]
        |                                                 ^^^^
    plans/shop.yaml:4:62: a rule without keys would match everything; give `kind` or another key
      4 |   - match: [{kind: ConfigMap, recreate: true}, {name: '[a'}, {}]
        |                                                              ^
    plans/shop.yaml:5:14: `/spec/replicas` is a JSON pointer; write the field as in `spec.replicas`
      5 |     fields: [/spec/replicas, metadata.labels, 'spec.containers[web]']
        |              ^^^^^^^^^^^^^^
    plans/shop.yaml:5:30: `metadata.labels` cannot be left to others: it says which object this is, or that it is of this release
      5 |     fields: [/spec/replicas, metadata.labels, 'spec.containers[web]']
        |                              ^^^^^^^^^^^^^^^
    plans/shop.yaml:5:47: `[web]` names no item; write `[name=web]`, `[0]`, `[*]` or, for a field, `["web"]`
      5 |     fields: [/spec/replicas, metadata.labels, 'spec.containers[web]']
        |                                               ^^^^^^^^^^^^^^^^^^^^^^
    plans/shop.yaml:6:5: `ignoreFields[1].match` is empty; name at least one
      6 |   - match: []
        |     ^^^^^
    plans/shop.yaml:7:5: `ignoreFields[1].fields` is empty; name at least one
      7 |     fields: []
        |     ^^^^^^
    "#);
    let idle = folder(
        "  - match: [{kind: ConfigMap}]
    fields: [data.x, data.z]
  - {match: [{kind: Deployment}], fields: [spec.replicas]}
",
    );
    let (_, stderr) = idle.run(&["validate"]).success();
    insta::assert_snapshot!(stderr, @r"
    Warning: plans/shop.yaml:5:22: no manifest that this entry of `ignoreFields` fits has the field `data.z`; it is never sent anyway [idle-ignored-field]
    Warning: plans/shop.yaml:6:5: this entry of `ignoreFields` fits no object of the manifests [idle-ignored-field]
    plans/shop.yaml is valid (environment: default)
    ");
}

#[test]
fn findings_are_one_json_document() {
    let ran =
        shop(&SHOP.replace("namespace: shop,", "namespce: shop,")).run(&["validate", "-o", "json"]);
    assert_eq!(ran.status, 2);
    insta::assert_snapshot!(ran.stdout, @r#"
    {
      "file": "plans/shop.yaml",
      "plan": "shop",
      "environments": [
        "dev",
        "prod"
      ],
      "valid": false,
      "findings": [
        {
          "check": "plan",
          "severity": "error",
          "file": "plans/shop.yaml",
          "line": 7,
          "column": 36,
          "path": "environments.prod.namespce",
          "message": "unknown key `namespce` in `environments.prod`; did you mean `namespace`?"
        }
      ],
      "needed": []
    }
    "#);
    let (stdout, stderr) = shop(SHOP)
        .run(&["validate", "--env", "prod", "-o", "json"])
        .success();
    assert_eq!(stderr, "");
    insta::assert_snapshot!(stdout, @r#"
    {
      "file": "plans/shop.yaml",
      "plan": "shop",
      "environments": [
        "prod"
      ],
      "valid": true,
      "findings": [],
      "needed": []
    }
    "#);
}

#[test]
fn the_plan_is_found_by_name_by_path_or_alone() {
    let folder = shop(SHOP).file("below/deep/x", "");
    for (place, arguments) in [
        (".", vec!["validate"]),
        ("below/deep", vec!["validate", "shop"]),
        ("below/deep", vec!["validate", "shop.prod"]),
        (".", vec!["validate", "shop.prod", "--env", "prod"]),
        ("plans", vec!["validate", "shop.yaml"]),
        ("below", vec!["validate", "../plans/shop.yaml"]),
    ] {
        folder.run_in(place, &arguments).success();
    }
    let folder = folder
        .variable("DEPLOYCTL_PLAN", "shop")
        .file("plans/shopping.yml", SHOP)
        .file("plans/.hidden.yaml", "");
    folder.run(&["validate"]).success();
}

#[test]
fn a_plan_that_is_not_found_is_told_with_what_there_is() {
    let folder = shop(SHOP).file("plans/blog.yml", SHOP);
    insta::assert_snapshot!(folder.run(&["validate"]).refusal(), @r"Error: the folder `plans` holds several plans: `blog`, `shop`; name one");
    insta::assert_snapshot!(folder.run(&["validate", "shp"]).refusal(), @r"Error: there is no plan `shp` in the folder `plans`; did you mean `shop`?");
    insta::assert_snapshot!(folder.run(&["validate", "plans/x.yaml"]).refusal(), @r"Error: there is no plan file `plans/x.yaml`");
    let nothing = Folder::new();
    let refusal = nothing.run(&["validate"]).refusal();
    assert!(
        refusal
            .starts_with("Error: no plan was named, and there is no folder `plans` here or above"),
        "{refusal}"
    );
}

#[test]
fn a_release_is_named_as_it_is_shown() {
    let folder = shop(SHOP);
    let of = |arguments: &[&str]| folder.run(arguments).success();
    assert_eq!(
        of(&["render", "shop.prod"]),
        of(&["render", "shop", "--env", "prod"])
    );
    insta::assert_snapshot!(folder.run(&["render", "shop.prd"]).refusal(), @"Error: the plan `shop` has no environment `prd`; did you mean `prod`?");
    insta::assert_snapshot!(folder.run(&["render", "shop.prod", "--env", "dev"]).refusal(), @r"
    Error: `shop.prod` names the environment `prod`, and `--env` or `DEPLOYCTL_ENV` names `dev`
    Hint: give one of them
    ");
}

#[test]
fn several_environments_must_be_chosen_from() {
    let folder = shop(&SHOP.replace("default: true, ", ""));
    insta::assert_snapshot!(folder.run(&["render"]).refusal(), @r"Error: the plan `shop` has several environments and none is marked `default: true`: `dev`, `prod`; name one with `--env`");
    insta::assert_snapshot!(folder.run(&["render", "--env", "prd"]).refusal(), @r"Error: the plan `shop` has no environment `prd`; did you mean `prod`?");
    folder.run(&["render", "--env", "prod"]).success();
    insta::assert_snapshot!(refused(&SHOP.replace("prod: {", "prod: {default: true, ")), @r#"
    Error: plans/shop.yaml:7:10: several environments are marked `default: true`: `dev`, `prod`; leave one
      7 |   prod: {default: true, contexts: ["*shop-prod"], namespace: shop, protected: true, variables: {doma
        |          ^^^^^^^
    "#);
}

#[test]
fn rendered_objects_are_data_and_declared_secrets_are_named() {
    let (stdout, stderr) = shop(SHOP).run(&["render"]).success();
    insta::assert_snapshot!(stdout, @r#"
    apiVersion: v1
    kind: Namespace
    metadata:
      name: shop-dev
    ---
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: api
      namespace: shop-dev
      labels:
        version: "2"
    spec:
      replicas: 2
      selector:
        matchLabels:
          app: api
      template:
        metadata:
          labels:
            app: api
        spec:
          containers:
          - name: api
            image: registry.test/api:main
    ---
    apiVersion: v1
    kind: ConfigMap
    metadata:
      name: settings
      namespace: shop-dev
    data:
      domain: dev.shop.test
      home: "${HOME}"
    "#);
    insta::assert_snapshot!(stderr, @r"
    Note: phase `scaling`: a cluster that serves `scaledobjects.keda.sh` is assumed
    Left out, because the plan declares them and `up` makes them: Secret/shop-dev/postgres, Secret/shop-dev/api
    ");
    let (stdout, _) = shop(SHOP).run(&["render", "-o", "json", "-q"]).success();
    let list: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(list["kind"], "List");
    assert_eq!(list["items"].as_array().unwrap().len(), 3, "{list}");
}

#[test]
fn phases_are_shown_with_their_reasons_and_can_be_chosen() {
    let folder = shop(SHOP).file(
        "manifests/shop/databases/postgres.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: postgres}\n",
    );
    let (stdout, _) = folder.run(&["render", "--phases"]).success();
    insta::assert_snapshot!(stdout, @r"
    PHASE      OBJECT                       WHY                 FILE
    namespace  Namespace/shop-dev           kind                plans/shop.yaml:1
    databases  Service/shop-dev/postgres    folder `databases`  manifests/shop/databases/postgres.yaml:1
    apps       Deployment/shop-dev/api      kind                manifests/shop/api.yaml:2
    apps       ConfigMap/shop-dev/settings  kind                manifests/shop/settings.yaml:1
    ");
    let (stdout, _) = folder
        .run(&["render", "--phases", "--phase", "databases", "-o", "json"])
        .success();
    insta::assert_snapshot!(stdout, @r#"
    [
      {
        "file": "manifests/shop/databases/postgres.yaml",
        "line": 1,
        "object": "Service/shop-dev/postgres",
        "phase": "databases",
        "reason": "folder `databases`"
      }
    ]
    "#);
    let (stdout, _) = folder
        .run(&["render", "--phase", "databases", "--phase", "ingress"])
        .success();
    assert!(
        stdout.contains("name: postgres") && !stdout.contains("name: api"),
        "{stdout}"
    );
    insta::assert_snapshot!(folder.run(&["render", "--phase", "database"]).refusal(), @r"
    Error: the plan has no phase `database`; it has `namespace`, `secrets`, `storage`, `databases`, `apps`, `scaling`, `monitoring`, `ingress`
    Hint: did you mean `--phase databases`?
    ");
}

#[test]
fn manifests_are_checked_with_the_plan() {
    let other = CONFIG.replace("${HOME}", "/root");
    let folder = shop(SHOP).file("manifests/shop/twice.yaml", &other);
    insta::assert_snapshot!(folder.run(&["validate"]).refusal(), @r"
    Error: plans/shop.yaml has 2 errors
    manifests/shop/twice.yaml:1: ConfigMap/shop-dev/settings: the object is there twice, first at manifests/shop/settings.yaml:1; remove one of them [duplicate-object]
    manifests/shop/twice.yaml:1: ConfigMap/shop/settings: the object is there twice, first at manifests/shop/settings.yaml:1; remove one of them [duplicate-object]
    ");
}

#[test]
fn the_committed_page_of_checks_is_current() {
    let (stdout, _) = Folder::new().run(&["schema", "--checks"]).success();
    let committed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/checks.md"))
            .expect("the page is there");
    assert!(
        stdout == committed,
        "docs/checks.md is old: run `make checks-page`"
    );
}

#[test]
fn the_committed_schema_is_current() {
    let (stdout, _) = Folder::new().run(&["schema"]).success();
    let committed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.schema.json"))
            .unwrap();
    assert!(
        stdout == committed,
        "docs/plan.schema.json is old: run `deployctl schema > docs/plan.schema.json`"
    );
}

/// `folder` with what the page's sources that need a program are made of, and these programs.
fn with_tools(folder: Folder) -> Folder {
    let command = Helm::Four.of(Deployctl::in_sandbox());
    let object = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: built}\n";
    let chart = "apiVersion: v2\nname: shop\nversion: 1.0.0\n";
    folder
        .variable("PATH", &command.path_variable().to_string_lossy())
        .file("manifests/legacy/a.yaml", &object.replace("built", "old"))
        .file("overlays/default/kustomization.yaml", "resources: [a.yaml]")
        .file("overlays/default/a.yaml", object)
        .file("charts/shop/Chart.yaml", chart)
        .file(
            "charts/shop/templates/a.yaml",
            &object.replace("built", "chart"),
        )
        .file("charts/values-default.yaml", "a: 1\n")
}

#[test]
fn every_plan_in_the_documentation_is_valid() {
    let text =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/plan.md")).unwrap();
    let blocks: Vec<&str> = text
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 6, "{}", blocks.len());
    for block in blocks {
        let has = |key: &str| block.lines().any(|line| line.starts_with(key));
        let header = if has("apiVersion:") {
            ""
        } else {
            "apiVersion: deployctl.dev/v1\n"
        };
        let sources = if has("sources:") {
            ""
        } else {
            "sources: [../manifests/shop]\n"
        };
        let mut folder =
            Folder::new().file("plans/shop.yaml", &format!("{header}{sources}{block}"));
        for path in ["shop/a", "common/quota", "extra/b"] {
            let name = path.split('/').next().unwrap();
            let object = format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n");
            folder = folder.file(&format!("manifests/{path}.yaml"), &object);
        }
        if block.contains("helm:") {
            folder = with_tools(folder);
        }
        folder.run(&["validate"]).success();
    }
}

#[test]
fn the_examples_in_the_help_work() {
    let bin = Path::new(env!("CARGO_BIN_EXE_deployctl")).parent().unwrap();
    for command in ["validate", "render", "schema"] {
        let folder = shop(SHOP);
        let (help, _) = folder.run(&[command, "--help"]).success();
        let examples: Vec<&str> = help
            .split("Examples:\n")
            .nth(1)
            .unwrap()
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .collect();
        assert!((2..=3).contains(&examples.len()), "{help}");
        for example in examples {
            let mut shell = Command::new("/bin/sh");
            shell
                .args(["-c", example])
                .current_dir(folder.root.path())
                .env_clear()
                .env("PATH", bin);
            let ran = Ran::of(&shell.output().unwrap());
            assert_eq!(ran.status, 0, "{example}: {}", ran.stderr);
        }
    }
}
