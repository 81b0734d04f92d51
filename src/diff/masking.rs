//! Secret values are not shown, wherever they stand; that they change is.

use std::collections::{BTreeMap, BTreeSet};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::object::field::map;

/// What stands for a secret value.
const SECRET: &str = "(secret)";
/// What stands for a secret value that is another one than before.
const CHANGED: &str = "(changed)";

/// The fields of a Secret that hold values.
pub(super) const VALUES: [&str; 2] = ["data", "stringData"];

/// A value that a plan says is a secret is masked from this length on.
const SHORTEST_DECLARED: usize = 6;
/// One that only stands in a Secret, from this.
const SHORTEST: usize = 8;
/// A line of a value of several lines is a secret by itself from this.
const SHORTEST_LINE: usize = 20;

/// The secret values that must not be shown, longest first.
#[derive(Debug, Default)]
pub(crate) struct Masker {
    values: Vec<String>,
}

impl Masker {
    /// Knows the values in `secrets`, live or wanted. `sources` says of declared keys, as `NAME/KEY`,
    /// where their values come from: those that stand in the plan are in the open, and those of keys
    /// that nobody declared are words and addresses as often as secrets.
    pub(crate) fn of<'a>(
        secrets: impl Iterator<Item = &'a Value>,
        sources: &BTreeMap<String, String>,
    ) -> Self {
        let mut values = BTreeSet::new();
        for secret in secrets {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default();
            for (key, value) in map(secret, "/data").into_iter().flatten() {
                let source = sources.get(&format!("{name}/{key}")).map(String::as_str);
                let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
                let text = decoded.and_then(|bytes| String::from_utf8(bytes).ok());
                if let Some(text) = text.filter(|_| source != Some("from the plan")) {
                    collect(text.trim(), source.is_some(), &mut values);
                }
            }
        }
        let encoded: Vec<String> = values.iter().map(|value| STANDARD.encode(value)).collect();
        let mut values: Vec<String> = values.into_iter().chain(encoded).collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values }
    }

    /// `text` without secret values.
    pub(crate) fn text(&self, text: &str) -> String {
        let known = self.values.iter().filter(|value| text.contains(*value));
        known.fold(text.to_owned(), |text, value| text.replace(value, SECRET))
    }

    /// `before` and `after` without secret values in them. Where they differ only in those, that is
    /// still seen.
    pub(super) fn pair(
        &self,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        match (before, after) {
            (Some(before), Some(after)) => {
                let (before, after) = self.both(before, after);
                (Some(before), Some(after))
            }
            (before, after) => (
                before.map(|it| self.value(it)),
                after.map(|it| self.value(it)),
            ),
        }
    }

    fn both(&self, before: &Value, after: &Value) -> (Value, Value) {
        match (before, after) {
            (Value::String(one), Value::String(other)) => {
                let (masked, mut now) = (self.text(one), self.text(other));
                if one != other && masked == now {
                    now = now.replace(SECRET, CHANGED);
                }
                (masked.into(), now.into())
            }
            (Value::Object(one), Value::Object(other)) => {
                let masked =
                    |these: &Map<String, Value>, those: &Map<String, Value>, is_new: bool| {
                        let masked = these.iter().map(|(name, value)| {
                            let masked = match those.get(name) {
                                Some(other) if is_new => self.both(other, value).1,
                                _ => self.value(value),
                            };
                            (name.clone(), masked)
                        });
                        masked.collect::<Map<_, _>>()
                    };
                (
                    masked(one, other, false).into(),
                    masked(other, one, true).into(),
                )
            }
            (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
                let pairs = one.iter().zip(other);
                let (one, other) = pairs.map(|(one, other)| self.both(one, other)).unzip();
                (Value::Array(one), Value::Array(other))
            }
            _ => (self.value(before), self.value(after)),
        }
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(fields) => {
                let masked = fields.iter();
                let masked = masked.map(|(name, value)| (name.clone(), self.value(value)));
                Value::Object(masked.collect())
            }
            other => other.clone(),
        }
    }
}

/// Adds `text`, and of several lines those that are a secret by themselves, as those of a key are.
fn collect(text: &str, is_declared: bool, values: &mut BTreeSet<String>) {
    if is_telling(text, is_declared) {
        values.insert(text.to_owned());
    }
    let lines = text.lines().map(str::trim).filter(|line| *line != text);
    let is_secret = |line: &&str| {
        line.len() >= SHORTEST_LINE && !line.starts_with('-') && !line.contains(char::is_whitespace)
    };
    values.extend(lines.filter(is_secret).map(str::to_owned));
}

/// Whether `value` is to be looked for in other texts.
fn is_telling(value: &str, is_declared: bool) -> bool {
    if is_declared {
        return value.chars().count() >= SHORTEST_DECLARED;
    }
    let is_word = |character: char| character.is_ascii_lowercase() || "-._".contains(character);
    value.chars().count() >= SHORTEST
        && !value.chars().all(is_word)
        && !value.chars().all(|character| character.is_ascii_digit())
}

