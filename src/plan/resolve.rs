//! The plan of one environment: variables replaced, defaults filled in, checked.

use std::{path::Path, time::Duration};

use globset::Glob;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::{Number, Value};

use super::{
    condition_check,
    failure_budget::{FailureBudget, FailureBudgetDeclaration},
    file::{EnvironmentDeclaration, PlanFile},
    file_check,
    head::{HEAD_KEYS, Head},
    ignored_fields,
    names::is_dns_label,
    node::{Content, Node},
    node_deserializer, phases,
    preflight_declaration::{self, PlanChecks},
    problem::{Document, KeyPath, Problem},
    readiness_rule::{self, ReadinessDeclaration},
    release_id::ReleaseId,
    requirement, requires_check,
    resolved::{
        Address, Plan, PlanContents, PlanNamespace, PlanPaths, PlanTimeouts, PlanVariables,
        ReadinessSettings, Source,
    },
    secret_check,
    source_declaration::SourceDeclaration,
    substitute::{Place, Unknown, replace, replace_in_template, text_of},
    unsupported::unsupported,
    variables::{self, Outside},
};
use crate::finding::Check;

/// Time limit of a run whose plan names none.
const DEFAULT_TIMEOUT: Duration = Duration::from_hours(1);
/// Time limit of the way back where the plan names none.
const DEFAULT_TIMEOUT_ROLLBACK: Duration = Duration::from_mins(30);

/// Namespace for objects that name none, in plans that name none.
const DEFAULT_NAMESPACE: &str = "default";

/// Namespace that revisions are kept in where nothing else is said.
pub(crate) const STATE_NAMESPACE: &str = "deployctl-system";

/// What a plan for one environment is made from.
pub(super) struct Request<'a> {
    pub(super) document: &'a Document,
    pub(super) head: &'a Head,
    pub(super) plan: &'a str,
    pub(super) environment: &'a str,
    pub(super) declaration: &'a EnvironmentDeclaration,
    pub(super) outside: Outside<'a>,
    pub(super) folder: &'a Path,
    pub(super) state_namespace: Option<&'a str>,
}

/// The problems of reading the file as it is, without variables.
pub(super) fn read_only(document: &Document) -> Vec<Problem> {
    without_references(
        document,
        node_deserializer::read::<PlanFile>(&document.root, document).1,
    )
}

/// `problems` without those of lines with a `${…}`: where variables have no values, types cannot be
/// judged there.
fn without_references(document: &Document, mut problems: Vec<Problem>) -> Vec<Problem> {
    let line = |problem: &Problem| {
        document
            .text
            .lines()
            .nth(usize::try_from(problem.line?).ok()?.checked_sub(1)?)
    };
    problems.retain(|problem| !line(problem).is_some_and(|line| line.contains("${")));
    problems
}

/// The plan for one environment, if nothing is wrong with it, and all that is wrong.
pub(super) fn resolve(request: &Request<'_>) -> (Option<Plan>, Vec<Problem>) {
    let mut problems = Vec::new();
    let release = release(request, &mut problems);
    let settled = settle(request, &mut problems);
    let substituted = substituted(request.document, &settled.variables.values, &mut problems);
    let (file, found) = node_deserializer::read::<PlanFile>(&substituted, request.document);
    let has_values = !problems.iter().any(Problem::is_error);
    problems.extend(if has_values {
        found
    } else {
        without_references(request.document, found)
    });
    let Some(file) = file else {
        // What is wrong elsewhere hides nothing in the rules' expressions: they stand for
        // themselves.
        problems.extend(readiness_settings(&substituted, request.document).1);
        return (None, problems);
    };
    let plan = build(request, release, settled, file, &mut problems);
    let usable = !problems.iter().any(Problem::is_error);
    (usable.then_some(plan), problems)
}

fn release(request: &Request<'_>, problems: &mut Vec<Problem>) -> ReleaseId {
    const LONGEST: usize = ReleaseId::LONGEST;
    let release = ReleaseId {
        plan: request.plan.to_owned(),
        environment: request.environment.to_owned(),
    };
    let path = KeyPath::top("environments").key(request.environment);
    if !is_dns_label(request.environment) {
        let message = format!(
            "`{}` cannot be the name of an environment; use lower-case letters, digits and `-`",
            request.environment
        );
        problems.push(request.document.error(&path, message));
    }
    if release.to_string().len() > LONGEST {
        let message = format!(
            "`{release}` is longer than {LONGEST} characters; shorten the name of the plan or of the environment"
        );
        problems.push(request.document.error(&path, message));
    }
    release
}

