//! Fields that a plan leaves to others.

use serde_json::Value;

use crate::support::{
    apply_as, get,
    project::{Project, written},
};

const IGNORED: &str = "ignoreFields:
  - match: [{kind: Deployment, name: web}]
    fields:
      - spec.replicas
      - metadata.annotations[\"example.org/x\"]
      - spec.template.spec.containers[name=main].resources
";

fn web(image: &str, replicas: u32, fault: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, annotations: {{example.org/x: ours}}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web{fault}}}}}
    spec:
      containers: [{{name: main, image: \"{image}\", resources: {{limits: {{cpu: 100m}}}}}}]
"
    )
}

/// The three fields of the Deployment.
fn fields(project: &Project) -> [Value; 3] {
    let web = project.get("deployment/web");
    let container = &web["spec"]["template"]["spec"]["containers"][0];
    [
        web["spec"]["replicas"].clone(),
        web["metadata"]["annotations"]["example.org/x"].clone(),
        container["resources"]["limits"]["cpu"].clone(),
    ]
}

/// Others apply the three fields, without force.
fn taken_by_others(project: &Project, replicas: u32) {
    let theirs = format!(
        "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, annotations: {{example.org/x: theirs}}}}
spec:
  replicas: {replicas}
  template: {{spec: {{containers: [{{name: main, resources: {{limits: {{cpu: 200m}}}}}}]}}}}
"
    );
    apply_as("scaler", &project.name, &theirs);
}

#[test]
fn what_is_ignored_is_created_as_it_is_written_and_never_sent_again() {
    let project = Project::new("ignored-fields")
        .plan(IGNORED)
        .manifest("apps/web.yaml", &web("web:v1", 2, ""));
    project.deploy(&[]);
    assert_eq!(
        fields(&project),
        [Value::from(2), "ours".into(), "100m".into()]
    );
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    // Nobody holds them, so an applier needs no force.
    taken_by_others(&project, 5);
    let theirs = fields(&project);
    assert_eq!(theirs, [Value::from(5), "theirs".into(), "200m".into()]);
    assert_eq!(project.status()["standing"], "deployed");
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    project.rewrite("apps/web.yaml", &web("web:v2", 3, ""));
    assert_eq!(
        written(&project.deploy(&[])),
        ["changed Deployment/ignored-fields/web"]
    );
    assert_eq!(fields(&project), theirs);

    project.rewrite("apps/web.yaml", &web("web:v2", 4, ""));
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    project.command("rollback", &["--yes"]).run().exited(0);
    assert_eq!(fields(&project), theirs);
}

/// A plan that begins to ignore what it has sent so far.
#[test]
fn what_was_sent_before_is_given_up_and_survives_a_rollback() {
    let project = Project::new("ignored-later").manifest("apps/web.yaml", &web("web:v1", 2, ""));
    project.deploy(&[]);
    project.rewrite_plan(&format!("{IGNORED}phases: {{apps: {{timeout: 2s}}}}\n"));
    let hangs = ", sandbox.deployctl.dev/fault: never-ready";
    project.rewrite("apps/web.yaml", &web("web:v2", 3, hangs));
    project.up(&["--no-rollback"]).run().exited(3);
    assert_eq!(
        fields(&project),
        [Value::from(2), "ours".into(), "100m".into()]
    );
    taken_by_others(&project, 5);
    let back = project
        .command("rollback", &["--yes", "-o", "jsonl"])
        .run()
        .exited(0);
    assert!(
        back.stdout.contains("\"differences\":[]"),
        "{}",
        back.stdout
    );
    assert_eq!(
        fields(&project),
        [Value::from(5), "theirs".into(), "200m".into()]
    );
    let image = get("ignored-later", "deployment/web");
    let containers = &image["spec"]["template"]["spec"]["containers"];
    assert_eq!(containers[0]["image"], "web:v1");
}

/// What is deleted for a change keeps what others have set.
#[test]
fn what_is_created_anew_has_what_others_have_set() {
    let project = Project::new("ignored-anew")
        .plan(IGNORED)
        .manifest("apps/web.yaml", &web("web:v1", 2, ""));
    project.deploy(&[]);
    taken_by_others(&project, 5);
    let other = web("web:v1", 2, "").replace("app: web", "app: shop");
    project.rewrite("apps/web.yaml", &other);
    project.deploy(&["--recreate", "Deployment/web"]);
    assert_eq!(
        fields(&project),
        [Value::from(5), "theirs".into(), "200m".into()]
    );
}

/// Arguments have one manager as a whole.
#[test]
fn a_part_of_what_is_held_as_a_whole_is_refused() {
    let project = Project::new("ignored-part")
        .plan(
            "ignoreFields:
  - match: [{kind: Deployment}]
    fields: ['spec.template.spec.containers[name=main].args[0]']
",
        )
        .manifest(
            "apps/web.yaml",
            &web("web:v1", 1, "").replace("resources", "args: [a], resources"),
        );
    let kubectl = ["create", "namespace", "ignored-part"];
    crate::support::kubectl(&kubectl);
    let refused = project.up(&[]).run().exited(2);
    assert!(
        refused.stderr.contains("has one manager as a whole")
            && refused
                .stderr
                .contains("write `spec.template.spec.containers[name=\"main\"].args`"),
        "{}",
        refused.stderr
    );
}
