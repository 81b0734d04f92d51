//! Questions for secret values; the terminal itself is the command line's.

use std::fmt;

use regex::Regex;
use secrecy::SecretString;

use super::{
    check::{check_format, check_pattern, compile},
    error::{AskError, SecretError},
    key_name::KeyName,
    needs::PromptNeed,
    rejection::Rejection,
    value::SecretBytes,
};
use crate::plan::ValueFormat;

/// Questions to the user. The command line implements it: nothing else knows the terminal.
pub(crate) trait Ask {
    /// Asks for a value at a hidden prompt until it passes [`SecretPrompt::check`].
    fn secret(&mut self, prompt: &SecretPrompt) -> Result<SecretString, AskError>;

    /// Asks `question`, which is answered by yes or no.
    fn confirm(&mut self, question: &str) -> Result<bool, AskError>;

    /// Asks `question`, which is answered by typing `name`. Returns whether exactly that was typed.
    fn typed_name(&mut self, question: &str, name: &str) -> Result<bool, AskError>;
}

/// One value to ask for, and what makes an answer acceptable.
#[derive(Clone)]
pub(crate) struct SecretPrompt {
    /// Which value.
    pub(crate) name: KeyName,
    /// The text of the plan.
    pub(crate) text: String,
    /// May be left empty.
    pub(crate) optional: bool,
    /// Must be typed twice.
    pub(crate) confirm: bool,
    pattern: Option<Regex>,
    format: Option<ValueFormat>,
}

impl SecretPrompt {
    /// The prompt for `need`; an error where its pattern is no regular expression.
    pub(super) fn new(need: &PromptNeed) -> Result<Self, SecretError> {
        let name = need.name.clone();
        let pattern = need
            .pattern
            .as_deref()
            .map(|pattern| compile(pattern, &name))
            .transpose()?;
        Ok(Self {
            name,
            text: need.text.clone(),
            optional: need.optional,
            confirm: need.confirm,
            pattern,
            format: need.format,
        })
    }

    /// The line that the user sees, without a colon at its end.
    pub(crate) fn line(&self) -> String {
        let optional = if self.optional {
            ", optional: Enter leaves it out"
        } else {
            ""
        };
        format!("{} ({}{optional})", self.text, self.name)
    }

    /// Why `answer` is not acceptable. The reason never contains the answer.
    pub(crate) fn check(&self, answer: &str) -> Result<(), Rejection> {
        if answer.is_empty() {
            return if self.optional {
                Ok(())
            } else {
                Err(Rejection::Empty)
            };
        }
        let value = SecretBytes::from(answer);
        check_pattern(&value, self.pattern.as_ref())?;
        check_format(&value, self.format)
    }
}

impl fmt::Debug for SecretPrompt {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SecretPrompt")
            .field("name", &self.name)
            .field("text", &self.text)
            .finish_non_exhaustive()
    }
}
