//! A platform as it is rendered for one of its environments, and ways to look into it.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
    sync::{LazyLock, Mutex, OnceLock, PoisonError},
};

use globset::{Glob, GlobMatcher};
use serde_json::Value;

use super::{data::Data, workload::Workload};
use crate::support::{Deployctl, Helm};

/// What `deployctl render PLAN --env ENVIRONMENT` prints.
pub(crate) struct Rendered {
    pub(crate) environment: String,
    /// The namespace of the plan.
    pub(crate) namespace: String,
    pub(crate) items: Vec<Value>,
    /// The Secrets that the plan declares, as (namespace, name).
    pub(super) declared: BTreeSet<(String, String)>,
    /// The arguments that it was rendered with.
    arguments: Vec<String>,
    /// What the cluster or an operator brings.
    given: Vec<String>,
    phases: OnceLock<BTreeMap<String, String>>,
}

impl Rendered {
    /// The environment `environment` of the platform that `data` and its `plan` file describe, with
    /// the variables `set` besides its own.
    pub(super) fn new(
        data: &Data,
        plan: &Value,
        environment: &str,
        set: &BTreeMap<String, Value>,
    ) -> Self {
        Self::of_plan(data, &data.plan, plan, (environment, set))
    }

    /// The same, of a plan that is found by `address`.
    pub(super) fn of_plan(
        data: &Data,
        address: &str,
        plan: &Value,
        (environment, set): (&str, &BTreeMap<String, Value>),
    ) -> Self {
        let mut arguments = vec![
            address.to_owned(),
            "--env".to_owned(),
            environment.to_owned(),
        ];
        arguments.extend(set_arguments(data, environment));
        arguments.extend(
            set.iter()
                .flat_map(|(name, value)| set_argument(name, value)),
        );
        let outcome = command("render", &arguments)
            .args(["-o", "json"])
            .run()
            .exited(0);
        let mut list = outcome.json();
        let Value::Array(items) = list["items"].take() else {
            panic!("`render -o json` prints a list")
        };
        let own = |plan: &Value| plan["namespace"].as_str().map(str::to_owned);
        let namespace = own(&plan["environments"][environment]).or_else(|| own(plan));
        Self {
            environment: environment.to_owned(),
            namespace: namespace.unwrap_or_else(|| "default".to_owned()),
            items,
            declared: declared(&outcome.stderr),
            arguments,
            given: data.expectations.given.keys().cloned().collect(),
            phases: OnceLock::new(),
        }
    }

    /// Objects of a test's own.
    pub(super) fn of_items(items: Vec<Value>) -> Self {
        Self {
            environment: "default".to_owned(),
            namespace: "default".to_owned(),
            items,
            declared: BTreeSet::new(),
            arguments: Vec::new(),
            given: Vec::new(),
            phases: OnceLock::new(),
        }
    }

    /// All objects of a kind.
    pub(crate) fn kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.items.iter().filter(move |item| item["kind"] == kind)
    }

    /// The object of `kind` called `name` in `namespace`, or outside of namespaces.
    pub(crate) fn find(&self, kind: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.kind_named(kind, name)
            .find(|item| item["metadata"]["namespace"].as_str().unwrap_or(namespace) == namespace)
    }

    fn kind_named(&self, kind: &str, name: &str) -> impl Iterator<Item = &Value> {
        self.items
            .iter()
            .filter(move |item| item["kind"] == kind && item["metadata"]["name"] == name)
    }

    /// The one object of `kind` called `name`.
    pub(crate) fn get(&self, kind: &str, name: &str) -> &Value {
        self.named(&format!("{kind}/{name}"))
            .unwrap_or_else(|problem| panic!("{}: {problem}", self.environment))
    }

    /// The one object of the name `KIND/NAME` or `KIND/NAMESPACE/NAME`.
    pub(super) fn named(&self, name: &str) -> Result<&Value, String> {
        let glob = name.contains('*').then(|| matcher(name));
        let is_called = |item: &&Value| match &glob {
            Some(glob) => glob.is_match(title(item)) || glob.is_match(short_title(item)),
            None => is_called(item, name),
        };
        let mut found = self.items.iter().filter(is_called);
        match (found.next(), found.next()) {
            (Some(one), None) => Ok(one),
            (None, _) => Err(format!("there is no {name}")),
            _ => Err(format!("there are several {name}: name the namespace too")),
        }
    }

    /// Whether it is there, or given by the cluster or an operator.
    pub(super) fn has(&self, kind: &str, namespace: &str, name: &str) -> bool {
        self.find(kind, namespace, name).is_some() || self.is_given(kind, namespace, name)
    }

    /// Whether the cluster or an operator brings it.
    pub(super) fn is_given(&self, kind: &str, namespace: &str, name: &str) -> bool {
        let names = [
            format!("{kind}/{name}"),
            format!("{kind}/{namespace}/{name}"),
        ];
        self.given
            .iter()
            .any(|glob| names.iter().any(|name| fits(glob, name)))
    }

    /// Everything that makes pods.
    pub(crate) fn workloads(&self) -> impl Iterator<Item = Workload<'_>> {
        self.items.iter().filter_map(Workload::of)
    }

    /// The labels of a namespace: what is rendered of it, and what the API server puts on it.
    pub(super) fn namespace_labels(&self, name: &str) -> Value {
        let mut labels = self
            .find("Namespace", "", name)
            .map(|namespace| namespace["metadata"]["labels"].clone())
            .filter(Value::is_object)
            .unwrap_or_else(|| serde_json::json!({}));
        labels["kubernetes.io/metadata.name"] = name.into();
        labels
    }

    /// The phase of each object, by its title.
    pub(crate) fn phases(&self) -> &BTreeMap<String, String> {
        self.phases.get_or_init(|| {
            let run = command("render", &self.arguments).args(["--phases", "-o", "json"]);
            let placed = run.run().exited(0).json();
            let pair = |object: &Value| {
                let part = |key: &str| text(&object[key]).to_owned();
                (part("object"), part("phase"))
            };
            items(&placed).map(pair).collect()
        })
    }
}

