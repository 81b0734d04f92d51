//! Something wrong with what was written down: which file, which line, which object.

use std::fmt;

use serde::Serialize;

use super::{ObjectId, Origin};

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Nothing can be done before it is mended.
    Error,
    /// It can be done, but may not be what was meant.
    Warning,
}

/// Something wrong with what was written down, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// How bad it is.
    pub(crate) severity: Severity,
    /// Where it was written down.
    pub(crate) origin: Option<Origin>,
    /// Column in that line, from 1.
    pub(crate) column: Option<u32>,
    /// The object it is about.
    pub(crate) object: Option<ObjectId>,
    /// What is wrong: a fragment without full stop.
    pub(crate) message: String,
    /// What to do about it: a fragment in the imperative.
    pub(crate) hint: Option<String>,
    /// The line in question with a mark below it.
    pub(crate) excerpt: Option<String>,
}

impl Problem {
    /// A problem that stops everything.
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            origin: None,
            column: None,
            object: None,
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// A problem that is only said.
    pub(crate) fn warning(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Warning,
            ..Self::error(message)
        }
    }

    /// Says where it was written down.
    pub(crate) fn at(mut self, origin: &Origin) -> Self {
        self.origin = Some(origin.clone());
        self
    }

    /// Says where it was written down, where that is not known yet.
    pub(crate) fn or_at(self, origin: &Origin) -> Self {
        if self.origin.is_none() {
            self.at(origin)
        } else {
            self
        }
    }

    /// Says which object it is about.
    pub(crate) fn about(mut self, object: &ObjectId) -> Self {
        self.object = Some(object.clone());
        self
    }

    /// Says what to do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Whether it stops everything.
    pub(crate) fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

impl fmt::Display for Problem {
    /// `FILE:LINE:COLUMN: OBJECT: MESSAGE; HINT`, without what is not known, and the excerpt below
    /// it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(formatter, "{origin}:")?;
            self.column
                .map_or(Ok(()), |column| write!(formatter, "{column}:"))?;
            formatter.write_str(" ")?;
        }
        if let Some(object) = &self.object {
            write!(formatter, "{object}: ")?;
        }
        formatter.write_str(&self.message)?;
        self.hint
            .as_ref()
            .map_or(Ok(()), |hint| write!(formatter, "; {hint}"))?;
        self.excerpt
            .as_ref()
            .map_or(Ok(()), |excerpt| write!(formatter, "\n{excerpt}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, sync::Arc};

    use super::*;

    #[test]
    fn a_problem_reads_as_one_sentence() {
        let origin = Origin {
            file: Arc::from(Path::new("web.yaml")),
            line: 7,
        };
        let object = ObjectId {
            group: String::new(),
            kind: "Service".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "web".to_owned(),
        };
        let problem = Problem::error("is there twice")
            .at(&origin)
            .about(&object)
            .hint("remove one");
        assert_eq!(
            problem.to_string(),
            "web.yaml:7: Service/shop/web: is there twice; remove one"
        );
        assert_eq!(Problem::warning("x").to_string(), "x");
        assert!(!Problem::warning("x").is_error());
    }
}
