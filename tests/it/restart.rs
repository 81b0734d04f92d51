//! Configuration that changes under a workload.

use rustix::process::Signal;

use crate::support::{
    eventually,
    manifests::{config_map, deployment, documents, faulty_deployment},
    project::{Project, written},
    proxy::{Fault, Proxy, Requests, Rule, When},
    running::Running,
};

/// A Deployment of one pod that reads the ConfigMap `settings` by `reads`, a YAML fragment of its
/// container, and has `volumes`.
fn reader(reads: &str, volumes: &str) -> String {
    deployment("web").replace("ports: [{containerPort: 8080}]", reads) + volumes
}

const BY_VARIABLES: &str = "envFrom: [{configMapRef: {name: settings}}]";
const VOLUME: &str = "      volumes: [{name: settings, configMap: {name: settings}}]\n";

fn project(name: &str, plan: &str, web: &str) -> Project {
    let project = Project::new(name)
        .plan(plan)
        .manifest("apps/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", web);
    project.deploy(&[]);
    assert_eq!(digest(&project), None, "it is never added for its own sake");
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project
}

/// The annotation on the template of the Deployment `web`.
fn digest(project: &Project) -> Option<String> {
    let annotations =
        project.get("deployment/web")["spec"]["template"]["metadata"]["annotations"].clone();
    annotations
        .get("deployctl.dev/config-digest")
        .map(|digest| digest.as_str().unwrap().to_owned())
}

fn changes(name: &str, kinds: &[&str]) -> Vec<String> {
    kinds
        .iter()
        .map(|kind| format!("changed {}", kind.replace('/', &format!("/{name}/"))))
        .collect()
}

const BOTH: [&str; 2] = ["ConfigMap/settings", "Deployment/web"];

