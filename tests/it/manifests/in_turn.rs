//! What the API server refuses only because something of the same release is not there yet.

use crate::support::{
    eventually, kubectl,
    manifests::{deployment, documents},
    namespace,
    project::{Project, events, name, written},
    user::User,
};

const RBAC: &str = "rbac.authorization.k8s.io/v1";

fn role_and_binding(name: &str) -> String {
    let role = format!(
        "apiVersion: {RBAC}\nkind: Role\nmetadata: {{name: {name}}}\nrules: [{{apiGroups: [\"\"], resources: [configmaps], verbs: [get]}}]\n"
    );
    let binding = format!(
        "apiVersion: {RBAC}\nkind: RoleBinding\nmetadata: {{name: {name}}}\nroleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: {name}}}\nsubjects: [{{kind: User, apiGroup: rbac.authorization.k8s.io, name: reader}}]\n"
    );
    documents(&[role, binding])
}

/// A namespace's admin may bind a Role only where the API server can look it up.
/// <https://github.com/fluxcd/kustomize-controller/issues/748>
#[test]
fn the_admin_of_a_namespace_brings_a_role_and_its_binding_at_once() {
    let name = namespace("bound");
    let user = User::without_rights();
    let binding = ["-n", &name, "--clusterrole=admin", "--user", &user.name];
    kubectl(&[&["create", "rolebinding", "deployer"], binding.as_slice()].concat());
    let project = Project::new(&name)
        .plan(&format!("stateNamespace: {name}\n"))
        .manifest("apps/access.yaml", &role_and_binding("reader"));
    let run = user.runs(project.up(&["-v"])).run().exited(0);
    let said = run.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        said.contains("Tried in its turn: RoleBinding/") && said.contains("not found"),
        "{said}"
    );
    assert!(!project.get("rolebinding/reader").is_null());
    let again = user.runs(project.up(&["-o", "jsonl"])).run().exited(0);
    assert_eq!(written(&again.events()), Vec::<String>::new());
}

/// The same where the Role is of nobody's release.
#[test]
fn what_nobody_brings_is_refused_before_the_first_write() {
    let name = namespace("unbound");
    let user = User::without_rights();
    let binding = ["-n", &name, "--clusterrole=admin", "--user", &user.name];
    kubectl(&[&["create", "rolebinding", "deployer"], binding.as_slice()].concat());
    let alone = role_and_binding("reader")
        .split("---\n")
        .nth(1)
        .unwrap()
        .to_owned();
    let project = Project::new(&name)
        .plan(&format!("stateNamespace: {name}\n"))
        .manifest("apps/access.yaml", &alone);
    let run = user.runs(project.up(&[])).run().exited(5);
    assert!(
        run.stderr
            .contains("which is neither in the plan nor in the cluster"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
    // The API server would refuse it all the same.
    let all = project.up(&["--skip-check", "missing-reference"]);
    let run = user.runs(all).run();
    assert_ne!(run.status, 0);
    assert!(run.stderr.contains("not found"), "{}", run.stderr);
    assert!(run.stderr.contains("nothing was changed"), "{}", run.stderr);
}

/// What a Pod refers to.
/// <https://github.com/kubernetes/kubernetes/tree/master/plugin/pkg/admission>
#[test]
fn a_pod_comes_with_all_that_admission_asks_for() {
    let name = namespace("admitted");
    let manifests = format!(
        "apiVersion: scheduling.k8s.io/v1
kind: PriorityClass
metadata: {{name: {name}-high}}
value: 1000
---
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {{name: {name}-sandboxed}}
handler: runsc
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: once}}
---
apiVersion: v1
kind: LimitRange
metadata: {{name: defaults}}
spec: {{limits: [{{type: Container, default: {{cpu: 100m, memory: 64Mi}}, defaultRequest: {{cpu: 100m, memory: 64Mi}}}}]}}
---
apiVersion: v1
kind: Pod
metadata: {{name: once}}
spec:
  serviceAccountName: once
  priorityClassName: {name}-high
  runtimeClassName: {name}-sandboxed
  containers: [{{name: main, image: \"once:v1\"}}]
"
    );
    // A quota that was there before asks for limits, which the release's own LimitRange gives.
    kubectl(&[
        "create",
        "quota",
        "strict",
        "-n",
        &name,
        "--hard=limits.cpu=4,limits.memory=4Gi,pods=9",
    ]);
    let project = Project::new(&name).manifest("apps/once.yaml", &manifests);
    project.deploy(&[]);
    assert_eq!(project.get("pod/once")["spec"]["priority"], 1000);
    project
        .command("down", &[&format!("--yes={name}.default")])
        .run()
        .exited(0);
}

/// Pods that the namespace's level forbids, and the same release changes the level.
#[test]
fn a_namespace_whose_security_level_changes_takes_its_pods() {
    let name = "admitted-level";
    let level = |level: &str| {
        format!(
            "apiVersion: v1\nkind: Namespace\nmetadata: {{name: {name}, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}\n"
        )
    };
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: privileged}\nspec: {hostNetwork: true, containers: [{name: main, image: \"a:v1\"}]}\n";
    let project = Project::new(name).manifest("namespace/namespace.yaml", &level("restricted"));
    project.deploy(&[]);
    project.rewrite("namespace/namespace.yaml", &level("privileged"));
    project.rewrite("apps/pod.yaml", pod);
    project.deploy(&[]);
    assert!(!project.get("pod/privileged").is_null());
}

/// The account follows its workload, and the Secret is of an earlier phase: its controller would
/// delete it there.
#[test]
fn a_token_comes_after_its_account() {
    let secret = "apiVersion: v1
kind: Secret
metadata: {name: api-token, annotations: {kubernetes.io/service-account.name: api}}
type: kubernetes.io/service-account-token
";
    let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: api}\n";
    let api =
        deployment("api").replace("    spec:\n", "    spec:\n      serviceAccountName: api\n");
    let project =
        Project::new("token").manifest("all.yaml", &documents(&[secret, account, api.as_str()]));
    let log = project.deploy(&[]);
    let order: Vec<String> = events(&log, "object-written")
        .iter()
        .map(|event| name(&event["object"]))
        .collect();
    let position = |name: &str| order.iter().position(|written| written == name).unwrap();
    assert!(position("ServiceAccount/token/api") < position("Secret/token/api-token"));
    eventually("the token controller fills in its Secret", || {
        project.get("secret/api-token")["data"]["token"]
            .is_string()
            .then_some(())
    });
    assert_eq!(written(&project.deploy(&[])), Vec::<String>::new());
}
