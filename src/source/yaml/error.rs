//! YAML that cannot be read: where, and why, without what may be secret.

use std::{fmt, path::Path, sync::Arc};

use crate::object::Origin;

/// YAML that cannot be read: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct YamlError {
    /// The file, as the user would name it.
    pub(crate) file: Arc<Path>,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column, from 1.
    pub(crate) column: u32,
    /// What is wrong, a lowercase fragment.
    pub(crate) message: String,
    /// The line itself; `None` where the file holds a Secret, whose values are never shown.
    pub(crate) snippet: Option<String>,
}

impl YamlError {
    /// An error at `line` and `column` of `text`, both from 1.
    pub(super) fn at(
        file: &Arc<Path>,
        text: &str,
        line: u32,
        column: u32,
        message: String,
    ) -> Self {
        let snippet = text
            .lines()
            .nth((line as usize).saturating_sub(1))
            .map(|line| line.trim_end().to_owned());
        let width = snippet.as_ref().map(|line| line.chars().count());
        let last = width.and_then(|width| u32::try_from(width + 1).ok());
        Self {
            file: Arc::clone(file),
            line,
            // The text may have been changed for the parser.
            column: last.map_or(column, |last| column.min(last)),
            message,
            snippet: snippet.filter(|_| !may_hold_secrets(text)),
        }
    }

    /// The place of the error.
    pub(crate) fn origin(&self) -> Origin {
        Origin {
            file: Arc::clone(&self.file),
            line: self.line,
        }
    }
}

/// Whether `text` has a line that looks like the kind of a Secret, so that no line of it may be
/// shown.
fn may_hold_secrets(text: &str) -> bool {
    text.lines()
        .any(|line| line.contains("kind") && line.contains("Secret"))
        || text.contains("stringData")
}

impl YamlError {
    /// The line with a mark below the column, where it may be shown and is short enough to help.
    pub(crate) fn excerpt(&self) -> Option<String> {
        let snippet = self
            .snippet
            .as_ref()
            .filter(|line| line.len() <= 200 && !line.trim().is_empty())?;
        let number = self.line.to_string();
        let mark = " ".repeat(self.column.saturating_sub(1) as usize);
        Some(format!(
            "  {number} | {}\n  {} | {mark}^",
            snippet.replace('\t', " "),
            " ".repeat(number.len())
        ))
    }
}

impl fmt::Display for YamlError {
    /// `FILE:LINE:COLUMN: MESSAGE`, and the excerpt below it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{}:{}:{}: {}",
            self.file.display(),
            self.line,
            self.column,
            self.message
        )?;
        self.excerpt()
            .map_or(Ok(()), |excerpt| write!(formatter, "\n{excerpt}"))
    }
}

impl std::error::Error for YamlError {}
