//! Secret values are not shown, wherever they stand; that they change is.

use std::collections::{BTreeMap, BTreeSet};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
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

/// How far the value of a key of a Secret is known to be one that must not be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    /// It stands in the plan, in the open.
    Open,
    /// The plan says that it is a secret.
    Declared,
    /// It stands in a Secret, as words and addresses do as often as secrets.
    Assumed,
}

/// The secret values that must not be shown, in every form in which they may stand in a text.
#[derive(Debug, Default)]
pub(crate) struct Masker {
    /// Longest first.
    values: Vec<String>,
    /// Values of Secrets that are hidden where nothing else stands beside them.
    whole: BTreeSet<String>,
}

impl Masker {
    /// Knows the values in `secrets`, live or wanted; `secrecy` says of a key of one of them what its
    /// value is.
    pub(crate) fn of<'a>(
        secrets: impl Iterator<Item = &'a Value>,
        secrecy: &dyn Fn(&Value, &str) -> Secrecy,
    ) -> Self {
        let (mut forms, mut whole) = (BTreeSet::new(), BTreeSet::new());
        for secret in secrets {
            for (key, value) in map(secret, "/data").into_iter().flatten() {
                let decoded = value.as_str().and_then(|text| STANDARD.decode(text).ok());
                let bytes = decoded.unwrap_or_default();
                let text = str::from_utf8(&bytes).ok().map(str::trim);
                whole.extend(text.filter(|it| is_long(it)).map(str::to_owned));
                match secrecy(secret, key) {
                    Secrecy::Open => {}
                    said => collect(&bytes, text, said == Secrecy::Declared, &mut forms),
                }
            }
        }
        let mut values: Vec<String> = forms.into_iter().collect();
        values.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Self { values, whole }
    }

    /// The value of a variable without secret values: also what is too short or too common to be looked
    /// for in other texts is one where a Secret has exactly it.
    pub(crate) fn variable(&self, value: &str) -> String {
        if self.whole.contains(value.trim()) {
            return SECRET.to_owned();
        }
        self.text(value)
    }

    /// The values of a variable before and after, as [`Self::variable`] shows each. Where they differ only
    /// in what is hidden, that is still seen.
    pub(crate) fn variables(
        &self,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> (Option<Value>, Option<Value>) {
        let is_whole = |value: &Value| {
            let text = scalar(value);
            text.is_some_and(|text| self.whole.contains(text.trim()))
        };
        let (mut masked, mut now) = self.pair(before, after);
        for (value, shown) in [(before, &mut masked), (after, &mut now)] {
            if value.is_some_and(is_whole) {
                *shown = Some(SECRET.into());
            }
        }
        if before != after && masked == now && after.is_some_and(is_whole) {
            now = Some(CHANGED.into());
        }
        (masked, now)
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
            (Value::Array(one), Value::Array(other)) => self.items(one, other),
            _ => {
                let (masked, mut now) = (self.value(before), self.value(after));
                if let Value::String(text) = &mut now
                    && before != after
                    && masked == *text
                {
                    *text = text.replace(SECRET, CHANGED);
                }
                (masked, now)
            }
        }
    }

    /// Two lists: of other lengths, an item stands against the one that it differs from in nothing that is shown, or
    /// that has its name.
    fn items(&self, one: &[Value], other: &[Value]) -> (Value, Value) {
        if one.len() == other.len() {
            let pairs = one.iter().zip(other);
            let (one, other) = pairs.map(|(one, other)| self.both(one, other)).unzip();
            return (Value::Array(one), Value::Array(other));
        }
        let gone = one.iter().filter(|item| !other.contains(item));
        let mut gone: Vec<&Value> = gone.collect();
        let now = other.iter().map(|item| {
            let is_it = |was: &&Value| {
                let is_named = !item["name"].is_null() && was["name"] == item["name"];
                is_named || self.value(was) == self.value(item)
            };
            match gone.iter().position(is_it) {
                Some(at) if !one.contains(item) => self.both(gone.remove(at), item).1,
                _ => self.value(item),
            }
        });
        let now = now.collect();
        (one.iter().map(|item| self.value(item)).collect(), now)
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
            Value::Number(number) => {
                let (text, masked) = (number.to_string(), self.text(&number.to_string()));
                if text == masked {
                    value.clone()
                } else {
                    masked.into()
                }
            }
            other => other.clone(),
        }
    }
}

/// `value` as a text where it is a single one.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn is_long(value: &str) -> bool {
    value.chars().count() >= SHORTEST_DECLARED
}

/// Adds the forms of a value that are a secret: of the `bytes`, of the `text` that they are, and of
/// several lines those that are a secret by themselves, as those of a key are.
fn collect(bytes: &[u8], text: Option<&str>, is_declared: bool, forms: &mut BTreeSet<String>) {
    let Some(text) = text else {
        if bytes.len() >= SHORTEST {
            forms.extend(encoded(bytes));
        }
        return;
    };
    if is_telling(text, is_declared) {
        forms.extend(written(text));
        forms.extend(encoded(bytes));
    }
    let lines = text.lines().map(str::trim).filter(|line| *line != text);
    let is_secret = |line: &&str| {
        line.len() >= SHORTEST_LINE && !line.starts_with('-') && !line.contains(char::is_whitespace)
    };
    forms.extend(lines.filter(is_secret).flat_map(written));
}

