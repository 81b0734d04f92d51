//! What is wrong before anything is written: one clear error each, and nothing changed.

use std::{fs, net::TcpListener};

use super::{
    manifests::{config_map, deployment, documents},
    project::Project,
    user::User,
};
use crate::support::{Deployctl, Outcome, namespace, sandbox};

fn project(name: &str) -> Project {
    Project::new(name).manifest(
        "apps/web.yaml",
        &documents(&[deployment("web"), config_map("settings", "1")]),
    )
}

/// The run ends with `status` and one error that holds all of `texts`.
#[track_caller]
fn assert_refused(run: Deployctl, status: i32, texts: &[&str]) -> Outcome {
    let outcome = run.run().exited(status);
    assert_eq!(
        outcome.stderr.matches("Error: ").count(),
        1,
        "{}",
        outcome.stderr
    );
    for text in texts {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    assert_eq!(outcome.stdout, "");
    outcome
}

/// A kubeconfig whose cluster is at `server`.
fn kubeconfig(server: &str) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: far\nclusters: [{{name: far, cluster: {{server: '{server}'}}}}]\ncontexts: [{{name: far, context: {{cluster: far, user: me}}}}]\nusers: [{{name: me, user: {{token: abc}}}}]\n"
    );
    fs::write(&file, text).unwrap();
    let path = file.display().to_string();
    (folder, path)
}

#[test]
fn a_server_that_does_not_run() {
    let project = project("unreachable");
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (_folder, path) = kubeconfig(&format!("http://{address}"));
    assert_refused(
        project.up(&["--kubeconfig", &path]),
        1,
        &[
            "cannot reach the API server",
            &address.to_string(),
            "refused",
            "context `far`",
        ],
    );
}

#[test]
fn a_server_that_accepts_and_never_answers() {
    let project = project("silent");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::scope(|scope| {
        for (scheme, command) in [("http", "up"), ("https", "up"), ("http", "status")] {
            let (project, address) = (&project, &address);
            scope.spawn(move || {
                let (_folder, path) = kubeconfig(&format!("{scheme}://{address}"));
                assert_refused(
                    project.command(command, &["--kubeconfig", &path]),
                    1,
                    &[address, "context `far`"],
                );
            });
        }
    });
}

#[test]
fn a_server_that_is_no_kubernetes() {
    let project = project("no-kubernetes");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\nconnection: close\r\n\r\n<html>hi</html>");
        }
    });
    let (_folder, path) = kubeconfig(&format!("http://{address}"));
    assert_refused(
        project.up(&["--kubeconfig", &path]),
        1,
        &["no Kubernetes API server", &address.to_string()],
    );
}

#[test]
fn a_host_that_has_no_address() {
    let (_folder, path) = kubeconfig("https://cluster.invalid:6443");
    assert_refused(
        project("no-host").up(&["--kubeconfig", &path]),
        1,
        &["cannot reach the API server", "cluster.invalid"],
    );
}

#[test]
fn a_kubeconfig_that_is_missing_or_broken() {
    let project = project("kubeconfigs");
    assert_refused(
        project.up(&[]).env("KUBECONFIG", "/nonexistent/config"),
        2,
        &["/nonexistent/config", "`--kubeconfig`"],
    );
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    fs::write(&broken, "clusters: [\n").unwrap();
    let path = broken.to_str().unwrap();
    assert_refused(project.up(&["--kubeconfig", path]), 2, &[path]);
    fs::write(&broken, "").unwrap();
    assert_refused(project.up(&["--kubeconfig", path]), 2, &["kubeconfig"]);
    project.assert_nothing_was_written();
}

#[test]
fn a_context_that_is_unknown_or_not_allowed() {
    let unknown = project("unknown-context");
    assert_refused(
        unknown.up(&["--context", "sandbx"]),
        2,
        &[
            "no context `sandbx`",
            "`sandbox`",
            "`sandbox-restricted`",
            "`--context`",
        ],
    );
    unknown.assert_nothing_was_written();

    let foreign = project("foreign-context").plan("contexts: ['*-prod', 'staging']\n");
    assert_refused(
        foreign.up(&[]),
        2,
        &[
            "may only touch contexts `*-prod`, `staging`",
            "`sandbox` is none of them",
        ],
    );
    foreign.assert_nothing_was_written();

    let allowed = project("allowed-context").plan("contexts: ['sand*']\n");
    allowed.up(&[]).run().exited(0);
}

