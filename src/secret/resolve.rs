//! Reads, asks for and generates values, and composes the Secrets.

use std::{fmt, path::Path};

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::Value;

use super::{
    ask::{Ask, SecretPrompt},
    certificate,
    check::{check, reject},
    compose::{Compositions, Values},
    error::{AskError, KEPT, SecretError},
    generate::generate,
    key_name::KeyName,
    kinds,
    manifest::manifest,
    names::TLS_KEY,
    needs::{Needs, Origin},
    rejection::Rejection,
    source,
    value::SecretBytes,
    variables::Variables,
};
use crate::plan::SecretValue;

/// What values are resolved against.
pub(crate) struct Surroundings<'a> {
    /// The folder that relative paths in the plan start from.
    pub(crate) folder: &'a Path,
    /// Value of every variable of the plan.
    pub(crate) variables: &'a IndexMap<String, Value>,
}

/// The Secrets with all their values.
pub(crate) struct Resolved {
    /// One Secret per declaration and namespace, as it is applied. Holds values: never print it.
    pub(crate) manifests: Vec<Value>,
    /// What the user should know, one line each.
    pub(crate) warnings: Vec<String>,
    /// The values that they are made of.
    pub(crate) known: Known,
}

/// Values that were resolved before.
#[derive(Default)]
pub(crate) struct Known(Values);

impl Known {
    /// Whether the value of `name` is among them; it may be one that was left out.
    pub(crate) fn holds(&self, name: &KeyName) -> bool {
        self.0.contains_key(name)
    }
}

impl fmt::Debug for Resolved {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Resolved")
            .field("manifests", &self.manifests.len())
            .field("warnings", &self.warnings)
            .finish_non_exhaustive()
    }
}

/// Reads, generates and asks for everything in `needs`, and composes the Secrets.
///
/// Everything that can fail without the user is done before the first question, and all that is
/// wrong comes at once. Call it only where `needs.problems` is empty and [`Needs::missing_error`]
/// is `None`. Without a terminal, optional values are left out unasked.
///
/// `known` are values that were resolved before: they are not read, generated or asked for again.
pub(crate) fn resolve(
    needs: &Needs,
    known: &Known,
    ask: &mut dyn Ask,
    surroundings: &Surroundings<'_>,
) -> Result<Resolved, Vec<SecretError>> {
    let now = Timestamp::now();
    let variables = Variables(surroundings.variables);
    let mut gatherer = Gatherer {
        surroundings,
        known,
        now,
        values: Values::new(),
        warnings: needs.warnings.clone(),
    };
    let compositions = Compositions::read(needs, &variables);
    let mut errors = gatherer.gather(needs);
    let unknown = needs
        .to_prompt
        .iter()
        .filter(|need| !known.holds(&need.name));
    let prompts: Vec<_> = unknown
        .filter_map(|need| {
            SecretPrompt::new(need)
                .map_err(|error| errors.push(error))
                .ok()
        })
        .collect();
    let compositions = match compositions {
        Ok(compositions) if errors.is_empty() => compositions,
        Ok(_) => return Err(errors),
        Err(wrong) => return Err(wrong.into_iter().chain(errors).collect()),
    };
    let Gatherer {
        mut values,
        warnings,
        ..
    } = gatherer;
    for prompt in &prompts {
        values.insert(
            prompt.name.clone(),
            answer(ask, prompt).map_err(|error| vec![error])?,
        );
    }
    compositions.compose(&mut values, &variables)?;
    if !needs.has_open() {
        check_composed(needs, &values)?;
    }
    finish(needs, values, warnings, now)
}

fn answer(ask: &mut dyn Ask, prompt: &SecretPrompt) -> Result<Option<SecretBytes>, SecretError> {
    let answer = match ask.secret(prompt) {
        Err(AskError::NoTerminal) if prompt.optional => return Ok(None),
        answer => SecretBytes::from(&answer?),
    };
    let text = answer.expose_text().unwrap_or_default();
    prompt
        .check(text)
        .map_err(|rejection| reject(&prompt.name, "the prompt", rejection))?;
    Ok((!answer.is_empty()).then_some(answer))
}

fn check_composed(needs: &Needs, values: &Values) -> Result<(), Vec<SecretError>> {
    let mut errors = Vec::new();
    for secret in &needs.secrets {
        for (name, origin) in &secret.keys {
            let composed = matches!(origin, Origin::Template | Origin::PublicKey);
            let declared = secret.declaration.data.get(&name.key).filter(|_| composed);
            if let (Some(declared), Some(Some(value))) = (declared, values.get(name)) {
                errors.extend(check(name, declared, value, "its template").err());
            }
        }
    }
    if errors.is_empty() {
        Ok(())
    } else {
        Err(errors)
    }
}

fn finish(
    needs: &Needs,
    values: Values,
    mut warnings: Vec<String>,
    now: Timestamp,
) -> Result<Resolved, Vec<SecretError>> {
    let mut manifests = Vec::new();
    let mut errors = Vec::new();
    for secret in &needs.secrets {
        match kinds::data(secret, &values) {
            Err(error) => errors.push(error),
            Ok(data) => {
                warnings.extend(kinds::warning(secret, &data, now));
                let for_namespace = |namespace: &String| {
                    manifest(
                        &secret.declaration,
                        namespace,
                        data.iter().map(|(key, value)| (*key, value)),
                    )
                };
                manifests.extend(secret.namespaces.iter().map(for_namespace));
            }
        }
    }
    if errors.is_empty() {
        Ok(Resolved {
            manifests,
            warnings,
            known: Known(values),
        })
    } else {
        Err(errors)
    }
}

/// Collects all values that need nobody to answer.
struct Gatherer<'a> {
    surroundings: &'a Surroundings<'a>,
    known: &'a Known,
    now: Timestamp,
    values: Values,
    warnings: Vec<String>,
}

