//! What would be deleted first, and could not be created again.

use serde_json::json;

use super::{
    manifests::{documents, faulty_deployment},
    project::Project,
    uid,
};
use crate::support::{eventually, kubectl, namespace, try_kubectl, user::User};

const RECREATE: [&str; 2] = ["--recreate", "Deployment/web"];

/// Changes what selects the pods of the Deployment.
fn change_selector(project: &Project) {
    let changed = faulty_deployment("web", "").replace("app: web", "app: other");
    project.rewrite("apps/web.yaml", &changed);
}

/// A policy that lets no Deployment into the namespace `name` that has no label `team`.
fn policy(name: &str) -> String {
    let of = |kind: &str, spec: &str| {
        format!(
            "apiVersion: admissionregistration.k8s.io/v1\nkind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"
        )
    };
    let rules = format!(
        "{{resourceRules: [{{apiGroups: [apps], apiVersions: [v1], operations: [CREATE], resources: [deployments]}}], namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {name}}}}}}}"
    );
    let validation = "{expression: \"has(object.metadata.labels) && 'team' in object.metadata.labels\", message: it needs a team, reason: Forbidden}";
    documents(&[
        of(
            "ValidatingAdmissionPolicy",
            &format!("{{matchConstraints: {rules}, validations: [{validation}]}}"),
        ),
        of(
            "ValidatingAdmissionPolicyBinding",
            &format!("{{policyName: {name}, validationActions: [Deny]}}"),
        ),
    ])
}

#[test]
fn what_a_policy_would_not_let_in_again_is_not_deleted() {
    let name = "recreate-denied";
    let project = Project::new(name).manifest("apps/web.yaml", &faulty_deployment("web", ""));
    project.deploy(&[]);
    let before = uid(&project, "deployment/web");
    assert!(
        try_kubectl(&["apply", "-f", "-"], &policy(name))
            .status
            .success()
    );
    let probe = ["create", "deployment", "probe", "--image=probe:v1"];
    let probe = [&probe[..], &["--dry-run=server", "-n", name]].concat();
    eventually("the policy is in force", || {
        (!try_kubectl(&probe, "").status.success()).then_some(())
    });
    change_selector(&project);
    let refused = project.up(&RECREATE).run().exited(5);
    assert!(
        refused.stderr.contains("needs a team"),
        "{}",
        refused.stderr
    );
    assert_eq!(uid(&project, "deployment/web"), before);
    assert_eq!(project.revisions().len(), 1);
    kubectl(&[
        "delete",
        "validatingadmissionpolicybinding,validatingadmissionpolicy",
        name,
    ]);
    eventually("the policy is gone", || {
        try_kubectl(&probe, "").status.success().then_some(())
    });
    project.deploy(&RECREATE);
    assert_ne!(uid(&project, "deployment/web"), before);
}

#[test]
fn what_the_user_may_not_create_is_not_deleted() {
    let home = namespace("recreate-forbidden");
    let verbs = ["get", "list", "watch", "update", "patch", "delete"];
    let user = User::with_role(
        &home,
        &json!([
            {"apiGroups": ["*"], "resources": ["*"], "verbs": verbs},
            {"apiGroups": ["", "coordination.k8s.io"], "resources": ["secrets", "leases", "pods/eviction"], "verbs": ["*"]},
        ]),
    );
    let project = Project::new(&home).manifest("apps/web.yaml", &faulty_deployment("web", ""));
    let state = ["--state-namespace", home.as_str()];
    project.deploy(&state);
    let before = uid(&project, "deployment/web");
    change_selector(&project);
    let arguments = [&RECREATE[..], &state].concat();
    let refused = user.runs(project.up(&arguments)).run().exited(5);
    assert!(refused.stderr.contains("create"), "{}", refused.stderr);
    assert_eq!(uid(&project, "deployment/web"), before);
}

/// What is there is counted until it is deleted.
#[test]
fn a_quota_that_what_is_there_has_used_up_keeps_nothing_from_being_created_anew() {
    let name = "recreate-counted";
    let quota = "apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: one}\nspec: {hard: {count/deployments.apps: 1}}\n";
    let project = Project::new(name)
        .manifest("namespace/quota.yaml", quota)
        .manifest("apps/web.yaml", &faulty_deployment("web", ""));
    project.deploy(&[]);
    eventually("it is counted", || {
        let used = project.get("resourcequota/one")["status"]["used"].clone();
        (used["count/deployments.apps"] == "1").then_some(())
    });
    change_selector(&project);
    let shown = project.command("up", &[&RECREATE[..], &["--dry-run"]].concat());
    shown.run().exited(0);
}