/// Where the release of `request` is found, if that can be said, and what is wrong with what says
/// it.
pub(super) fn address(request: &Request<'_>) -> (Option<Address>, Vec<Problem>) {
    let mut problems = Vec::new();
    let release = release(request, &mut problems);
    let (variables, _) = values(request, &mut problems);
    let contexts = contexts(request, &variables, &mut problems);
    let written = request
        .document
        .root
        .get("stateNamespace")
        .and_then(|node| match &node.content {
            Content::Text(text) => Some(text_in(
                text,
                &variables,
                request.document,
                &KeyPath::top("stateNamespace"),
                &mut problems,
            )),
            _ => None,
        });
    let state_namespace = request
        .state_namespace
        .map(str::to_owned)
        .or(written)
        .unwrap_or_else(|| STATE_NAMESPACE.to_owned());
    let usable = !problems.iter().any(Problem::is_error);
    (
        usable.then_some(Address {
            release,
            contexts,
            state_namespace,
        }),
        problems,
    )
}

/// The keys of the plan file that say when objects are ready.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ReadinessKeys {
    #[serde(default)]
    readiness: Vec<ReadinessDeclaration>,
    failure_budget: Option<FailureBudgetDeclaration>,
}

/// What the plan of `request` says about readiness, if that can be said, and what is wrong with it.
pub(super) fn readiness(request: &Request<'_>) -> (Option<ReadinessSettings>, Vec<Problem>) {
    let document = request.document;
    let mut problems = Vec::new();
    let settled = settle(request, &mut problems);
    let mut root = readiness_of(&document.root);
    replace_variables(
        &mut root,
        document,
        &settled.variables.values,
        &mut problems,
    );
    let (settings, found) = readiness_settings(&root, document);
    problems.extend(found);
    let usable = !problems.iter().any(Problem::is_error);
    (settings.filter(|_| usable), problems)
}

/// The entries of `root` that belong to [`ReadinessKeys`].
fn readiness_of(root: &Node) -> Node {
    const KEYS: [&str; 2] = ["readiness", "failureBudget"];
    let mut root = root.clone();
    if let Content::Map(entries) = &mut root.content {
        entries.retain(|entry| KEYS.contains(&entry.key.as_str()));
    }
    root
}

/// What `root`, in which variables are replaced, says about readiness, and what is wrong with it.
fn readiness_settings(
    root: &Node,
    document: &Document,
) -> (Option<ReadinessSettings>, Vec<Problem>) {
    let (keys, mut problems) =
        node_deserializer::read::<ReadinessKeys>(&readiness_of(root), document);
    let settings = keys.map(|keys| ReadinessSettings {
        rules: readiness_rule::resolve(document, keys.readiness, &mut problems),
        budget: FailureBudget::default().changed_by(keys.failure_budget),
    });
    (settings, problems)
}

/// The value of every variable that has one, the built-in ones included, and the names of those
/// that are not from the file.
fn values(
    request: &Request<'_>,
    problems: &mut Vec<Problem>,
) -> (IndexMap<String, Value>, Vec<String>) {
    let Request {
        document,
        head,
        declaration,
        ..
    } = request;
    let mut built_in: IndexMap<String, Value> = IndexMap::new();
    let name = ReleaseId {
        plan: request.plan.to_owned(),
        environment: request.environment.to_owned(),
    };
    built_in.insert("release.environment".to_owned(), request.environment.into());
    built_in.insert("release.plan".to_owned(), request.plan.into());
    built_in.insert("release.name".to_owned(), name.to_string().into());
    let mut values = variables::resolve(
        document,
        &head.variables,
        request.environment,
        declaration,
        &request.outside,
        problems,
    );
    variables::replace_built_in(
        document,
        request.environment,
        &mut values,
        &built_in,
        problems,
    );
    let mut all = values.values;
    all.extend(built_in);
    (all, values.foreign)
}

/// What is settled once variables have values.
struct Settled {
    variables: PlanVariables,
    namespace: PlanNamespace,
    contexts: Vec<String>,
}

