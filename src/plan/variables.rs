//! The values of variables: from `--set`, the environment, the process and defaults.

use indexmap::IndexMap;
use regex::Regex;
use serde_json::Value;

use super::{
    file::{EnvironmentDeclaration, Variable},
    names::{is_variable_name, listed, suggestion},
    problem::{Document, KeyPath, Problem},
    substitute::{BUILT_IN, Piece, pieces, replace_in_value, text_of},
};
use crate::finding::Check;

/// Where variables' values may come from, beside the plan.
pub(super) struct Outside<'a> {
    /// `--set`, each `NAME=VALUE`; later ones win.
    pub(super) set: &'a [String],
    /// The process environment.
    pub(super) process: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a variable without a value is a problem.
    pub(super) values_needed: bool,
}

/// The values of all declared variables.
#[derive(Debug, Default)]
pub(super) struct Values {
    /// Value of every variable that has one.
    pub(super) values: IndexMap<String, Value>,
    /// Names of those whose value is not from the file.
    pub(super) foreign: Vec<String>,
}

/// The declared variables' values in the environment called `name`: `--set` beats the environment,
/// which beats `env`, which beats `default`.
pub(super) fn resolve(
    document: &Document,
    declared: &IndexMap<String, Variable>,
    name: &str,
    environment: &EnvironmentDeclaration,
    outside: &Outside<'_>,
    problems: &mut Vec<Problem>,
) -> Values {
    let set = parse_set(declared, outside.set, problems);
    let top = KeyPath::top("variables");
    let own = KeyPath::top("environments").key(name).key("variables");
    check_declared(document, declared, &top, problems);
    check_known(document, declared, environment, &own, problems);
    let mut values = Values::default();
    let mut missing = Vec::new();
    for (variable, declaration) in declared {
        let typed_like = declaration
            .default
            .as_ref()
            .map(|_| written(document, &top.key(variable).key("default")));
        let from_process = || {
            declaration
                .env
                .as_deref()
                .and_then(outside.process)
                .filter(|text| !text.is_empty())
        };
        let text = set.get(variable.as_str()).cloned();
        let value = if let Some(text) = text {
            values.foreign.push(variable.clone());
            typed(variable, &text, typed_like.as_ref(), problems)
        } else if environment.variables.contains_key(variable) {
            Some(in_file(document, &own.key(variable), problems))
        } else if let Some(text) = from_process() {
            values.foreign.push(variable.clone());
            typed(variable, &text, typed_like.as_ref(), problems)
        } else if typed_like.is_some() {
            Some(in_file(
                document,
                &top.key(variable).key("default"),
                problems,
            ))
        } else {
            missing.push(variable);
            None
        };
        if let Some(value) = value {
            check_pattern(variable, declaration, &value, problems);
            values.values.insert(variable.clone(), value);
        }
    }
    if outside.values_needed && !missing.is_empty() {
        problems.push(without_value(document, name, &missing, declared));
    }
    values
}

/// Replaces the built-in variables in values that come from the file; nothing else is known there.
pub(super) fn replace_built_in(
    document: &Document,
    environment: &str,
    values: &mut Values,
    built_in: &IndexMap<String, Value>,
    problems: &mut Vec<Problem>,
) {
    let Values { values, foreign } = values;
    for (name, value) in values
        .iter_mut()
        .filter(|(name, _)| !foreign.contains(name))
    {
        let Value::String(text) = value else { continue };
        for piece in pieces(text) {
            if let Piece::Reference(reference) = piece
                && !built_in.contains_key(reference)
            {
                let own = KeyPath::top("environments")
                    .key(environment)
                    .key("variables")
                    .key(name);
                let path = if exists(document, &own) {
                    own
                } else {
                    KeyPath::top("variables").key(name)
                };
                let known = listed(built_in.keys());
                let message = format!(
                    "the value of `{name}` may refer only to {known}; write `$${{{reference}}}` if `${{{reference}}}` is meant"
                );
                problems.push(document.error(&path, message));
            }
        }
        *value = Value::String(replace_in_value(text, built_in));
    }
}

fn parse_set<'a>(
    declared: &IndexMap<String, Variable>,
    set: &'a [String],
    problems: &mut Vec<Problem>,
) -> IndexMap<&'a str, String> {
    let mut values = IndexMap::new();
    for argument in set {
        match argument.split_once('=') {
            Some((name, value)) if declared.contains_key(name) => {
                values.insert(name, value.to_owned());
            }
            Some((name, _)) if BUILT_IN.contains(&name) => {
                problems.push(Problem::error(format!(
                    "`--set {name}`: the variable is built in; leave it out"
                )));
            }
            Some((name, _)) => {
                let hint = suggestion(name, declared.keys().map(String::as_str));
                let hint = if hint.is_empty() {
                    "; declare it under `variables`".to_owned()
                } else {
                    hint
                };
                problems.push(Problem::error(format!(
                    "`--set {name}`: the plan declares no variable `{name}`{hint}"
                )));
            }
            None => problems.push(Problem::error(format!(
                "`--set {argument}`: write `--set NAME=VALUE`"
            ))),
        }
    }
    values
}

