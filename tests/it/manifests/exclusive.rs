//! What only one object can have: a port, and who has it.

use crate::support::{
    apply,
    manifests::{documents, faulty_deployment},
    project::{Project, written},
};

fn service(name: &str, port: u16) -> String {
    format!(
        "apiVersion: v1
kind: Service
metadata: {{name: {name}}}
spec: {{type: NodePort, selector: {{app: web}}, ports: [{{name: http, port: 80, nodePort: {port}}}]}}
"
    )
}

/// Kubernetes 30821 is asked for by two names one after the other.
#[test]
fn a_renamed_service_takes_its_fixed_port_along_and_gives_it_back() {
    let project = Project::new("exclusive-port")
        .plan("phases: {apps: {timeout: 2s}}\n")
        .manifest("apps/service.yaml", &service("web", 30821));
    project.deploy(&[]);
    project.rewrite("apps/service.yaml", &service("front", 30821));
    let expected = [
        "created Service/exclusive-port/front",
        "deleted Service/exclusive-port/web",
    ];
    assert_eq!(written(&project.deploy(&[])), expected);
    let port = |name: &str| {
        project.get(&format!("service/{name}"))["spec"]["ports"][0]["nodePort"].clone()
    };
    assert_eq!(port("front"), 30821);

    let fails = [
        service("web", 30821),
        faulty_deployment("web", "never-ready"),
    ];
    project.rewrite("apps/service.yaml", &documents(&fails));
    project.up(&[]).run().exited(1);
    assert_eq!(port("front"), 30821, "the way back frees it again");
    assert!(project.get("service/web").is_null());
}

/// A mistake in what is renamed is refused before the old one goes.
#[test]
fn what_is_wrong_otherwise_frees_nothing() {
    let project =
        Project::new("exclusive-wrong").manifest("apps/service.yaml", &service("web", 30823));
    project.deploy(&[]);
    let before = project.get("service/web")["metadata"]["uid"].clone();
    let wrong = service("front", 30823).replace("selector:", "sessionAffinity: Bogus, selector:");
    project.rewrite("apps/service.yaml", &wrong);
    let run = project.up(&[]).run().exited(2);
    assert!(run.stderr.contains("sessionAffinity"), "{}", run.stderr);
    assert_eq!(project.get("service/web")["metadata"]["uid"], before);
}

/// What is not the release's stays, and is named before anything is written.
#[test]
fn who_has_a_port_is_named() {
    let project =
        Project::new("exclusive-holder").manifest("apps/service.yaml", &service("web", 30822));
    let other = "exclusive-holder-other";
    crate::support::kubectl(&["create", "namespace", other]);
    apply(other, &service("theirs", 30822));
    let run = project.up(&[]).run().exited(5);
    let said = "node port 30822 is that of Service/exclusive-holder-other/theirs";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(
        run.stderr.contains("choose another node port"),
        "{}",
        run.stderr
    );
    project.assert_nothing_was_written();
}
