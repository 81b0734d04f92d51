//! Rule 6: autoscalers that no manifest brings.

use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    thread,
};

use super::{
    manifests::{autoscaler, faulty_deployment, workload},
    project::{Project, written},
};
use crate::support::{apply, sandbox};

/// Every number of replicas that a watch sees.
struct Watched {
    process: Child,
    numbers: Receiver<String>,
}

impl Watched {
    fn start(project: &Project) -> Self {
        let mut command = Command::new(&sandbox().kubectl);
        command.args([
            "get",
            "deployment/web",
            "--namespace",
            &project.name,
            "--watch",
            "--output",
            "jsonpath={.spec.replicas}{'\\n'}",
        ]);
        let mut process = command
            .env("KUBECONFIG", &sandbox().kubeconfig)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let (sender, numbers) = channel();
        thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| drop(sender.send(line)));
        });
        let watched = Self { process, numbers };
        assert_eq!(
            watched.numbers.recv().unwrap(),
            "9",
            "the watch begins with what is there"
        );
        watched
    }

    fn end(mut self) -> Vec<String> {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        self.numbers.iter().collect()
    }
}

/// The Deployment of a release that was scaled to nine by an autoscaler of somebody else.
fn scaled(name: &str) -> Project {
    let project = Project::new(name).manifest(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 3", ""),
    );
    project.deploy(&[]);
    apply(name, &autoscaler("web", 12));
    project.kubectl(&["scale", "deployment/web", "--replicas=9"]);
    project
}

#[test]
fn replicas_of_an_autoscaler_in_the_cluster_survive_an_upgrade() {
    let project = scaled("hpa-upgrade");
    let watched = Watched::start(&project);
    project.rewrite(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 3", "").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Deployment/hpa-upgrade/web"]
    );
    let numbers = watched.end();
    assert!(
        !numbers.is_empty() && numbers.iter().all(|number| number == "9"),
        "{numbers:?}"
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}

#[test]
fn replicas_of_an_autoscaler_in_the_cluster_survive_a_rollback() {
    let project = scaled("hpa-rollback");
    let watched = Watched::start(&project);
    project.rewrite(
        "apps/web.yaml",
        &faulty_deployment("web", "crash-loop").replace("replicas: 1", "replicas: 3"),
    );
    project.up(&[]).run().exited(1);
    let numbers = watched.end();
    assert!(
        !numbers.is_empty() && numbers.iter().all(|number| number == "9"),
        "{numbers:?}"
    );
    assert_eq!(
        project.get("deployment/web")["spec"]["template"]["metadata"]["labels"]
            .get("sandbox.deployctl.dev/fault"),
        None
    );
}

/// KEDA's own object counts as much as the autoscaler that KEDA makes of it.
#[test]
fn replicas_of_a_scaled_object_in_the_cluster_survive_an_upgrade() {
    let project = Project::new("keda-upgrade").manifest(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 3", ""),
    );
    project.deploy(&[]);
    apply(
        "keda-upgrade",
        "apiVersion: keda.sh/v1alpha1
kind: ScaledObject
metadata: {name: web}
spec:
  scaleTargetRef: {name: web}
  triggers: [{type: cpu, metricType: Utilization, metadata: {value: '70'}}]
",
    );
    project.kubectl(&["scale", "deployment/web", "--replicas=9"]);
    let watched = Watched::start(&project);
    project.rewrite(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 3", "").replace(":v1", ":v2"),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Deployment/keda-upgrade/web"]
    );
    let numbers = watched.end();
    assert!(
        !numbers.is_empty() && numbers.iter().all(|number| number == "9"),
        "{numbers:?}"
    );
}

/// Whatever kind its autoscaler is of: it scales by the subresource, as that of Datadog does.
#[test]
fn replicas_that_a_controller_has_scaled_are_left_to_it() {
    let web = |replicas: &str, image: &str| {
        workload("apps/v1", "Deployment", "web", replicas, "").replace(":v1", image)
    };
    let project = Project::new("scaled-by").manifest("apps/web.yaml", &web("replicas: 3", ":v1"));
    project.deploy(&[]);
    let seven = r#"{"spec":{"replicas":7}}"#;
    let manager = "--field-manager=datadog-cluster-agent";
    let scale = ["--subresource=scale", "--type=merge", manager, "-p", seven];
    project.kubectl(&[&["patch", "deployment/web"], scale.as_slice()].concat());
    project.rewrite("apps/web.yaml", &web("replicas: 4", ":v2"));
    let up = project.up(&[]).run().exited(0);
    let said = format!("{}{}", up.stdout, up.stderr);
    assert!(
        said.contains("`spec.replicas` is left to `datadog-cluster-agent`"),
        "{said}"
    );
    let replicas = || project.get("deployment/web")["spec"]["replicas"].clone();
    assert_eq!(replicas(), 7);
    assert_eq!(project.status()["standing"], "deployed");

    project.rewrite("apps/web.yaml", &web("replicas: 5", ":v2"));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(
        written(&project.deploy(&["--force-conflicts"])),
        ["changed Deployment/scaled-by/web"]
    );
    assert_eq!(replicas(), 5);
}
