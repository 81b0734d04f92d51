//! The kubectl commands that show more than a diagnosis does.

use serde_json::Value;

use super::explanation::LogRequest;
use crate::object::ManifestView;

/// The kubectl command that describes an object.
pub(super) fn describe(object: &Value) -> String {
    let view = ManifestView(object);
    let (group, kind) = (view.group(), view.kind().to_ascii_lowercase());
    // The group tells kinds of the same name apart; what everybody has needs none.
    let group = if group.contains('.') && !group.ends_with(".k8s.io") {
        format!(".{group}")
    } else {
        String::new()
    };
    format!(
        "kubectl describe{} {kind}{group}/{}",
        in_namespace(view.namespace()),
        view.name()
    )
}

/// The kubectl command that shows the whole of a log.
pub(super) fn logs(request: &LogRequest) -> String {
    let previous = if request.previous { " -p" } else { "" };
    let namespace = in_namespace(
        Some(&request.namespace)
            .filter(|it| !it.is_empty())
            .map(String::as_str),
    );
    // Short flags: the command should fit into a line of a terminal, where it can be copied.
    format!(
        "kubectl logs{namespace} {} -c {}{previous}",
        request.pod, request.container
    )
}

fn in_namespace(namespace: Option<&str>) -> String {
    namespace
        .map(|namespace| format!(" -n {namespace}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kinds_of_others_are_named_with_their_group() {
        let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "shop"}});
        assert_eq!(
            describe(&deployment),
            "kubectl describe -n shop deployment/api"
        );
        let issuer = json!({"apiVersion": "cert-manager.io/v1", "kind": "ClusterIssuer", "metadata": {"name": "acme"}});
        assert_eq!(
            describe(&issuer),
            "kubectl describe clusterissuer.cert-manager.io/acme"
        );
    }
}
