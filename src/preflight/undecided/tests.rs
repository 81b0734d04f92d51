//! What the API server answers, and who in the run may change that.

use std::{path::Path, sync::Arc};

use serde_json::{Value, json};

use super::*;
use crate::object::{ObjectId, Origin};

/// An object `KIND/NAME` of a release in namespace `shop`.
fn thing(name: &str) -> Object {
    let (kind, name) = name.split_once('/').expect("a kind and a name");
    let (api_version, more) = match kind {
        "Role" => ("rbac.authorization.k8s.io/v1", json!({})),
        "RoleBinding" => (
            "rbac.authorization.k8s.io/v1",
            json!({"roleRef": {"kind": "Role", "name": "app"}}),
        ),
        "PriorityClass" => ("scheduling.k8s.io/v1", json!({})),
        "RuntimeClass" => ("node.k8s.io/v1", json!({})),
        "Gadget" => ("example.org/v1", json!({})),
        "CustomResourceDefinition" => (
            "apiextensions.k8s.io/v1",
            json!({"spec": {"group": "example.org", "names": {"kind": "Gadget"}, "conversion": {"strategy": "Webhook"}}}),
        ),
        "ValidatingWebhookConfiguration" => (
            "admissionregistration.k8s.io/v1",
            json!({"webhooks": [{"name": "check.example.org"}]}),
        ),
        "ValidatingAdmissionPolicy" => ("admissionregistration.k8s.io/v1", json!({})),
        _ => ("v1", json!({})),
    };
    let is_of_cluster = kind.ends_with("Class")
        || kind == "Namespace"
        || api_version.starts_with("admission")
        || api_version.starts_with("apiextensions");
    let mut body = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": name}});
    if !is_of_cluster {
        body["metadata"]["namespace"] = "shop".into();
    }
    if let (Value::Object(body), Value::Object(more)) = (&mut body, more) {
        body.extend(more);
    }
    Object {
        id: ObjectId::of(&body).expect("it has a kind and a name"),
        api_version: api_version.to_owned(),
        body: Arc::new(body),
        origin: Origin {
            file: Path::new("a.yaml").into(),
            line: 1,
        },
    }
}

/// Whether `message` about `refused` may be another one in a run that writes `written`.
fn is_open(refused: &str, code: u16, message: &str, written: &[&str]) -> bool {
    let written: Vec<Object> = written.iter().map(|name| thing(name)).collect();
    let run = RunObjects {
        wanted: written.iter().collect(),
        written: written.iter().collect(),
        rewritten: Vec::new(),
    };
    let refusal = Refusal {
        code,
        message: message.to_owned(),
        ..Refusal::default()
    };
    is_undecided(&thing(refused), &refusal, &run)
}