/// A command about a plan of this repository, which knows no cluster.
fn command(command: &str, arguments: &[String]) -> Deployctl {
    with_programs(Deployctl::new())
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args([command])
        .args(arguments.iter().cloned())
}

/// `command` with the programs that build sources on its `PATH`: those of the sandbox, and Helm.
pub(super) fn with_programs(command: Deployctl) -> Deployctl {
    static SANDBOX: LazyLock<PathBuf> = LazyLock::new(|| {
        let installed = Deployctl::new()
            .args(["sandbox", "install"])
            .run()
            .exited(0);
        let mut folder = installed.stderr.rsplit('`').skip(1);
        PathBuf::from(folder.next().expect("it says where the programs are"))
    });
    let inherited = env::var_os("PATH").unwrap_or_default();
    let folders = [SANDBOX.clone(), SANDBOX.join("bin")];
    let path = env::join_paths(folders.into_iter().chain(env::split_paths(&inherited)));
    Helm::Four.of(command.env("PATH", path.unwrap()))
}

/// The arguments that set the variables of an environment.
pub(super) fn set_arguments(data: &Data, environment: &str) -> Vec<String> {
    let own = data.environments.get(environment).map(|own| &own.set);
    data.inputs
        .set
        .iter()
        .chain(own.into_iter().flatten())
        .flat_map(|(name, value)| set_argument(name, value))
        .collect()
}

fn set_argument(name: &str, value: &Value) -> [String; 2] {
    let value = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    ["--set".to_owned(), format!("{name}={value}")]
}

/// The Secrets that `render` names on standard error, because it has no values for them.
fn declared(stderr: &str) -> BTreeSet<(String, String)> {
    let line = stderr.lines().find(|line| line.starts_with("Left out, "));
    let names = line
        .and_then(|line| line.split_once(": "))
        .map(|(_, names)| names);
    names
        .into_iter()
        .flat_map(|names| names.split(", "))
        .filter_map(|name| name.strip_prefix("Secret/")?.split_once('/'))
        .map(|(namespace, name)| (namespace.to_owned(), name.to_owned()))
        .collect()
}

/// Whether an object has the name `KIND/NAME` or `KIND/NAMESPACE/NAME`, which may be a glob.
pub(super) fn is_called(item: &Value, name: &str) -> bool {
    fits(name, &title(item)) || fits(name, &short_title(item))
}

/// Whether `text` is `glob`, or fits it.
pub(super) fn fits(glob: &str, text: &str) -> bool {
    glob == text || glob.contains(['*', '?', '[', '{']) && matcher(glob).is_match(text)
}

/// What a glob matches. To compile one takes longer than all that is asked of it.
fn matcher(glob: &str) -> GlobMatcher {
    static KNOWN: Mutex<BTreeMap<String, GlobMatcher>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(matcher) = known.get(glob) {
        return matcher.clone();
    }
    let compiled = Glob::new(glob).unwrap_or_else(|error| panic!("{error}"));
    let compiled = compiled.compile_matcher();
    known.insert(glob.to_owned(), compiled.clone());
    compiled
}

/// `KIND/NAMESPACE/NAME`, or `KIND/NAME` outside of namespaces.
pub(crate) fn title(item: &Value) -> String {
    let metadata = &item["metadata"];
    let parts = [&item["kind"], &metadata["namespace"], &metadata["name"]];
    parts
        .into_iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("/")
}

/// `KIND/NAME`.
pub(crate) fn short_title(item: &Value) -> String {
    let parts = [&item["kind"], &item["metadata"]["name"]];
    parts
        .into_iter()
        .filter_map(Value::as_str)
        .collect::<Vec<_>>()
        .join("/")
}

/// The text that `value` must be.
#[track_caller]
pub(crate) fn text(value: &Value) -> &str {
    value
        .as_str()
        .unwrap_or_else(|| panic!("not text: {value}"))
}

/// The items of a list that may be absent.
pub(crate) fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The entries of a map that may be absent.
pub(crate) fn entries(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flatten()
}
