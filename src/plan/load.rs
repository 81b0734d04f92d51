//! Opens a plan file, and makes the plan of the environment that was asked for.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    discover::{self, DiscoverError},
    file::{API_VERSION, EnvironmentDeclaration},
    head::{Head, head_of},
    names::{is_dns_label, listed, nearest},
    node_deserializer,
    problem::{Document, KeyPath, Problem},
    release_id::ReleaseId,
    resolve,
    resolved::{Address, Plan, ReadinessSettings},
    variables::Outside,
};

/// Name of the environment of a plan that declares none.
const DEFAULT_ENVIRONMENT: &str = "default";

/// Which plan, which environment, with which variables.
pub(crate) struct Selection<'a> {
    /// Name or path of the plan; the only one of the nearest `plans/` folder where it is left out.
    pub(crate) plan: Option<&'a str>,
    /// Name of the environment.
    pub(crate) environment: Option<&'a str>,
    /// Values of variables, each `NAME=VALUE`.
    pub(crate) set: &'a [String],
    /// Namespace that revisions are kept in, stronger than the plan's.
    pub(crate) state_namespace: Option<&'a str>,
    /// The current folder.
    pub(crate) folder: &'a Path,
    /// The process environment.
    pub(crate) process: &'a dyn Fn(&str) -> Option<String>,
}

/// Why a plan could not be loaded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LoadError {
    /// There is no such plan file.
    #[error(transparent)]
    Discover(#[from] DiscoverError),
    /// The environment must be named.
    #[error(
        "the plan `{plan}` has several environments and none is marked `default: true`: {}; name one with `--env`",
        listed(names)
    )]
    WhichEnvironment {
        /// Name of the plan.
        plan: String,
        /// Names of its environments.
        names: Vec<String>,
    },
    /// There is no such environment.
    #[error(
        "the plan `{plan}` has no environment `{name}`; {}",
        did_you_mean(name, names)
    )]
    UnknownEnvironment {
        /// Name of the plan.
        plan: String,
        /// The environment asked for.
        name: String,
        /// Names of its environments.
        names: Vec<String>,
    },
    /// The plan is wrong.
    #[error("{}", problem_lines(problems))]
    Problems {
        /// The plan file, as the user would name it.
        file: PathBuf,
        /// All that is wrong, warnings included.
        problems: Vec<Problem>,
    },
}

fn did_you_mean(name: &str, names: &[String]) -> String {
    match nearest(name, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there is {}", listed(names)),
    }
}

