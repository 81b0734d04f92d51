//! What can be known to be wrong with declared secrets before any value is there.

use indexmap::{IndexMap, IndexSet};
use regex::Regex;

use super::{
    names::{is_dns_label, is_dns_subdomain, is_secret_key, suggestion},
    problem::{Document, KeyPath, Problem},
    secret_declaration::{Alphabet, Generate, SecretDeclaration, SecretKind, SecretValue},
    substitute::{Piece, pieces},
    variables::last_line,
};

/// How a template can write a value.
const FILTERS: [&str; 2] = ["percent", "base64"];

/// The variable of the process environment that supplies the value at `key` of the Secret `name`:
/// `DEPLOYCTL_SECRET_NAME__KEY`.
pub(crate) fn secret_variable(name: &str, key: &str) -> String {
    let part = |text: &str| -> String {
        text.chars()
            .map(|letter| {
                if letter.is_ascii_alphanumeric() {
                    letter.to_ascii_uppercase()
                } else {
                    '_'
                }
            })
            .collect()
    };
    format!("DEPLOYCTL_SECRET_{}__{}", part(name), part(key))
}

/// Checks all that can be known about the plan's secrets without their values. Templates must have
/// their variables replaced already.
pub(super) fn check(
    document: &Document,
    secrets: &[SecretDeclaration],
    variables: &[&str],
    problems: &mut Vec<Problem>,
) {
    let known = Known {
        secrets,
        keys: known_keys(secrets),
        variables,
    };
    let mut names = IndexSet::new();
    for (index, secret) in secrets.iter().enumerate() {
        let path = KeyPath::top("secrets").item(index);
        if !names.insert(secret.name.as_str()) {
            let message = format!(
                "the secret `{}` is declared twice; use `namespaces` to put one into several",
                secret.name
            );
            problems.push(document.error(&path.key("name"), message));
        }
        check_secret(document, secret, &path, problems);
        for (key, value) in &secret.data {
            let at = path.key("data").key(key);
            check_value(document, value, key, &at, problems);
            check_references(document, secret, value, &at, &known, problems);
        }
    }
    check_variables(document, secrets, problems);
    check_circles(document, secrets, problems);
}

/// What a template may refer to.
struct Known<'a> {
    secrets: &'a [SecretDeclaration],
    keys: IndexMap<&'a str, Vec<&'a str>>,
    variables: &'a [&'a str],
}

impl Known<'_> {
    /// What is wrong with `secret` being composed of the value at `reference`: a Secret that is not
    /// made has none. Conditions may differ only where the other one is always made.
    fn check_always_made(&self, secret: &SecretDeclaration, reference: &str) -> Result<(), String> {
        let name = reference
            .split_once('/')
            .map_or(reference, |(name, _)| name);
        let mut others = self.secrets.iter().filter(|other| other.name == name);
        let depends = |other: &SecretDeclaration| {
            let conditions = other.conditions();
            !conditions.is_empty() && conditions != secret.conditions()
        };
        if others.any(depends) {
            return Err(format!(
                "the secret `{name}` is not always made; give `{}`, which is composed of it, the same `when` and `unless`",
                secret.name
            ));
        }
        Ok(())
    }
}

/// The keys of each secret, with those that come without being declared.
fn known_keys(secrets: &[SecretDeclaration]) -> IndexMap<&str, Vec<&str>> {
    let keys = |secret: &SecretDeclaration| {
        let self_signed = secret.data.values().any(|value| {
            value
                .generate
                .as_ref()
                .is_some_and(|generate| generate.self_signed.is_some())
        });
        let derived: &[&'static str] = match secret.kind {
            SecretKind::DockerConfigJson => &[".dockerconfigjson"],
            _ if self_signed => &["tls.crt", "tls.key"],
            _ => &[],
        };
        derived.to_vec()
    };
    secrets
        .iter()
        .map(|secret| {
            (
                secret.name.as_str(),
                secret
                    .data
                    .keys()
                    .map(String::as_str)
                    .chain(keys(secret))
                    .collect(),
            )
        })
        .collect()
}