#[test]
fn what_is_read_by_a_variable_restarts_its_workload_once() {
    let project = project("restart-variable", "", &reader(BY_VARIABLES, ""));
    let before = project.get("deployment/web")["metadata"]["generation"]
        .as_i64()
        .unwrap();
    assert_eq!(
        written(&project.deploy(&[])),
        changes("restart-variable", &BOTH)
    );
    let set = digest(&project);
    assert!(set.is_some());
    assert_eq!(
        project.get("deployment/web")["metadata"]["generation"],
        before + 1
    );
    assert_eq!(
        project.get("deployment/web")["status"]["observedGeneration"],
        before + 1,
        "its rollout is waited for"
    );

    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    project.rewrite(
        "apps/web.yaml",
        &reader(BY_VARIABLES, "").replace("replicas: 1", "replicas: 2"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        changes("restart-variable", &["Deployment/web"])
    );
    assert_eq!(digest(&project), set, "it is sent on unchanged");

    project.rewrite("apps/settings.yaml", &config_map("settings", "three"));
    project.deploy(&[]);
    assert_ne!(digest(&project), set);
}

/// Neither what was there before nor what is there now was what the pods have started on.
#[test]
fn a_pod_that_started_on_a_value_between_two_killed_runs_is_replaced() {
    let project = Project::new("restart-between")
        .manifest("apps/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "two"));
    project.rewrite("apps/web.yaml", &reader(BY_VARIABLES, ""));
    project.rewrite("monitoring/slow.yaml", &faulty_deployment("slow", "slow"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-finished" && event["phase"] == "apps");
    run.kill();
    let proxy = Proxy::start();
    let settings = Requests::mutating().about("/configmaps/settings");
    proxy.inject([Rule::new(settings, Fault::Kill(When::After)).only(1)]);
    proxy
        .run(project.command("rollback", &["--yes"]))
        .exited(128 + 9);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
    project.rewrite("apps/settings.yaml", &config_map("settings", "one"));
    project.rewrite("monitoring/slow.yaml", "");
    project.deploy(&[]);
    assert!(digest(&project).is_some(), "the pods have started on `two`");
}

/// The same, where nobody saw that the value was written.
#[test]
fn a_pod_that_started_on_a_value_that_nobody_saw_written_is_replaced() {
    let project = Project::new("restart-unseen")
        .manifest("databases/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", &reader(BY_VARIABLES, ""));
    project.deploy(&[]);
    let first = pod(&project).unwrap();
    project.rewrite("databases/settings.yaml", &config_map("settings", "two"));
    let proxy = Proxy::start();
    let settings = Requests::mutating().about("/configmaps/settings");
    let kill = || Rule::new(settings, Fault::Kill(When::After)).only(1);
    proxy.inject([kill()]);
    proxy.run(project.up(&[])).exited(128 + 9);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "two");
    project.kubectl(&["delete", "pods", "-l", "app=web"]);
    let second = eventually("another pod has started", || {
        pod(&project).filter(|uid| *uid != first)
    });
    proxy.inject([kill()]);
    proxy
        .run(project.command("rollback", &["--yes"]))
        .exited(128 + 9);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
    project.rewrite("databases/settings.yaml", &config_map("settings", "one"));
    project.deploy(&[]);
    let third = eventually("there is one pod", || pod(&project));
    assert_ne!(third, second, "it has started on `two`");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn what_may_be_missing_and_comes_restarts_what_has_started_without_it() {
    let reads = "envFrom: [{configMapRef: {name: settings, optional: true}}]";
    let project = Project::new("restart-optional").manifest("apps/web.yaml", &reader(reads, ""));
    project.deploy(&[]);
    project.rewrite("apps/settings.yaml", &config_map("settings", "one"));
    let events = project.deploy(&[]);
    assert_eq!(
        written(&events),
        [
            "changed Deployment/restart-optional/web",
            "created ConfigMap/restart-optional/settings"
        ]
    );
    assert!(digest(&project).is_some());
}

#[test]
fn what_is_mounted_by_a_single_path_or_projected_restarts_its_workload() {
    let mount = "volumeMounts: [{name: settings, mountPath: /etc/value, subPath: value}]";
    let by_path = project("restart-path", "", &reader(mount, VOLUME));
    assert_eq!(
        written(&by_path.deploy(&[])),
        changes("restart-path", &BOTH)
    );
    let projected = VOLUME.replace(
        "configMap: {name: settings}",
        "projected: {sources: [{configMap: {name: settings}}]}",
    );
    let projected = project(
        "restart-projected",
        "",
        &reader(
            "volumeMounts: [{name: settings, mountPath: /etc/web}]",
            &projected,
        ),
    );
    assert_eq!(
        written(&projected.deploy(&[])),
        changes("restart-projected", &BOTH)
    );
}

#[test]
fn what_is_mounted_plainly_restarts_nothing() {
    let project = project(
        "restart-mounted",
        "",
        &reader(
            "volumeMounts: [{name: settings, mountPath: /etc/web}]",
            VOLUME,
        ),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        changes("restart-mounted", &["ConfigMap/settings"])
    );
    assert_eq!(digest(&project), None);
}

#[test]
fn the_plan_and_the_object_opt_out() {
    let by_plan = project(
        "restart-plan",
        "restartOnChange: false\n",
        &reader(BY_VARIABLES, ""),
    );
    assert_eq!(
        written(&by_plan.deploy(&[])),
        changes("restart-plan", &["ConfigMap/settings"])
    );
    let annotated = reader(BY_VARIABLES, "").replacen(
        "{name: web}",
        "{name: web, annotations: {deployctl.dev/restart-on-change: \"false\"}}",
        1,
    );
    let by_object = project("restart-object", "", &annotated);
    assert_eq!(
        written(&by_object.deploy(&[])),
        changes("restart-object", &["ConfigMap/settings"])
    );
}

#[test]
fn a_template_that_changes_by_itself_needs_no_annotation() {
    let project = project("restart-itself", "", &reader(BY_VARIABLES, ""));
    project.rewrite(
        "apps/web.yaml",
        &reader(BY_VARIABLES, "").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        changes("restart-itself", &BOTH)
    );
    assert_eq!(digest(&project), None);
}

#[test]
fn a_rotated_secret_restarts_its_readers_and_shows_nowhere() {
    let secret = |value| {
        format!(
            "apiVersion: v1\nkind: Secret\nmetadata: {{name: key}}\nstringData: {{key: {value}}}\n"
        )
    };
    let reads = "env: [{name: KEY, valueFrom: {secretKeyRef: {name: key, key: key}}}]";
    let project = Project::new("restart-secret").manifest(
        "apps/web.yaml",
        &documents(&[&reader(reads, ""), &secret("first-value")]),
    );
    project.deploy(&[]);
    project.rewrite(
        "apps/web.yaml",
        &documents(&[&reader(reads, ""), &secret("second-value")]),
    );
    let run = project.up(&["-o", "jsonl"]).run().exited(0);
    assert_eq!(
        written(&run.events()),
        changes("restart-secret", &["Deployment/web", "Secret/key"])
    );
    assert!(digest(&project).is_some_and(
        |digest| digest.len() == 32 && digest.bytes().all(|byte| byte.is_ascii_hexdigit())
    ));
    assert!(!run.stdout.contains("second-value") && !run.stderr.contains("second-value"));
    assert!(
        run.stderr
            .contains("restarts, because Secret/restart-secret/key changes"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_rollback_takes_the_restart_back() {
    let project = project("restart-back", "", &reader(BY_VARIABLES, ""));
    project.rewrite(
        "monitoring/later.yaml",
        &faulty_deployment("later", "crash-loop"),
    );
    project.up(&[]).run().exited(1);
    assert_eq!(digest(&project), None);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
}

/// The uid of the one pod of the Deployment `web` that is not going.
fn pod(project: &Project) -> Option<String> {
    if let [uid] = pods(project).as_slice() {
        Some(uid.clone())
    } else {
        None
    }
}

/// Rule 14.
#[test]
fn a_pod_that_started_on_what_is_put_back_is_replaced() {
    let project = Project::new("restart-pods")
        .plan("phases: {databases: {timeout: 10s}}\n")
        .manifest("databases/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", &reader(BY_VARIABLES, ""));
    project.deploy(&[]);
    let first = pod(&project).unwrap();
    project.rewrite("databases/settings.yaml", &config_map("settings", "two"));
    project.rewrite(
        "databases/slow.yaml",
        &faulty_deployment("slow", "never-ready"),
    );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["kind"] == "ConfigMap");
    project.kubectl(&["delete", "pods", "-l", "app=web"]);
    let second = eventually("another pod has started", || {
        pod(&project).filter(|uid| *uid != first)
    });
    run.until(|event| event["event"] == "rollback-proved");
    let third = eventually("there is one pod", || pod(&project));
    assert_ne!(third, second, "it has read what was put back since");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
}

/// Rule 14. The workload itself is not touched, neither by the run nor on the way back.
#[test]
fn a_pod_that_started_on_what_a_killed_run_wrote_is_replaced() {
    let project = Project::new("restart-killed")
        .plan("restartOnChange: false\n")
        .manifest("databases/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", &reader(BY_VARIABLES, ""));
    project.deploy(&[]);
    let first = pod(&project).unwrap();
    project.rewrite("databases/settings.yaml", &config_map("settings", "two"));
    project.rewrite(
        "databases/slow.yaml",
        &faulty_deployment("slow", "never-ready"),
    );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["kind"] == "ConfigMap");
    run.signal(Signal::KILL);
    run.end();
    project.kubectl(&["delete", "pods", "-l", "app=web"]);
    let second = eventually("another pod has started", || {
        pod(&project).filter(|uid| *uid != first)
    });
    project.command("rollback", &["--yes"]).run().exited(0);
    let third = eventually("there is one pod", || pod(&project));
    assert_ne!(third, second, "it has read what was put back since");
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
}

/// What a release that was given up had changed: pods started on it.
#[test]
fn a_pod_that_started_on_what_was_given_up_is_replaced_by_the_next_run() {
    let project = Project::new("restart-given-up")
        .manifest("databases/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", &reader(BY_VARIABLES, ""));
    project.deploy(&[]);
    let first = pod(&project).unwrap();
    project.rewrite("databases/settings.yaml", &config_map("settings", "two"));
    project.rewrite(
        "monitoring/broken.yaml",
        &faulty_deployment("broken", "crash-loop"),
    );
    project.up(&["--no-rollback"]).run();
    let second = eventually("the workload restarts for the new value", || {
        pod(&project).filter(|uid| *uid != first)
    });
    project.rewrite("databases/settings.yaml", &config_map("settings", "one"));
    project.rewrite("monitoring/broken.yaml", &config_map("broken", "no more"));
    project.deploy(&[]);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
    let third = eventually("there is one pod", || pod(&project));
    assert_ne!(third, second, "it had read what was given up");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

/// A release of two pods that read a setting by environment and were started after it was changed,
/// by a run that then fails, and a budget that keeps `available` of them running. Returns the run
/// once it has proved what it put back, with the pods it found.
fn replaced_within(name: &str, available: u32) -> (Running, Project, Vec<String>) {
    let web = reader(BY_VARIABLES, "").replace("replicas: 1", "replicas: 2");
    let budget = format!(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: web}}\nspec: {{minAvailable: {available}, selector: {{matchLabels: {{app: web}}}}}}\n"
    );
    let project = Project::new(name)
        .plan("phases: {databases: {timeout: 10s}}\n")
        .manifest("databases/settings.yaml", &config_map("settings", "one"))
        .manifest("apps/web.yaml", &documents(&[web, budget]));
    project.deploy(&[]);
    let first = pods(&project);
    project.rewrite("databases/settings.yaml", &config_map("settings", "two"));
    project.rewrite(
        "databases/slow.yaml",
        &faulty_deployment("slow", "never-ready"),
    );
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["object"]["kind"] == "ConfigMap");
    project.kubectl(&["delete", "pods", "-l", "app=web"]);
    let second = eventually("two other pods have started", || {
        let now = pods(&project);
        (now.len() == 2 && now.iter().all(|uid| !first.contains(uid))).then_some(now)
    });
    run.until(|event| event["event"] == "rollback-proved");
    (run, project, second)
}

/// The uids of the pods of `web` that are not going.
fn pods(project: &Project) -> Vec<String> {
    let pods = project.kubectl(&["get", "pods", "-l", "app=web", "-o", "json"]);
    let pods: serde_json::Value = serde_json::from_str(&pods).unwrap();
    let staying = pods["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|pod| pod["metadata"].get("deletionTimestamp").is_none());
    staying
        .map(|pod| pod["metadata"]["uid"].as_str().unwrap().to_owned())
        .collect()
}

/// Rule 14.
#[test]
fn pods_are_replaced_one_by_one_within_their_disruption_budget() {
    let (run, project, second) = replaced_within("restart-budget", 1);
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(1), "{stderr}");
    let third = pods(&project);
    assert!(
        third.len() == 2 && third.iter().all(|uid| !second.contains(uid)),
        "{second:?} {third:?}"
    );
}

/// Rule 14.
#[test]
fn a_disruption_budget_that_lets_no_pod_go_is_named() {
    let (run, project, second) = replaced_within("restart-forbidden", 2);
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(3), "{stderr}");
    assert!(
        stderr.contains("Deployment/restart-forbidden/web") && stderr.contains("disruption budget"),
        "{stderr}"
    );
    assert_eq!(pods(&project), second);
    assert_eq!(project.get("configmap/settings")["data"]["value"], "one");
}