#[test]
fn a_webhook_that_nothing_answers_is_decided_by_the_run_that_changes_it() {
    let configuration = thing("ValidatingWebhookConfiguration/guard");
    let is_open = |message: &str| {
        let refusal = Refusal {
            code: 500,
            message: message.to_owned(),
            ..Refusal::default()
        };
        let run = RunObjects {
            wanted: Vec::new(),
            written: Vec::new(),
            rewritten: vec![&configuration.body],
        };
        is_undecided(&thing("ConfigMap/a"), &refusal, &run)
    };
    assert!(is_open(
        r#"Internal error occurred: failed calling webhook "check.example.org": failed to call webhook: Post "https://a.shop.svc:443/": service "a" not found"#
    ));
    assert!(!is_open(
        r#"Internal error occurred: failed calling webhook "other.example.org": failed to call webhook"#
    ));
    assert!(
        !is_open(r#"admission webhook "check.example.org" denied the request: no"#),
        "what answers is asked until the end"
    );
}

/// What is refused; with which status and message; what of the same run decides about it.
const OPEN: &[(&str, u16, &str, &str)] = &[
    (
        "RoleBinding/app",
        404,
        r#"rolebindings.rbac.authorization.k8s.io "app" not found"#,
        "Role/app",
    ),
    (
        "RoleBinding/any",
        404,
        r#"roles.rbac.authorization.k8s.io "app" not found"#,
        "Role/app",
    ),
    (
        "RoleBinding/app",
        403,
        r#"rolebindings.rbac.authorization.k8s.io "app" is forbidden: user "ci" is attempting to grant RBAC permissions not currently held:"#,
        "Role/app",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: error looking up service account shop/once: serviceaccount "once" not found"#,
        "ServiceAccount/once",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: no PriorityClass with name high was found"#,
        "PriorityClass/high",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: pod rejected: RuntimeClass "gvisor" not found"#,
        "RuntimeClass/gvisor",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1"#,
        "ResourceQuota/another",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: failed quota: small: must specify limits.cpu for: main"#,
        "LimitRange/defaults",
    ),
    (
        "PersistentVolumeClaim/data",
        403,
        r#"persistentvolumeclaims "data" is forbidden: maximum storage usage per PersistentVolumeClaim is 1Gi, but request is 2Gi"#,
        "LimitRange/sizes",
    ),
    (
        "Pod/once",
        403,
        r#"pods "once" is forbidden: violates PodSecurity "restricted:latest": runAsNonRoot != true"#,
        "Namespace/shop",
    ),
    (
        "Service/web",
        422,
        r#"Service "web" is invalid: spec.ports[0].nodePort: Invalid value: 30821: provided port is already allocated"#,
        "Service/old",
    ),
    (
        "Gadget/a",
        422,
        r#"Gadget.example.org "a" is invalid: spec.size: Unsupported value"#,
        "CustomResourceDefinition/gadgets.example.org",
    ),
    (
        "Gadget/a",
        500,
        "failed to create typed patch object (shop/a; example.org/v1, Kind=Gadget): .spec.size: field not declared in schema",
        "CustomResourceDefinition/gadgets.example.org",
    ),
    (
        "Service/web",
        403,
        r#"admission webhook "check.example.org" denied the request: no"#,
        "ValidatingWebhookConfiguration/hook",
    ),
    (
        "Service/web",
        500,
        r#"Internal error occurred: failed calling webhook "check.example.org": no endpoints available"#,
        "ValidatingWebhookConfiguration/hook",
    ),
    (
        "Service/web",
        422,
        "services \"web\" is forbidden: ValidatingAdmissionPolicy 'no-latest' with binding 'all' denied request: no",
        "ValidatingAdmissionPolicy/no-latest",
    ),
];

#[test]
fn what_the_run_writes_first_may_change_the_answer() {
    for (refused, code, message, decider) in OPEN {
        assert!(
            is_open(refused, *code, message, &[refused, decider]),
            "{message}"
        );
        assert!(
            !is_open(refused, *code, message, &[refused]),
            "nothing else is written: {message}"
        );
    }
}

#[test]
fn what_only_the_cluster_decides_is_decided() {
    let run = [
        "RoleBinding/app",
        "Role/app",
        "Namespace/shop",
        "Service/web",
        "CustomResourceDefinition/gadgets.example.org",
    ];
    for message in [
        r#"rolebindings.rbac.authorization.k8s.io "app" is forbidden: User "ci" cannot patch resource "rolebindings" in API group "rbac.authorization.k8s.io" in the namespace "shop""#,
        r#"rolebindings.rbac.authorization.k8s.io "app" is forbidden: no"#,
        r#"admission webhook "of.somebody.else" denied the request: web must set limits"#,
    ] {
        assert!(!is_open("RoleBinding/app", 403, message, &run), "{message}");
    }
    let message = r#"secrets "another" not found"#;
    assert!(!is_open("Service/web", 404, message, &run), "{message}");
}

#[test]
fn a_name_counts_as_a_word_of_its_own() {
    assert!(is_word("high", "no PriorityClass with name high was found"));
    assert!(is_word("a", r#""a" not found"#) && is_word("a", "it needs a."));
    assert!(!is_word("app", r#""my-app" not found"#) && !is_word("app", "app.example.org"));
}
