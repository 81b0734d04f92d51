//! Signals while a run is under way.

use std::{
    io::{BufRead as _, BufReader, Read as _},
    net::TcpListener,
    process::{Child, Stdio},
    thread,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use super::{
    manifests::{config_map, faulty_deployment},
    project::Project,
};
use crate::support::Deployctl;

/// A run that goes on while the test looks at it.
struct Running {
    child: Child,
    lines: Box<dyn Iterator<Item = Value>>,
}

impl Running {
    fn start(run: Deployctl) -> Self {
        let mut command = run.args(["-o", "jsonl"]).into_command();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap());
        Self { child, lines: Box::new(lines) }
    }

    /// Reads events until one fits.
    #[track_caller]
    fn until(&mut self, fits: impl Fn(&Value) -> bool) {
        assert!(self.lines.any(|event| fits(&event)), "the run ended before");
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(i32::try_from(self.child.id()).unwrap()).unwrap(), signal).unwrap();
    }

    /// Exit status, the remaining events, and what was said.
    fn end(mut self) -> (Option<i32>, Vec<Value>, String) {
        let mut stderr = self.child.stderr.take().unwrap();
        let reader = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        let events = self.lines.collect();
        (self.child.wait().unwrap().code(), events, reader.join().unwrap())
    }
}

fn slow(name: &str) -> Project {
    Project::new(name)
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"))
        .manifest("monitoring/later.yaml", &config_map("later", "1"))
}

#[test]
fn a_signal_during_a_phase_stops_the_run_and_is_recorded() {
    for (signal, name) in [(Signal::INT, "interrupted"), (Signal::TERM, "terminated")] {
        let project = slow(name);
        let mut run = Running::start(project.up(&[]));
        run.until(|event| event["event"] == "object-written" && event["phase"] == "apps");
        run.signal(signal);
        let (status, events, stderr) = run.end();
        assert_eq!(status, Some(3), "{stderr}");
        let last = events.last().unwrap();
        assert_eq!((&last["event"], &last["outcome"], &last["exitStatus"]), (&"run-finished".into(), &"interrupted".into(), &3.into()));
        assert!(events.iter().any(|event| event["event"] == "phase-finished" && event["outcome"] == "interrupted"));
        let revision = project.last_revision();
        assert_eq!(revision["outcome"], "interrupted");
        assert!(revision["finished"].is_string());
        assert!(project.get("configmap/later").is_null());
        let said = project.command("status", &["--exit-code"]).run().exited(6).stdout;
        assert!(said.contains("interrupted"), "{said}");
    }
}

#[test]
fn a_signal_before_the_first_write_changes_nothing() {
    let project = slow("early-signal");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kubeconfig");
    let server = listener.local_addr().unwrap();
    let text = format!(
        "clusters: [{{name: a, cluster: {{server: 'http://{server}'}}}}]\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\nusers: [{{name: a, user: {{token: a}}}}]\ncurrent-context: a\n"
    );
    std::fs::write(&path, text).unwrap();
    let run = Running::start(project.up(&["--kubeconfig", path.to_str().unwrap()]));
    // The program has sent its first request when it has connected.
    let _connection = listener.accept().unwrap();
    run.signal(Signal::INT);
    let (status, events, stderr) = run.end();
    assert_eq!((status, events), (Some(130), Vec::new()));
    assert!(stderr.contains("interrupted; nothing was changed"), "{stderr}");
    project.assert_nothing_was_written();
}

#[test]
fn an_interrupted_run_that_wrote_nothing_left_the_cluster_as_it_was() {
    let project = Project::new("waits-only")
        .plan("phases: {apps: {timeout: 1s}}\n")
        .manifest("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    project.up(&[]).run().exited(3);
    let project = project.plan("phases: {apps: {timeout: 5m}}\n");
    let mut run = Running::start(project.up(&[]));
    run.until(|event| event["event"] == "phase-started" && event["phase"] == "apps");
    run.signal(Signal::INT);
    let (status, _, stderr) = run.end();
    assert_eq!(status, Some(130), "{stderr}");
    assert_eq!(project.revisions().len(), 1);
}
