//! What is wrong with a plan, with the lines of the file that it is wrong in.

use std::{
    fmt,
    ops::Range,
    path::{Path, PathBuf},
};

use super::{
    node::{Node, Position},
    spelled,
};
use crate::finding::Check;

/// Something wrong with a plan, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What found it, which says how bad it is.
    pub(crate) check: Check,
    /// The file, as the user would name it; `None` where the command line is at fault.
    pub(crate) file: Option<PathBuf>,
    /// Line, from 1.
    pub(crate) line: Option<u32>,
    /// Column, from 1.
    pub(crate) column: Option<u32>,
    /// Path in the file, for example `environments.dev`.
    pub(crate) path: Option<String>,
    /// The object, as `KIND/NAMESPACE/NAME`, where it is about one.
    pub(crate) object: Option<String>,
    /// One sentence that says what is wrong and what to do.
    pub(crate) message: String,
    /// The line with a mark below it.
    pub(crate) excerpt: Option<String>,
}

impl Problem {
    /// An error of the plan that is not in a file.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        let message = message.into();
        Self {
            check: Check::Plan,
            file: None,
            line: None,
            column: None,
            path: None,
            object: None,
            message,
            excerpt: None,
        }
    }

    /// Whether the plan cannot be used.
    pub(crate) fn is_error(&self) -> bool {
        self.check.is_error()
    }
}

impl fmt::Display for Problem {
    /// `FILE:LINE:COLUMN: message [check]`, and the line with a mark below it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{}:", file.display())?;
            for number in [self.line, self.column].into_iter().flatten() {
                write!(formatter, "{number}:")?;
            }
            formatter.write_str(" ")?;
        }
        if let Some(object) = &self.object {
            write!(formatter, "{object}: ")?;
        }
        write!(formatter, "{}{}", self.message, self.check.mark())?;
        self.excerpt
            .as_ref()
            .map_or(Ok(()), |excerpt| write!(formatter, "\n{excerpt}"))
    }
}

/// A path inside the plan: keys and numbers of list items.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct KeyPath(Vec<Step>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Step {
    Key(String),
    Item(usize),
}

impl KeyPath {
    /// The path to the top-level key `key`.
    pub(super) fn top(key: &str) -> Self {
        Self::default().key(key)
    }

    /// The path to `key` in the map at this path.
    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Step::Key(key.to_owned()))
    }

    /// The path to the item `index`, from 0, in the list at this path.
    pub(super) fn item(&self, index: usize) -> Self {
        self.with(Step::Item(index))
    }

    /// The path that this one is an entry or item of; `None` for the whole file.
    pub(super) fn parent(&self) -> Option<Self> {
        self.0.split_last().map(|(_, above)| Self(above.to_vec()))
    }

    /// Whether the path is inside the values of the plan's secrets.
    pub(super) fn is_in_secrets(&self) -> bool {
        matches!(self.0.first(), Some(Step::Key(key)) if key == "secrets")
    }

    /// The keys of the path from its start; items of lists are left out.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|step| match step {
            Step::Key(key) => Some(key.as_str()),
            Step::Item(_) => None,
        })
    }

    fn with(&self, step: Step) -> Self {
        let mut steps = self.0.clone();
        steps.push(step);
        Self(steps)
    }
}

impl fmt::Display for KeyPath {
    /// `secrets[0].data.password`.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if index == 0 => write!(formatter, "{key}")?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Item(item) => write!(formatter, "[{item}]")?,
            }
        }
        Ok(())
    }
}

/// A plan file that was read: its nodes, and the text to quote from.
#[derive(Debug)]
pub(super) struct Document {
    /// The file, as the user would name it.
    pub(super) file: PathBuf,
    /// Its text.
    pub(super) text: String,
    /// Its nodes.
    pub(super) root: Node,
}

impl Document {
    /// Parses `text`.
    pub(super) fn parse(file: &Path, text: String) -> Result<Self, Box<Problem>> {
        match Node::parse(&text) {
            Ok(root) => Ok(Self {
                file: file.to_owned(),
                text,
                root,
            }),
            Err(error) => Err(Box::new(syntax_problem(file, &text, &error))),
        }
    }

    /// An error at `path`: at its key, or at its item of a list.
    pub(super) fn error(&self, path: &KeyPath, message: impl Into<String>) -> Problem {
        self.problem(Check::Plan, self.position(path), path, message.into())
    }

    /// What `check` finds at `position`, which stands at `path`.
    pub(super) fn problem(
        &self,
        check: Check,
        position: Position,
        path: &KeyPath,
        message: String,
    ) -> Problem {
        Problem {
            check,
            file: Some(self.file.clone()),
            line: Some(position.line),
            column: Some(position.column),
            path: Some(path.to_string()).filter(|path| !path.is_empty()),
            object: None,
            message,
            // A warning needs no more than its place.
            excerpt: excerpt(&self.text, position, path.is_in_secrets())
                .filter(|_| check.is_error()),
        }
    }

