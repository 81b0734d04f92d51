use crate::support::{apply, get, kubectl, namespace};

fn certificate(name: &str, fault: &str) -> String {
    format!(
        "apiVersion: cert-manager.io/v1\nkind: Certificate\nmetadata: {{name: {name}, labels: {{sandbox.deployctl.dev/fault: {fault}}}}}\n\
         spec: {{secretName: {name}, dnsNames: [shop.test], issuerRef: {{name: ca}}}}\n---\n"
    )
}

#[test]
fn certificates_and_issuers_become_ready_fail_or_stay_silent() {
    let namespace = namespace("cert-manager");
    let issuer = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: ca}\nspec: {selfSigned: {}}\n---\n";
    apply(&namespace, &(issuer.to_owned() + &certificate("good", "none") + &certificate("bad", "fails") + &certificate("mute", "silent")));
    for object in ["issuer/ca", "certificate/good"] {
        kubectl(&["wait", "-n", &namespace, "--for=condition=Ready", object, "--timeout=30s"]);
    }
    kubectl(&["wait", "-n", &namespace, "--for=condition=Ready=False", "certificate/bad", "--timeout=30s"]);
    assert_eq!(get(&namespace, "certificate/mute")["status"], serde_json::Value::Null);

    kubectl(&[
        "patch",
        "-n",
        &namespace,
        "certificate/good",
        "--type=merge",
        "-p",
        r#"{"spec":{"dnsNames":["shop.test","www.shop.test"]}}"#,
    ]);
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=jsonpath={.status.conditions[0].observedGeneration}=2",
        "certificate/good",
        "--timeout=30s",
    ]);
}

#[test]
fn a_prometheus_becomes_available() {
    let namespace = namespace("prometheus");
    apply(&namespace, "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: main}\nspec: {replicas: 2}\n");
    kubectl(&["wait", "-n", &namespace, "--for=condition=Available", "prometheus/main", "--timeout=30s"]);
    assert_eq!(get(&namespace, "prometheus/main")["status"]["availableReplicas"], 2);
}
