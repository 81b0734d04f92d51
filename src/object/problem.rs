//! Something wrong with what was written down: which file, which line, which object.

use std::fmt;

use super::{ObjectId, Origin};
use crate::finding::Check;

/// Something wrong with what was written down, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// What found it, which says how bad it is.
    pub(crate) check: Check,
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
    /// What `check` has found.
    pub(crate) fn of(check: Check, message: impl Into<String>) -> Self {
        Self {
            check,
            origin: None,
            column: None,
            object: None,
            message: message.into(),
            hint: None,
            excerpt: None,
        }
    }

    /// That a source or a manifest cannot be used ([`Check::Manifest`]).
    pub(crate) fn error(message: impl Into<String>) -> Self {
        Self::of(Check::Manifest, message)
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
        self.check.is_error()
    }
}

impl fmt::Display for Problem {
    /// `FILE:LINE:COLUMN: OBJECT: MESSAGE; HINT [CHECK]`, without what is not known, and the excerpt
    /// below it.
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
        formatter.write_str(&self.check.mark())?;
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
        let warning = Problem::of(Check::SelectsNothing, "x");
        assert_eq!(warning.to_string(), "x [selects-nothing]");
        assert!(!warning.is_error());
    }
}
