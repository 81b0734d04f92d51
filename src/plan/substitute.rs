//! Replaces `${name}` in texts, and says which references were probably meant as one.

use std::fmt::Write as _;

use indexmap::IndexMap;
use serde_json::Value;

use super::names::{is_variable_name, listed};
use crate::finding::Check;

/// Variables that every plan has. No shell, dashboard or configuration file has names like these.
pub(super) const BUILT_IN: [&str; 4] = [
    "release.environment",
    "release.name",
    "release.namespace",
    "release.plan",
];

/// Names that were built in once, and those that are today.
const FORMER: [(&str, &str); 3] = [
    ("environment", "release.environment"),
    ("namespace", "release.namespace"),
    ("plan", "release.plan"),
];

/// A `${…}` that was not replaced and perhaps should have been.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SubstitutionProblem {
    /// [`Check::Variable`] for what is nearly the name of a variable, where no other program reads
    /// the text; else [`Check::UnknownVariable`].
    pub(crate) check: Check,
    /// JSON pointer to the text, for example `/spec/template/metadata/labels/app`.
    pub(crate) pointer: String,
    /// One sentence that says what to do.
    pub(crate) message: String,
}

/// Replaces `${name}` of every variable in every text of `value`, a manifest, never in keys.
///
/// A text that is one variable and nothing else takes the variable's type, but for places where
/// Kubernetes knows only text (labels, annotations, data, commands, environment). `$${name}` of a
/// variable becomes `${name}`. Everything else is the user's and stays as it is; `report` hears of
/// what is nearly a variable, and, outside of data, commands, container environments and texts of
/// several lines, of all `${…}`.
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
            let foreign = place.foreign || text.contains('\n');
            let mut told = Vec::new();
            let replaced = replace(text, place, variables, &mut |unknown| {
                let problem = unknown.in_manifest(foreign);
                if let Some((check, message)) = problem.filter(|new| !told.contains(new)) {
                    told.push((check, message.clone()));
                    report(SubstitutionProblem {
                        check,
                        pointer: pointer.clone(),
                        message,
                    });
                }
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
    report: &mut dyn FnMut(Unknown<'_>),
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
            Piece::Literal(literal) => result.push_str(literal),
            Piece::Escaped(escaped) => {
                if !variables.contains_key(inner(escaped)) {
                    result.push('$');
                }
                result.push_str(escaped);
            }
            Piece::Reference(name) => {
                if let Some(value) = variables.get(name) {
                    result.push_str(&text_of(value));
                } else {
                    report(Unknown::new(name, variables));
                    let _ = write!(result, "${{{name}}}");
                }
            }
        }
    }
    (result != text).then_some(Value::String(result))
}

/// What stands between `${` and `}`.
fn inner(reference: &str) -> &str {
    reference
        .strip_prefix("${")
        .and_then(|text| text.strip_suffix('}'))
        .unwrap_or(reference)
}

/// The value of a variable with `variables` replaced. An unknown `${…}` is an error there, so that
/// every `$${…}` becomes `${…}`.
pub(super) fn replace_in_value(text: &str, variables: &IndexMap<String, Value>) -> String {
    pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Literal(literal) | Piece::Escaped(literal) => literal.to_owned(),
            Piece::Reference(name) => variables
                .get(name)
                .map_or_else(|| format!("${{{name}}}"), text_of),
        })
        .collect()
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

/// A `${…}` that is no variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unknown<'a> {
    name: &'a str,
    variables: &'a IndexMap<String, Value>,
    /// The variable whose name it nearly has.
    meant: Option<&'a str>,
}

impl<'a> Unknown<'a> {
    fn new(name: &'a str, variables: &'a IndexMap<String, Value>) -> Self {
        // Only what begins like a built-in name can be meant as one.
        let is_built_in = |known: &str| BUILT_IN.contains(&known);
        let known = variables
            .keys()
            .map(String::as_str)
            .filter(|known| is_built_in(known) == name.contains('.'));
        let meant = is_variable_name(&name.replacen('.', "", 1))
            .then(|| near_miss(name, known))
            .flatten();
        Self {
            name,
            variables,
            meant,
        }
    }

    /// What is to be said where it stands in a manifest; `foreign` where other programs read it.
    fn in_manifest(self, foreign: bool) -> Option<(Check, String)> {
        match self.meant {
            Some(_) if foreign => Some((
                Check::UnknownVariable,
                format!("{}, and stays as it is", self.nearly()?),
            )),
            Some(meant) => Some((
                Check::Variable,
                format!(
                    "{}; write `${{{meant}}}`, or annotate the object with `deployctl.dev/substitute: \"false\"` if its text shall stay as it is",
                    self.nearly()?
                ),
            )),
            // Told once for each file.
            None if foreign || self.former().is_some() => None,
            None => Some((Check::UnknownVariable, self.stays())),
        }
    }

    /// What is to be said where it stands in the plan; `foreign` where other programs read it.
    pub(super) fn in_plan(self, foreign: bool) -> Option<(Check, String)> {
        match self.meant {
            Some(meant) => Some((
                Check::Variable,
                format!(
                    "{}; write `${{{meant}}}`, or give the variable another name",
                    self.nearly()?
                ),
            )),
            None if foreign && self.former().is_none() => None,
            None => Some((Check::UnknownVariable, self.stays())),
        }
    }

    fn former(self) -> Option<String> {
        let mut names = FORMER.iter();
        names
            .find(|(former, _)| *former == self.name)
            .map(not_replaced)
    }

    fn nearly(self) -> Option<String> {
        let Self { name, meant, .. } = self;
        Some(format!(
            "`${{{name}}}` is not a variable of the plan, but nearly `{}`",
            meant?
        ))
    }