fn check_secret(
    document: &Document,
    secret: &SecretDeclaration,
    path: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    if !is_dns_subdomain(&secret.name) {
        let message = format!(
            "`{}` cannot be the name of a Secret; use lower-case letters, digits, `-` and `.`",
            secret.name
        );
        problems.push(document.error(&path.key("name"), message));
    }
    for (index, namespace) in secret.namespaces.iter().enumerate() {
        let at = path.key("namespaces").item(index);
        if !is_dns_label(namespace) {
            problems.push(
                document.error(&at, format!("`{namespace}` cannot be the name of a namespace; use lower-case letters, digits and `-`")),
            );
        } else if secret.namespaces[..index].contains(namespace) {
            problems.push(document.error(
                &at,
                format!("the namespace `{namespace}` is named twice; take one out"),
            ));
        }
    }
    for key in secret.data.keys().filter(|key| !is_secret_key(key)) {
        let message =
            format!("`{key}` cannot be a key of a Secret; use letters, digits, `-`, `_` and `.`");
        problems.push(document.error(&path.key("data").key(key), message));
    }
    if secret.data.is_empty() {
        problems.push(document.error(
            path,
            format!("the secret `{}` has no keys; give it `data`", secret.name),
        ));
    } else {
        check_kind(document, secret, path, problems);
    }
}

fn check_kind(
    document: &Document,
    secret: &SecretDeclaration,
    path: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    let has = |key: &str| secret.data.contains_key(key);
    let self_signed = secret
        .data
        .get("tls.crt")
        .and_then(|value| value.generate.as_ref())
        .is_some_and(|generate| generate.self_signed.is_some());
    let (complete, needed) = match secret.kind {
        SecretKind::Opaque => return,
        SecretKind::Tls => (
            has("tls.crt") && (has("tls.key") || self_signed),
            "`tls.crt` and `tls.key`",
        ),
        SecretKind::DockerConfigJson => (
            has(".dockerconfigjson") || ["registry", "username", "password"].into_iter().all(has),
            "`.dockerconfigjson`, or `registry`, `username` and `password`",
        ),
        SecretKind::BasicAuth => (
            has("username") && has("password"),
            "`username` and `password`",
        ),
    };
    if !complete {
        problems.push(document.error(
            &path.key("type"),
            format!("a secret of this type needs the keys {needed}"),
        ));
    }
}

fn check_value(
    document: &Document,
    value: &SecretValue,
    key: &str,
    at: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    let mut refuse = |path: &KeyPath, message: String| problems.push(document.error(path, message));
    match value.sources().as_slice() {
        [_] => {}
        [] => refuse(
            at,
            format!(
                "`{key}` says nothing about where its value comes from; give one of {}",
                super::names::listed(SecretValue::SOURCES)
            ),
        ),
        several => refuse(
            at,
            format!(
                "`{key}` has several sources ({}); leave one",
                super::names::listed(several)
            ),
        ),
    }
    if let Some(Err(error)) = value.pattern.as_deref().map(Regex::new) {
        refuse(
            &at.key("pattern"),
            format!(
                "`pattern` is not a regular expression: {}",
                last_line(&error)
            ),
        );
    }
    if value.confirm && value.prompt.is_none() {
        refuse(
            &at.key("confirm"),
            "`confirm` needs `prompt`; take it out".to_owned(),
        );
    }
    if value.command.as_ref().is_some_and(Vec::is_empty) {
        refuse(
            &at.key("command"),
            "`command` is empty; give the program and its arguments".to_owned(),
        );
    }
    if let Some(generate) = &value.generate
        && let Some(message) = wrong_generate(generate, key)
    {
        refuse(&at.key("generate"), message);
    }
}

