//! Pods that run together, each in a network of its own, and what is tried with them.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::{
    pod::{Pod, Started, write},
    programs,
    report::{Line, Verdict},
    table::{self, Stand, Table, Trial},
};
use crate::platforms::{Platform, Rendered, Workload};

/// What the pods are made with, besides what they run.
const TOOLS: [&str; 6] = ["unshare", "nsenter", "ip", "mount", "bash", "timeout"];

/// Every stand of a platform, in the environments that are protected: the others differ in figures.
pub(super) fn check(table: &Table, platform: &Platform) -> Vec<Line> {
    let mut lines = Vec::new();
    for rendered in &platform.environments {
        if platform.plan["environments"][&rendered.environment]["protected"] != true {
            continue;
        }
        let own: Vec<&Stand> = table
            .stands
            .iter()
            .filter(|stand| stand.platform == platform.name)
            .collect();
        for stand in &own {
            let special =
                (!stand.set.is_empty()).then(|| platform.with(&rendered.environment, &stand.set));
            let rendered = special.as_ref().unwrap_or(rendered);
            let about = About {
                table,
                platform,
                rendered,
            };
            lines.push(about.line(&stand.sort, &stand.pods, &stand.tried));
        }
        let named: BTreeSet<&str> = own
            .iter()
            .flat_map(|stand| &stand.pods)
            .filter_map(|pod| Some(pod.rsplit_once('-')?.0))
            .collect();
        let about = About {
            table,
            platform,
            rendered,
        };
        for workload in rendered.workloads().filter(|workload| !workload.ends()) {
            let name = format!("{}/{}", workload.kind(), workload.name());
            let is_known = workload.containers().any(|it| {
                table
                    .image(it["image"].as_str().unwrap_or_default())
                    .is_some()
            });
            if is_known && !named.contains(name.as_str()) {
                lines.push(about.line(&name, &[format!("{name}-0")], &[]));
            }
        }
    }
    lines
}

/// What a stand is about.
struct About<'a> {
    table: &'a Table,
    platform: &'a Platform,
    rendered: &'a Rendered,
}

impl<'a> About<'a> {
    fn line(&self, sort: &str, pods: &[String], tried: &[Trial]) -> Line {
        let pods: Vec<Pod> = pods
            .iter()
            .enumerate()
            .map(|(number, name)| self.pod(number, name))
            .collect();
        let programs: BTreeSet<&str> = pods
            .iter()
            .flat_map(|pod| pod.started(self.table))
            .map(|it| it.row.program.as_str())
            .collect();
        let missing = TOOLS
            .iter()
            .chain(&programs)
            .find(|name| programs::find(name).is_none());
        let shown = missing.or(programs.first()).copied().unwrap_or_default();
        let count = if pods.len() > 1 {
            format!(" ({} pods)", pods.len())
        } else {
            String::new()
        };
        let configuration = format!("started: {sort}{count}");
        Line::of(
            (self.platform, self.rendered),
            &configuration,
            shown,
            |_| {
                let lacks = |it: Started| it.row.lacks.clone();
                let lacking = pods
                    .iter()
                    .flat_map(|pod| pod.started(self.table))
                    .filter_map(lacks);
                lacking.fold(self.run(&pods, tried), |verdict, lacks| {
                    verdict.unless_it_lacks(Some(&lacks))
                })
            },
        )
    }

    fn pod(&self, number: usize, name: &str) -> Pod<'a> {
        let (workload, _) = name.rsplit_once('-').unwrap_or((name, ""));
        let is_called = |it: &Workload| format!("{}/{}", it.kind(), it.name()) == workload;
        let found = self.rendered.workloads().find(is_called);
        Pod {
            platform: self.platform,
            rendered: self.rendered,
            workload: found.unwrap_or_else(|| panic!("{} has no {workload}", self.platform.name)),
            name: name.rsplit('/').next().unwrap_or_default().to_owned(),
            address: format!("10.77.0.{}", number + 10),
        }
    }

    fn run(&self, pods: &[Pod<'a>], tried: &[Trial]) -> Verdict {
        let stage = tempfile::tempdir().unwrap();
        let mut hosts = "127.0.0.1 localhost\n".to_owned();
        let mut known = BTreeSet::new();
        for pod in pods {
            // A Service's name leads to the first that it selects.
            let names: Vec<String> = pod
                .names()
                .into_iter()
                .filter(|name| known.insert(name.clone()))
                .collect();
            writeln!(hosts, "{} {}", pod.address, names.join(" ")).unwrap();
        }
        let mut steps = Steps::default();
        for (number, pod) in pods.iter().enumerate() {
            let folder = stage.path().join("pods").join(&pod.name);
            fs::create_dir_all(&folder).unwrap();
            pod.write(self.table, &folder, &hosts);
            fs::write(folder.join("number"), number.to_string()).unwrap();
            steps.add("start", &pod.name, "-", "-");
            for it in pod.started(self.table) {
                steps.probes(pod, &it, &folder);
            }
        }
        for trial in tried {
            steps.trial(pods, trial, stage.path());
        }
        fs::write(stage.path().join("steps"), steps.text).unwrap();
        run_stage(stage.path())
    }
}