/// All errors among `problems`, one below the other.
fn problem_lines(problems: &[Problem]) -> String {
    problems
        .iter()
        .filter(|problem| problem.is_error())
        .map(Problem::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

/// A plan that was looked at, in one environment or in all.
#[derive(Debug)]
pub(crate) struct Examined {
    /// The plan file, as the user would name it.
    pub(crate) file: PathBuf,
    /// Name of the plan.
    pub(crate) name: String,
    /// The environments looked at.
    pub(crate) environments: Vec<String>,
    /// The plan for each environment in which nothing is wrong with it.
    pub(crate) plans: Vec<Plan>,
    /// All that is wrong.
    pub(crate) problems: Vec<Problem>,
}

/// The plan in the environment that `selection` names, or its only or default one; and warnings.
pub(crate) fn load(selection: &Selection<'_>) -> Result<(Plan, Vec<Problem>), LoadError> {
    let Examined {
        file,
        mut plans,
        problems,
        ..
    } = examine(selection, false)?;
    match plans.pop() {
        Some(plan) if !problems.iter().any(Problem::is_error) => Ok((plan, problems)),
        _ => Err(LoadError::Problems { file, problems }),
    }
}

/// Where the release is found that `selection` names. Variables need no values for that, and the
/// rest of the plan is not looked at.
pub(crate) fn address(selection: &Selection<'_>) -> Result<Address, LoadError> {
    let opened = Opened::open(selection)?;
    let environments = chosen(&opened.head, &opened.name, selection.environment, false)?;
    let (environment, declaration) = environments
        .first()
        .expect("one is chosen where not all are wanted");
    let (address, problems) =
        resolve::address(&opened.request(selection, environment, declaration, false));
    let problems: Vec<Problem> = opened.problems.into_iter().chain(problems).collect();
    match address {
        Some(address) if !problems.iter().any(Problem::is_error) => Ok(address),
        _ => Err(LoadError::Problems {
            file: opened.file,
            problems: tidied(problems),
        }),
    }
}

/// What the plan in the environment that `selection` names says about readiness. Variables need
/// values only where a rule refers to one, and the rest of the plan is not looked at.
pub(crate) fn readiness(selection: &Selection<'_>) -> Result<ReadinessSettings, LoadError> {
    let opened = Opened::open(selection)?;
    let environments = chosen(&opened.head, &opened.name, selection.environment, false)?;
    let (environment, declaration) = environments
        .first()
        .expect("one is chosen where not all are wanted");
    let values_needed = opened
        .document
        .root
        .get("readiness")
        .is_some_and(|rules| rules.to_value().to_string().contains("${"));
    let (settings, problems) =
        resolve::readiness(&opened.request(selection, environment, declaration, values_needed));
    let problems: Vec<Problem> = opened.problems.into_iter().chain(problems).collect();
    match settings {
        Some(settings) if !problems.iter().any(Problem::is_error) => Ok(settings),
        _ => Err(LoadError::Problems {
            file: opened.file,
            problems: tidied(problems),
        }),
    }
}

/// Where the release is found that `selection` names, also where there is no such plan file: then
/// plan and environment are names, the environment being that of a plan that declares none where it
/// is left out. Returned with it is why the file was not found.
pub(crate) fn address_or_name(
    selection: &Selection<'_>,
) -> Result<(Address, Option<LoadError>), LoadError> {
    match address(selection) {
        Ok(address) => Ok((address, None)),
        Err(LoadError::Discover(error)) => match named(selection) {
            Some(address) => Ok((address, Some(LoadError::Discover(error)))),
            None => Err(LoadError::Discover(error)),
        },
        Err(error) => Err(error),
    }
}

/// The release that `selection` names, where what it names can be one.
fn named(selection: &Selection<'_>) -> Option<Address> {
    let plan = selection.plan.filter(|name| is_dns_label(name))?;
    let environment = selection.environment.unwrap_or(DEFAULT_ENVIRONMENT);
    is_dns_label(environment).then(|| Address {
        release: ReleaseId {
            plan: plan.to_owned(),
            environment: environment.to_owned(),
        },
        contexts: Vec::new(),
        state_namespace: selection
            .state_namespace
            .unwrap_or(resolve::STATE_NAMESPACE)
            .to_owned(),
    })
}

/// Looks at the plan in the environment that `selection` names; where it names none: in all with
/// `all`, else in the only or default one.
pub(crate) fn examine(selection: &Selection<'_>, all: bool) -> Result<Examined, LoadError> {
    let mut opened = Opened::open(selection)?;
    let mut problems = std::mem::take(&mut opened.problems);
    let environments = chosen(&opened.head, &opened.name, selection.environment, all)?;
    let mut plans = Vec::new();
    for (environment, declaration) in &environments {
        let (plan, found) =
            resolve::resolve(&opened.request(selection, environment, declaration, true));
        problems.extend(found);
        plans.extend(plan);
    }
    let environments = environments.into_iter().map(|(name, _)| name).collect();
    Ok(Examined {
        file: opened.file,
        name: opened.name,
        environments,
        plans,
        problems: tidied(problems),
    })
}

/// A plan file of which the head is known.
struct Opened {
    /// The file, and how the user would name it.
    path: PathBuf,
    file: PathBuf,
    document: Document,
    head: Head,
    name: String,
    problems: Vec<Problem>,
}

impl Opened {
    fn open(selection: &Selection<'_>) -> Result<Self, LoadError> {
        let path = discover::discover(selection.plan, selection.folder)?;
        let file = discover::displayed(&path, selection.folder);
        let text = fs::read_to_string(&path).map_err(|source| DiscoverError::Unreadable {
            path: file.clone(),
            source,
        })?;
        let document = Document::parse(&file, text).map_err(|problem| LoadError::Problems {
            file: file.clone(),
            problems: vec![*problem],
        })?;
        let (head, mut problems) =
            node_deserializer::read::<Head>(&head_of(&document.root), &document);
        let Some(head) = head else {
            // The rest is read too, for the sake of its problems.
            problems.extend(resolve::read_only(&document));
            return Err(LoadError::Problems {
                file,
                problems: tidied(problems),
            });
        };
        if head.api_version != API_VERSION {
            // Another version has other keys, and what is no plan has none of them.
            return Err(LoadError::Problems {
                problems: vec![wrong_version(&document, &head.api_version)],
                file,
            });
        }
        let name = head.name.clone().unwrap_or_else(|| discover::stem(&path));
        check_head(&document, &head, &name, &mut problems);
        Ok(Self {
            path,
            file,
            document,
            head,
            name,
            problems,
        })
    }

    fn request<'a>(
        &'a self,
        selection: &Selection<'a>,
        environment: &'a str,
        declaration: &'a EnvironmentDeclaration,
        values_needed: bool,
    ) -> resolve::Request<'a> {
        resolve::Request {
            document: &self.document,
            head: &self.head,
            plan: &self.name,
            environment,
            declaration,
            outside: Outside {
                set: selection.set,
                process: selection.process,
                values_needed,
            },
            folder: self.path.parent().unwrap_or(Path::new(".")),
            state_namespace: selection.state_namespace,
        }
    }
}