fn settle(request: &Request<'_>, problems: &mut Vec<Problem>) -> Settled {
    let Request {
        document,
        head,
        declaration,
        ..
    } = request;
    let (mut all, foreign) = values(request, problems);
    let own = KeyPath::top("environments").key(request.environment);
    let (namespace, at) = match (&declaration.namespace, &head.namespace) {
        (Some(namespace), _) => (Some(namespace), own.key("namespace")),
        (None, namespace) => (namespace.as_ref(), KeyPath::top("namespace")),
    };
    let is_named = namespace.is_some();
    let namespace = namespace.map_or_else(
        || DEFAULT_NAMESPACE.to_owned(),
        |text| text_in(text, &all, document, &at, problems),
    );
    if !is_dns_label(&namespace) {
        let message = format!(
            "`{namespace}` cannot be the name of a namespace; use lower-case letters, digits and `-`"
        );
        problems.push(document.error(&at, message));
    }
    all.insert("release.namespace".to_owned(), namespace.clone().into());
    let contexts = contexts(request, &all, problems);
    Settled {
        variables: PlanVariables {
            values: all,
            foreign,
            in_manifests: document.root.get("variables").is_some(),
        },
        namespace: PlanNamespace {
            name: namespace,
            is_named,
        },
        contexts,
    }
}

fn contexts(
    request: &Request<'_>,
    variables: &IndexMap<String, Value>,
    problems: &mut Vec<Problem>,
) -> Vec<String> {
    let Request {
        document,
        head,
        declaration,
        ..
    } = request;
    let own = KeyPath::top("environments").key(request.environment);
    let (contexts, at) = match &declaration.contexts {
        Some(contexts) => (contexts, own.key("contexts")),
        None => (&head.contexts, KeyPath::top("contexts")),
    };
    let contexts: Vec<String> = contexts
        .iter()
        .enumerate()
        .map(|(index, text)| text_in(text, variables, document, &at.item(index), problems))
        .collect();
    for (index, context) in contexts.iter().enumerate() {
        if let Err(error) = Glob::new(context) {
            problems.push(document.error(
                &at.item(index),
                format!("`{context}` is not a glob: {}", error.kind()),
            ));
        }
    }
    if declaration.protected && contexts.is_empty() {
        let message = format!(
            "the environment `{}` is protected, so `contexts` must say which it may touch",
            request.environment
        );
        problems.push(document.error(&own.key("protected"), message));
    }
    contexts
}

/// `text` with variables replaced.
fn text_in(
    text: &str,
    variables: &IndexMap<String, Value>,
    document: &Document,
    at: &KeyPath,
    problems: &mut Vec<Problem>,
) -> String {
    let mut report = |unknown: Unknown<'_>| {
        let said = unknown.in_plan(false);
        problems.extend(said.map(|(_, message)| document.error(at, message)));
    };
    replace(text, Place::default(), variables, &mut report)
        .map_or_else(|| text.to_owned(), |value| text_of(&value))
}

/// The document's tree with variables replaced, but for what [`Head`] holds.
fn substituted(
    document: &Document,
    variables: &IndexMap<String, Value>,
    problems: &mut Vec<Problem>,
) -> Node {
    let mut root = document.root.clone();
    replace_variables(&mut root, document, variables, problems);
    root
}

/// Replaces variables in `root`, entries of the document's tree, but for what [`Head`] holds.
fn replace_variables(
    root: &mut Node,
    document: &Document,
    variables: &IndexMap<String, Value>,
    problems: &mut Vec<Problem>,
) {
    if let Content::Map(entries) = &mut root.content {
        for entry in entries
            .iter_mut()
            .filter(|entry| !HEAD_KEYS.contains(&entry.key.as_str()))
        {
            let mut walk = Walk {
                document,
                variables,
                problems,
            };
            walk.node(
                &mut entry.value,
                &KeyPath::top(&entry.key),
                Place::default(),
            );
        }
    }
}

struct Walk<'a> {
    document: &'a Document,
    variables: &'a IndexMap<String, Value>,
    problems: &'a mut Vec<Problem>,
}

