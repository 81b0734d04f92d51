//! The object that an operator looks at, and the words in which it speaks of it.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The label that asks for a failure.
pub(super) const FAULT: &str = "sandbox.deployctl.dev/fault";

/// Stands in a status for the time at which it is written. What only differs by it is not written
/// again.
pub(super) const NOW: &str = "<now>";

/// Reason and message of a condition.
pub(super) type Words<'a> = (&'a str, &'a str);

/// The object that an operator looks at.
pub(super) struct Subject<'a> {
    pub(super) object: &'a Value,
    /// What the object refers to, in the order in which its kind names it.
    pub(super) found: Vec<Option<Value>>,
    /// Why the operator cannot do its part, where it cannot.
    pub(super) fault: Option<String>,
}

impl<'a> Subject<'a> {
    /// An object that is well, before anybody has looked for what it refers to.
    pub(super) fn of(object: &'a Value) -> Self {
        Self {
            object,
            found: Vec::new(),
            fault: None,
        }
    }

    pub(super) fn spec(&self) -> &'a Value {
        &self.object["spec"]
    }

    pub(super) fn name(&self) -> &'a str {
        name(self.object)
    }

    pub(super) fn namespace(&self) -> &'a str {
        namespace(self.object)
    }

    /// The value of an annotation.
    pub(super) fn annotation(&self, key: &str) -> Option<&'a str> {
        self.object["metadata"]["annotations"][key].as_str()
    }

    /// The one for an object that the operator is content with, the other for one that fails.
    pub(super) fn either<T>(&self, well: T, badly: T) -> T {
        if self.fault.is_none() { well } else { badly }
    }

    /// Why the object fails, after what the operator says about it.
    pub(super) fn because(&self, message: &str) -> String {
        match &self.fault {
            Some(fault) => format!("{message}: {fault}"),
            None => message.to_owned(),
        }
    }

    /// A condition that is true where all is well.
    pub(super) fn condition(&self, kind: &str, well: Words<'_>, badly: Words<'_>) -> Value {
        let (reason, message) = self.either(well, badly);
        condition(
            kind,
            self.either("True", "False"),
            (reason, &self.because(message)),
        )
    }

    /// The same with the generation that it is about.
    pub(super) fn observed(&self, kind: &str, well: Words<'_>, badly: Words<'_>) -> Value {
        let mut condition = self.condition(kind, well, badly);
        condition["observedGeneration"] = self.object["metadata"]["generation"].clone();
        condition
    }
}

/// A condition whose status does not depend on whether all is well.
pub(super) fn condition(kind: &str, status: &str, (reason, message): Words<'_>) -> Value {
    json!({"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": NOW})
}

pub(super) fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// The namespace, or nothing where the object is in none.
pub(super) fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

/// The entries of a list; none where there is no list.
pub(super) fn entries(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// The keys of a map; none where there is no map.
pub(super) fn keys(map: &Value) -> impl Iterator<Item = &str> {
    map.as_object()
        .into_iter()
        .flat_map(|map| map.keys().map(String::as_str))
}

/// The text, or `otherwise` where there is none.
pub(super) fn text_or<'a>(value: &'a Value, otherwise: &'a str) -> &'a str {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .unwrap_or(otherwise)
}

/// A value for somebody's secret, made up: always the same one for the same words, so that an
/// operator that looks again changes nothing.
pub(super) fn made_up(words: &[&str]) -> String {
    let digest = Sha256::digest(words.join("/").as_bytes());
    let number = digest[..12]
        .iter()
        .fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("{number:024x}")
}
