//! The chart of AI-IMUTIS makes the same objects as the plain manifests beside it.

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

use super::{Deployctl, Helm};

/// Objects by kind and name.
type Objects = BTreeMap<String, Value>;

fn rendered(command: Deployctl) -> Objects {
    let list = Helm::Three
        .of(command)
        .args(["-o", "json"])
        .run()
        .exited(0)
        .json();
    let items = list["items"].as_array().expect("`render` prints a list");
    let named = items.iter().map(|item| {
        let name = format!("{} {}", item["kind"], item["metadata"]["name"]);
        (name, item.clone())
    });
    named.collect()
}

/// The objects of an environment, out of the source of that name.
fn of_plan(environment: &str, source: &str) -> Objects {
    let source = format!("source={source}");
    let arguments = [
        "render",
        "ai-imutis",
        "--env",
        environment,
        "--set",
        &source,
    ];
    let command = Deployctl::new().args(arguments);
    rendered(command.current_dir(env!("CARGO_MANIFEST_DIR")))
}

/// The objects of an environment as somebody has them who gives the chart its values file and
/// nothing else.
fn of_values(environment: &str, namespace: &str) -> Objects {
    let chart = Path::new(env!("CARGO_MANIFEST_DIR")).join("manifests/ai-imutis/chart");
    let chart = chart.display();
    let values = format!("values: [{chart}/values-{environment}.yaml]");
    let helm =
        format!("chart: {chart}, release: ai-imutis, {values}, set: {{createNamespace: true}}");
    let plan = format!(
        "apiVersion: deployctl.dev/v1\nnamespace: {namespace}\nsources: [{{helm: {{{helm}}}}}]\n"
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chart.yaml");
    fs::write(&file, plan).unwrap();
    rendered(Deployctl::new().args(["render".into(), file.into_os_string()]))
}

#[test]
fn the_chart_of_ai_imutis_makes_what_its_manifests_are() {
    for (environment, namespace) in [("dev", "ai-imutis-dev"), ("prod", "ai-imutis")] {
        let plain = of_plan(environment, "manifests");
        assert!(plain.contains_key("\"Deployment\" \"api\""));
        assert_eq!(of_plan(environment, "helm"), plain, "{environment}");
        assert_eq!(of_values(environment, namespace), plain, "{environment}");
    }
}