#[test]
fn credentials_that_are_not_accepted() {
    let project = project("credentials");
    let stranger = User::with_token("nobody", "not-a-token-that-anybody-knows");
    let outcome = assert_refused(
        stranger.runs(project.up(&[])),
        1,
        &["Unauthorized", "log in again"],
    );
    assert!(
        !outcome.stderr.contains("not-a-token"),
        "{}",
        outcome.stderr
    );
    let file = fs::read_to_string(&stranger.kubeconfig).unwrap().replace(
        r#""token":"not-a-token-that-anybody-knows""#,
        r#""exec":{"apiVersion":"client.authentication.k8s.io/v1","command":"no-such-login-program","interactiveMode":"Never"}"#,
    );
    fs::write(&stranger.kubeconfig, file).unwrap();
    assert_refused(
        stranger.runs(project.up(&[])),
        1,
        &["no-such-login-program"],
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_user_without_permission() {
    let project = project("permission");
    assert_refused(
        project.up(&["--context", "sandbox-restricted"]),
        5,
        &[
            "administrator",
            "secrets",
            "deployctl-system",
            "`--state-namespace NAMESPACE`",
        ],
    );
    project.assert_nothing_was_written();

    // Who may keep revisions but not write the objects is told of everything at once.
    let home = namespace("state");
    let user = User::confined_to(&home);
    let run = user.runs(project.up(&["--state-namespace", &home]));
    assert_refused(run, 5, &["deployments", "configmaps", "administrator"]);
    project.assert_nothing_was_written();
}

#[test]
fn kinds_and_versions_that_are_not_served() {
    let kind = Project::new("unknown-kind").manifest(
        "apps/a.yaml",
        "apiVersion: apps/v1\nkind: Deploymnet\nmetadata: {name: a}\n",
    );
    assert_refused(
        kind.up(&[]),
        2,
        &[
            "a.yaml:1",
            "no kind `Deploymnet`",
            "did you mean `kind: Deployment` instead of `Deploymnet`?",
        ],
    );
    kind.assert_nothing_was_written();

    let version = Project::new("old-version").manifest(
        "apps/a.yaml",
        "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: a}\n",
    );
    assert_refused(
        version.up(&[]),
        2,
        &[
            "a.yaml:1",
            "version `policy/v1beta1`",
            "use `apiVersion: policy/v1`",
        ],
    );
    version.assert_nothing_was_written();
}

#[test]
fn a_typo_in_a_field() {
    let typo = deployment("web").replace("replicas: 1", "replcas: 1");
    let fresh = Project::new("typo").manifest("apps/web.yaml", &typo);
    assert_refused(
        fresh.up(&[]),
        2,
        &[
            "web.yaml:1",
            "Deployment/typo/web: unknown field",
            "spec.replcas",
            "`kubectl explain deployment --recursive`",
        ],
    );
    fresh.assert_nothing_was_written();

    let existing = namespace("typo-existing");
    let project = Project::new(&existing).manifest("apps/web.yaml", &typo);
    assert_refused(
        project.up(&[]),
        2,
        &[
            "web.yaml:1",
            &format!("Deployment/{existing}/web: unknown field"),
            "spec.replcas",
        ],
    );
    project.assert_no_revision();
}

#[test]
fn a_value_that_is_not_allowed() {
    let invalid = documents(&[
        deployment("web").replace("replicas: 1", "replicas: -1"),
        config_map("settings", "1").replace("{name: settings}", "{name: Not_A_Name}"),
    ]);
    let fresh = Project::new("invalid").manifest("apps/web.yaml", &invalid);
    let texts = [
        "2 problems found",
        "web.yaml:1",
        "spec.replicas",
        "must be greater than or equal to 0",
        "Not_A_Name",
    ];
    assert_refused(fresh.up(&[]), 2, &texts);
    fresh.assert_nothing_was_written();

    let existing = namespace("invalid-existing");
    let project = Project::new(&existing).manifest("apps/web.yaml", &invalid);
    assert_refused(project.up(&[]), 2, &texts);
    project.assert_no_revision();
}

#[test]
fn a_value_of_the_wrong_sort_is_not_shown() {
    let existing = namespace("wrong-sort");
    let pin = deployment("web").replace("ports:", "args: [--pin, 31337], ports:");
    for name in ["wrong-sort-fresh", &existing] {
        let project = Project::new(name).manifest("apps/web.yaml", &pin);
        let outcome = assert_refused(
            project.up(&[]),
            2,
            &["web.yaml:1", &format!("Deployment/{name}/web"), "string"],
        );
        assert!(!outcome.stderr.contains("31337"), "{}", outcome.stderr);
        project.assert_no_revision();
    }
    let pin = deployment("web").replace("ports:", "env: [{name: PIN, value: 31337}], ports:");
    let project = Project::new("wrong-sort-env").manifest("apps/web.yaml", &pin);
    let outcome = assert_refused(
        project.up(&[]),
        2,
        &["web.yaml:1", "`env.PIN` is read as a number", "quote it"],
    );
    assert!(!outcome.stderr.contains("31337"), "{}", outcome.stderr);
}

#[test]
fn a_selector_that_cannot_be_changed() {
    let project = Project::new("immutable")
        .manifest("apps/web.yaml", &deployment("web"))
        .manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &deployment("web").replace("app: web", "app: other"),
    );
    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    assert_refused(
        project.up(&[]),
        5,
        &[
            "web.yaml:1",
            "Deployment/immutable/web",
            "spec.selector",
            "immutable",
        ],
    );
    assert_eq!(project.get("configmap/settings")["data"]["value"], "1");
    assert_eq!(project.revisions().len(), 1);
}

#[test]
fn a_namespace_that_nothing_creates() {
    let elsewhere = config_map("settings", "1").replace(
        "{name: settings}",
        "{name: settings, namespace: elsewhere-missing}",
    );
    let project = Project::new("elsewhere").manifest("apps/settings.yaml", &elsewhere);
    assert_refused(
        project.up(&[]),
        2,
        &[
            "settings.yaml:1",
            "namespace `elsewhere-missing` does not exist",
        ],
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_cluster_that_lacks_what_the_plan_requires() {
    let requires = "requires:
  kubernetes: '>=1.99'
  storageClasses: [standard, fast-disks]
  crds: [{name: kafkas.kafka.strimzi.io, install: deployctl up strimzi}, {name: issuers.cert-manager.io}]
";
    let project = project("requires").plan(requires);
    let texts = [
        "3 problems found",
        "`>=1.99`",
        "StorageClass `fast-disks`",
        "`kafkas.kafka.strimzi.io`",
        "deployctl up strimzi",
    ];
    let outcome = assert_refused(project.up(&[]), 5, &texts);
    assert!(
        !outcome.stderr.contains("issuers.cert-manager.io")
            && !outcome.stderr.contains("StorageClass `standard`"),
        "{}",
        outcome.stderr
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_plan_that_asks_for_what_is_not_there_yet() {
    let project = project("unsupported")
        .plan("phases: {apps: {afterReady: [{pause: Switch the DNS entry}]}}\n");
    assert_refused(
        project.up(&[]),
        2,
        &["not supported yet", "unsupported.yaml:5", "afterReady"],
    );
    project.assert_nothing_was_written();
}

#[test]
fn a_quota_refuses_before_anything_is_written() {
    let existing = namespace("quota");
    crate::support::apply(
        &existing,
        "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: few}\nspec: {hard: {count/configmaps: '1'}}\n",
    );
    crate::support::eventually("the quota counts", || {
        crate::support::get(&existing, "resourcequota/few")["status"]["used"]["count/configmaps"]
            .as_str()
            .map(str::to_owned)
    });
    let project =
        Project::new(&existing).manifest("apps/settings.yaml", &config_map("settings", "1"));
    assert_refused(
        project.up(&[]),
        5,
        &[
            &format!("ConfigMap/{existing}/settings"),
            "exceeded quota: few",
        ],
    );
    project.assert_no_revision();
}

#[test]
fn the_shared_sandbox_is_the_one_that_is_asked() {
    let outcome = project("asked-sandbox")
        .command("status", &["-o", "json"])
        .run()
        .exited(0);
    assert_eq!(outcome.json()["context"], "sandbox");
    assert!(sandbox().kubeconfig.exists());
}

/// Programs read standard output, and a command that does nothing says so there too.
#[test]
fn a_refusal_is_a_document_for_programs() {
    let project = project("refused-document");
    for (command, format) in [
        ("up", "jsonl"),
        ("up", "json"),
        ("down", "json"),
        ("status", "json"),
    ] {
        let arguments = ["-o", format, "--context", "nowhere"];
        let run = project.command(command, &arguments).run().exited(2);
        let document: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        assert_eq!(document["event"], "command-failed", "{command}");
        assert_eq!(document["exitStatus"], 2, "{command}");
        let message = document["message"].as_str().unwrap();
        assert!(message.contains("nowhere"), "{command}: {message}");
        assert!(run.stderr.contains("nowhere"), "{command}: {}", run.stderr);
    }
    let arguments = ["-o", "yaml", "--context", "nowhere"];
    let run = project.command("status", &arguments).run().exited(2);
    assert!(run.stdout.contains("exitStatus: 2\n"), "{}", run.stdout);
}
