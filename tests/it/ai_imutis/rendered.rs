//! The rendered platform, and ways to look into it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::Value;

/// What `deployctl render ai-imutis --env ENVIRONMENT -o json` prints.
pub(super) struct Rendered {
    pub(super) environment: &'static str,
    pub(super) items: Vec<Value>,
}

/// Both environments, rendered once per run.
pub(super) fn both() -> [&'static Rendered; 2] {
    [dev(), prod()]
}

pub(super) fn dev() -> &'static Rendered {
    static RENDERED: OnceLock<Rendered> = OnceLock::new();
    RENDERED.get_or_init(|| render("dev", &[]))
}

pub(super) fn prod() -> &'static Rendered {
    static RENDERED: OnceLock<Rendered> = OnceLock::new();
    RENDERED.get_or_init(|| render("prod", &[]))
}

/// The environment rendered with further arguments.
pub(super) fn render(environment: &'static str, arguments: &[&str]) -> Rendered {
    let base = ["render", "ai-imutis", "--env", environment, "-o", "json"];
    let list: Value = serde_json::from_str(&deployctl(&[&base, arguments].concat()))
        .expect("`render -o json` prints JSON");
    assert_eq!(list["kind"], "List");
    Rendered {
        environment,
        items: array(&list["items"]).clone(),
    }
}

/// Standard output of deployctl, which must succeed, away from the caller's own settings.
pub(super) fn deployctl(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deployctl"));
    command
        .args(arguments)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_clear();
    command
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", env!("CARGO_TARGET_TMPDIR"));
    let output = command.output().expect("deployctl starts");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "deployctl {arguments:?} ended with {}: {errors}",
        output.status
    );
    String::from_utf8(output.stdout).expect("output is UTF-8")
}

/// A file of the project.
pub(super) fn file(path: &str) -> String {
    let path: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The plan file as it is written.
pub(super) fn plan() -> Value {
    yaml(&file("plans/ai-imutis.yaml"))
}

pub(super) fn yaml(text: &str) -> Value {
    serde_yaml::from_str(text).expect("valid YAML")
}

impl Rendered {
    /// The namespace that the environment's objects belong to.
    pub(super) fn namespace(&self) -> &'static str {
        if self.environment == "prod" {
            "ai-imutis"
        } else {
            "ai-imutis-dev"
        }
    }

    /// All objects of a kind.
    pub(super) fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.items.iter().filter(move |item| item["kind"] == kind)
    }

    pub(super) fn find(&self, kind: &str, name: &str) -> Option<&Value> {
        self.items
            .iter()
            .find(|item| item["kind"] == kind && item["metadata"]["name"] == name)
    }

    pub(super) fn get(&self, kind: &str, name: &str) -> &Value {
        self.find(kind, name)
            .unwrap_or_else(|| panic!("no {kind}/{name} in {}", self.environment))
    }

    /// Deployments and `StatefulSet`s.
    pub(super) fn workloads(&self) -> impl Iterator<Item = &Value> {
        self.items
            .iter()
            .filter(|item| item["kind"] == "Deployment" || item["kind"] == "StatefulSet")
    }

    /// A container of the workload called `workload`, init containers included.
    pub(super) fn container(&self, workload: &str, name: &str) -> &Value {
        let workload = self
            .workloads()
            .find(|item| item["metadata"]["name"] == workload)
            .expect("the workload exists");
        all_containers(workload)
            .into_iter()
            .find(|container| container["name"] == name)
            .expect("the container exists")
    }

    /// A YAML document in a `ConfigMap`.
    pub(super) fn document(&self, config_map: &str, key: &str) -> Value {
        yaml(text(&self.get("ConfigMap", config_map)["data"][key]))
    }
}

/// The pod spec of a workload.
pub(super) fn pod(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]
}

pub(super) fn containers(workload: &Value) -> Vec<&Value> {
    items(&pod(workload)["containers"]).collect()
}

pub(super) fn all_containers(workload: &Value) -> Vec<&Value> {
    items(&pod(workload)["initContainers"])
        .chain(containers(workload))
        .collect()
}

/// `KIND/NAME`, for messages.
pub(super) fn title(item: &Value) -> String {
    format!(
        "{}/{}",
        text(&item["kind"]),
        text(&item["metadata"]["name"])
    )
}

pub(super) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not text: {value}"))
}

pub(super) fn number(value: &Value) -> u64 {
    value
        .as_u64()
        .unwrap_or_else(|| panic!("not a number: {value}"))
}

pub(super) fn array(value: &Value) -> &Vec<Value> {
    value
        .as_array()
        .unwrap_or_else(|| panic!("not a list: {value}"))
}

/// The items of a list that may be absent.
pub(super) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// Whether every label of the selector `wanted` is in `labels`.
pub(super) fn selects(wanted: &Value, labels: &Value) -> bool {
    wanted
        .as_object()
        .into_iter()
        .flatten()
        .all(|(key, value)| labels[key] == *value)
}

/// Thousandths of a CPU.
pub(super) fn millicores(quantity: &Value) -> u64 {
    let written = text(quantity);
    match written.strip_suffix('m') {
        Some(thousandths) => thousandths.parse().expect("a whole number of thousandths"),
        None => 1000 * written.parse::<u64>().expect("a whole number of CPUs"),
    }
}

/// Mebibytes.
pub(super) fn mebibytes(quantity: &Value) -> u64 {
    let written = text(quantity);
    let (amount, factor) = match (written.strip_suffix("Mi"), written.strip_suffix("Gi")) {
        (Some(amount), _) => (amount, 1),
        (_, Some(amount)) => (amount, 1024),
        _ => panic!("neither Mi nor Gi: {written}"),
    };
    factor * amount.parse::<u64>().expect("a whole number")
}
