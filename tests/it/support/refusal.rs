//! Has an API server refuse what is labelled so.

use std::sync::LazyLock;

use super::{Sandbox, eventually, manifests::config_map, sandbox};

/// Objects with this label are refused when they are really written; a dry-run of them passes.
pub(crate) const LABEL: &str = "refused.deployctl.dev/really";

/// What the API server says of what it refuses.
pub(crate) const MESSAGE: &str = "nothing of this sort is let in";

/// Has the API server of the shared sandbox refuse what has the [`LABEL`], in every namespace: no
/// other test uses it.
pub(crate) fn refuse() {
    static REFUSING: LazyLock<()> = LazyLock::new(|| refuse_in(sandbox()));
    LazyLock::force(&REFUSING);
}

/// The same, in a sandbox of one's own.
pub(crate) fn refuse_in(sandbox: &Sandbox) {
    sandbox.kubectl(&["apply", "-f", "-"], &policy());
    let labelled = config_map("refused", "1").replace(
        "{name: refused}",
        &format!("{{name: refused, labels: {{{LABEL}: now}}}}"),
    );
    eventually("the policy is in force", || {
        let create = ["create", "--namespace", "default", "-f", "-"];
        let answer = sandbox.try_kubectl(&create, &labelled);
        if answer.status.success() {
            sandbox.kubectl(
                &["delete", "--namespace", "default", "configmap/refused"],
                "",
            );
        }
        String::from_utf8_lossy(&answer.stderr)
            .contains(MESSAGE)
            .then_some(())
    });
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
