use crate::support::{Deployctl, apply, get, kubectl, namespace, sandbox};

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
    apply(
        &namespace,
        &(issuer.to_owned()
            + &certificate("good", "none")
            + &certificate("bad", "fails")
            + &certificate("mute", "silent")),
    );
    for object in ["issuer/ca", "certificate/good"] {
        kubectl(&[
            "wait",
            "-n",
            &namespace,
            "--for=condition=Ready",
            object,
            "--timeout=30s",
        ]);
    }
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Ready=False",
        "certificate/bad",
        "--timeout=30s",
    ]);
    assert_eq!(
        get(&namespace, "certificate/mute")["status"],
        serde_json::Value::Null
    );

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
    apply(
        &namespace,
        "apiVersion: monitoring.coreos.com/v1\nkind: Prometheus\nmetadata: {name: main}\nspec: {replicas: 2}\n",
    );
    kubectl(&[
        "wait",
        "-n",
        &namespace,
        "--for=condition=Available",
        "prometheus/main",
        "--timeout=30s",
    ]);
    assert_eq!(
        get(&namespace, "prometheus/main")["status"]["availableReplicas"],
        2
    );
}

#[test]
fn an_operator_is_played_also_when_its_crds_come_later_and_one_by_one() {
    // The shared sandbox has had the set fetched into the cache; this one starts without it.
    let sandbox = sandbox();
    let crds = sandbox.kubeconfig.ancestors().nth(3).unwrap().join("crds");
    let folder = std::fs::read_dir(crds)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains("/cert-manager-"))
        .unwrap();
    let script = "serve() { kubectl create -f \"$0/cert-manager.io_$1.yaml\" && kubectl wait --for=condition=Established crd --all; }\n\
                  serve issuers && kubectl apply -f - && kubectl wait --for=condition=Ready issuer/ca --timeout=30s && \
                  serve certificates && kubectl create -f \"$1\" && kubectl wait --for=condition=Ready certificate/late --timeout=30s";
    let issuer = "apiVersion: cert-manager.io/v1\nkind: Issuer\nmetadata: {name: ca}\nspec: {selfSigned: {}}\n";
    let mut file = tempfile::NamedTempFile::new().unwrap();
    std::io::Write::write_all(&mut file, certificate("late", "none").as_bytes()).unwrap();
    let run = Deployctl::new()
        .args(["sandbox", "run", "--nodes", "1", "--", "sh", "-c", script])
        .args([folder.as_path(), file.path()])
        .stdin(issuer);
    let outcome = run.run().exited(0);
    for object in [
        "issuer.cert-manager.io/ca",
        "certificate.cert-manager.io/late",
    ] {
        let met = format!("{object} condition met");
        assert!(outcome.stdout.contains(&met), "{}", outcome.stdout);
    }
}
