//! Replicas that an autoscaler decides about.

use serde_json::Value;

use super::{
    manifests::{autoscaler, workload},
    project::{Project, written},
};

fn replicas(project: &Project) -> i64 {
    project.get("deployment/web")["spec"]["replicas"]
        .as_i64()
        .unwrap()
}

/// Whether our entry in `managedFields` holds the Deployment's replicas.
fn owns_replicas(project: &Project) -> bool {
    let deployment = project.kubectl(&[
        "get",
        "deployment/web",
        "--show-managed-fields",
        "-o",
        "json",
    ]);
    let deployment: Value = serde_json::from_str(&deployment).unwrap();
    let entries = deployment["metadata"]["managedFields"].as_array().unwrap();
    let ours = entries
        .iter()
        .find(|entry| entry["operation"] == "Apply")
        .unwrap();
    ours["fieldsV1"]["f:spec"].get("f:replicas").is_some()
}

#[test]
fn an_autoscaler_that_is_added_takes_the_replicas_over_as_they_are() {
    let project = Project::new("autoscaled").manifest(
        "apps/web.yaml",
        &workload("apps/v1", "Deployment", "web", "replicas: 3", ""),
    );
    project.deploy(&[]);
    assert!(owns_replicas(&project));

    project.rewrite("apps/autoscaler.yaml", &autoscaler("web", 5));
    project.deploy(&[]);
    assert_eq!(
        replicas(&project),
        3,
        "leaving the field out of an apply would have reset it to 1"
    );
    assert!(!owns_replicas(&project));

    project.kubectl(&["scale", "deployment/web", "--replicas=4"]);
    assert_eq!(
        written(&project.deploy(&[])),
        Vec::<String>::new(),
        "how many there are is no concern of ours any more"
    );
    project.rewrite(
        "apps/web.yaml",
        &workload(
            "apps/v1",
            "Deployment",
            "web",
            "replicas: 3\n  minReadySeconds: 1",
            "",
        ),
    );
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Deployment/autoscaled/web"]
    );
    assert_eq!(replicas(&project), 4);
}
