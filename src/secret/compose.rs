//! Values that are made of other values: templates and public keys.

use std::collections::HashMap;

use super::{
    error::SecretError,
    key_name::KeyName,
    key_pair,
    names::suggestion,
    needs::{Needs, Origin},
    template::{self, Part},
    value::SecretBytes,
    variables::Variables,
};
use crate::plan::SecretValue;

/// Values by name; `None` where an optional value is left out.
pub(super) type Values = HashMap<KeyName, Option<SecretBytes>>;

/// One value that is made of others.
struct Composed {
    name: KeyName,
    optional: bool,
    recipe: Recipe,
}

enum Recipe {
    Template(Vec<Part>),
    PublicKey(KeyName),
}

/// All values that are made of others, checked to refer only to what there is.
pub(super) struct Compositions(Vec<Composed>);

impl Compositions {
    /// Reads all templates of `needs`, or says what is wrong with them.
    pub(super) fn read(needs: &Needs, variables: &Variables<'_>) -> Result<Self, Vec<SecretError>> {
        let known: Vec<&KeyName> = needs
            .secrets
            .iter()
            .flat_map(|secret| secret.keys.iter().map(|(name, _)| name))
            .collect();
        let mut composed = Vec::new();
        let mut errors = Vec::new();
        for secret in &needs.secrets {
            for (name, origin) in &secret.keys {
                let Some(declared) = secret.declaration.data.get(&name.key) else {
                    continue;
                };
                match recipe(name, origin, declared)
                    .and_then(|recipe| checked(recipe, &known, variables))
                {
                    Ok(Some(recipe)) => composed.push(Composed {
                        name: name.clone(),
                        optional: declared.optional,
                        recipe: recipe.unless_open(needs),
                    }),
                    Ok(None) => {}
                    Err(problem) => errors.push(SecretError::Template {
                        name: name.clone(),
                        problem,
                    }),
                }
            }
        }
        if errors.is_empty() {
            Ok(Self(composed))
        } else {
            Err(errors)
        }
    }

    /// Adds all composed values to `values`, each after those that it is made of.
    pub(super) fn compose(
        self,
        values: &mut Values,
        variables: &Variables<'_>,
    ) -> Result<(), Vec<SecretError>> {
        let mut waiting = self.0;
        while !waiting.is_empty() {
            let (ready, rest): (Vec<_>, Vec<_>) = waiting
                .into_iter()
                .partition(|composed| composed.needs().all(|name| values.contains_key(name)));
            if ready.is_empty() {
                let cycle = |composed: Composed| SecretError::Template {
                    name: composed.name,
                    problem:
                        "refers to itself, by way of other templates; break the circle in the plan"
                            .to_owned(),
                };
                return Err(rest.into_iter().map(cycle).collect());
            }
            let mut errors = Vec::new();
            for composed in ready {
                match composed.value(values, variables) {
                    Ok(value) => drop(values.insert(composed.name, value)),
                    Err(problem) => errors.push(SecretError::Template {
                        name: composed.name,
                        problem,
                    }),
                }
            }
            if !errors.is_empty() {
                return Err(errors);
            }
            waiting = rest;
        }
        Ok(())
    }
}

fn recipe(
    name: &KeyName,
    origin: &Origin,
    declared: &SecretValue,
) -> Result<Option<Recipe>, String> {
    Ok(match origin {
        Origin::Template => Some(Recipe::Template(template::parse(
            declared.template.as_deref().unwrap_or_default(),
        )?)),
        Origin::PublicKey => {
            let of = declared
                .generate
                .as_ref()
                .and_then(|generate| generate.public_key_of.as_deref())
                .unwrap_or_default();
            Some(Recipe::PublicKey(
                KeyName::parse(of).unwrap_or_else(|| KeyName::new(&name.secret, of)),
            ))
        }
        _ => None,
    })
}

fn checked(
    recipe: Option<Recipe>,
    known: &[&KeyName],
    variables: &Variables<'_>,
) -> Result<Option<Recipe>, String> {
    let Some(recipe) = recipe else {
        return Ok(None);
    };
    for name in recipe.names() {
        if !known.contains(&name) {
            let known: Vec<String> = known.iter().map(ToString::to_string).collect();
            return Err(format!(
                "refers to `{name}`, which the plan does not declare{}",
                suggestion(&name.to_string(), &known)
            ));
        }
    }
    if let Recipe::Template(parts) = &recipe {
        for part in parts {
            if let Part::Variable(name, _) = part
                && variables.text(name).is_none()
            {
                let known: Vec<String> = variables.0.keys().cloned().collect();
                return Err(format!(
                    "refers to the variable `{name}`, which the plan does not declare{}",
                    suggestion(name, &known)
                ));
            }
        }
    }
    Ok(Some(recipe))
}

impl Recipe {
    /// The same; of a key that is left open, what stands for it.
    fn unless_open(self, needs: &Needs) -> Self {
        match self {
            Self::PublicKey(of) if needs.is_open(&of) => {
                Self::Template(vec![Part::Value(of, template::Encoding::Plain)])
            }
            recipe => recipe,
        }
    }

    fn names(&self) -> Vec<&KeyName> {
        match self {
            Self::PublicKey(name) => vec![name],
            Self::Template(parts) => parts
                .iter()
                .filter_map(|part| {
                    if let Part::Value(name, _) = part {
                        Some(name)
                    } else {
                        None
                    }
                })
                .collect(),
        }
    }
}

impl Composed {
    fn needs(&self) -> impl Iterator<Item = &KeyName> {
        self.recipe.names().into_iter()
    }

    fn value(
        &self,
        values: &Values,
        variables: &Variables<'_>,
    ) -> Result<Option<SecretBytes>, String> {
        let looked_up = |name: &KeyName| values.get(name).and_then(Option::as_ref);
        if let Some(left_out) = self.needs().find(|name| looked_up(name).is_none()) {
            let problem = format!(
                "refers to `{left_out}`, which is left empty; make this one `optional` too, or supply `{left_out}`"
            );
            return if self.optional {
                Ok(None)
            } else {
                Err(problem)
            };
        }
        match &self.recipe {
            Recipe::PublicKey(of) => {
                let key = looked_up(of).and_then(key_pair::public_key);
                let problem = || {
                    format!(
                        "needs a private key in PKCS #8 PEM (Ed25519, ECDSA or RSA) under `{of}`, which it is not"
                    )
                };
                key.ok_or_else(problem).map(Some)
            }
            Recipe::Template(parts) => Ok(Some(joined(parts, &looked_up, variables))),
        }
    }
}

fn joined<'a>(
    parts: &[Part],
    looked_up: &dyn Fn(&KeyName) -> Option<&'a SecretBytes>,
    variables: &Variables<'_>,
) -> SecretBytes {
    let texts: Vec<_> = parts
        .iter()
        .map(|part| {
            if let Part::Variable(name, _) = part {
                variables.text(name)
            } else {
                None
            }
        })
        .collect();
    let pieces: Vec<_> = parts
        .iter()
        .zip(&texts)
        .map(|(part, text)| match part {
            Part::Text(text) => (template::Encoding::Plain, text.as_bytes()),
            Part::Value(name, encoding) => (
                *encoding,
                looked_up(name).map_or(&[][..], SecretBytes::expose),
            ),
            Part::Variable(_, encoding) => {
                (*encoding, text.as_deref().unwrap_or_default().as_bytes())
            }
        })
        .collect();
    template::join(&pieces)
}