fn wrong_generate(generate: &Generate, key: &str) -> Option<String> {
    let Generate {
        length,
        charset,
        bytes,
        encoding,
        private_key,
        public_key_of,
        self_signed,
    } = generate;
    let ways = [
        (length.is_some() || charset.is_some(), "`length`/`charset`"),
        (bytes.is_some() || encoding.is_some(), "`bytes`/`encoding`"),
        (private_key.is_some(), "`privateKey`"),
        (public_key_of.is_some(), "`publicKeyOf`"),
        (self_signed.is_some(), "`selfSigned`"),
    ];
    let given: Vec<&str> = ways
        .into_iter()
        .filter_map(|(given, name)| given.then_some(name))
        .collect();
    if given.len() > 1 {
        return Some(format!(
            "`generate` has several ways ({}); leave one",
            given.join(", ")
        ));
    }
    if *length == Some(0) || *bytes == Some(0) {
        return Some("`generate` must make at least one character or byte".to_owned());
    }
    if encoding.is_some() && bytes.is_none() {
        return Some("`encoding` needs `bytes`; give their number".to_owned());
    }
    if matches!(charset, Some(Alphabet::Custom(characters)) if characters.chars().count() < 2) {
        return Some("`charset.custom` needs at least two characters".to_owned());
    }
    if self_signed.is_some() && key != "tls.crt" {
        return Some(
            "`selfSigned` makes a certificate and its key; write it at the key `tls.crt`"
                .to_owned(),
        );
    }
    (self_signed
        .as_ref()
        .is_some_and(|certificate| certificate.hosts.is_empty()))
    .then(|| "`selfSigned.hosts` is empty; name at least one".to_owned())
}

fn check_references(
    document: &Document,
    secret: &SecretDeclaration,
    value: &SecretValue,
    at: &KeyPath,
    known: &Known<'_>,
    problems: &mut Vec<Problem>,
) {
    let public_key = value
        .generate
        .as_ref()
        .and_then(|generate| generate.public_key_of.as_deref());
    let check = |reference: &str| {
        known_reference(reference, &known.keys)?;
        known.check_always_made(secret, reference)
    };
    if let Some(reference) = public_key
        && let Err(message) = check(&full_reference(secret, reference))
    {
        problems.push(document.error(&at.key("generate").key("publicKeyOf"), message));
    }
    for piece in value.template.as_deref().map(pieces).unwrap_or_default() {
        let text = match piece {
            Piece::Reference(text) => text,
            Piece::Literal(literal) if literal.contains("${") => {
                let message = "`template` has a `${` without `}`; write `$${` if `${` is meant";
                problems.push(document.error(&at.key("template"), message));
                continue;
            }
            _ => continue,
        };
        let (reference, filter) = text
            .split_once('|')
            .map_or((text.trim(), None), |(reference, filter)| {
                (reference.trim(), Some(filter.trim()))
            });
        let result = match filter {
            Some(filter) if !FILTERS.contains(&filter) => Err(format!(
                "unknown filter `{filter}` in `${{{text}}}`{}",
                suggestion(filter, FILTERS)
            )),
            _ if reference.contains('/') => check(reference),
            _ if known.variables.contains(&reference) => Ok(()),
            _ => Err(format!(
                "`${{{text}}}` is neither a variable nor a `secret/key`{}; write `$${{{text}}}` if it shall stay as it is",
                suggestion(reference, known.variables.iter().copied()).trim_end_matches('?')
            )),
        };
        if let Err(message) = result {
            problems.push(document.error(&at.key("template"), message));
        }
    }
}

/// `secret/key` for a reference that may leave out its own secret's name.
fn full_reference(secret: &SecretDeclaration, reference: &str) -> String {
    if reference.contains('/') {
        reference.to_owned()
    } else {
        format!("{}/{reference}", secret.name)
    }
}

fn known_reference(reference: &str, keys: &IndexMap<&str, Vec<&str>>) -> Result<(), String> {
    let (name, key) = reference.split_once('/').unwrap_or((reference, ""));
    match keys.get(name) {
        None => Err(format!(
            "the plan declares no secret `{name}`{}",
            suggestion(name, keys.keys().copied().collect::<Vec<_>>())
        )),
        Some(known) if known.contains(&key) => Ok(()),
        Some(known) => Err(format!(
            "the secret `{name}` has no key `{key}`{}",
            suggestion(key, known.iter().copied())
        )),
    }
}