/// What is known of one value before anybody is asked.
enum Gathered {
    Value(SecretBytes),
    /// It is optional and empty.
    LeftOut,
    /// It comes from a prompt, from other values, or together with another key.
    Later,
}

impl Gatherer<'_> {
    fn gather(&mut self, needs: &Needs) -> Vec<SecretError> {
        let mut errors = Vec::new();
        let nothing = SecretValue::default();
        for secret in &needs.secrets {
            for (name, origin) in &secret.keys {
                let declared = secret.declaration.data.get(&name.key).unwrap_or(&nothing);
                let gathered = match self.known.0.get(name).filter(|_| origin.is_drawn()) {
                    Some(known) => Ok(known.clone().map_or(Gathered::LeftOut, Gathered::Value)),
                    None => self.value(name, declared, origin),
                };
                match gathered {
                    Ok(Gathered::Value(value)) => {
                        drop(self.values.insert(name.clone(), Some(value)));
                    }
                    Ok(Gathered::LeftOut) => drop(self.values.insert(name.clone(), None)),
                    Ok(Gathered::Later) => {}
                    Err(error) => errors.push(error),
                }
            }
        }
        errors
    }

    /// The value, where it can be had without an answer.
    fn value(
        &mut self,
        name: &KeyName,
        declared: &SecretValue,
        origin: &Origin,
    ) -> Result<Gathered, SecretError> {
        let (value, from) = match origin {
            Origin::Kept(value) => {
                self.warn_of_other_file(name, declared, value);
                check(name, declared, value, KEPT)?;
                return Ok(Gathered::Value(value.clone()));
            }
            Origin::Value => {
                let value = SecretBytes::from(declared.value.as_deref().unwrap_or_default());
                check(name, declared, &value, "the plan")?;
                return Ok(Gathered::Value(value));
            }
            Origin::Supplied(value, by) => (Some(value.clone()), by.clone()),
            Origin::Generate => (Self::generated(name, declared)?, "its generator".to_owned()),
            Origin::SelfSigned => (
                self.self_signed(name, declared)?,
                "its generator".to_owned(),
            ),
            Origin::File => self.file(name, declared)?,
            Origin::Command => (self.command(name, declared)?, "its command".to_owned()),
            Origin::Sops => (self.sops(name, declared)?, "`sops`".to_owned()),
            Origin::LeftOut => return Ok(Gathered::LeftOut),
            // Stands for the value where nothing is written.
            Origin::Open(why) => return Ok(Gathered::Value(SecretBytes::from(*why))),
            Origin::WithCertificate
            | Origin::Template
            | Origin::PublicKey
            | Origin::Prompt
            | Origin::Missing => {
                return Ok(Gathered::Later);
            }
        };
        let Some(value) = value.filter(|value| !(value.is_empty() && declared.optional)) else {
            return Ok(Gathered::LeftOut);
        };
        if value.is_empty() {
            return Err(reject(name, &from, Rejection::Empty));
        }
        check(name, declared, &value, &from)?;
        Ok(Gathered::Value(value))
    }

    fn generated(
        name: &KeyName,
        declared: &SecretValue,
    ) -> Result<Option<SecretBytes>, SecretError> {
        let declared = declared
            .generate
            .as_ref()
            .expect("planned from this declaration");
        generate(declared)
            .map(Some)
            .map_err(|problem| SecretError::Generator {
                name: name.clone(),
                problem,
            })
    }

    fn self_signed(
        &mut self,
        name: &KeyName,
        declared: &SecretValue,
    ) -> Result<Option<SecretBytes>, SecretError> {
        let declared = declared
            .generate
            .as_ref()
            .and_then(|generate| generate.self_signed.as_ref())
            .expect("planned from this declaration");
        let pair = certificate::self_signed(&declared.hosts, declared.days, self.now);
        let pair = pair.map_err(|problem| SecretError::Generator {
            name: name.clone(),
            problem,
        })?;
        self.values
            .insert(KeyName::new(&name.secret, TLS_KEY), Some(pair.key));
        Ok(Some(pair.certificate))
    }

    fn file(
        &self,
        name: &KeyName,
        declared: &SecretValue,
    ) -> Result<(Option<SecretBytes>, String), SecretError> {
        let file = declared
            .file
            .as_deref()
            .expect("planned from this declaration");
        let value = source::file(name, file, self.surroundings.folder, declared.optional)?;
        Ok((value, format!("`{}`", file.display())))
    }

    fn command(
        &self,
        name: &KeyName,
        declared: &SecretValue,
    ) -> Result<Option<SecretBytes>, SecretError> {
        source::command(
            name,
            declared.command.as_deref().unwrap_or_default(),
            self.surroundings.folder,
        )
        .map(Some)
    }

    fn sops(
        &self,
        name: &KeyName,
        declared: &SecretValue,
    ) -> Result<Option<SecretBytes>, SecretError> {
        let declared = declared
            .sops
            .as_ref()
            .expect("planned from this declaration");
        source::sops(
            name,
            &declared.file,
            declared.extract.as_deref(),
            self.surroundings.folder,
        )
        .map(Some)
    }

    /// A file that was edited changes nothing by itself: say so where it is there to be read.
    fn warn_of_other_file(&mut self, name: &KeyName, declared: &SecretValue, kept: &SecretBytes) {
        let Some(file) = declared.file.as_deref() else {
            return;
        };
        let read = source::file(name, file, self.surroundings.folder, true);
        if let Ok(Some(value)) = read
            && value != *kept
        {
            self.warnings.push(format!(
                "`{name}` is kept from the cluster; `{}` holds another value, which `--rotate {name}` brings in",
                file.display()
            ));
        }
    }
}
