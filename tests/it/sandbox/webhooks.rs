//! A webhook is answered where a pod is ready behind its Service, and the API server trusts the
//! answer as soon as somebody has filled in whom it is to trust.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

use crate::support::{apply, eventually, get, kubectl, namespace, try_kubectl};

/// A configuration that asks the Service `checker` of `namespace` about the ConfigMaps in it.
fn configuration(
    kind: &str,
    name: &str,
    namespace: &str,
    annotations: &str,
    client: &str,
) -> String {
    let more = if kind == "Mutating" {
        "\n    reinvocationPolicy: Never"
    } else {
        ""
    };
    format!(
        "apiVersion: admissionregistration.k8s.io/v1
kind: {kind}WebhookConfiguration
metadata: {{name: {name}, annotations: {{{annotations}}}}}
webhooks:
  - name: check.example.org
    failurePolicy: Fail
    sideEffects: None
    admissionReviewVersions: [v1]
    timeoutSeconds: 5{more}
    clientConfig: {{service: {{name: checker, namespace: {namespace}}}{client}}}
    namespaceSelector: {{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}
    rules: [{{apiGroups: [''], apiVersions: ['*'], operations: [CREATE], resources: [configmaps]}}]
"
    )
}

const CHECKER: &str = "apiVersion: v1
kind: Service
metadata: {name: checker}
spec: {selector: {app: checker}, ports: [{name: https, port: 443, targetPort: 9443}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: checker}
spec:
  selector: {matchLabels: {app: checker}}
  template:
    metadata: {labels: {app: checker}}
    spec: {containers: [{name: main, image: checker:1}]}
";

/// What the API server says of a ConfigMap that is not stored; nothing where it takes it.
fn refusal(namespace: &str) -> String {
    let probe = [
        "create",
        "configmap",
        "probe",
        "--dry-run=server",
        "-n",
        namespace,
    ];
    String::from_utf8_lossy(&try_kubectl(&probe, "").stderr).into_owned()
}

#[track_caller]
fn is_refused(namespace: &str, why: &str) {
    eventually(&format!("it is refused: {why}"), || {
        refusal(namespace).contains(why).then_some(())
    });
}

#[track_caller]
fn is_taken(namespace: &str) {
    eventually("it is taken", || {
        refusal(namespace).is_empty().then_some(())
    });
}

fn bundle(kind: &str, name: &str) -> Value {
    let configuration = get("default", &format!("{kind}webhookconfiguration/{name}"));
    configuration["webhooks"][0]["clientConfig"]["caBundle"].clone()
}

#[test]
fn a_webhook_is_answered_as_long_as_a_pod_is_ready_behind_it() {
    for kind in ["Validating", "Mutating"] {
        let namespace = namespace("hook");
        apply(
            &namespace,
            &configuration(kind, &namespace, &namespace, "", ""),
        );
        is_refused(&namespace, "service \"checker\" not found");
        apply(
            &namespace,
            &CHECKER.replace(
                "app: checker}}\n    spec",
                "app: checker, sandbox.deployctl.dev/fault: never-ready}}\n    spec",
            ),
        );
        is_refused(&namespace, "no endpoints available for service \"checker\"");
        assert_eq!(bundle(&kind.to_lowercase(), &namespace), Value::Null);
        apply(&namespace, CHECKER);
        is_taken(&namespace);
        kubectl(&[
            "scale",
            "-n",
            &namespace,
            "deployment/checker",
            "--replicas=0",
        ]);
        is_refused(&namespace, "no endpoints available");
        kubectl(&["delete", &format!("{kind}WebhookConfiguration"), &namespace]);
    }
}

#[test]
fn whom_the_api_server_trusts_is_left_to_who_says_it() {
    let namespace = namespace("hook-own");
    apply(&namespace, CHECKER);
    kubectl(&[
        "rollout",
        "status",
        "-n",
        &namespace,
        "deployment/checker",
        "--timeout=30s",
    ]);
    // Of an authority that has issued nothing here.
    let foreign = rcgen::generate_simple_self_signed(vec!["elsewhere.test".to_owned()]).unwrap();
    let foreign = STANDARD.encode(foreign.cert.pem());
    let client = format!(", caBundle: {foreign}");
    apply(
        &namespace,
        &configuration("Validating", &namespace, &namespace, "", &client),
    );
    is_refused(&namespace, "x509: certificate signed by unknown authority");
    assert_eq!(bundle("validating", &namespace), foreign);
    kubectl(&["delete", "validatingwebhookconfiguration", &namespace]);
}

#[test]
fn cert_manager_fills_in_whom_to_trust_once_the_certificate_is_there() {
    let namespace = namespace("hook-cert");
    apply(&namespace, CHECKER);
    kubectl(&[
        "rollout",
        "status",
        "-n",
        &namespace,
        "deployment/checker",
        "--timeout=30s",
    ]);
    let annotation = format!("cert-manager.io/inject-ca-from: {namespace}/checker");
    apply(
        &namespace,
        &configuration("Validating", &namespace, &namespace, &annotation, ""),
    );
    is_refused(&namespace, "x509: certificate signed by unknown authority");
    let certificate = "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {name: checker}\n\
                       spec: {secretName: checker-tls, dnsNames: [checker.test], issuerRef: {name: own}}\n";
    apply(&namespace, certificate);
    is_taken(&namespace);
    let secret = eventually("the certificate is kept", || {
        let secret = get(&namespace, "secret/checker-tls");
        (!secret.is_null()).then_some(secret)
    });
    let keys: Vec<&String> = secret["data"].as_object().unwrap().keys().collect();
    assert_eq!(keys, ["ca.crt", "tls.crt", "tls.key"]);
    assert_eq!(secret["type"], "kubernetes.io/tls");
    kubectl(&["delete", "validatingwebhookconfiguration", &namespace]);
}