/// No two values may be supplied by one variable of the process environment.
fn check_variables(
    document: &Document,
    secrets: &[SecretDeclaration],
    problems: &mut Vec<Problem>,
) {
    let mut seen: IndexMap<String, (&str, &str)> = IndexMap::new();
    for (index, secret) in secrets.iter().enumerate() {
        for key in secret.data.keys() {
            let variable = secret_variable(&secret.name, key);
            match seen.get(&variable) {
                Some((name, other)) if (*name, *other) != (secret.name.as_str(), key.as_str()) => {
                    let message = format!(
                        "`{}/{key}` and `{name}/{other}` would both be supplied by the variable `{variable}`; rename one",
                        secret.name
                    );
                    problems.push(document.error(
                        &KeyPath::top("secrets").item(index).key("data").key(key),
                        message,
                    ));
                }
                _ => {
                    seen.insert(variable, (&secret.name, key));
                }
            }
        }
    }
}

/// No value may be composed of itself.
fn check_circles(document: &Document, secrets: &[SecretDeclaration], problems: &mut Vec<Problem>) {
    let mut edges: IndexMap<String, (KeyPath, Vec<String>)> = IndexMap::new();
    for (index, secret) in secrets.iter().enumerate() {
        for (key, value) in &secret.data {
            let at = KeyPath::top("secrets").item(index).key("data").key(key);
            edges.insert(
                format!("{}/{key}", secret.name),
                (at, referred(secret, value)),
            );
        }
    }
    let mut done = IndexSet::new();
    for start in edges.keys() {
        let mut open = Vec::new();
        if let Some(circle) = circle(start, &edges, &mut open, &mut done) {
            let chain: Vec<String> = circle
                .iter()
                .chain(circle.first())
                .map(|name| format!("`{name}`"))
                .collect();
            let message = format!(
                "secrets are composed of each other in a circle: {}",
                chain.join(" from ")
            );
            problems.push(document.error(&edges[circle[0]].0, message));
        }
    }
}

fn referred(secret: &SecretDeclaration, value: &SecretValue) -> Vec<String> {
    let public_key = value
        .generate
        .as_ref()
        .and_then(|generate| generate.public_key_of.as_deref());
    let in_template = value
        .template
        .as_deref()
        .map(pieces)
        .unwrap_or_default()
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Reference(text) => {
                Some(text.split('|').next().unwrap_or(text).trim().to_owned())
            }
            _ => None,
        });
    in_template
        .chain(public_key.map(|reference| full_reference(secret, reference)))
        .collect()
}

