//! Replaces `${name}` in texts, and says which references were probably meant as one.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::Value;

use super::{
    names::{is_variable_name, listed},
    problem::Severity,
};

/// Variables that every plan has.
pub(super) const BUILT_IN: [&str; 3] = ["environment", "namespace", "plan"];

/// A `${…}` that was not replaced and perhaps should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubstitutionProblem {
    /// An error for what is nearly the name of a declared variable; else a warning.
    pub(crate) severity: Severity,
    /// JSON pointer to the text, for example `/spec/template/metadata/labels/app`.
    pub(crate) pointer: String,
    /// One sentence that says what to do.
    pub(crate) message: String,
}

/// Replaces `${name}` in every text of `value`, never in keys.
///
/// A text that is one variable and nothing else takes the variable's type, but for places where
/// Kubernetes knows only text (labels, annotations, data, commands, environment). `$${x}` becomes
/// `${x}`. Other `${…}` stay as they are; `report` hears of those that are nearly a declared name,
/// and, outside of data, commands and container environments, of all.
pub(crate) fn substitute(
    value: &mut Value,
    variables: &IndexMap<String, Value>,
    report: &mut dyn FnMut(SubstitutionProblem),
) {
    walk(
        value,
        &mut String::new(),
        Place::default(),
        variables,
        report,
    );
}

/// What is known about the place of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Place {
    /// Other programs read what stands here and know `${…}` themselves.
    pub(super) foreign: bool,
    /// Only text may stand here.
    pub(super) text_only: bool,
    /// An item of a container's `env`.
    environment: bool,
}

impl Place {
    /// The place at `key` of a map at this place.
    pub(super) fn key(self, key: &str) -> Self {
        let foreign = self.foreign
            || matches!(
                key,
                "data" | "stringData" | "binaryData" | "command" | "args"
            )
            || (self.environment && key == "value");
        let text_only = foreign
            || self.text_only
            || matches!(
                key,
                "labels" | "annotations" | "matchLabels" | "nodeSelector" | "selector"
            );
        Self {
            foreign,
            text_only,
            environment: key == "env",
        }
    }
}

fn walk(
    value: &mut Value,
    pointer: &mut String,
    place: Place,
    variables: &IndexMap<String, Value>,
    report: &mut dyn FnMut(SubstitutionProblem),
) {
    let length = pointer.len();
    match value {
        Value::String(text) => {
            let replaced = replace(text, place, variables, &mut |severity, message| {
                report(SubstitutionProblem {
                    severity,
                    pointer: pointer.clone(),
                    message,
                });
            });
            if let Some(replaced) = replaced {
                *value = replaced;
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let _ = write!(pointer, "/{index}");
                walk(item, pointer, place, variables, report);
                pointer.truncate(length);
            }
        }
        Value::Object(entries) => {
            for (key, item) in entries.iter_mut() {
                pointer.push('/');
                pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
                walk(item, pointer, place.key(key), variables, report);
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}

/// A part of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// Text that stays.
    Literal(&'a str),
    /// `${…}` behind another `$`, which makes it stay: its text with only one `$`.
    Escaped(&'a str),
    /// What stands between `${` and `}`.
    Reference(&'a str),
}

/// The pieces of `text`. `${` without `}` is literal.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        let Some(length) = rest[start..].find('}') else {
            break;
        };
        let end = start + length + 1;
        let inner = &rest[start + 2..end - 1];
        // In `${a:-${b}}` the first brace closes the inner reference, so that only this one is
        // looked at.
        if let Some(nested) = inner.rfind("${") {
            let cut = start + 2 + nested;
            let cut = if rest[..cut].ends_with('$') {
                cut - 1
            } else {
                cut
            };
            pieces.push(Piece::Literal(&rest[..cut]));
            rest = &rest[cut..];
        } else if rest[..start].ends_with('$') {
            pieces.push(Piece::Literal(&rest[..start - 1]));
            pieces.push(Piece::Escaped(&rest[start..end]));
            rest = &rest[end..];
        } else {
            pieces.push(Piece::Literal(&rest[..start]));
            pieces.push(Piece::Reference(inner));
            rest = &rest[end..];
        }
    }
    pieces.push(Piece::Literal(rest));
    pieces.retain(|piece| *piece != Piece::Literal(""));
    pieces
}

/// What `text` becomes, or `None` where it stays as it is.
pub(super) fn replace(
    text: &str,
    place: Place,
    variables: &IndexMap<String, Value>,
    report: &mut dyn FnMut(Severity, String),
) -> Option<Value> {
    if !text.contains("${") {
        return None;
    }
    let pieces = pieces(text);
    if let [Piece::Reference(name)] = pieces.as_slice()
        && let Some(value) = variables.get(*name)
    {
        return Some(if place.text_only {
            Value::String(text_of(value))
        } else {
            value.clone()
        });
    }
    let mut result = String::with_capacity(text.len());
    for piece in pieces {
        match piece {
            Piece::Literal(literal) | Piece::Escaped(literal) => result.push_str(literal),
            Piece::Reference(name) => {
                if let Some(value) = variables.get(name) {
                    result.push_str(&text_of(value));
                } else {
                    report_unknown(name, place, variables, report);
                    let _ = write!(result, "${{{name}}}");
                }
            }
        }
    }
    (result != text).then_some(Value::String(result))
}

/// A template of a secret with its variables replaced; `${secret/key}` and `$${…}` stay, and so
/// does a `${` in a variable's value.
pub(super) fn replace_in_template(text: &str, variables: &IndexMap<String, Value>) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Literal(literal) => literal.to_owned(),
            Piece::Escaped(escaped) => format!("${escaped}"),
            Piece::Reference(name) => variables.get(name).map_or_else(
                || format!("${{{name}}}"),
                |value| text_of(value).replace("${", "$${"),
            ),
        })
        .collect()
}

