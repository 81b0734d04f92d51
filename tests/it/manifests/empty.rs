//! Empty maps in manifests: others fill them.

use crate::support::{
    kubectl,
    manifests::documents,
    project::{Project, written},
};

/// <https://github.com/kubernetes/kubernetes/issues/124050>
#[test]
fn what_others_put_into_an_empty_map_is_theirs() {
    let group = "empty.deployctl.test";
    let deployment = "apiVersion: apps/v1
kind: Deployment
metadata: {name: web, annotations: {}}
spec:
  selector: {matchLabels: {app: web}}
  strategy: {}
  template:
    metadata: {annotations: {}, labels: {app: web}}
    spec:
      securityContext: {}
      volumes: [{name: scratch, emptyDir: {}}]
      containers: [{name: main, image: \"web:v1\", resources: {}, env: []}]
";
    let definition = format!(
        "apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {{name: gadgets.{group}}}
spec:
  group: {group}
  scope: Namespaced
  names: {{kind: Gadget, plural: gadgets, singular: gadget}}
  versions:
    - name: v1
      served: true
      storage: true
      schema: {{openAPIV3Schema: {{type: object, properties: {{spec: {{type: object, properties: {{size: {{type: integer, default: 1}}, mode: {{type: string}}}}}}}}}}}}
"
    );
    let gadget =
        format!("apiVersion: {group}/v1\nkind: Gadget\nmetadata: {{name: main}}\nspec: {{}}\n");
    let project = Project::new("empty-maps")
        .manifest("apps/web.yaml", deployment)
        .manifest("apps/gadget.yaml", &documents(&[definition, gadget]));
    project.deploy(&[]);
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());

    project.kubectl(&["rollout", "restart", "deployment/web"]);
    project.kubectl(&["annotate", "deployment/web", "example.org/note=mine"]);
    let gadget = format!("gadgets.{group}/main");
    let operator = ["--type=merge", "--field-manager=gadget-operator", "-p"];
    let filled = r#"{"spec":{"mode":"auto","size":3}}"#;
    project.kubectl(&[&["patch", &gadget], operator.as_slice(), &[filled]].concat());
    project.kubectl(&["rollout", "status", "deployment/web", "--timeout=60s"]);
    let generation = project.get("deployment/web")["metadata"]["generation"].clone();

    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
    assert_eq!(project.status()["standing"], "deployed");
    let web = project.get("deployment/web");
    assert_eq!(web["metadata"]["generation"], generation);
    let restarted = "kubectl.kubernetes.io/restartedAt";
    assert!(web["spec"]["template"]["metadata"]["annotations"][restarted].is_string());
    assert_eq!(project.get(&gadget)["spec"]["size"], 3);

    // A release that fails, or that is taken back, leaves theirs alone too.
    project.rewrite("apps/web.yaml", &deployment.replace("web:v1", "web:v2"));
    project.deploy(&[]);
    project.command("rollback", &["--yes"]).run().exited(0);
    let web = project.get("deployment/web");
    assert!(web["spec"]["template"]["metadata"]["annotations"][restarted].is_string());
    assert_eq!(web["metadata"]["annotations"]["example.org/note"], "mine");
    assert_eq!(project.get(&gadget)["spec"]["mode"], "auto");
    kubectl(&["get", "namespace", &project.name]);
}