/// The values of two states of a Secret, masked key by key; `sources` says of new ones where they come
/// from.
pub(super) fn masked_values(
    before: Option<&Value>,
    after: Option<&Value>,
    sources: &BTreeMap<String, String>,
) -> (Option<Value>, Option<Value>) {
    let of = |value: Option<&Value>| {
        value
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_default()
    };
    let (one, other) = (of(before), of(after));
    let hidden: Map<String, Value> = one
        .keys()
        .map(|name| (name.clone(), SECRET.into()))
        .collect();
    let shown = other.iter().map(|(name, value)| {
        let said = match one.get(name) {
            Some(before) if before == value => SECRET.to_owned(),
            Some(_) => CHANGED.to_owned(),
            None => sources
                .get(name)
                .map_or(SECRET.to_owned(), |source| format!("({source})")),
        };
        (name.clone(), Value::from(said))
    });
    let shown: Map<String, Value> = shown.collect();
    let as_value = |was: Option<&Value>, masked| was.map(|_| Value::Object(masked));
    (as_value(before, hidden), as_value(after, shown))
}

/// Whether `value` only stands for a secret one.
pub(crate) fn is_masked(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|text| text == SECRET || text == CHANGED)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(values: &[(&str, &str)]) -> Value {
        let data: Map<String, Value> = values
            .iter()
            .map(|(key, value)| ((*key).to_owned(), STANDARD.encode(value).into()))
            .collect();
        json!({"metadata": {"name": "db"}, "data": data})
    }

    fn masker(values: &[(&str, &str)], sources: &[(&str, &str)]) -> Masker {
        let sources = sources.iter();
        let sources = sources.map(|(key, from)| (format!("db/{key}"), (*from).to_owned()));
        Masker::of(std::iter::once(&secret(values)), &sources.collect())
    }

    #[test]
    fn a_value_is_masked_wherever_it_stands() {
        let masker = masker(&[("password", "s3cr3t-Pass")], &[]);
        let encoded = STANDARD.encode("s3cr3t-Pass");
        assert_eq!(
            masker.text(&format!("postgres://shop:s3cr3t-Pass@db and {encoded}")),
            "postgres://shop:(secret)@db and (secret)"
        );
    }

    #[test]
    fn words_that_only_stand_in_a_secret_are_no_secrets_and_declared_ones_are() {
        let values = [("user", "postgres"), ("pin", "12345678"), ("short", "Ab1")];
        let text = "postgres 12345678 Ab1";
        assert_eq!(masker(&values, &[]).text(text), text);
        let declared = [
            ("user", "asked for"),
            ("pin", "from the plan"),
            ("short", "kept"),
        ];
        assert_eq!(
            masker(&values, &declared).text(text),
            "(secret) 12345678 Ab1"
        );
    }

    #[test]
    fn the_lines_of_a_key_are_masked_one_by_one() {
        let key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\nshort\n-----END PRIVATE KEY-----\n";
        let masker = masker(&[("tls.key", key)], &[]);
        assert_eq!(
            masker.text("  MIIEvQIBADANBgkqhkiG9w0BAQ\n  -----END PRIVATE KEY-----"),
            "  (secret)\n  -----END PRIVATE KEY-----"
        );
    }

    #[test]
    fn a_change_of_nothing_but_a_secret_is_still_seen() {
        let masker = masker(&[("a", "old-Value-1"), ("b", "new-Value-2")], &[]);
        let url = |password: &str| json!({"url": format!("db:{password}"), "port": 1, "same": "x"});
        let (before, after) = masker.pair(Some(&url("old-Value-1")), Some(&url("new-Value-2")));
        assert_eq!(
            before,
            Some(json!({"url": "db:(secret)", "port": 1, "same": "x"}))
        );
        assert_eq!(
            after,
            Some(json!({"url": "db:(changed)", "port": 1, "same": "x"}))
        );
    }

    #[test]
    fn values_of_secrets_are_masked_key_by_key() {
        let sources = BTreeMap::from([("new".to_owned(), "generated".to_owned())]);
        let (before, after) = (
            json!({"same": "YQ==", "other": "YQ==", "gone": "YQ=="}),
            json!({"same": "YQ==", "other": "Yg==", "new": "Yg==", "manifest": "Yg=="}),
        );
        let (before, after) = masked_values(Some(&before), Some(&after), &sources);
        assert_eq!(
            before,
            Some(json!({"same": "(secret)", "other": "(secret)", "gone": "(secret)"}))
        );
        assert_eq!(
            after,
            Some(
                json!({"same": "(secret)", "other": "(changed)", "new": "(generated)", "manifest": "(secret)"})
            )
        );
        assert_eq!(masked_values(None, None, &sources), (None, None));
    }
}
