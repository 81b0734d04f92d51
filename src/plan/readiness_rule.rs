//! Rules of the plan's author about when objects of a kind are ready.

use std::{fmt, time::Duration};

use globset::{GlobBuilder, GlobMatcher};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    duration::PlanDuration,
    expression::{Expression, Mistake},
    names::{is_dns_label, is_dns_subdomain},
    problem::{Document, KeyPath, Problem},
};
use crate::finding::Check;

/// A rule as it is written.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(extend("anyOf" = [{"required": ["ready"]}, {"required": ["failed"]}]))]
pub(crate) struct ReadinessDeclaration {
    /// Kind of the objects, as `KIND` or `KIND.GROUP`: `Certificate` or
    /// `Certificate.cert-manager.io`.
    pub(crate) kind: String,
    /// Name or glob of the objects; all of the kind where it is left out.
    pub(crate) name: Option<String>,
    /// CEL expression over `object`, `metadata`, `spec`, `status` and `now` that is true when an
    /// object is ready.
    pub(crate) ready: Option<String>,
    /// CEL expression that is true when an object has failed; it comes first.
    pub(crate) failed: Option<String>,
    /// How long an object may take until it is ready, before it counts as failed.
    pub(crate) timeout: Option<PlanDuration>,
}

/// A rule of a resolved plan. It is stored in revisions, so that going back needs no files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ReadinessRule {
    /// Kind of the objects.
    pub(crate) kind: String,
    /// Their API group; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// Name or glob of the objects; `None`: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// Holds when an object is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ready: Option<WrittenExpression>,
    /// Holds when an object has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failed: Option<WrittenExpression>,
    /// How long an object may take until it is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) timeout: Option<Duration>,
    /// Where the rule stands.
    pub(crate) place: Place,
}

/// The text of an expression, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WrittenExpression {
    /// Its text.
    pub(crate) text: String,
    /// Where it stands.
    pub(crate) place: Place,
}

/// A place in a plan file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The file, as the user would name it.
    pub(crate) file: String,
    /// Line, from 1.
    pub(crate) line: u32,
}

impl fmt::Display for Place {
    /// `FILE:LINE`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.file, self.line)
    }
}

impl WrittenExpression {
    /// The expression, ready to be evaluated. Fails with the first thing that is wrong with it; one
    /// of a plan that was read was checked.
    pub(crate) fn compile(&self) -> Result<Expression, String> {
        Expression::compile(&self.text).map_err(|mistakes| {
            let first = mistakes
                .into_iter()
                .next()
                .map(|mistake| mistake.message)
                .unwrap_or_default();
            format!("{}: the expression {first}", self.place)
        })
    }
}

/// What a rule says about the identity of its objects, ready to be compared.
#[derive(Debug, Clone)]
pub(crate) struct ReadinessSelector {
    kind: String,
    group: Option<String>,
    /// The name as it is written, and as a glob.
    name: Option<(String, GlobMatcher)>,
}

impl ReadinessSelector {
    /// Whether the rule is about an object of this identity.
    pub(crate) fn fits(&self, group: &str, kind: &str, name: &str) -> bool {
        self.kind == kind
            && self.group.as_deref().is_none_or(|wanted| wanted == group)
            && self
                .name
                .as_ref()
                .is_none_or(|(written, glob)| written == name || glob.is_match(name))
    }
}

impl ReadinessRule {
    /// Which objects the rule is about. Fails where `name` is no glob; that of a plan that was read
    /// is one.
    pub(crate) fn selector(&self) -> Result<ReadinessSelector, String> {
        let name = match &self.name {
            Some(name) => Some((name.clone(), glob(name)?)),
            None => None,
        };
        Ok(ReadinessSelector {
            kind: self.kind.clone(),
            group: self.group.clone(),
            name,
        })
    }
}

impl fmt::Display for ReadinessRule {
    /// `KIND`, `KIND.GROUP` or `KIND.GROUP NAME`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.kind)?;
        self.group
            .as_ref()
            .map_or(Ok(()), |group| write!(formatter, ".{group}"))?;
        self.name
            .as_ref()
            .map_or(Ok(()), |name| write!(formatter, " {name}"))
    }
}

fn glob(name: &str) -> Result<GlobMatcher, String> {
    let glob = GlobBuilder::new(name).literal_separator(true).build();
    glob.map(|glob| glob.compile_matcher())
        .map_err(|error| format!("`{name}` is not a glob: {}", error.kind()))
}

/// The plan's rules in their order. All that is wrong with them is added to `problems`.
pub(super) fn resolve(
    document: &Document,
    declared: Vec<ReadinessDeclaration>,
    problems: &mut Vec<Problem>,
) -> Vec<ReadinessRule> {
    let path = KeyPath::top("readiness");
    declared
        .into_iter()
        .enumerate()
        .map(|(index, declared)| resolved(document, &path.item(index), declared, problems))
        .collect()
}

fn resolved(
    document: &Document,
    path: &KeyPath,
    declared: ReadinessDeclaration,
    problems: &mut Vec<Problem>,
) -> ReadinessRule {
    let ReadinessDeclaration {
        kind: written,
        name,
        ready,
        failed,
        timeout,
    } = declared;
    let (kind, group) = match written.split_once('.') {
        Some((kind, group)) => (kind.to_owned(), Some(group.to_owned())),
        None => (written.clone(), None),
    };
    if !is_kind(&kind)
        || group
            .as_deref()
            .is_some_and(|group| !is_dns_subdomain(group))
    {
        let message = format!(
            "`{written}` is not a kind; write for example `Certificate` or `Certificate.cert-manager.io`"
        );
        problems.push(document.error(&path.key("kind"), message));
    }
    if let Some(Err(message)) = name.as_deref().map(glob) {
        problems.push(document.error(&path.key("name"), message));
    }
    if ready.is_none() && failed.is_none() {
        problems.push(
            document.error(path, format!("`{path}` says neither when an object is `ready` nor when it has `failed`; give one of them")),
        );
    }
    let mut expression = |key: &str, text: Option<String>| {
        let path = path.key(key);
        text.map(|text| written_expression(document, &path, text, problems))
    };
    ReadinessRule {
        kind,
        group,
        name,
        ready: expression("ready", ready),
        failed: expression("failed", failed),
        timeout: timeout.map(|timeout| timeout.0),
        place: place(document, path),
    }
}

fn written_expression(
    document: &Document,
    path: &KeyPath,
    text: String,
    problems: &mut Vec<Problem>,
) -> WrittenExpression {
    for Mistake { place, message } in Expression::compile(&text).err().unwrap_or_default() {
        let position = document.position_in_text(path, &text, place);
        problems.push(document.problem(
            Check::Plan,
            position,
            path,
            format!("`{path}`: {message}"),
        ));
    }
    WrittenExpression {
        text,
        place: place(document, path),
    }
}

fn place(document: &Document, path: &KeyPath) -> Place {
    Place {
        file: document.file.display().to_string(),
        line: document.position(path).line,
    }
}

/// Whether `text` can be a kind: a DNS label but for upper-case letters.
/// <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>
fn is_kind(text: &str) -> bool {
    is_dns_label(&text.to_lowercase()) && text.is_ascii()
}