fn circle<'a>(
    name: &'a str,
    edges: &'a IndexMap<String, (KeyPath, Vec<String>)>,
    open: &mut Vec<&'a str>,
    done: &mut IndexSet<&'a str>,
) -> Option<Vec<&'a str>> {
    if let Some(start) = open.iter().position(|other| *other == name) {
        return Some(open[start..].to_vec());
    }
    if !done.insert(name) {
        return None;
    }
    open.push(name);
    let found = edges
        .get(name)
        .and_then(|(_, next)| next.iter().find_map(|next| circle(next, edges, open, done)));
    open.pop();
    found
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::node_deserializer;

    #[derive(serde::Deserialize)]
    struct Secrets {
        secrets: Vec<SecretDeclaration>,
    }

    fn problems(text: &str) -> Vec<String> {
        let document = Document::parse(Path::new("p.yaml"), format!("secrets:\n{text}")).unwrap();
        let (secrets, mut problems) = node_deserializer::read::<Secrets>(&document.root, &document);
        if let Some(Secrets { secrets }) = secrets {
            check(&document, &secrets, &["domain"], &mut problems);
        }
        problems
            .into_iter()
            .map(|problem| format!("{}:{}", problem.line.unwrap(), problem.message))
            .collect()
    }

    #[test]
    fn good_secrets_have_no_problems() {
        let text = "
- {name: postgres, data: {username: {value: shop}, password: {generate: {length: 32}}}}
- {name: api, namespaces: [a, b], data: {url: {template: '${postgres/username}:${postgres/password|percent}@${domain} $${x}'}}}
- {name: tls, type: kubernetes.io/tls, data: {tls.crt: {generate: {selfSigned: {hosts: [a.test]}}}}}
- {name: keys, data: {private: {generate: {privateKey: ed25519}}, public: {generate: {publicKeyOf: private}}, copy: {template: '${tls/tls.key}'}}}
- {name: pull, type: kubernetes.io/dockerconfigjson, data: {registry: {value: a}, username: {value: b}, password: {prompt: P, confirm: true}}}
";
        assert_eq!(problems(text), Vec::<String>::new());
    }

    #[test]
    fn every_value_has_exactly_one_source() {
        let text = "- name: a\n  data:\n    b: {}\n    c: {value: x, prompt: y}\n    d: {env: X, confirm: true, pattern: '('}\n";
        let found = problems(text);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(
            found[0].starts_with(
                "4:`b` says nothing about where its value comes from; give one of `value`"
            ),
            "{}",
            found[0]
        );
        assert_eq!(
            found[1],
            "5:`c` has several sources (`value`, `prompt`); leave one"
        );
        assert!(
            found[2].contains("not a regular expression")
                && found[3].contains("`confirm` needs `prompt`"),
            "{found:?}"
        );
    }

    #[test]
    fn references_must_exist_and_not_go_in_a_circle() {
        let text = "
- {name: a, data: {b: {template: '${a/c}'}, c: {template: '${a/b}'}}}
- {name: d, data: {e: {template: '${aa/b} ${a/bb} ${domian} ${a/b|base32} ${a/b|percent'}}}
";
        assert_eq!(
            problems(text),
            [
                "4:the plan declares no secret `aa`; did you mean `a`?",
                "4:the secret `a` has no key `bb`; did you mean `b`?",
                "4:`${domian}` is neither a variable nor a `secret/key`; did you mean `domain`; write `$${domian}` if it shall stay as it is",
                "4:unknown filter `base32` in `${a/b|base32}`; did you mean `base64`?",
                "4:`template` has a `${` without `}`; write `$${` if `${` is meant",
                "3:secrets are composed of each other in a circle: `a/b` from `a/c` from `a/b`",
            ]
        );
    }

    #[test]
    fn two_values_may_not_share_a_variable() {
        assert_eq!(
            secret_variable("app-secrets", "tls.crt"),
            "DEPLOYCTL_SECRET_APP_SECRETS__TLS_CRT"
        );
        assert_eq!(
            secret_variable("pull.eu", ".dockerconfigjson"),
            "DEPLOYCTL_SECRET_PULL_EU___DOCKERCONFIGJSON"
        );
        assert_eq!(
            problems("- {name: a, data: {b-c: {env: X}, b.c: {env: Y}}}\n"),
            [
                "2:`a/b.c` and `a/b-c` would both be supplied by the variable `DEPLOYCTL_SECRET_A__B_C`; rename one"
            ]
        );
    }

    #[test]
    fn names_keys_and_types_are_checked() {
        let text = "
- {name: A_b, namespaces: [x, x], data: {'a/b': {value: x}}}
- {name: b, type: kubernetes.io/tls, data: {tls.crt: {file: x}}}
- {name: b, data: {}}
- {name: c, data: {k: {generate: {length: 3, bytes: 4}}, l: {generate: {encoding: hex}}}}
";
        let found = problems(text);
        assert_eq!(found.len(), 8, "{found:#?}");
        assert!(
            found
                .iter()
                .any(|problem| problem.contains("declared twice")),
            "{found:#?}"
        );
        assert!(
            found
                .iter()
                .any(|problem| problem.contains("needs the keys `tls.crt` and `tls.key`")),
            "{found:#?}"
        );
    }
}
