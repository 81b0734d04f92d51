//! Charts: rendered for the cluster that they go to, with what they make anew kept.

use super::{Audit, Deployctl, Helm, Project, User, get};

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "shop.name" . }}
  labels: {app: shop}
  labels: {app: shop, release: {{ .Release.Name }}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: shop}}
  template:
    metadata:
      labels: {app: shop}
      annotations: {checksum/password: {{ include (print $.Template.BasePath "/secret.yaml") . | sha256sum }}}
    spec:
      containers:
        - {name: main, image: "shop:{{ tpl .Values.image.tag . }}", ports: [{containerPort: 8080}]}
"#;

const SECRET: &str = r#"apiVersion: v1
kind: Secret
metadata: {name: {{ include "shop.name" . }}}
stringData: {user: shop, password: {{ randAlphaNum 24 | quote }}}
"#;

const CAPABILITIES: &str = r#"{{- if .Capabilities.APIVersions.Has "charts.example.test/v1" }}
apiVersion: charts.example.test/v1
kind: Gadget
metadata: {name: {{ include "shop.name" . }}}
{{- else }}
apiVersion: v1
kind: ConfigMap
metadata: {name: {{ include "shop.name" . }}}
data: {version: {{ .Capabilities.KubeVersion.Version }}, namespace: {{ .Release.Namespace }}}
{{- end }}
"#;

/// A project with a chart of its own that has a subchart, a CRD and a random password.
pub(super) fn shop(name: &str) -> Project {
    let sources = "\n- {helm: {chart: ../manifests/chart, release: my, values: [\"../manifests/values-${release.environment}.yaml\", {extra: {enabled: false}}], set: {image.tag: \"${tag}\"}}}";
    Project::with_sources(name, sources)
        .plan("variables: {tag: {default: v1}}\n")
        .manifest("values-default.yaml", "replicas: 2\nextra: {enabled: true}\n")
        .manifest("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: extra, version: 0.1.0, condition: extra.enabled}]\n")
        .manifest("chart/values.yaml", "replicas: 1\nimage: {tag: none}\nextra: {enabled: true}\n")
        .manifest("chart/charts/extra/Chart.yaml", "apiVersion: v2\nname: extra\nversion: 0.1.0\n")
        .manifest("chart/charts/extra/templates/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra}\n")
        .manifest("chart/crds/gadgets.yaml", &crd(name))
        .manifest("chart/templates/_helpers.tpl", "{{ define \"shop.name\" }}{{ .Release.Name }}-shop{{ end }}\n")
        .manifest("chart/templates/deployment.yaml", DEPLOYMENT)
        .manifest("chart/templates/secret.yaml", SECRET)
        .manifest("chart/templates/capabilities.yaml", CAPABILITIES)
        .manifest("chart/templates/NOTES.txt", "Thanks.\n")
}

/// A definition that no other test has.
fn crd(name: &str) -> String {
    format!(
        "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{name: gadgets.{name}.example.test}}\nspec: {{group: {name}.example.test, scope: Namespaced, names: {{kind: Gadget, plural: gadgets}}, versions: [{{name: v1, served: true, storage: true, schema: {{openAPIV3Schema: {{type: object}}}}}}]}}\n"
    )
}

#[test]
fn a_chart_is_rendered_the_same_by_both_versions_of_helm() {
    let project = shop("chart-rendered");
    let by = |helm: Helm| {
        let rendered = helm
            .of(project.command("render", &["--phases"]))
            .run()
            .exited(0);
        rendered.stdout
    };
    let four = by(Helm::Four);
    assert_eq!(by(Helm::Three), four);
    insta::assert_snapshot!(four, @r#"
    PHASE      OBJECT                                                        WHY                      FILE
    namespace  CustomResourceDefinition/gadgets.chart-rendered.example.test  kind                     manifests/chart/crds/gadgets.yaml:2
    namespace  Namespace/chart-rendered                                      kind                     plans/chart-rendered.yaml:1
    secrets    Secret/chart-rendered/my-shop                                 file name `secret.yaml`  manifests/chart/templates/secret.yaml:2
    apps       Deployment/chart-rendered/my-shop                             kind                     manifests/chart/templates/deployment.yaml:2
    apps       ConfigMap/chart-rendered/my-shop                              kind                     manifests/chart/templates/capabilities.yaml:7
    "#);
}

#[test]
fn a_chart_is_deployed_as_the_cluster_is_and_its_password_stays() {
    let project = shop("chart-life");
    let user = User::administrator();
    let helm = |command: Deployctl| user.runs(Helm::Four.of(command));
    helm(project.up(&[])).run().exited(0);
    let data = project.get("configmap/my-shop")["data"].clone();
    let version = project.kubectl(&["version", "-o", "json"]);
    assert!(
        version.contains(data["version"].as_str().unwrap()),
        "{data} {version}"
    );
    assert_eq!(data["namespace"], "chart-life");
    assert_eq!(project.get("deployment/my-shop")["spec"]["replicas"], 2);
    assert!(
        project.get("configmap/extra").is_null(),
        "the plan turned it off"
    );
    let password = project.get("secret/my-shop")["data"]["password"].clone();

    let audit = Audit::from_now(&user);
    let again = helm(project.up(&[])).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());
    assert!(
        again.stderr.contains("Secret/chart-life/my-shop: `data.password` stays as in the cluster, since the chart makes it anew each time"),
        "{}",
        again.stderr
    );

    helm(project.up(&["--set", "tag=v2"])).run().exited(0);
    assert_eq!(project.get("secret/my-shop")["data"]["password"], password);
    let image = |project: &Project| {
        project.get("deployment/my-shop")["spec"]["template"]["spec"]["containers"][0]["image"]
            .clone()
    };
    assert_eq!(image(&project), "shop:v2");
    // Without the chart's program: what is stored is enough.
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(image(&project), "shop:v1");
    assert_eq!(project.get("secret/my-shop")["data"]["password"], password);
    project.command("down", &["--yes"]).run().exited(0);
}

