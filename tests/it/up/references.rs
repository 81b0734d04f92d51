//! What objects refer to is there before anything is written, down to the key.

use serde_json::{Value, json};

use super::{
    audit::Audit,
    manifests::{config_map, deployment, documents, secret, service},
    project::{Project, written},
    user::User,
};
use crate::support::{Outcome, apply, namespace};

/// A Deployment whose pods have the variables `env`, a list of `valueFrom`.
fn reading(name: &str, env: &[Value]) -> String {
    let env: Vec<Value> = env
        .iter()
        .enumerate()
        .map(|(number, from)| json!({"name": format!("V{number}"), "valueFrom": from}))
        .collect();
    let env = Value::from(env);
    deployment(name).replace(
        &format!("image: \"{name}:v1\""),
        &format!("image: \"{name}:v1\", env: {env}"),
    )
}

fn secret_key(name: &str, key: &str) -> Value {
    json!({"secretKeyRef": {"name": name, "key": key}})
}

fn config_key(name: &str, key: &str) -> Value {
    json!({"configMapKeyRef": {"name": name, "key": key}})
}

#[track_caller]
fn says(outcome: &Outcome, texts: &[&str]) {
    for text in texts {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn what_is_neither_in_the_plan_nor_in_the_cluster_is_refused_all_at_once() {
    let name = "refers-to-nothing";
    let env = [
        secret_key("database", "url"),
        secret_key("database", "password"),
        config_key("settings", "valu"),
    ];
    let ingress = "apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  rules: [{http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 9090}}}}]}}]
";
    let project = Project::new(name)
        .manifest(
            "apps/web.yaml",
            &documents(&[
                config_map("settings", "1"),
                service("web", ""),
                reading("web", &env),
            ]),
        )
        .manifest("ingress/web.yaml", ingress);
    let outcome = project.up(&[]).run().exited(5);
    says(
        &outcome,
        &[
            "nothing was changed; 3 problems found:",
            &format!(
                "manifests/apps/web.yaml:11: Deployment/{name}/web: it needs key `url`, key `password` of Secret/{name}/database (`spec.template.spec.containers[0].env[0].valueFrom.secretKeyRef.key`), which is neither in the plan nor in the cluster [missing-configuration]"
            ),
            &format!(
                "it needs key `valu` of ConfigMap/{name}/settings (`spec.template.spec.containers[0].env[2].valueFrom.configMapKeyRef.key`), which has `value`; did you mean `value`? [missing-key]"
            ),
            &format!(
                "manifests/ingress/web.yaml:1: Ingress/{name}/web: it needs port `9090` of Service/{name}/web (`spec.rules[0].http.paths[0].backend.service.port.number`), which has `80` [missing-service]"
            ),
            "`- {name: database, data: {password: {prompt: password}, url: {prompt: url}}}`",
        ],
    );
    project.assert_nothing_was_written();
}

#[test]
fn what_the_cluster_has_is_found_and_costs_one_request() {
    let home = namespace("refers-to-cluster");
    let user = User::administrator();
    let project = Project::new(&home).manifest(
        "apps/web.yaml",
        &reading(
            "web",
            &[
                secret_key("outside", "value"),
                secret_key("outside", "other"),
            ],
        ),
    );
    let up = || user.runs(project.up(&["-o", "jsonl"])).run();
    up().exited(5);
    apply(&home, &secret("outside"));
    says(
        &up().exited(5),
        &[&format!(
            "it needs key `other` of Secret/{home}/outside (`spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.key`), which has `value`"
        )],
    );
    apply(
        &home,
        &secret("outside").replace("value: made-up", "value: a, other: b"),
    );
    let audit = Audit::from_now(&user);
    up().exited(0);
    let asked = |requests: Vec<String>| {
        let requests = requests.into_iter();
        requests
            .filter(|it| it.contains("/secrets/outside"))
            .count()
    };
    assert_eq!(asked(audit.requests()), 1);
    // What does not change is not asked about.
    let audit = Audit::from_now(&user);
    up().exited(0);
    assert_eq!(asked(audit.requests()), 0);
}

#[test]
fn what_is_optional_made_by_others_or_said_to_be_made_is_not_missing() {
    let name = "refers-to-made";
    let env = [
        json!({"secretKeyRef": {"name": "absent", "key": "a", "optional": true}}),
        secret_key("issued", "tls.crt"),
        secret_key("made", "value"),
        config_key("kube-root-ca.crt", "ca.crt"),
    ];
    let certificate = "apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: web}
spec: {secretName: issued, issuerRef: {name: own}, dnsNames: [web.shop.io]}
";
    let issuer = "apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: own}
spec: {selfSigned: {}}
";
    // Its pods would wait for what nobody makes here: only what is found counts.
    let project = Project::new(name).manifest(
        "apps/web.yaml",
        &documents(&[
            issuer.to_owned(),
            certificate.to_owned(),
            config_map("maker", "1").replace(
                "{name: maker}",
                "{name: maker, annotations: {deployctl.dev/provides: 'Secret/made[value]'}}",
            ),
            reading("web", &env),
        ]),
    );
    let validated = project.command("validate", &["-o", "json"]).run().exited(0);
    let document = validated.json();
    assert_eq!(document["needed"], json!([]));
    assert_eq!(document["findings"], json!([]));
    let without = project.manifest("apps/web.yaml", &reading("web", &env));
    let document = without
        .command("validate", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    let needed = |what: &str| json!({"what": what, "environments": ["default"]});
    assert_eq!(
        document["needed"],
        json!([
            needed(&format!("Secret/{name}/issued (key `tls.crt`)")),
            needed(&format!("Secret/{name}/made (key `value`)")),
        ])
    );
}

#[test]
fn a_key_or_a_secret_that_goes_with_this_run_is_missed() {
    let name = "refers-to-going";
    let env = [
        config_key("settings", "value"),
        secret_key("token", "value"),
    ];
    let web = |more: &[String]| documents(&[&[reading("web", &env)], more].concat());
    let settings = config_map("settings", "1");
    let project =
        Project::new(name).manifest("apps/web.yaml", &web(&[settings.clone(), secret("token")]));
    project.deploy(&[]);
    // The Deployment stays as it is, and its pods would not start again.
    project.rewrite(
        "apps/web.yaml",
        &web(&[
            settings.replace("value: \"1\"", "values: \"1\""),
            secret("token"),
        ]),
    );
    says(
        &project.up(&[]).run().exited(5),
        &[&format!(
            "it needs key `value` of ConfigMap/{name}/settings (`spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.key`), which has `values`; did you mean `values`? [missing-key]"
        )],
    );
    project.rewrite("apps/web.yaml", &web(&[settings]));
    says(
        &project.up(&[]).run().exited(5),
        &[&format!(
            "it needs key `value` of Secret/{name}/token (`spec.template.spec.containers[0].env[1].valueFrom.secretKeyRef.key`), which is not in the plan any more, so that this run removes it [missing-configuration]"
        )],
    );
    assert_eq!(project.get("secret/token")["kind"], "Secret");
    // Whoever knows better leaves the check out.
    let left_out = project.up(&["--skip-check", "missing-configuration", "-o", "jsonl"]);
    let log = left_out.run().exited(0).events();
    assert!(!written(&log).is_empty() || !log.is_empty());
    assert_eq!(project.get("secret/token"), Value::Null);
}

#[test]
fn what_may_not_be_read_may_be_there() {
    let home = namespace("refers-hidden");
    let rules = json!([
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "patch", "update", "delete"]},
        {"apiGroups": [""], "resources": ["secrets"], "resourceNames": [], "verbs": ["list"]},
        {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]},
        {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["*"]},
    ]);
    let user = User::with_role(&home, &rules);
    let account = "serviceAccountName: hidden\n      containers";
    let web = deployment("web").replace("containers", account);
    apply(
        &home,
        "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: hidden}\n",
    );
    let project = Project::new(&home).manifest("apps/web.yaml", &web);
    let up = project.command(
        "up",
        &["--yes", "--state-namespace", &home, "--no-rollback"],
    );
    let outcome = user.runs(up).run();
    assert!(!outcome.stderr.contains("[missing-"), "{}", outcome.stderr);
}