fn check_declared(
    document: &Document,
    declared: &IndexMap<String, Variable>,
    top: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    for (name, variable) in declared {
        let path = top.key(name);
        if !is_variable_name(name) {
            let rule = "use letters, digits, `_` and `-`, the first a letter or `_`";
            problems.push(document.error(
                &path,
                format!("`{name}` cannot be the name of a variable; {rule}"),
            ));
        }
        if let Some(Err(error)) = variable.pattern.as_deref().map(Regex::new) {
            problems.push(document.error(
                &path.key("pattern"),
                format!(
                    "`pattern` is not a regular expression: {}",
                    last_line(&error)
                ),
            ));
        }
        if variable
            .default
            .as_ref()
            .is_some_and(|value| !is_scalar(value))
        {
            problems.push(document.error(
                &path.key("default"),
                "`default` must be text, a number, `true` or `false`",
            ));
        }
    }
}

fn check_known(
    document: &Document,
    declared: &IndexMap<String, Variable>,
    environment: &EnvironmentDeclaration,
    own: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    for (name, value) in &environment.variables {
        if !declared.contains_key(name) {
            let hint = suggestion(name, declared.keys().map(String::as_str));
            let hint = if hint.is_empty() {
                "; declare it under `variables`".to_owned()
            } else {
                hint
            };
            problems.push(document.error(
                &own.key(name),
                format!("the plan declares no variable `{name}`{hint}"),
            ));
        } else if !is_scalar(value) {
            problems.push(document.error(
                &own.key(name),
                format!("the value of `{name}` must be text, a number, `true` or `false`"),
            ));
        }
    }
}

fn is_scalar(value: &Value) -> bool {
    matches!(value, Value::String(_) | Value::Number(_) | Value::Bool(_))
}

/// The message of a regular expression's error, which is its last line.
pub(super) fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    text.lines()
        .last()
        .unwrap_or_default()
        .trim_start_matches("error: ")
        .to_owned()
}

fn without_value(
    document: &Document,
    environment: &str,
    missing: &[&String],
    declared: &IndexMap<String, Variable>,
) -> Problem {
    let sources = missing.iter().map(|name| {
        match declared
            .get(*name)
            .and_then(|variable| variable.env.as_deref())
        {
            Some(variable) => format!("`--set {name}=…` or the variable `{variable}`"),
            None => format!("`--set {name}=…`"),
        }
    });
    let sources: Vec<String> = sources.collect();
    let (noun, verb) = if missing.len() == 1 {
        ("variable", "has")
    } else {
        ("variables", "have")
    };
    document.error(
        &KeyPath::top("variables").key(missing[0]),
        format!(
            "the {noun} {} {verb} no value in the environment `{environment}`; give {}, or write it under `environments.{environment}.variables`",
            listed(missing),
            sources.join(", "),
        ),
    )
}

/// A value given as text, with the type of the default, or else the one that YAML sees in it.
fn typed(
    name: &str,
    text: &str,
    like: Option<&Value>,
    problems: &mut Vec<Problem>,
) -> Option<Value> {
    let value = scalar(text);
    match like {
        Some(Value::String(_)) => Some(Value::String(text.to_owned())),
        Some(Value::Number(_)) if !value.is_number() => {
            problems.push(Problem::error(format!(
                "the variable `{name}` must be a number, like its default"
            )));
            None
        }
        Some(Value::Bool(_)) if !value.is_boolean() => {
            problems.push(Problem::error(format!(
                "the variable `{name}` must be `true` or `false`, like its default"
            )));
            None
        }
        _ => Some(value),
    }
}

/// What YAML sees in `text`, where that loses nothing: `3` is a number; `1.30`, `0644` and `yes`
/// stay text.
fn scalar(text: &str) -> Value {
    let quoted = text.starts_with(['"', '\'']);
    match serde_yaml::from_str::<Value>(text) {
        Ok(Value::String(unquoted)) if quoted => Value::String(unquoted),
        Ok(value @ (Value::Number(_) | Value::Bool(_))) if text_of(&value) == text => value,
        _ => Value::String(text.to_owned()),
    }
}

fn exists(document: &Document, path: &KeyPath) -> bool {
    find(document, path).is_some()
}

fn find<'a>(document: &'a Document, path: &KeyPath) -> Option<&'a super::node::Node> {
    path.keys()
        .try_fold(&document.root, |node, key| node.get(key))
}

