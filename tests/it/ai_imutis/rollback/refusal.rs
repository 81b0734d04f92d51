use std::sync::LazyLock;

use crate::support::{apply, eventually, kubectl, manifests::config_map, namespace, try_kubectl};

/// Objects with this label are refused when they are really written; a dry-run of them passes.
pub(super) const LABEL: &str = "refused.deployctl.dev/really";

/// What the API server says of what it refuses.
pub(super) const MESSAGE: &str = "nothing of this sort is let in";

/// Has the API server refuse what has the [`LABEL`], in every namespace: no other test uses it.
pub(super) fn refuse() {
    static REFUSING: LazyLock<()> = LazyLock::new(|| {
        let namespace = namespace("refusals");
        apply(&namespace, &policy());
        let labelled = config_map("probe", "1").replace(
            "{name: probe}",
            &format!("{{name: probe, labels: {{{LABEL}: now}}}}"),
        );
        eventually("the policy is in force", || {
            let answer = try_kubectl(&["create", "--namespace", &namespace, "-f", "-"], &labelled);
            if answer.status.success() {
                kubectl(&["delete", "--namespace", &namespace, "configmap/probe"]);
            }
            String::from_utf8_lossy(&answer.stderr)
                .contains(MESSAGE)
                .then_some(())
        });
    });
    LazyLock::force(&REFUSING);
}

/// A policy with its binding:
/// <https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/>.
fn policy() -> String {
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {{name: refused-when-written}}
spec:
  matchConstraints:
    objectSelector: {{matchExpressions: [{{key: {LABEL}, operator: Exists}}]}}
    resourceRules: [{{apiGroups: ['*'], apiVersions: ['*'], resources: ['*'], operations: [CREATE, UPDATE]}}]
  validations: [{{expression: 'has(request.dryRun) && request.dryRun', message: {MESSAGE:?}}}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {{name: refused-when-written}}
spec: {{policyName: refused-when-written, validationActions: [Deny]}}
"
    )
}