#[test]
fn a_later_phase_or_another_namespace_is_said_as_such() {
    let name = "refers-late";
    let project = Project::new(name)
        .plan("phases: {late: {after: [apps]}}\n")
        .manifest(
            "apps/web.yaml",
            &reading("web", &[config_key("late", "value")]),
        )
        .manifest(
            "late/settings.yaml",
            &config_map("late", "1").replace(
                "{name: late}",
                "{name: late, annotations: {deployctl.dev/phase: late}}",
            ),
        );
    says(
        &project.up(&[]).run().exited(5),
        &[&format!(
            "it needs key `value` of ConfigMap/{name}/late (`spec.template.spec.containers[0].env[0].valueFrom.configMapKeyRef.key`), which comes in phase `late`, after its own phase `apps` has ended"
        )],
    );
    let project = Project::new("refers-elsewhere")
        .manifest(
            "apps/web.yaml",
            &reading("web", &[config_key("there", "value")]),
        )
        .manifest(
            "apps/there.yaml",
            &config_map("there", "1").replace("{name: there}", "{name: there, namespace: default}"),
        );
    says(
        &project.up(&[]).run().exited(5),
        &["the plan has one of this name in namespace `default`"],
    );
    says(
        &project.command("validate", &[]).run().exited(0),
        &[
            "the plan has one of this name in namespace `default`",
            "[doubtful-reference]",
        ],
    );
}