/// What hooks of both sides run as, as charts with certificates of their own webhooks have it.
const ACCOUNT: &str = "apiVersion: v1
kind: ServiceAccount
metadata:
  name: hooks
  annotations: {helm.sh/hook: \"pre-install,pre-upgrade,post-install,post-upgrade\"}
";

/// A Job that is a hook.
pub(super) fn hook(name: &str, events: &str, weight: i32) -> String {
    let account = if name == "prepare" {
        "hooks"
    } else {
        "default"
    };
    format!(
        "apiVersion: batch/v1
kind: Job
metadata:
  name: {name}
  annotations: {{helm.sh/hook: \"{events}\", helm.sh/hook-weight: \"{weight}\", helm.sh/hook-delete-policy: before-hook-creation}}
spec:
  template: {{spec: {{serviceAccountName: {account}, restartPolicy: Never, containers: [{{name: main, image: \"hook:{{{{ .Values.image.tag }}}}\"}}]}}}}
"
    )
}

/// The uids of the Jobs that are there, by name.
pub(super) fn made(project: &Project) -> std::collections::BTreeMap<String, String> {
    let jobs = project.kubectl(&["get", "jobs", "-o", "json"]);
    let jobs: serde_json::Value = serde_json::from_str(&jobs).unwrap();
    let made = jobs["items"].as_array().unwrap().iter().map(|job| {
        let uid = job["metadata"]["uid"].as_str().unwrap().to_owned();
        (job["metadata"]["name"].as_str().unwrap().to_owned(), uid)
    });
    made.collect()
}

/// A chart with hooks of all sorts.
fn with_hooks(name: &str) -> Project {
    shop(name)
        .manifest(
            "chart/templates/a-prepare.yaml",
            &hook("prepare", "pre-install,pre-upgrade", -5),
        )
        .manifest("chart/templates/a-account.yaml", ACCOUNT)
        .manifest(
            "chart/templates/b-migrate.yaml",
            &hook("migrate", "pre-upgrade", 0),
        )
        .manifest(
            "chart/templates/c-welcome.yaml",
            &hook("welcome", "post-install", 0),
        )
        .manifest("chart/templates/d-test.yaml", &hook("test", "test", 0))
        .manifest(
            "chart/templates/e-goodbye.yaml",
            &hook("goodbye", "pre-delete", 0),
        )
}

#[test]
fn hooks_are_run_around_their_chart_where_it_changes() {
    let project = with_hooks("chart-hooks");
    let user = User::administrator();
    let helm = |arguments: &[&str]| user.runs(Helm::Four.of(project.up(arguments)));
    let events = helm(&["-o", "jsonl"]).run().exited(0).events();
    let written = events
        .iter()
        .filter(|event| event["event"] == "object-written");
    let names: Vec<&str> = written
        .filter(|event| {
            ["Job", "Deployment"]
                .map(Some)
                .contains(&event["object"]["kind"].as_str())
        })
        .map(|event| event["object"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["prepare", "my-shop", "welcome"]);
    let first = made(&project);
    assert_eq!(first.keys().collect::<Vec<_>>(), ["prepare", "welcome"]);

    let audit = Audit::from_now(&user);
    helm(&[]).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());

    let events = helm(&["-o", "jsonl", "--set", "tag=v2"])
        .run()
        .exited(0)
        .events();
    let written = super::written(&events);
    let jobs: Vec<&String> = written
        .iter()
        .filter(|it| it.starts_with("created Job/"))
        .collect();
    assert_eq!(jobs.len(), 2, "{written:?}");
    let second = made(&project);
    assert_eq!(
        second.keys().collect::<Vec<_>>(),
        ["migrate", "prepare", "welcome"]
    );
    assert_ne!(first["prepare"], second["prepare"], "it is run anew");
    assert_eq!(
        first["welcome"], second["welcome"],
        "it is of the installation"
    );
    assert_eq!(project.status()["standing"], "deployed");
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn a_hook_that_fails_is_rolled_back_with_its_chart() {
    let project = shop("chart-hook-fails").manifest(
        "chart/templates/a-migrate.yaml",
        &hook("migrate", "pre-upgrade", 0),
    );
    Helm::Four.of(project.up(&[])).run().exited(0);
    let failing = hook("migrate", "pre-upgrade", 0).replace(
        "template: {spec:",
        "backoffLimit: 0\n  template: {metadata: {labels: {sandbox.deployctl.dev/fault: job-fails}}, spec:",
    );
    project.rewrite("chart/templates/a-migrate.yaml", &failing);
    let failed = Helm::Four
        .of(project.up(&["--set", "tag=v2"]))
        .run()
        .exited(1);
    assert!(
        failed.stderr.contains("Job/chart-hook-fails/migrate"),
        "{}",
        failed.stderr
    );
    assert!(
        failed
            .stderr
            .contains("rolled back: 1 object as before, 0 differences"),
        "{}",
        failed.stderr
    );
    let deployment = project.get("deployment/my-shop");
    assert_eq!(
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
        "shop:v1"
    );
    assert_eq!(
        deployment["metadata"]["generation"], 1,
        "it was never written"
    );
    assert!(made(&project).is_empty());
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn a_chart_may_ask_what_the_cluster_serves() {
    let project = shop("chart-asks");
    let text = "{{- if .Capabilities.APIVersions.Has \"cert-manager.io/v1/Certificate\" }}apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: asked}\n{{ else }}a: 1{{ end }}";
    project.rewrite("chart/templates/capabilities.yaml", text);
    Helm::Four.of(project.up(&[])).run().exited(0);
    assert_eq!(
        get("chart-asks", "serviceaccount/asked")["metadata"]["name"],
        "asked"
    );
    project.command("down", &["--yes"]).run().exited(0);
}

#[test]
fn what_is_wrong_with_a_chart_is_said_with_its_place() {
    let project = shop("chart-wrong");
    let refused = || {
        Helm::Four
            .of(project.command("validate", &[]))
            .run()
            .exited(2)
            .stderr
    };
    let without_helm = project
        .command("validate", &[])
        .env("PATH", "/nonexistent")
        .run()
        .exited(2)
        .stderr;
    assert!(
        without_helm.contains("plans/chart-wrong.yaml:4: `helm` is not in `PATH`, and the plan has a chart; install it: https://"),
        "{without_helm}"
    );
    project.rewrite(
        "chart/templates/secret.yaml",
        "{{ required \"give a password\" .Values.password }}",
    );
    let said = refused();
    assert!(
        said.contains("`helm` cannot build the chart `../manifests/chart`:"),
        "{said}"
    );
    assert!(
        said.contains("give a password") && said.contains("shop/templates/secret.yaml:1"),
        "{said}"
    );
    project.rewrite(
        "chart/templates/secret.yaml",
        "apiVersion: v1\nkind: Secret\n",
    );
    let said = refused();
    assert!(
        said.contains("manifests/chart/templates/secret.yaml:1: "),
        "{said}"
    );
    project.rewrite("chart/templates/secret.yaml", SECRET);
    project.rewrite("chart/Chart.yaml", "apiVersion: v2\nname: shop\nversion: 1.0.0\ndependencies: [{name: absent, version: 0.1.0, repository: \"https://charts.example.test\"}]\n");
    let said = refused();
    assert!(
        said.contains("run `helm dependency build manifests/chart`"),
        "{said}"
    );
}

#[test]
fn what_helm_has_installed_is_taken_over() {
    let project = shop("chart-adopted");
    let user = User::administrator();
    let folder = project.folder().join("manifests");
    let installed = user.runs(Helm::Four.of(Deployctl::in_sandbox()));
    let command = installed.into_command();
    let output = std::process::Command::new(Helm::Four.folder().join("helm"))
        .args([
            "install",
            "my",
            "chart",
            "--values",
            "values-default.yaml",
            "--set",
            "image.tag=v1",
        ])
        .args(["--namespace", "chart-adopted", "--create-namespace"])
        .current_dir(folder)
        .env_clear()
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let password = project.get("secret/my-shop")["data"]["password"].clone();
    assert!(password.is_string());
    let up = user.runs(Helm::Four.of(project.up(&[]))).run().exited(0);
    assert!(
        up.stderr
            .contains("`helm uninstall my` would delete it; taken over from Helm"),
        "{}",
        up.stderr
    );
    assert_eq!(project.get("secret/my-shop")["data"]["password"], password);
    assert!(
        project.get("secret/sh.helm.release.v1.my.v1").is_object(),
        "its record stays"
    );
    let audit = Audit::from_now(&user);
    user.runs(Helm::Four.of(project.up(&[]))).run().exited(0);
    assert_eq!(audit.writes(), Vec::<String>::new());
}

#[test]
fn a_hook_that_removes_itself_is_waited_for_each_time() {
    let slow = hook("migrate", "pre-install,pre-upgrade", 0).replace(
        "template: {spec:",
        "ttlSecondsAfterFinished: 0\n  template: {metadata: {labels: {sandbox.deployctl.dev/fault: slow}, annotations: {sandbox.deployctl.dev/seconds: \"3\"}}, spec:",
    );
    let project = shop("chart-hook-ttl").manifest("chart/templates/a-migrate.yaml", &slow);
    let up = |arguments: &[&str]| {
        let run = Helm::Four.of(project.up(arguments)).args(["-o", "jsonl"]);
        run.run().exited(0).events()
    };
    up(&[]);
    crate::support::eventually("it has removed itself", || {
        made(&project).is_empty().then_some(())
    });
    let events = up(&["--set", "tag=v2"]);
    let at = |name: &str| {
        let written = events
            .iter()
            .find(|it| it["event"] == "object-written" && it["object"]["name"] == name);
        let time = written.expect("it is written")["at"].as_str().unwrap();
        time.parse::<jiff::Timestamp>().unwrap()
    };
    let waited = at("my-shop").duration_since(at("migrate"));
    assert!(
        waited.as_secs() >= 2,
        "{waited:?}: the chart came before its hook was done"
    );
}

#[test]
fn a_part_of_a_chart_is_not_run_without_its_hooks() {
    let project = shop("chart-part").manifest(
        "chart/templates/z-after.yaml",
        &hook("after", "post-install", 0),
    );
    let refused = Helm::Four
        .of(project.up(&["--phase", "namespace", "--phase", "secrets"]))
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("Job/chart-part/after: this hook is to be run with its chart, of which this run writes a part without it"),
        "{}",
        refused.stderr
    );
    assert!(project.get("secret/my-shop").is_null());
}

#[test]
fn what_comes_before_something_else_in_a_list_keeps_its_value() {
    let with = |first: &str| {
        DEPLOYMENT.replace(
            "ports: [{containerPort: 8080}]}",
            "ports: [{containerPort: 8080}],\n          env: [FIRST {name: TOKEN, value: {{ randAlphaNum 9 | quote }}}, {name: PLAIN, value: plain}]}",
        )
        .replace("FIRST", first)
    };
    let project = shop("chart-list").manifest("chart/templates/deployment.yaml", &with(""));
    Helm::Four.of(project.up(&[])).run().exited(0);
    project.rewrite(
        "chart/templates/deployment.yaml",
        &with("{name: NEW, value: new},"),
    );
    Helm::Four.of(project.up(&[])).run().exited(0);
    let deployment = project.get("deployment/my-shop");
    let environment = &deployment["spec"]["template"]["spec"]["containers"][0]["env"];
    let token = environment[1]["value"].as_str().unwrap();
    assert_eq!(
        (&environment[1]["name"], token.len()),
        (&"TOKEN".into(), 9),
        "{environment}"
    );
    assert_ne!(token, "plain");
}

#[test]
fn two_charts_of_one_release_are_told_apart() {
    let sources = "\n- {helm: {chart: ../manifests/chart}}\n- {helm: {chart: ../manifests/chart}}";
    let project = Project::with_sources("chart-twice", sources)
        .manifest(
            "chart/Chart.yaml",
            "apiVersion: v2\nname: shop\nversion: 1.0.0\n",
        )
        .manifest(
            "chart/templates/a.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        );
    let refused = Helm::Four
        .of(project.command("validate", &[]))
        .run()
        .exited(2);
    let said = "plans/chart-twice.yaml:5: the release `chart-twice/chart-twice` of this chart is that of the one in line 4 too";
    assert!(refused.stderr.contains(said), "{}", refused.stderr);
}