/// A variable's value as text.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn report_unknown(
    name: &str,
    place: Place,
    variables: &IndexMap<String, Value>,
    report: &mut dyn FnMut(Severity, String),
) {
    let declared = variables
        .keys()
        .map(String::as_str)
        .filter(|known| !(place.foreign && BUILT_IN.contains(known)));
    if is_variable_name(name)
        && let Some(meant) = near_miss(name, declared)
    {
        let escape = format!(
            "; write `${{{meant}}}`, or `$${{{name}}}` if `${{{name}}}` shall stay as it is"
        );
        report(
            Severity::Error,
            format!("`${{{name}}}` is not a variable of the plan, but nearly `{meant}`{escape}"),
        );
    } else if !place.foreign {
        let known = listed(variables.keys());
        report(
            Severity::Warning,
            format!(
                "`${{{name}}}` is not a variable of the plan ({known}) and stays as it is; write `$${{{name}}}` if that is meant"
            ),
        );
    }
}

/// The declared name that `name` is nearly: another case, or at most two letters away, fewer in
/// short names.
fn near_miss<'a>(name: &str, declared: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    declared
        .map(|known| {
            let allowed = (known.len().min(name.len()) / 3).min(2);
            let distance = if known.eq_ignore_ascii_case(name) {
                0
            } else {
                strsim::damerau_levenshtein(known, name)
            };
            (distance, allowed, known)
        })
        .filter(|(distance, allowed, _)| distance <= allowed)
        .min()
        .map(|(_, _, known)| known)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn variables() -> IndexMap<String, Value> {
        [
            ("image_tag", json!("v1")),
            ("replicas", json!(3)),
            ("debug", json!(true)),
            ("namespace", json!("shop")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn substituted(mut value: Value) -> (Value, Vec<(Severity, String)>) {
        let mut problems = Vec::new();
        substitute(&mut value, &variables(), &mut |problem| {
            problems.push((problem.severity, problem.pointer));
        });
        (value, problems)
    }

    #[test]
    fn a_whole_text_takes_the_type_and_a_part_becomes_text() {
        let (value, problems) = substituted(
            json!({"a": "${replicas}", "b": "x:${image_tag}-${replicas}", "c": "${debug}", "d": "plain"}),
        );
        assert_eq!(
            value,
            json!({"a": 3, "b": "x:v1-3", "c": true, "d": "plain"})
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn where_only_text_may_stand_a_number_becomes_text() {
        let (value, _) = substituted(json!({
            "metadata": {"labels": {"n": "${replicas}"}},
            "data": {"n": "${replicas}"},
            "env": [{"name": "N", "value": "${replicas}"}],
            "args": ["${replicas}"],
            "spec": {"replicas": "${replicas}"}
        }));
        assert_eq!(
            value,
            json!({
                "metadata": {"labels": {"n": "3"}},
                "data": {"n": "3"},
                "env": [{"name": "N", "value": "3"}],
                "args": ["3"],
                "spec": {"replicas": 3}
            })
        );
    }

    #[test]
    fn keys_stay_and_escapes_lose_one_dollar() {
        let (value, problems) = substituted(
            json!({"${image_tag}": "$${image_tag} $${HOME} ${image_tag}", "b": "a$$b ${"}),
        );
        assert_eq!(
            value,
            json!({"${image_tag}": "${image_tag} ${HOME} v1", "b": "a$$b ${"})
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn a_near_miss_is_an_error_everywhere() {
        for miss in ["${image_tg}", "${IMAGE_TAG}", "${imagetag}", "${replica}"] {
            let (value, problems) = substituted(json!({"data": {"a/b": miss}}));
            assert_eq!(value["data"]["a/b"], miss);
            assert_eq!(
                problems,
                [(Severity::Error, "/data/a~1b".to_owned())],
                "{miss}"
            );
        }
    }

    #[test]
    fn what_is_somebody_elses_is_fine_in_data_and_commands_and_a_warning_elsewhere() {
        let (_, problems) = substituted(json!({
            "data": {"x": "${HOME} ${NAMESPACE} ${image_tag:-latest} ${a b}"},
            "command": ["${PATH}"],
            "env": [{"name": "A", "value": "${HOME}"}],
            "envFrom": [{"prefix": "${HOME}"}]
        }));
        assert_eq!(
            problems,
            [(Severity::Warning, "/envFrom/0/prefix".to_owned())]
        );
    }

    #[test]
    fn a_short_name_is_not_nearly_every_other_short_name() {
        let variables = [("tag".to_owned(), json!("x"))].into_iter().collect();
        let mut problems = Vec::new();
        substitute(
            &mut json!({"data": {"a": "${PAD} ${t} ${tab} ${TAG}"}}),
            &variables,
            &mut |problem| problems.push(problem.message),
        );
        assert_eq!(problems.len(), 2, "{problems:?}");
    }

    #[test]
    fn nested_references_are_replaced_from_the_inside() {
        let (value, problems) = substituted(json!({"command": ["${URL:-http://${image_tag}}"]}));
        assert_eq!(value, json!({"command": ["${URL:-http://v1}"]}));
        assert_eq!(problems, []);
    }

    #[test]
    fn a_template_keeps_what_belongs_to_secrets() {
        let variables = [("domain".to_owned(), json!("a${b/c}"))]
            .into_iter()
            .collect();
        assert_eq!(
            replace_in_template("${x/y|percent}@${domain}/$${z}", &variables),
            "${x/y|percent}@a$${b/c}/$${z}"
        );
    }
}
