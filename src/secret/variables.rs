//! The plan's variables, for templates of secrets.

use std::borrow::Cow;

use indexmap::IndexMap;
use serde_json::Value;

/// The plan's variables, as text. Everything but `${name|filter}` in templates has been replaced
/// when the plan was resolved.
pub(super) struct Variables<'a>(pub(super) &'a IndexMap<String, Value>);

impl<'a> Variables<'a> {
    /// The value of `name` as text; `None` where no variable has that name.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'a, str>> {
        Some(match self.0.get(name)? {
            Value::String(text) => Cow::Borrowed(text.as_str()),
            other => Cow::Owned(other.to_string()),
        })
    }
}
