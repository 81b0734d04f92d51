//! What a value must be, whatever its source. Reasons never contain the value.

use regex::Regex;
use serde::de::IgnoredAny;

use super::{error::SecretError, key_name::KeyName, pem, rejection::Rejection, value::SecretBytes};
use crate::plan::{SecretValue, ValueFormat};

/// The API server takes no Secret of more than this many bytes.
/// <https://kubernetes.io/docs/concepts/configuration/secret/#restriction-data-size>
pub(super) const LARGEST_SECRET: usize = 1024 * 1024;

/// The pattern of `name` as a regular expression.
pub(super) fn compile(pattern: &str, name: &KeyName) -> Result<Regex, SecretError> {
    Regex::new(pattern).map_err(|source| SecretError::Pattern {
        name: name.clone(),
        source: Box::new(source),
    })
}

/// Checks `value` against the pattern and format of its declaration. `origin` says where the value
/// came from.
pub(super) fn check(
    name: &KeyName,
    declared: &SecretValue,
    value: &SecretBytes,
    origin: &str,
) -> Result<(), SecretError> {
    let pattern = declared
        .pattern
        .as_deref()
        .map(|pattern| compile(pattern, name))
        .transpose()?;
    check_size(value)
        .and_then(|()| check_pattern(value, pattern.as_ref()))
        .and_then(|()| check_format(value, declared.format))
        .map_err(|rejection| reject(name, origin, rejection))
}

/// The error for a value that is not acceptable.
pub(super) fn reject(name: &KeyName, origin: &str, rejection: Rejection) -> SecretError {
    SecretError::Rejected {
        name: name.clone(),
        origin: origin.to_owned(),
        rejection,
    }
}

fn check_size(value: &SecretBytes) -> Result<(), Rejection> {
    if value.expose().len() > LARGEST_SECRET {
        Err(Rejection::TooLarge)
    } else {
        Ok(())
    }
}

/// Checks that `pattern` is found in `value`. A pattern for the whole value has `^` and `$`.
pub(super) fn check_pattern(value: &SecretBytes, pattern: Option<&Regex>) -> Result<(), Rejection> {
    let Some(pattern) = pattern else {
        return Ok(());
    };
    let text = value.expose_text().ok_or(Rejection::NotText)?;
    if pattern.is_match(text) {
        Ok(())
    } else {
        Err(Rejection::Pattern {
            pattern: pattern.as_str().to_owned(),
        })
    }
}

/// Checks that `value` is what `format` says. Only places are reported, because parsers quote what
/// they read.
pub(super) fn check_format(
    value: &SecretBytes,
    format: Option<ValueFormat>,
) -> Result<(), Rejection> {
    match format {
        None => Ok(()),
        Some(ValueFormat::Json) => serde_json::from_slice::<IgnoredAny>(value.expose())
            .map(drop)
            .map_err(|error| Rejection::NotJson {
                line: error.line(),
                column: error.column(),
            }),
        Some(ValueFormat::Pem) => {
            pem::blocks(value.expose_text().ok_or(Rejection::NotText)?).map(drop)
        }
        Some(ValueFormat::Yaml) => check_yaml(value.expose_text().ok_or(Rejection::NotText)?),
    }
}

fn check_yaml(text: &str) -> Result<(), Rejection> {
    serde_yaml::from_multiple::<serde_json::Value>(text)
        .map(drop)
        .map_err(|error| Rejection::NotYaml {
            at: error
                .location()
                .map(|location| {
                    format!(" (line {}, column {})", location.line(), location.column())
                })
                .unwrap_or_default(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejection(text: &str, format: ValueFormat) -> Option<String> {
        check_format(&SecretBytes::from(text), Some(format))
            .err()
            .map(|rejection| rejection.to_string())
    }

    #[test]
    fn formats_are_checked_and_only_places_are_named() {
        assert_eq!(
            rejection(r#"{"type": "service_account"}"#, ValueFormat::Json),
            None
        );
        let broken = rejection(r#"{"private_key": hunter2}"#, ValueFormat::Json).expect("refused");
        assert!(
            broken.contains("line 1") && !broken.contains("hunter2"),
            "{broken}"
        );
        assert_eq!(rejection("a: 1\n---\nb: 2\n", ValueFormat::Yaml), None);
        let broken = rejection("a: 1\nhunter2: [\n", ValueFormat::Yaml).expect("refused");
        assert!(!broken.contains("hunter2"), "{broken}");
    }

    #[test]
    fn a_pattern_is_searched_for_and_its_reason_hides_the_value() {
        let pattern = Regex::new("^sk_").expect("a pattern");
        assert_eq!(
            check_pattern(&SecretBytes::from("sk_test_1"), Some(&pattern)),
            Ok(())
        );
        let reason = check_pattern(&SecretBytes::from("hunter2"), Some(&pattern))
            .expect_err("refused")
            .to_string();
        assert_eq!(reason, "it does not match the pattern `^sk_`");
        assert_eq!(
            check_pattern(&SecretBytes::new(vec![0xff]), Some(&pattern)),
            Err(Rejection::NotText)
        );
    }
}