/// The lines of the file that the stage goes through.
#[derive(Default)]
struct Steps {
    text: String,
    count: usize,
}

impl Steps {
    fn add(&mut self, action: &str, pod: &str, script: &str, pattern: &str) {
        self.count += 1;
        writeln!(
            self.text,
            "{} {action} {pod} {script} {pattern}",
            self.count
        )
        .unwrap();
    }

    /// Asks the probes of a container.
    fn probes(&mut self, pod: &Pod, it: &Started, folder: &Path) {
        let init = pod
            .workload
            .init_containers()
            .any(|other| other["name"] == it.container["name"]);
        let mut known: Vec<&Value> = Vec::new();
        for name in it.row.probes.iter().filter(|_| !init) {
            let probe = &it.container[name.as_str()];
            let Some(words) = words(it.container, probe) else {
                continue;
            };
            let what = &probe["exec"]["command"];
            if !what.is_null() && known.contains(&what) {
                continue;
            }
            known.push(what);
            let script = format!("ask-{}", self.count);
            let text =
                pod.script_in(it.container, &words).replacen("exec ", "", 1) + "echo answered\n";
            write(
                &folder.join("files/.stage").join(&script),
                format!("set -e\n{text}").as_bytes(),
                0o755,
            );
            self.add("ask", &pod.name, &script, "answered");
        }
    }

    fn trial(&mut self, pods: &[Pod], trial: &Trial, stage: &Path) {
        match trial {
            Trial::Stop { stop } => self.add("stop", stop, "-", "-"),
            Trial::Ask { place, run, says } => {
                let (name, container) = place.split_once('/').expect("`in` is POD/CONTAINER");
                let pod = pods
                    .iter()
                    .find(|pod| pod.name == name)
                    .unwrap_or_else(|| panic!("no pod {name}"));
                let container = pod
                    .workload
                    .container(container)
                    .unwrap_or_else(|| panic!("no container {place}"));
                let script = format!("ask-{}", self.count);
                let words = ["/bin/sh", "-c", run].map(str::to_owned);
                let text = pod.script_in(container, &words);
                write(
                    &stage
                        .join("pods")
                        .join(name)
                        .join("files/.stage")
                        .join(&script),
                    text.as_bytes(),
                    0o755,
                );
                self.add("ask", name, &script, says);
            }
        }
    }
}

/// The command that asks a probe.
fn words(container: &Value, probe: &Value) -> Option<Vec<String>> {
    if let Some(command) = probe["exec"]["command"].as_array() {
        return Some(
            command
                .iter()
                .filter_map(|word| word.as_str().map(str::to_owned))
                .collect(),
        );
    }
    let port = |port: &Value| {
        let mut named =
            crate::platforms::items(&container["ports"]).filter(|named| named["name"] == *port);
        port.as_u64()
            .or_else(|| named.next()?["containerPort"].as_u64())
    };
    let script = if let Some(port) = port(&probe["tcpSocket"]["port"]) {
        format!("exec 3<>/dev/tcp/127.0.0.1/{port}")
    } else {
        let port = port(&probe["httpGet"]["port"])?;
        let path = probe["httpGet"]["path"].as_str().unwrap_or("/");
        format!(
            "exec 3<>/dev/tcp/127.0.0.1/{port}; printf 'GET {path} HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3 | grep ' [23][0-9][0-9] '"
        )
    };
    Some(["bash", "-c", &script].map(str::to_owned).to_vec())
}

/// Goes through the steps.
fn run_stage(stage: &Path) -> Verdict {
    let output = Command::new("timeout")
        .args([
            "--kill-after=5",
            "280",
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "--net",
            "--uts",
            "/bin/sh",
        ])
        .arg(table::folder().join("stage.sh"))
        .arg(stage)
        .stdin(Stdio::null())
        .output();
    match Verdict::of(output) {
        Verdict::Failed(said) => {
            let steps = fs::read_to_string(stage.join("steps")).unwrap_or_default();
            Verdict::Failed(format!("{said}\n{steps}"))
        }
        verdict => verdict,
    }
}
