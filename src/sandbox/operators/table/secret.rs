//! Secrets as operators make them: values that are made up, and templates of them.

use std::collections::BTreeMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use regex::{Captures, Regex};
use serde_json::{Value, json};

/// The keys and values of a Secret.
pub(super) type Data = BTreeMap<String, String>;

/// A Secret with these values.
pub(super) fn secret(namespace: &str, name: &str, data: &Data) -> Value {
    let encoded: BTreeMap<&String, String> = data
        .iter()
        .map(|(key, value)| (key, STANDARD.encode(value)))
        .collect();
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"namespace": namespace, "name": name},
        "type": "Opaque",
        "data": encoded,
    })
}

/// The text with the values of `data` in the place of `{{ .key }}`, also of
/// `{{ .key | function }}`, which is not applied. Other templates stay as they are written.
pub(super) fn filled(template: &str, data: &Data) -> String {
    let variable = Regex::new(r"\{\{-?\s*\.([A-Za-z0-9_]+)\s*(?:\|[^}]*)?\}\}")
        .expect("the expression is a constant");
    let value = |found: &Captures<'_>| {
        let value = data.get(&found[1]).map(String::as_str);
        value.unwrap_or(&found[0]).to_owned()
    };
    variable.replace_all(template, value).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_are_filled_with_the_values_of_their_keys() {
        let data = Data::from([("password".to_owned(), "abc".to_owned())]);
        let template = "postgresql://shop:{{ .password | urlquery }}@db/{{.password}}?{{ .other }}";
        assert_eq!(
            filled(template, &data),
            "postgresql://shop:abc@db/abc?{{ .other }}"
        );
    }
}