    /// Where the bytes `place` of `text` stand, which is the value at `path`; its beginning where
    /// the file spells it in another way.
    pub(super) fn position_in_text(
        &self,
        path: &KeyPath,
        text: &str,
        place: Range<usize>,
    ) -> Position {
        let Some(value) = self.value(path) else {
            return self.position(path);
        };
        spelled::position(&self.text, value, text, place).unwrap_or(value.position)
    }

    /// The value at `path`.
    fn value(&self, path: &KeyPath) -> Option<&Node> {
        path.0
            .iter()
            .try_fold(&self.root, |node, step| match (step, &node.content) {
                (Step::Key(key), _) => node.get(key),
                (Step::Item(index), super::node::Content::List(items)) => items.get(*index),
                (Step::Item(_), _) => None,
            })
    }

    /// Where the key at `path` stands, or what is nearest above it.
    pub(super) fn position(&self, path: &KeyPath) -> Position {
        let mut position = Position {
            line: 1,
            column: 1,
            width: 1,
        };
        let mut node = &self.root;
        for step in &path.0 {
            let next = match (step, &node.content) {
                (Step::Key(key), _) => node.entry(key).map(|entry| (entry.position, &entry.value)),
                (Step::Item(index), super::node::Content::List(items)) => {
                    items.get(*index).map(|item| (item.position, item))
                }
                (Step::Item(_), _) => None,
            };
            let Some((place, value)) = next else { break };
            position = place;
            node = value;
        }
        position
    }
}

fn syntax_problem(file: &Path, text: &str, error: &serde_yaml::Error) -> Problem {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX).max(1);
    let position = error.location().map(|location| Position {
        line: number(location.line()),
        column: number(location.column()),
        width: 1,
    });
    let whole = error.without_snippet().to_string();
    let message = whole.lines().next().unwrap_or_default();
    let message = message
        .split(" at line ")
        .next()
        .unwrap_or(message)
        .trim_end_matches([':', ' ']);
    // The parser's words for this one speak of its own options.
    let duplicate = message
        .strip_prefix("duplicate mapping key: ")
        .and_then(|rest| rest.split(", ").next());
    let message = match duplicate {
        Some(key) => format!("the key `{key}` stands here twice; take one out"),
        None if message.starts_with("multiple YAML documents") => {
            "a plan is one YAML document; move what follows into a plan of its own".to_owned()
        }
        None => format!("not readable as YAML: {message}"),
    };
    Problem {
        check: Check::Plan,
        file: Some(file.to_owned()),
        line: position.map(|position| position.line),
        column: position.map(|position| position.column),
        path: None,
        object: None,
        message,
        excerpt: position.and_then(|position| excerpt(text, position, true)),
    }
}

/// The line at `position` with a mark below it. What follows the mark is left out where it could be
/// a secret.
fn excerpt(text: &str, position: Position, cut: bool) -> Option<String> {
    const LONGEST: usize = 100;
    let line = text
        .lines()
        .nth(usize::try_from(position.line).ok()?.checked_sub(1)?)?;
    let start = usize::try_from(position.column).ok()?.checked_sub(1)?;
    let length = line.trim_end().chars().count();
    if start >= length.max(1) {
        return None;
    }
    let width = usize::try_from(position.width)
        .unwrap_or(1)
        .clamp(1, length.saturating_sub(start).max(1));
    let shown: String = line
        .chars()
        .take(if cut {
            start + width
        } else {
            LONGEST.max(start + width)
        })
        .collect();
    let number = position.line.to_string();
    let margin = " ".repeat(number.len());
    Some(format!(
        "  {number} | {}\n  {margin} | {}{}",
        shown.trim_end(),
        " ".repeat(start),
        "^".repeat(width)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line() {
        let text = "environments:\n  dev:\n    namespce: shop-dev\n".to_owned();
        let document = Document::parse(Path::new("plans/shop.yaml"), text).unwrap();
        let problem = document.error(
            &KeyPath::top("environments").key("dev").key("namespce"),
            "unknown key",
        );
        insta::assert_snapshot!(problem, @r"
        plans/shop.yaml:3:5: unknown key
          3 |     namespce: shop-dev
            |     ^^^^^^^^
        ");
        assert_eq!(problem.path.as_deref(), Some("environments.dev.namespce"));
    }

    #[test]
    fn an_excerpt_of_a_secret_ends_at_its_mark() {
        let text = "secrets:\n  - {name: a, data: {b: {vaule: hunter2}}}\n".to_owned();
        let document = Document::parse(Path::new("p.yaml"), text).unwrap();
        let path = KeyPath::top("secrets")
            .item(0)
            .key("data")
            .key("b")
            .key("vaule");
        let problem = document.error(&path, "unknown key").to_string();
        assert!(
            problem.contains("vaule") && !problem.contains("hunter2"),
            "{problem}"
        );
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let problem = Document::parse(Path::new("p.yaml"), "a: 1\nb: [\n".to_owned()).unwrap_err();
        assert!(problem.line.is_some(), "{problem}");
        assert!(problem.to_string().starts_with("p.yaml:"), "{problem}");
    }
}
