//! AI-IMUTIS on the real control plane: both environments come up, beside each other, and stay as
//! they are.

use std::{fs, path::Path};

use serde_json::Value;

use crate::support::{Deployctl, kubectl, sandbox};

const SERVICE_ACCOUNT: &str =
    "api-secrets/firebase-service-account=@plans/ai-imutis/firebase-service-account.example.json";

/// A command about the environment `env`, in the kubeconfig `kubeconfig`.
fn command(command: &str, env: &str, kubeconfig: &Path) -> Deployctl {
    Deployctl::in_sandbox()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([command, "ai-imutis", "--env", env])
        .env("KUBECONFIG", kubeconfig)
        .env(
            "DEPLOYCTL_SECRET_API_SECRETS__FIREBASE_PROJECT_ID",
            format!("ai-imutis-{env}"),
        )
        .env(
            "DEPLOYCTL_SECRET_REGISTRY_CREDENTIALS__PASSWORD",
            "a password for the registry",
        )
}

fn up(env: &str, kubeconfig: &Path) -> Vec<Value> {
    let yes = format!("--yes=ai-imutis.{env}");
    command("up", env, kubeconfig)
        .args(["-o", "jsonl", "--secret", SERVICE_ACCOUNT, &yes])
        .run()
        .exited(0)
        .events()
}

/// Brings `env` up twice: first everything is created and becomes ready, then nothing is written.
fn comes_up_and_stays(env: &str, namespace: &str, kubeconfig: &Path) {
    let first = up(env, kubeconfig);
    let created = first
        .iter()
        .filter(|event| event["result"] == "created")
        .count();
    assert_eq!(created, 49, "44 manifests and 5 declared Secrets");

    let status = command("status", env, kubeconfig)
        .args(["--exit-code", "-o", "json"])
        .run()
        .exited(0)
        .json();
    let phases: Vec<&str> = status["phases"]
        .as_array()
        .unwrap()
        .iter()
        .map(|phase| phase["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        phases,
        [
            "namespace",
            "secrets",
            "storage",
            "databases",
            "apps",
            "monitoring",
            "ingress"
        ]
    );

    let versions = || {
        kubectl(&[
            "get",
            "-n",
            namespace,
            "secrets,configmaps,services",
            "-o",
            "jsonpath={.items[*].metadata.resourceVersion}",
        ])
    };
    let before = versions();
    let again = up(env, kubeconfig);
    assert!(
        again.iter().all(|event| event["event"] != "object-written"),
        "{again:?}"
    );
    assert_eq!(versions(), before);
}

#[test]
fn dev_comes_up_and_stays() {
    comes_up_and_stays("dev", "ai-imutis-dev", &sandbox().kubeconfig);
}

#[test]
fn prod_comes_up_and_stays_in_a_context_that_it_may_touch() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    fs::copy(&sandbox().kubeconfig, &kubeconfig).unwrap();
    let refused = command("up", "prod", &kubeconfig)
        .args(["--yes=ai-imutis.prod"])
        .run()
        .exited(2);
    assert!(
        refused.stderr.contains("`*ai-imutis-prod`"),
        "{}",
        refused.stderr
    );

    kubectl(&[
        "--kubeconfig",
        kubeconfig.to_str().unwrap(),
        "config",
        "rename-context",
        "sandbox",
        "sandbox-ai-imutis-prod",
    ]);
    comes_up_and_stays("prod", "ai-imutis", &kubeconfig);
}