/// What stays as it is in a part of a URL, by RFC 3986 and by `encodeURIComponent`.
/// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');
const COMPONENT: &AsciiSet = &UNRESERVED
    .remove(b'!')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// The forms in which `text` is written: as it is, in base64, percent-encoded, and within a string of
/// JSON.
fn written(text: &str) -> Vec<String> {
    let quoted = Value::from(text).to_string();
    let mut forms = vec![text.to_owned(), quoted[1..quoted.len() - 1].to_owned()];
    forms.extend(
        [NON_ALPHANUMERIC, UNRESERVED, COMPONENT]
            .map(|set| utf8_percent_encode(text, set).to_string()),
    );
    forms.extend(encoded(text.as_bytes()));
    forms
}

/// `bytes` in each alphabet of base64.
fn encoded(bytes: &[u8]) -> [String; 4] {
    [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD].map(|engine| engine.encode(bytes))
}

/// Whether `value` is to be looked for in other texts.
fn is_telling(value: &str, is_declared: bool) -> bool {
    if is_declared {
        return is_long(value);
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
        let secrecy = |_: &Value, key: &str| {
            let source = sources.iter().find(|(name, _)| *name == key);
            match source.map(|(_, from)| *from) {
                Some("from the plan") => Secrecy::Open,
                Some(_) => Secrecy::Declared,
                None => Secrecy::Assumed,
            }
        };
        Masker::of(std::iter::once(&secret(values)), &secrecy)
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
    fn a_value_is_masked_in_every_form_in_which_it_may_be_written() {
        let value = "p\"a/ss?>~\u{fc}>>?";
        let masker = masker(&[("a", &format!("{value}\n")), ("b", "x")], &[]);
        let with_line_end = format!("{value}\n");
        for form in [
            STANDARD.encode(value),
            STANDARD_NO_PAD.encode(value),
            URL_SAFE.encode(value),
            URL_SAFE_NO_PAD.encode(value),
            STANDARD.encode(&with_line_end),
            URL_SAFE_NO_PAD.encode(&with_line_end),
            "p%22a%2Fss%3F%3E~%C3%BC%3E%3E%3F".to_owned(),
            "p%22a%2Fss%3F%3E%7E%C3%BC%3E%3E%3F".to_owned(),
            json!({"a": value})["a"]
                .to_string()
                .trim_matches('"')
                .to_owned(),
            serde_json::to_string(value)
                .unwrap()
                .trim_matches('"')
                .to_owned(),
        ] {
            assert_eq!(
                masker.text(&format!("a={form}&b")),
                "a=(secret)&b",
                "{form}"
            );
        }
    }

    #[test]
    fn bytes_that_are_no_text_are_masked_in_base64() {
        let bytes = [0xff_u8, 0xfe, 1, 2, 3, 4, 5, 6, 7, 8];
        let secret = json!({"metadata": {"name": "db"}, "data": {"key": STANDARD.encode(bytes)}});
        let masker = Masker::of(std::iter::once(&secret), &|_, _| Secrecy::Assumed);
        let text = format!(
            "{} {}",
            STANDARD.encode(bytes),
            URL_SAFE_NO_PAD.encode(bytes)
        );
        assert_eq!(masker.text(&text), "(secret) (secret)");
    }

    #[test]
    fn a_variable_that_is_all_of_a_value_is_hidden_although_it_is_a_word() {
        let masker = masker(
            &[
                ("old", "hunter"),
                ("new", "swordfish"),
                ("pin", "123456"),
                ("open", "postgres"),
                ("no", "dev"),
            ],
            &[("open", "from the plan")],
        );
        assert_eq!(masker.text("hunter"), "hunter");
        assert_eq!(masker.variable("hunter"), "(secret)");
        assert_eq!(masker.variable("postgres"), "(secret)");
        assert_eq!(masker.variable("dev"), "dev");
        let shown = |before: Value, after: Value| masker.variables(Some(&before), Some(&after));
        let some = |text: &str| Some(Value::from(text));
        assert_eq!(
            shown("hunter".into(), "swordfish".into()),
            (some("(secret)"), some("(changed)"))
        );
        assert_eq!(
            shown("v1".into(), 123_456.into()),
            (some("v1"), some("(secret)"))
        );
        assert_eq!(shown(2.into(), 3.into()), (Some(2.into()), Some(3.into())));
        assert_eq!(
            masker.variables(None, Some(&"hunter".into())),
            (None, some("(secret)"))
        );
    }

    #[test]
    fn a_secret_item_that_changes_is_seen_in_a_list_that_grows() {
        let masker = masker(
            &[
                ("a", "old-Value-1"),
                ("b", "new-Value-2"),
                ("c", "one-Value-3"),
            ],
            &[],
        );
        let shown = |one: Value, other: Value| {
            let (one, other) = masker.pair(Some(&one), Some(&other));
            (one.unwrap(), other.unwrap())
        };
        assert_eq!(
            shown(
                json!(["--a=old-Value-1", "x"]),
                json!(["--new", "--a=new-Value-2", "x"])
            )
            .1,
            json!(["--new", "--a=(changed)", "x"])
        );
        assert_eq!(
            shown(
                json!(["old-Value-1", "x", "y"]),
                json!(["new-Value-2", "x"])
            ),
            (json!(["(secret)", "x", "y"]), json!(["(changed)", "x"]))
        );
        assert_eq!(
            shown(json!(["one-Value-3"]), json!(["x", "one-Value-3"])),
            (json!(["(secret)"]), json!(["x", "(secret)"]))
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