fn written(document: &Document, path: &KeyPath) -> Value {
    find(document, path).map_or(Value::Null, super::node::Node::to_value)
}

/// A value of the file, with a warning where it is written as a number that would not stay as it is
/// written.
fn in_file(document: &Document, path: &KeyPath, problems: &mut Vec<Problem>) -> Value {
    let value = written(document, path);
    let is_number = find(document, path)
        .is_some_and(|node| matches!(node.content, super::node::Content::Number(..)));
    if is_number && let Value::String(text) = &value {
        let message = format!(
            "`{text}` is taken as text, because as a number it would be written differently; put it in quotes"
        );
        let position = document.position(path);
        problems.push(document.problem(Check::UnquotedNumber, position, path, message));
    }
    value
}

fn check_pattern(name: &str, declaration: &Variable, value: &Value, problems: &mut Vec<Problem>) {
    let Some(pattern) = &declaration.pattern else {
        return;
    };
    let Ok(regex) = Regex::new(&format!("^(?:{pattern})$")) else {
        return;
    };
    if !regex.is_match(&text_of(value)) {
        problems.push(Problem::error(format!(
            "the value `{}` of the variable `{name}` does not match `{pattern}`",
            text_of(value)
        )));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde_json::json;

    use super::*;

    const PLAN: &str = "
variables:
  tag: {}
  replicas: {default: 2}
  version: {default: '1.30'}
  region: {env: REGION, default: eu}
  debug: {default: false}
environments:
  dev: {variables: {tag: main}}
";

    fn resolved(set: &[&str], process: &dyn Fn(&str) -> Option<String>) -> (Values, Vec<String>) {
        let document = Document::parse(Path::new("p.yaml"), PLAN.to_owned()).unwrap();
        let declared: IndexMap<String, Variable> =
            serde_yaml::from_str::<IndexMap<String, IndexMap<String, Variable>>>(
                PLAN.split("environments:").next().unwrap(),
            )
            .unwrap()
            .swap_remove("variables")
            .unwrap();
        let environment = EnvironmentDeclaration {
            variables: [("tag".to_owned(), json!("main"))].into_iter().collect(),
            ..Default::default()
        };
        let set: Vec<String> = set.iter().map(|&text| text.to_owned()).collect();
        let mut problems = Vec::new();
        let values = resolve(
            &document,
            &declared,
            "dev",
            &environment,
            &Outside {
                set: &set,
                process,
                values_needed: true,
            },
            &mut problems,
        );
        (
            values,
            problems
                .into_iter()
                .map(|problem| problem.message)
                .collect(),
        )
    }

    #[test]
    fn set_beats_the_environment_which_beats_env_which_beats_the_default() {
        let (values, problems) = resolved(&[], &|_| None);
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(
            (&values.values["tag"], &values.values["region"]),
            (&json!("main"), &json!("eu"))
        );
        let (values, _) = resolved(&["tag=a", "tag=b"], &|name| {
            (name == "REGION").then(|| "us".to_owned())
        });
        assert_eq!(
            (&values.values["tag"], &values.values["region"]),
            (&json!("b"), &json!("us"))
        );
        assert_eq!(values.foreign, ["tag", "region"]);
    }

    #[test]
    fn a_given_value_has_the_type_of_the_default() {
        let (values, _) = resolved(
            &["replicas=3", "version=1.40", "debug=true", "tag=7"],
            &|_| None,
        );
        let values = values.values;
        assert_eq!(
            (
                &values["replicas"],
                &values["version"],
                &values["debug"],
                &values["tag"]
            ),
            (&json!(3), &json!("1.40"), &json!(true), &json!(7))
        );
        let (_, problems) = resolved(&["replicas=many", "debug=yes"], &|_| None);
        assert_eq!(
            problems,
            [
                "the variable `replicas` must be a number, like its default",
                "the variable `debug` must be `true` or `false`, like its default"
            ]
        );
    }

    #[test]
    fn yaml_sees_a_type_only_where_nothing_is_lost() {
        assert_eq!(scalar("3"), json!(3));
        assert_eq!(scalar("1.5"), json!(1.5));
        assert_eq!(scalar("'3'"), json!("3"));
        for text in ["1.30", "0644", "yes", "", "~", "a: b", "#x", "1e3", "[1]"] {
            assert_eq!(scalar(text), json!(text), "{text}");
        }
    }

    #[test]
    fn unknown_names_are_errors_with_the_nearest() {
        let (_, problems) = resolved(&["replica=3", "release.plan=x", "tag"], &|_| None);
        assert_eq!(
            problems,
            [
                "`--set replica`: the plan declares no variable `replica`; did you mean `replicas`?",
                "`--set release.plan`: the variable is built in; leave it out",
                "`--set tag`: write `--set NAME=VALUE`",
            ]
        );
    }
}
