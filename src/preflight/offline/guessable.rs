//! Secret values among the manifests that anybody would try first.

use base64::{Engine as _, engine::general_purpose::STANDARD};

use super::wanted::{Container, Wanted};
use crate::{
    finding::Check,
    object::{
        FieldPath, HasKind as _, Object,
        field::{list, map, text},
    },
    preflight::Finding,
};

/// What is tried first, in small letters.
const FIRST_TRIED: [&str; 44] = [
    "0000",
    "1234",
    "12345",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "abc123",
    "admin",
    "admin123",
    "administrator",
    "changeit",
    "default",
    "demo",
    "elastic",
    "grafana",
    "guest",
    "letmein",
    "minio",
    "minio123",
    "minioadmin",
    "mongo",
    "mongodb",
    "mypassword",
    "mysecret",
    "mysql",
    "p@ssw0rd",
    "p@ssword",
    "pass",
    "passw0rd",
    "password",
    "password1",
    "password123",
    "postgres",
    "prom-operator",
    "qwerty",
    "rabbitmq",
    "redis",
    "root",
    "secret",
    "supersecret",
    "test",
    "toor",
];

/// Parts of names that say that a value is one to keep.
const SECRET: [&str; 6] = ["pass", "pwd", "secret", "token", "credential", "apikey"];

/// Values in Secrets, and of environment variables, that are guessed at once: common ones, and those
/// that are the name of the user.
pub(super) fn guessable_secrets(wanted: &Wanted<'_>) -> Vec<Finding> {
    let secrets = wanted.objects().filter(|object| object.id.is_secret());
    let in_secrets = secrets.flat_map(in_secret);
    let containers = wanted.containers();
    let in_variables =
        containers.flat_map(|(container, pointer)| in_variables(container, &pointer));
    in_secrets.chain(in_variables).collect()
}

fn in_secret(secret: &Object) -> Vec<Finding> {
    let data = map(&secret.body, "/data").into_iter().flatten();
    let values: Vec<(&String, String)> = data
        .filter_map(|(key, value)| {
            let bytes = STANDARD.decode(value.as_str()?).ok()?;
            Some((key, String::from_utf8(bytes).ok()?))
        })
        .collect();
    let is_user = |value: &str| {
        let mut users = values.iter();
        users.any(|(key, user)| key.to_lowercase().contains("user") && user.trim() == value)
    };
    let guessed = values
        .iter()
        .filter(|(key, value)| is_secret(key) && is_guessed(value, is_user));
    guessed
        .map(|(key, _)| {
            let mut place = FieldPath::of_pointer("/data");
            place.field(key);
            finding(secret, &place)
        })
        .collect()
}

fn in_variables(container: Container<'_>, pointer: &str) -> Vec<Finding> {
    let variables = list(container.body, "/env").iter();
    let values: Vec<(&str, &str)> = variables
        .filter_map(|variable| Some((text(variable, "/name")?, text(variable, "/value")?)))
        .collect();
    let is_user = |value: &str| {
        let mut users = values.iter();
        users.any(|(name, user)| name.to_lowercase().contains("user") && *user == value)
    };
    let guessed = values
        .iter()
        .filter(|(name, value)| is_secret(name) && is_guessed(value, is_user));
    guessed
        .map(|(name, _)| {
            let mut place = FieldPath::of_pointer(&format!("{pointer}/env"));
            place.within(&format!("name={name}"));
            finding(container.object, &place)
        })
        .collect()
}

/// Whether `name` is that of a value to keep, and not of where it lies.
fn is_secret(name: &str) -> bool {
    const PLACES: [&str; 8] = [
        "file", "path", "name", "dir", "user", "host", "url", "policy",
    ];
    let name = name.to_lowercase();
    SECRET.iter().any(|part| name.contains(part)) && !PLACES.iter().any(|part| name.contains(part))
}

fn is_guessed(value: &str, is_user: impl Fn(&str) -> bool) -> bool {
    let value = value.trim();
    !value.is_empty() && (FIRST_TRIED.contains(&value.to_lowercase().as_str()) || is_user(value))
}

fn finding(object: &Object, place: &FieldPath) -> Finding {
    let message = format!("the value of `{place}` is one that anybody would try first");
    Finding::of(Check::GuessableSecret, message)
        .about(object)
        .remedy("let the plan make the Secret, with a value that is generated: `secrets` in docs/plan.md")
}