    fn stays(self) -> String {
        let Self {
            name, variables, ..
        } = self;
        if let Some(former) = self.former() {
            return former;
        }
        let known = listed(variables.keys());
        format!("`${{{name}}}` is not a variable of the plan ({known}) and stays as it is")
    }
}

/// What is to be said of names in the texts of `value` that were built in once and are not among
/// `variables`: one sentence for each.
pub(crate) fn former_references(value: &Value, variables: &IndexMap<String, Value>) -> Vec<String> {
    let former = FORMER
        .iter()
        .filter(|(name, _)| !variables.contains_key(*name) && refers_to(value, name));
    former.map(not_replaced).collect()
}

fn not_replaced((former, today): &(&str, &str)) -> String {
    format!("`${{{former}}}` is not replaced; the built-in is `${{{today}}}`")
}

/// Whether a text of `value` refers to `name`.
fn refers_to(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => {
            text.contains("${") && pieces(text).contains(&Piece::Reference(name))
        }
        Value::Array(items) => items.iter().any(|item| refers_to(item, name)),
        Value::Object(entries) => entries.values().any(|item| refers_to(item, name)),
        _ => false,
    }
}

/// The built-in variables that the texts of `value` refer to, in a plan that replaces nothing in
/// manifests.
pub(crate) fn built_in_references(value: &Value) -> Vec<&'static str> {
    match value {
        Value::String(text) if text.contains("${release.") => BUILT_IN
            .into_iter()
            .filter(|name| pieces(text).contains(&Piece::Reference(name)))
            .collect(),
        Value::Array(items) => items.iter().flat_map(built_in_references).collect(),
        Value::Object(entries) => entries.values().flat_map(built_in_references).collect(),
        _ => Vec::new(),
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
            ("release.namespace", json!("shop")),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
    }

    fn substituted(mut value: Value) -> (Value, Vec<(Check, String)>) {
        let mut problems = Vec::new();
        substitute(&mut value, &variables(), &mut |problem| {
            problems.push((problem.check, problem.pointer));
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
    fn keys_stay_and_only_escapes_of_variables_lose_one_dollar() {
        let (value, problems) = substituted(
            json!({"${image_tag}": "$${image_tag} $${HOME} ${image_tag} $${release.namespace}", "b": "a$$b ${", "c": "$$ $$$ $$(x) $$${HOME}"}),
        );
        assert_eq!(
            value,
            json!({"${image_tag}": "${image_tag} $${HOME} v1 ${release.namespace}", "b": "a$$b ${", "c": "$$ $$$ $$(x) $$${HOME}"})
        );
        assert_eq!(problems, []);
    }

    #[test]
    fn a_near_miss_is_reported_everywhere_and_an_error_where_no_other_program_reads() {
        for miss in [
            "${image_tg}",
            "${IMAGE_TAG}",
            "${imagetag}",
            "${replica}",
            "${release.namespce}",
        ] {
            let script = format!("echo {miss}\n");
            let (value, problems) = substituted(
                json!({"data": {"a/b": miss}, "spec": {"image": miss, "script": script}}),
            );
            assert_eq!(value["data"]["a/b"], miss);
            assert_eq!(value["spec"], json!({"image": miss, "script": script}));
            assert_eq!(
                problems,
                [
                    (Check::UnknownVariable, "/data/a~1b".to_owned()),
                    (Check::Variable, "/spec/image".to_owned()),
                    (Check::UnknownVariable, "/spec/script".to_owned()),
                ],
                "{miss}"
            );
        }
    }

    #[test]
    fn what_is_somebody_elses_is_fine_in_data_and_commands_and_a_warning_elsewhere() {
        let (_, problems) = substituted(json!({
            "data": {"x": "${HOME} ${NAMESPACE} ${namespace} ${image_tag:-latest} ${a b} ${release_namespace}"},
            "command": ["${PATH}"],
            "env": [{"name": "A", "value": "${HOME}"}],
            "envFrom": [{"prefix": "${HOME}"}],
            "script": "#!/bin/sh\necho ${HOME}\n"
        }));
        assert_eq!(
            problems,
            [(Check::UnknownVariable, "/envFrom/0/prefix".to_owned())]
        );
    }

    #[test]
    fn names_that_were_built_in_once_are_told_wherever_they_stand() {
        let value =
            json!({"data": {"a": "x ${namespace} ${plan:-x} $${plan}"}, "b": ["${environment}"]});
        let told = former_references(&value, &variables());
        assert_eq!(
            told,
            [
                "`${environment}` is not replaced; the built-in is `${release.environment}`",
                "`${namespace}` is not replaced; the built-in is `${release.namespace}`",
            ]
        );
        let mut declared = variables();
        declared.insert("namespace".to_owned(), json!("x"));
        assert_eq!(former_references(&value, &declared).len(), 1);
        // There, they are not told a second time.
        assert_eq!(substituted(json!({"image": "${namespace}"})).1, []);
    }

    #[test]
    fn what_a_text_says_several_times_is_told_once() {
        let text = "${HOME} ${HOME} ${PATH} ${HOME}";
        let (_, problems) = substituted(json!({"a": text, "b": text}));
        assert_eq!(problems.len(), 4);
    }

    #[test]
    fn references_to_what_is_built_in_are_found() {
        let value = json!({"data": {"a": "x ${release.name} $${release.plan}"}, "b": ["${release.namespace}", "${namespace}"]});
        let mut found = built_in_references(&value);
        found.sort_unstable();
        assert_eq!(found, ["release.name", "release.namespace"]);
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