fn wrong_version(document: &Document, version: &str) -> Problem {
    let message = match document.root.get("kind") {
        Some(_) => format!(
            "`{version}` with a `kind` is a manifest, not a plan; a plan starts with `apiVersion: {API_VERSION}`"
        ),
        None => format!(
            "`apiVersion` is `{version}`, but this version of deployctl reads only `{API_VERSION}`"
        ),
    };
    document.error(&KeyPath::top("apiVersion"), message)
}

fn check_head(document: &Document, head: &Head, name: &str, problems: &mut Vec<Problem>) {
    if !is_dns_label(name) {
        let message = format!(
            "`{name}` cannot be the name of a plan; set `name` to lower-case letters, digits and `-`"
        );
        problems.push(document.error(&KeyPath::top("name"), message));
    }
    let defaults: Vec<&String> = head
        .environments
        .iter()
        .filter(|(_, declaration)| declaration.default)
        .map(|(name, _)| name)
        .collect();
    if let [_, second, ..] = defaults.as_slice() {
        let message = format!(
            "several environments are marked `default: true`: {}; leave one",
            listed(&defaults)
        );
        problems.push(document.error(
            &KeyPath::top("environments").key(second).key("default"),
            message,
        ));
    }
}

/// The environments to look at.
fn chosen(
    head: &Head,
    plan: &str,
    wanted: Option<&str>,
    all: bool,
) -> Result<Vec<(String, EnvironmentDeclaration)>, LoadError> {
    let mut declared: Vec<(String, EnvironmentDeclaration)> =
        head.environments.clone().into_iter().collect();
    if declared.is_empty() {
        declared.push((
            DEFAULT_ENVIRONMENT.to_owned(),
            EnvironmentDeclaration::default(),
        ));
    }
    let names = || {
        declared
            .iter()
            .map(|(name, _)| name.clone())
            .collect::<Vec<_>>()
    };
    let one = match wanted {
        Some(wanted) => declared
            .iter()
            .find(|(name, _)| name == wanted)
            .ok_or_else(|| LoadError::UnknownEnvironment {
                plan: plan.to_owned(),
                name: wanted.to_owned(),
                names: names(),
            })?,
        None if all => return Ok(declared),
        None if declared.len() == 1 => &declared[0],
        None => declared
            .iter()
            .find(|(_, declaration)| declaration.default)
            .ok_or_else(|| LoadError::WhichEnvironment {
                plan: plan.to_owned(),
                names: names(),
            })?,
    };
    Ok(vec![one.clone()])
}

/// The problems in the order of the file, each once: several environments share most of them.
fn tidied(problems: Vec<Problem>) -> Vec<Problem> {
    let mut tidy: Vec<Problem> = Vec::new();
    for problem in problems {
        if !tidy.contains(&problem) {
            tidy.push(problem);
        }
    }
    tidy.sort_by_key(|problem| (problem.line, problem.column));
    tidy
}
