//! The file that `--secrets-file` names: YAML (`name: {key: value}`) or lines `NAME/KEY=value`.

use std::{collections::HashMap, path::Path};

use indexmap::IndexMap;
use serde_json::Value;

use super::{error::SecretError, file::read_file, key_name::KeyName, names, value::SecretBytes};
use crate::plan::SecretDeclaration;

type Values = HashMap<KeyName, SecretBytes>;

/// The values in `file`, or everything that is wrong with it. Errors name lines and never show what
/// is in them.
pub(super) fn read(
    file: &Path,
    declarations: &[SecretDeclaration],
) -> Result<Values, Vec<SecretError>> {
    let content = read_file(file, "`--secrets-file`").map_err(|error| vec![error])?;
    let problem = |line, problem: &str| SecretError::SecretsFile {
        file: file.to_owned(),
        line,
        problem: problem.to_owned(),
    };
    let text = content
        .expose_text()
        .ok_or_else(|| vec![problem(1, "the file is not UTF-8 text")])?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = if is_lines(file, text) {
        lines(text)
    } else {
        yaml(text)
    };
    let mut values = Values::new();
    let mut errors = Vec::new();
    for entry in found {
        match entry {
            Err((line, text)) => errors.push(problem(line, text)),
            Ok((line, name, value)) => {
                let place = line.map_or_else(
                    || file.display().to_string(),
                    |line| format!("{}:{line}", file.display()),
                );
                match names::known(&name, declarations, &place) {
                    Err(error) => errors.push(error),
                    Ok(()) if values.contains_key(&name) => {
                        errors.push(SecretError::SuppliedTwice { name });
                    }
                    Ok(()) => drop(values.insert(name, value)),
                }
            }
        }
    }
    if errors.is_empty() {
        Ok(values)
    } else {
        Err(errors)
    }
}

type Entry = Result<(Option<usize>, KeyName, SecretBytes), (usize, &'static str)>;

/// Whether the file holds lines `NAME/KEY=value`, by its name or else by its first line that says
/// something.
fn is_lines(file: &Path, text: &str) -> bool {
    match file.extension().and_then(|extension| extension.to_str()) {
        Some("env") => true,
        Some("yaml" | "yml" | "json") => false,
        _ => significant(text).next().is_some_and(|(_, line)| {
            line.split_once('=')
                .is_some_and(|(name, _)| KeyName::parse(name.trim()).is_some())
        }),
    }
}

fn significant(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

fn lines(text: &str) -> Vec<Entry> {
    let entry = |(number, line): (usize, &str)| {
        let wrong = (number, "a line must be written `NAME/KEY=value`");
        let (name, value) = line.split_once('=').ok_or(wrong)?;
        let name = KeyName::parse(name.trim()).ok_or(wrong)?;
        Ok((
            Some(number),
            name,
            SecretBytes::from(unquoted(value.trim())),
        ))
    };
    significant(text).map(entry).collect()
}

fn unquoted(value: &str) -> &str {
    let inside = |quote| {
        value
            .strip_prefix(quote)
            .and_then(|rest: &str| rest.strip_suffix(quote))
    };
    inside('"').or_else(|| inside('\'')).unwrap_or(value)
}

fn yaml(text: &str) -> Vec<Entry> {
    let parsed: Result<IndexMap<String, IndexMap<String, Value>>, _> = serde_yaml::from_str(text);
    let secrets = match parsed {
        Ok(secrets) => secrets,
        // The parser's own words may quote the file.
        Err(error) => {
            let line = error
                .location()
                .and_then(|location| usize::try_from(location.line()).ok())
                .unwrap_or(1);
            return vec![Err((
                line,
                "the file must be YAML of the form `name: {key: value}`, or lines `NAME/KEY=value`",
            ))];
        }
    };
    let mut entries = Vec::new();
    for (secret, data) in &secrets {
        for (key, value) in data {
            entries.push(match value {
                Value::String(value) => Ok((
                    None,
                    KeyName::new(secret, key),
                    SecretBytes::from(value.as_str()),
                )),
                // `0123` and `1e3` would not arrive as they are written.
                _ => Err((line_of(text, key), "a value must be text; put it in quotes")),
            });
        }
    }
    entries
}

/// The first line on which `key` is a key.
fn line_of(text: &str, key: &str) -> usize {
    let is_key = |line: &str| {
        line.split(['{', ',', ' ']).any(|part| {
            part.trim_matches(['"', '\'']).strip_suffix(':') == Some(key)
                || part.starts_with(&format!("{key}:"))
        })
    };
    text.lines().position(is_key).map_or(1, |index| index + 1)
}
