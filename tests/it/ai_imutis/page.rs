//! The platform's page says what is so, and its example for CI supplies what the plan asks for.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

use super::own::{deployctl, document, platform, sums};
use crate::platforms::{items, text};

/// A file of this repository.
fn file(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn page() -> String {
    file("docs/platforms/ai-imutis.md")
}

/// The variable that supplies a secret value without a terminal.
fn variable(secret: &str, key: &str) -> String {
    let upper = |name: &str| {
        name.chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect::<String>()
    };
    format!("DEPLOYCTL_SECRET_{}__{}", upper(secret), upper(key))
}

/// The steps of the page's workflow.
fn steps() -> Vec<Value> {
    let page = page();
    let block = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("the page has a workflow");
    let workflow: Value = serde_yaml::from_str(block).expect("valid YAML");
    items(&workflow["jobs"]["deploy"]["steps"])
        .cloned()
        .collect()
}

#[test]
fn the_example_for_ci_supplies_every_value_that_is_asked_for() {
    let plan = &platform().plan;
    let asked = items(&plan["secrets"]).flat_map(|secret| {
        let data = secret["data"].as_object().into_iter().flatten();
        data.filter(|(_, value)| value.get("prompt").is_some() || value.get("file").is_some())
            .map(|(key, _)| variable(text(&secret["name"]), key))
    });
    let steps = steps();
    let up = steps
        .iter()
        .find(|step| step["name"] == "up")
        .expect("the workflow has a step `up`");
    let given = up["env"]
        .as_object()
        .expect("the step has variables")
        .keys()
        .filter(|name| name.starts_with("DEPLOYCTL_SECRET_"));
    assert_eq!(
        given.cloned().collect::<BTreeSet<_>>(),
        asked.collect::<BTreeSet<_>>()
    );
    assert_eq!(
        up["run"],
        "deployctl up ai-imutis --env prod --yes=ai-imutis.prod"
    );
    let image_tag = text(&plan["variables"]["image_tag"]["env"]);
    assert!(up["env"].get(image_tag).is_some());
}

#[test]
fn the_commands_of_the_example_that_need_no_cluster_work() {
    let steps = steps();
    let validate = steps
        .iter()
        .find(|step| step["name"] == "validate")
        .expect("the workflow has a step `validate`");
    let words: Vec<_> = text(&validate["run"]).split_whitespace().collect();
    assert_eq!(words[0], "deployctl");
    deployctl(&words[1..]);
}

#[test]
fn the_sums_on_the_page_are_those_of_the_manifests() {
    let sums = sums("prod");
    let cpu = |resource: &str| {
        let thousandths = sums[resource];
        format!("{}.{:03}", thousandths / 1000, thousandths % 1000)
            .trim_end_matches('0')
            .to_owned()
    };
    let gibibytes = |resource: &str| {
        let mebibytes = sums[resource] / (1000 << 20);
        format!("{}.{:02}", mebibytes / 1024, mebibytes % 1024 * 100 / 1024)
    };
    let row = format!(
        "| sum | {} | {} CPU, {}Gi | {} CPU, {}Gi |",
        sums["pods"] / 1000,
        cpu("requests.cpu"),
        gibibytes("requests.memory"),
        cpu("limits.cpu"),
        gibibytes("limits.memory")
    );
    assert!(page().contains(&row), "the page lacks `{row}`");
}

#[test]
fn every_alert_and_every_secret_is_on_the_page() {
    let page = page();
    let rules = document(
        platform().environment("dev"),
        "prometheus-config",
        "alerts.yml",
    );
    for rule in items(&rules["groups"]).flat_map(|group| items(&group["rules"])) {
        assert!(
            page.contains(&format!(
                "| `{}` | {} |",
                text(&rule["alert"]),
                text(&rule["labels"]["severity"])
            )),
            "{}",
            rule["alert"]
        );
    }
    for secret in items(&platform().plan["secrets"]) {
        for key in secret["data"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            assert!(
                page.contains(&format!("`{key}`")),
                "{key} of {}",
                secret["name"]
            );
        }
    }
}

#[test]
fn alerts_use_metrics_that_the_page_or_an_exporter_names() {
    let page = page();
    let rules = document(
        platform().environment("dev"),
        "prometheus-config",
        "alerts.yml",
    );
    for rule in items(&rules["groups"]).flat_map(|group| items(&group["rules"])) {
        for metric in text(&rule["expr"])
            .split('{')
            .rev()
            .skip(1)
            .filter_map(|before| before.rsplit(['(', ' ']).next())
        {
            let metric = metric.trim_end_matches("_bucket");
            assert!(
                metric.starts_with("pg_") || page.contains(&format!("`{metric}`")),
                "{metric} of {}",
                rule["alert"]
            );
        }
    }
}

#[test]
fn the_example_key_file_is_json_and_no_key() {
    let example: Value = serde_json::from_str(&file(
        "plans/ai-imutis/firebase-service-account.example.json",
    ))
    .expect("JSON");
    assert_eq!(example["type"], "service_account");
    assert!(!text(&example["private_key"]).contains("BEGIN"));
}
