//! The platforms of this repository.

use std::{
    any::Any,
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    sync::LazyLock,
    thread,
};

use serde_json::Value;

use super::{data::Data, rendered::Rendered};

/// A platform, and what it renders to.
pub(crate) struct Platform {
    /// The name of its data file.
    pub(crate) name: String,
    pub(super) data: Data,
    /// The plan file as it is written.
    pub(crate) plan: Value,
    /// All of its environments.
    pub(crate) environments: Vec<Rendered>,
}

/// Each platform, or why it cannot be read.
type Read = BTreeMap<String, Result<Platform, String>>;

fn all() -> &'static Read {
    static ALL: LazyLock<Read> = LazyLock::new(|| {
        let read = |name: String| (name.clone(), thread::spawn(|| Platform::read(name)));
        let running: Vec<_> = names().into_iter().map(read).collect();
        let results = running.into_iter().map(|(name, read)| {
            let said = |panic: Box<dyn Any + Send>| match panic.downcast::<String>() {
                Ok(text) => *text,
                Err(_) => "it cannot be read".to_owned(),
            };
            (name, read.join().map_err(said))
        });
        results.collect()
    });
    &ALL
}

/// The platform called `name`.
#[track_caller]
pub(crate) fn platform(name: &str) -> &'static Platform {
    all()[name]
        .as_ref()
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// All platforms, or those of them that the variable `PLATFORM` names.
#[track_caller]
pub(crate) fn platforms() -> impl Iterator<Item = &'static Platform> {
    assert!(!all().is_empty(), "there is no platform of that name");
    all().keys().map(|name| platform(name))
}

#[test]
fn every_platform_is_rendered() {
    super::rules::report(all().iter().filter_map(|(name, platform)| {
        let error = platform.as_ref().err()?;
        Some(format!("{name}: {error}"))
    }));
}

fn names() -> Vec<String> {
    let only = env::var("PLATFORM").unwrap_or_default();
    let only: Vec<&str> = only
        .split([',', ' '])
        .filter(|name| !name.is_empty())
        .collect();
    let folder = root().join("tests/platforms");
    let files = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<String> = files
        .filter_map(|path| {
            Some(
                path.file_name()?
                    .to_str()?
                    .strip_suffix(".yaml")?
                    .to_owned(),
            )
        })
        .filter(|name| only.is_empty() || only.contains(&name.as_str()))
        .collect();
    names.sort_unstable();
    assert!(
        !names.is_empty(),
        "no data file of a platform is in {}",
        folder.display()
    );
    names
}

impl Platform {
    fn read(name: String) -> Self {
        let value = yaml_file(&format!("tests/platforms/{name}.yaml"));
        let data: Data = serde_json::from_value(value)
            .unwrap_or_else(|error| panic!("tests/platforms/{name}.yaml: {error}"));
        let plan = yaml_file(&format!("plans/{}.yaml", data.plan));
        let environments = data.environments.keys();
        let environments = environments
            .map(|environment| Rendered::new(&data, &plan, environment, &BTreeMap::new()))
            .collect();
        Self {
            name,
            data,
            plan,
            environments,
        }
    }

    /// One of its environments.
    pub(crate) fn environment(&self, name: &str) -> &Rendered {
        let mut environments = self.environments.iter();
        environments
            .find(|rendered| rendered.environment == name)
            .unwrap_or_else(|| panic!("{} has no environment `{name}`", self.name))
    }

    /// An environment that is rendered with other variables.
    pub(crate) fn with(&self, environment: &str, set: &BTreeMap<String, Value>) -> Rendered {
        Rendered::new(&self.data, &self.plan, environment, set)
    }
}

/// The folder of this repository.
pub(super) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// A YAML file of this repository.
fn yaml_file(path: &str) -> Value {
    let text =
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    serde_yaml::from_str(&text).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn the_data_names_every_environment_of_the_plan() {
    for platform in platforms() {
        let names = |value: &Value| -> Vec<String> {
            super::rendered::entries(value)
                .map(|(name, _)| name.clone())
                .collect()
        };
        let mut planned = names(&platform.plan["environments"]);
        planned.sort_unstable();
        let known: Vec<&String> = platform.data.environments.keys().collect();
        assert_eq!(
            planned.iter().collect::<Vec<_>>(),
            known,
            "{}",
            platform.name
        );
    }
}