impl Walk<'_> {
    fn node(&mut self, node: &mut Node, path: &KeyPath, place: Place) {
        match &mut node.content {
            Content::Text(text) => {
                let is_template = path.is_in_secrets() && path.keys().last() == Some("template");
                let content = if is_template {
                    Some(Content::Text(replace_in_template(text, self.variables)))
                } else {
                    self.text(text, path, place)
                };
                if let Some(content) = content {
                    node.content = content;
                }
            }
            Content::List(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    self.node(item, &path.item(index), place);
                }
            }
            Content::Map(entries) => {
                for entry in entries {
                    self.node(
                        &mut entry.value,
                        &path.key(&entry.key),
                        place.key(&entry.key),
                    );
                }
            }
            Content::Null | Content::Bool(_) | Content::Number(..) => {}
        }
    }

    fn text(&mut self, text: &str, path: &KeyPath, place: Place) -> Option<Content> {
        let Self {
            document,
            variables,
            problems,
        } = self;
        let mut report = |unknown: Unknown<'_>| {
            if let Some((check, message)) = unknown.in_plan(place.foreign) {
                problems.push(document.problem(check, document.position(path), path, message));
            }
        };
        replace(text, place, variables, &mut report).map(|value| match value {
            Value::Bool(value) => Content::Bool(value),
            Value::Number(number) => number_content(number),
            other => Content::Text(text_of(&other)),
        })
    }
}

fn number_content(number: Number) -> Content {
    let written = number.to_string();
    Content::Number(number, written)
}

fn build(
    request: &Request<'_>,
    release: ReleaseId,
    settled: Settled,
    file: PlanFile,
    problems: &mut Vec<Problem>,
) -> Plan {
    let document = request.document;
    check(request, &release, &settled.variables, &file, problems);
    let budget = FailureBudget::default().changed_by(file.failure_budget);
    let phases = phases::resolve(document, &file.phases, budget, problems);
    let unsupported = unsupported(document, &file);
    let rules = readiness_rule::resolve(document, file.readiness, problems);
    let readiness = ReadinessSettings { rules, budget };
    let skipped = preflight_declaration::skipped(document, &file.preflight, problems);
    let ignored = ignored_fields::resolve(document, file.ignore_fields, problems);
    for (path, _) in &unsupported {
        problems.push(document.problem(
            Check::UnsupportedKey,
            document.position(path),
            path,
            format!("`{path}` is not supported yet; `up` refuses the plan"),
        ));
    }
    let state_namespace = request
        .state_namespace
        .map(str::to_owned)
        .or(file.state_namespace);
    Plan {
        paths: PlanPaths {
            file: document.file.clone(),
            folder: request.folder.to_owned(),
        },
        address: Address {
            release,
            contexts: settled.contexts,
            state_namespace: state_namespace.unwrap_or_else(|| STATE_NAMESPACE.to_owned()),
        },
        protected: request.declaration.protected,
        namespace: settled.namespace,
        variables: settled.variables,
        contents: PlanContents {
            sources: sources(document, file.sources),
            secrets: file.secrets,
            phases,
            readiness,
            requires: requirement::resolve(document, file.requires),
            open: file.open,
            restart_on_change: file.restart_on_change.unwrap_or(true),
            ignored,
        },
        timeouts: PlanTimeouts {
            run: file.timeout.map_or(DEFAULT_TIMEOUT, |timeout| timeout.0),
            rollback: file
                .timeout_rollback
                .map_or(DEFAULT_TIMEOUT_ROLLBACK, |timeout| timeout.0),
        },
        checks: PlanChecks {
            unsupported: unsupported.into_iter().map(|(_, text)| text).collect(),
            skipped,
            allowed_placeholders: file.preflight.allow_placeholders,
        },
    }
}

/// Checks of the plan `file` what its types cannot say.
fn check(
    request: &Request<'_>,
    release: &ReleaseId,
    variables: &PlanVariables,
    file: &PlanFile,
    problems: &mut Vec<Problem>,
) {
    let document = request.document;
    let values = &variables.values;
    let names: Vec<&str> = values.keys().map(String::as_str).collect();
    file_check::check(document, file, problems);
    requires_check::check(document, &file.requires, release, problems);
    condition_check::check(document, file, &request.head.variables, values, problems);
    secret_check::check(document, &file.secrets, &names, problems);
}

/// The sources of the plan, each with its line.
fn sources(document: &Document, declarations: Vec<SourceDeclaration>) -> Vec<Source> {
    let place = |index| document.position(&KeyPath::top("sources").item(index));
    let resolved = |(index, declaration): (usize, SourceDeclaration)| Source {
        conditions: declaration.conditions(),
        kind: declaration.kind,
        namespace: declaration.namespace,
        phase: declaration.phase,
        line: place(index).line,
    };
    declarations.into_iter().enumerate().map(resolved).collect()
}
