//! Why a run failed is known after its rollback, when the pods that showed it are gone.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{
    manifests::{config_map, faulty_deployment},
    project::{Project, events},
    running::Running,
};
use crate::support::{Deployctl, eventually};

/// A deployment that crashes and writes `log`.
fn crashing(log: &str) -> String {
    let manifest = faulty_deployment("web", "crash-loop");
    let labels = "{app: web, sandbox.deployctl.dev/fault: crash-loop}";
    assert!(manifest.contains(labels), "{manifest}");
    let annotations =
        json!({"sandbox.deployctl.dev/log": log, "sandbox.deployctl.dev/exit-code": "7"});
    manifest.replace(labels, &format!("{labels}, annotations: {annotations}"))
}

fn project(name: &str, log: &str) -> Project {
    Project::new(name)
        .plan("phases: {apps: {timeout: 1m}}\n")
        .manifest("databases/before.yaml", &config_map("before", "1"))
        .manifest("apps/web.yaml", &crashing(log))
}

/// What `history show` says of a revision, as text and as data.
fn shown(project: &Project, number: &str) -> (String, Value) {
    let show = |output| {
        let of = ["history", "show", number, &project.name, "-o", output];
        Deployctl::in_sandbox()
            .current_dir("/")
            .args(of)
            .run()
            .exited(0)
    };
    (show("text").stdout, show("json").json())
}

/// Asserts that the last lines of the log of `object` are remembered, as far as they go.
#[track_caller]
fn assert_is_cut(object: &Value) {
    let lines: Vec<&str> = object["log"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(Value::as_str)
        .collect();
    assert_eq!(lines.len(), 20, "{object:#}");
    assert!(
        lines[0].starts_with("line 21 \\x1b[31mx") && lines[19].starts_with("line 40 "),
        "{object:#}"
    );
    assert!(
        lines.iter().all(|line| line.chars().count() == 300),
        "{object:#}"
    );
}

#[test]
fn the_cause_and_the_log_survive_the_rollback() {
    let log: Vec<String> = (1..=40)
        .map(|number| format!("line {number} \u{1b}[31m{}", "x".repeat(400)))
        .collect();
    let project =
        Project::new("remembered").manifest("databases/before.yaml", &config_map("before", "1"));
    project.deploy(&[]);
    project.rewrite("apps/web.yaml", &crashing(&log.join("\n")));
    let run = project.up(&["-o", "jsonl"]).run().exited(1);
    let told = events(&run.events(), "failure-explained")[0]["diagnosis"].clone();
    let pod = told["objects"][0]["pod"].as_str().unwrap();
    eventually("the pod is gone", || {
        project.get(&format!("pod/{pod}")).is_null().then_some(())
    });

    let status = project
        .command("status", &["-o", "json"])
        .run()
        .exited(0)
        .json();
    let (text, view) = shown(&project, "2");
    let remembered = &status["lastRun"]["failure"];
    assert!(
        remembered == &view["failure"],
        "status and history differ: {remembered:#}\n{view:#}"
    );
    let object = &remembered["objects"][0];
    for field in ["object", "verdict", "pod", "container", "cause"] {
        assert_eq!(object[field], told["objects"][0][field], "{remembered:#}");
    }
    assert_eq!(remembered["summary"], told["summary"]);
    assert_eq!(remembered["more"], json!([]));
    assert_is_cut(object);

    let status = project.command("status", &[]).run().exited(0).stdout;
    for (text, last) in [(&status, "│ line 40 "), (&text, "│ line 21 ")] {
        for part in [
            "CrashLoopBackOff: container `main` exited with code 7",
            pod,
            last,
        ] {
            assert!(text.contains(part), "`{part}` is missing:\n{text}");
        }
        assert!(
            !text.contains("kubectl"),
            "a command asks for what is gone:\n{text}"
        );
    }
    let list = Deployctl::in_sandbox()
        .args(["list", "-o", "json"])
        .run()
        .exited(0);
    assert!(!list.stdout.contains("line 40"), "{}", list.stdout);
}

#[test]
fn what_is_left_in_place_can_still_be_asked() {
    let project = project("remembered-left", "last words");
    project.up(&["--no-rollback"]).run().exited(3);
    let status = project.command("status", &[]).run().exited(0).stdout;
    let command = "more: kubectl logs -n remembered-left web-";
    assert!(
        status.contains("│ last words") && status.contains(command),
        "{status}"
    );
    let (text, _) = shown(&project, "1");
    assert!(
        text.contains("│ last words") && !text.contains("kubectl"),
        "{text}"
    );
    project.command("rollback", &["--yes"]).run().exited(0);
    let status = project.command("status", &[]).run().exited(0).stdout;
    assert!(
        status.contains("│ last words") && !status.contains("kubectl"),
        "{status}"
    );
}

#[test]
fn a_run_that_is_killed_on_its_way_back_has_stored_why_it_went() {
    let project = project("remembered-killed", "last words");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "rollback-started");
    run.signal(Signal::KILL);
    run.end();
    let status = project.command("status", &[]).run().exited(0).stdout;
    assert!(status.contains("│ last words"), "{status}");
    project.command("rollback", &["--yes"]).run().exited(0);
    let (text, view) = shown(&project, "1");
    assert_eq!(view["outcome"], "rolled-back");
    assert!(text.contains("│ last words"), "{text}");
}

#[test]
fn a_run_that_is_killed_before_it_knows_why_has_nothing_to_tell() {
    let project = Project::new("remembered-nothing")
        .plan("phases: {apps: {timeout: 10m}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
    run.signal(Signal::KILL);
    run.end();
    let (_, view) = shown(&project, "1");
    assert_eq!((&view["cause"], view.get("failure")), (&Value::Null, None));
    project.command("rollback", &["--yes"]).run().exited(0);
    let (_, view) = shown(&project, "1");
    assert_eq!(
        (&view["outcome"], view.get("failure")),
        (&"rolled-back".into(), None)
    );
}
