//! Which values a plan declares, and which of them a user may name.

use super::{error::SecretError, key_name::KeyName};
use crate::plan::{SecretDeclaration, SecretValue};

/// Key of a certificate in a Secret of type TLS.
pub(super) const TLS_CERTIFICATE: &str = "tls.crt";
/// Key of the private key in a Secret of type TLS.
pub(super) const TLS_KEY: &str = "tls.key";

/// A value that is to be replaced although the cluster has it (`--rotate NAME/KEY`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rotate(pub(crate) KeyName);

impl Rotate {
    /// Reads the arguments of `--rotate`. A key that is not declared, or that follows the plan, is
    /// an error.
    pub(crate) fn parse(
        given: &[String],
        declarations: &[SecretDeclaration],
    ) -> Result<Vec<Self>, Vec<SecretError>> {
        let (rotated, errors): (Vec<_>, Vec<_>) = given
            .iter()
            .map(|text| Self::parse_one(text, declarations))
            .partition(Result::is_ok);
        if errors.is_empty() {
            Ok(rotated.into_iter().flatten().collect())
        } else {
            Err(errors.into_iter().filter_map(Result::err).collect())
        }
    }

    fn parse_one(text: &str, declarations: &[SecretDeclaration]) -> Result<Self, SecretError> {
        let Some(name) = KeyName::parse(text) else {
            return Err(SecretError::MalformedRotate {
                given: text.to_owned(),
            });
        };
        known(&name, declarations, "--rotate")?;
        match find(&name, declarations).and_then(derived_from) {
            Some(source) => Err(SecretError::Derived {
                name,
                source_kind: source,
                given_by: "--rotate".to_owned(),
            }),
            None => Ok(Self(name)),
        }
    }
}

/// The declaration of `name`; `None` where it is not declared or comes with another key.
pub(super) fn find<'a>(
    name: &KeyName,
    declarations: &'a [SecretDeclaration],
) -> Option<&'a SecretValue> {
    declarations
        .iter()
        .find(|declaration| declaration.name == name.secret)?
        .data
        .get(&name.key)
}

/// The key of the plan that a value follows at every run, or `None` where the value is kept from
/// the cluster.
pub(super) fn derived_from(value: &SecretValue) -> Option<&'static str> {
    if value.value.is_some() {
        Some("value")
    } else if value.template.is_some() {
        Some("template")
    } else if value
        .generate
        .as_ref()
        .is_some_and(|generate| generate.public_key_of.is_some())
    {
        Some("generate.publicKeyOf")
    } else {
        None
    }
}

/// Whether the Secret has a self-signed certificate, with which `tls.key` comes.
pub(super) fn is_self_signed(declaration: &SecretDeclaration) -> bool {
    let generate = declaration
        .data
        .get(TLS_CERTIFICATE)
        .and_then(|value| value.generate.as_ref());
    generate.is_some_and(|generate| generate.self_signed.is_some())
}

/// All keys of a declaration, those that come with another one included.
pub(super) fn keys(declaration: &SecretDeclaration) -> Vec<&str> {
    let mut keys: Vec<&str> = declaration.data.keys().map(String::as_str).collect();
    if is_self_signed(declaration) && !keys.contains(&TLS_KEY) {
        keys.push(TLS_KEY);
    }
    keys
}

/// An error where `name` is not declared. `given_by` says where it was named.
pub(super) fn known(
    name: &KeyName,
    declarations: &[SecretDeclaration],
    given_by: &str,
) -> Result<(), SecretError> {
    let all = declarations.iter().flat_map(|declaration| {
        keys(declaration)
            .into_iter()
            .map(|key| KeyName::new(&declaration.name, key))
    });
    let all: Vec<KeyName> = all.collect();
    if all.contains(name) {
        return Ok(());
    }
    let texts: Vec<String> = all.iter().map(KeyName::to_string).collect();
    Err(SecretError::Unknown {
        name: name.clone(),
        given_by: given_by.to_owned(),
        suggestion: suggestion(&name.to_string(), &texts),
    })
}

/// `; did you mean …?` for the nearest of `known`, or what there is to choose from.
pub(super) fn suggestion(text: &str, known: &[String]) -> String {
    let limit = (text.chars().count() / 3).clamp(1, 4);
    let text = text.to_lowercase();
    let distance = |candidate: &String| {
        let candidate = candidate.to_lowercase();
        if candidate.starts_with(&text) {
            1
        } else {
            strsim::damerau_levenshtein(&text, &candidate)
        }
    };
    match known.iter().min_by_key(|candidate| distance(candidate)) {
        None => "; the plan declares no secrets".to_owned(),
        Some(nearest) if distance(nearest) <= limit => format!("; did you mean `{nearest}`?"),
        Some(_) => format!(
            "; there is {}",
            known
                .iter()
                .map(|name| format!("`{name}`"))
                .collect::<Vec<_>>()
                .join(", ")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggestions_name_the_nearest_or_all() {
        let known = ["postgres/password".to_owned(), "api/key".to_owned()];
        assert_eq!(
            suggestion("postgres/pasword", &known),
            "; did you mean `postgres/password`?"
        );
        assert_eq!(
            suggestion("x/y", &known),
            "; there is `postgres/password`, `api/key`"
        );
    }
}
