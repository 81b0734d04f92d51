//! What the README has newcomers write and type.

use std::{fs, process::Command};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Deployctl, get, kubectl, pty::Pty, sandbox};

const README: &str = include_str!("../../README.md");

/// Blocks of code of the section `title`, those of `language`.
fn blocks(title: &str, language: &str) -> Vec<&'static str> {
    let section = README.split("\n## ").find(|it| it.starts_with(title));
    let section = section.unwrap_or_else(|| panic!("the README has a section {title}"));
    let fence = format!("```{language}\n");
    let starts = section.split(fence.as_str()).skip(1);
    starts
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

/// A folder like that of a newcomer, and a cluster whose context has the name in the README.
struct Newcomer {
    folder: TempDir,
}

impl Newcomer {
    fn new() -> Self {
        let newcomer = Self {
            folder: tempfile::tempdir().unwrap(),
        };
        fs::copy(&sandbox().kubeconfig, newcomer.kubeconfig()).unwrap();
        let renamed = Command::new(&sandbox().kubectl)
            .args(["config", "rename-context", "sandbox", "eu-shop-prod"])
            .env("KUBECONFIG", newcomer.kubeconfig())
            .output()
            .unwrap();
        assert!(renamed.status.success(), "{renamed:?}");
        newcomer
    }

    fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    /// Writes a block whose first line is a comment with the name of its file.
    fn write_block(&self, block: &str) {
        let name = block.lines().next().and_then(|it| it.strip_prefix("# "));
        self.write(name.expect("a block says its file first"), block);
    }

    fn types(&self, line: &str) -> Deployctl {
        let words = line.split('#').next().unwrap_or_default();
        let mut words = words.split_whitespace();
        assert_eq!(words.next(), Some("deployctl"), "{line}");
        Deployctl::in_sandbox()
            .current_dir(self.folder.path())
            .env("KUBECONFIG", self.kubeconfig())
            // Nobody turns pages here.
            .env("PAGER", "cat")
            .args(words)
    }
}

/// The manifest of a newcomer: its image and its greeting.
fn web(image: &str, greeting: &str, env: &str) -> String {
    format!(
        "apiVersion: v1
kind: Namespace
metadata: {{name: shop}}
---
apiVersion: v1
kind: ConfigMap
metadata: {{name: settings, namespace: shop}}
data:
  domain: {greeting}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: web, namespace: shop}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {{app: web}}}}
    spec:
      containers:
      - name: web
        image: {image}
        env: [{env}]
"
    )
}

fn pod_names() -> Vec<String> {
    let pods = kubectl(&["get", "pods", "-n", "shop", "-o", "json"]);
    let pods: Value = serde_json::from_str(&pods).unwrap();
    let pods = pods["items"].as_array().unwrap().iter();
    let names = pods.map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned());
    names.collect()
}

#[test]
fn two_lines_grow_into_environments_and_secrets_as_it_says() {
    let newcomer = Newcomer::new();
    let plans = blocks("Quick start", "yaml");
    let commands = blocks("Quick start", "sh");
    let commands: Vec<Vec<&str>> = commands.iter().map(|it| it.lines().collect()).collect();
    let [two_lines, grown] = plans.as_slice() else {
        panic!("two plans: {plans:?}");
    };
    let [_, first, then, _] = commands.as_slice() else {
        panic!("four blocks of commands: {commands:?}");
    };

    newcomer.write_block(two_lines);
    newcomer.write("manifests/shop/web.yaml", &web("shop:v1", "none", ""));
    for line in first {
        let mut terminal = Pty::echoing(newcomer.types(line));
        if line.starts_with("deployctl up") {
            terminal.expect("Deploy shop.default to context eu-shop-prod");
            terminal.type_line("y");
        }
        let ended = terminal.end();
        assert_eq!(ended.status, 0, "{line}: {}", ended.transcript);
    }
    let pods = pod_names();
    assert_eq!(pods.len(), 1);

    newcomer.write_block(grown);
    let [rename, up] = then.as_slice() else {
        panic!("two commands: {then:?}");
    };
    let mut terminal = Pty::echoing(newcomer.types(rename));
    terminal.expect("shop.default becomes shop.prod");
    terminal.expect("eu-shop-prod");
    terminal.type_line("y");
    let ended = terminal.end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
    assert_eq!(pod_names(), pods);

    let env = "{name: KEY, valueFrom: {secretKeyRef: {name: api, key: stripe-key}}}, {name: PASSWORD, valueFrom: {secretKeyRef: {name: postgres, key: password}}}";
    newcomer.write(
        "manifests/shop/web.yaml",
        &web("shop:${image_tag}", "${domain}", env),
    );
    let mut terminal = Pty::echoing(newcomer.types(up));
    terminal.expect("Stripe secret key (api/stripe-key): ");
    terminal.answer("sk_typed");
    terminal.expect("Deploy shop.prod");
    terminal.type_line("shop.prod");
    let ended = terminal.end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
    let web = get("shop", "deployment/web");
    assert_eq!(
        web["spec"]["template"]["spec"]["containers"][0]["image"],
        "shop:v1.4.2"
    );
    assert_eq!(
        get("shop", "configmap/settings")["data"]["domain"],
        "shop.example"
    );
}
