//! Planning and resolving together, over declarations as they are written in plans.

use std::{cell::RefCell, collections::HashMap, ffi::OsString, fs, io, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use indexmap::IndexMap;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{
    Ask, AskError, Known, Needs, Resolved, Rotate, SecretPrompt, Supplied, SuppliedSources,
    Surroundings, command_error, error::SecretError, key_name::KeyName, plan_values,
    rejection::Rejection, resolve,
};
use crate::{error::ExitCode, plan::SecretDeclaration};

/// Nothing that a user sees may contain it.
const SENTINEL: &str = "hunter2-sentinel";

/// Everything around the declarations, with a folder of its own.
struct World {
    declarations: Vec<SecretDeclaration>,
    live: HashMap<(String, String), Value>,
    flags: Vec<String>,
    file: Option<String>,
    environment: HashMap<String, String>,
    stdin: String,
    rotate: Vec<String>,
    answers: RefCell<Vec<&'static str>>,
    asked: RefCell<Vec<String>>,
    folder: tempfile::TempDir,
}

impl World {
    fn new(declarations: &str) -> Self {
        Self {
            declarations: serde_yaml::from_str(declarations).expect("declarations"),
            live: HashMap::new(),
            flags: Vec::new(),
            file: None,
            environment: HashMap::new(),
            stdin: String::new(),
            rotate: Vec::new(),
            answers: RefCell::default(),
            asked: RefCell::default(),
            folder: tempfile::tempdir().expect("a folder"),
        }
    }

    fn live(mut self, namespace: &str, name: &str, kind: &str, data: &[(&str, &str)]) -> Self {
        let data: HashMap<_, _> = data
            .iter()
            .map(|(key, value)| (*key, STANDARD.encode(value)))
            .collect();
        let object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}, "type": kind, "data": data});
        self.live
            .insert((namespace.to_owned(), name.to_owned()), object);
        self
    }

    fn opaque(self, namespace: &str, name: &str, data: &[(&str, &str)]) -> Self {
        self.live(namespace, name, "Opaque", data)
    }

    /// What the cluster would hold after `resolved` was applied, with nothing else given.
    fn applied(mut self, resolved: &Resolved) -> Self {
        for manifest in &resolved.manifests {
            let text = |field: &str| {
                manifest["metadata"][field]
                    .as_str()
                    .expect("text")
                    .to_owned()
            };
            self.live
                .insert((text("namespace"), text("name")), manifest.clone());
        }
        self
    }

    fn flag(mut self, name: &str, content: &str) -> Self {
        let file = self.folder.path().join(name.replace('/', "-"));
        fs::write(&file, content).expect("written");
        self.flags.push(format!("{name}=@{}", file.display()));
        self
    }

    fn raw_flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    fn secrets_file(mut self, name: &str, content: &str) -> Self {
        let file = self.folder.path().join(name);
        fs::write(&file, content).expect("written");
        self.file = Some(file.display().to_string());
        self
    }

    fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.insert(name.to_owned(), value.to_owned());
        self
    }

    fn rotate(mut self, name: &str) -> Self {
        self.rotate.push(name.to_owned());
        self
    }

    fn answers(self, answers: &[&'static str]) -> Self {
        self.answers.borrow_mut().extend(answers.iter().rev());
        self
    }

    fn with_file(self, name: &str, content: &str) -> Self {
        fs::write(self.folder.path().join(name), content).expect("written");
        self
    }

    fn needs(&self) -> Result<Needs, Vec<SecretError>> {
        let mut stdin = self.stdin.as_bytes();
        let environment = |name: &str| self.environment.get(name).map(OsString::from);
        let mut sources = SuppliedSources {
            flags: &self.flags,
            file: self.file.as_deref().map(Path::new),
            environment: &environment,
            stdin: &mut stdin,
        };
        let supplied = Supplied::read(&self.declarations, &mut sources)?;
        let rotate = Rotate::parse(&self.rotate, &self.declarations)?;
        let live =
            |namespace: &str, name: &str| self.live.get(&(namespace.to_owned(), name.to_owned()));
        Ok(plan_values(
            &self.declarations,
            "shop",
            &live,
            &supplied,
            &rotate,
        ))
    }

    fn resolve(&self) -> Result<Resolved, Vec<SecretError>> {
        self.resolve_again(&Known::default())
    }

    /// Resolves where `known` was resolved before.
    fn resolve_again(&self, known: &Known) -> Result<Resolved, Vec<SecretError>> {
        let mut needs = self.needs()?;
        if !needs.problems.is_empty() {
            return Err(std::mem::take(&mut needs.problems));
        }
        let variables = IndexMap::from([
            ("host".to_owned(), json!("db.test")),
            ("port".to_owned(), json!(5432)),
        ]);
        resolve(
            &needs,
            known,
            &mut Answers(self),
            &Surroundings {
                folder: self.folder.path(),
                variables: &variables,
            },
        )
    }

    fn error(&self) -> String {
        let errors = self.resolve().expect_err("must fail");
        for error in &errors {
            assert!(!format!("{error:?}").contains(SENTINEL), "{error:?}");
        }
        let text = command_error(&errors).render();
        assert!(!text.contains(SENTINEL), "{text}");
        text
    }

    fn asked(&self) -> Vec<String> {
        self.asked.borrow().clone()
    }
}

/// Answers in order; re-asks as the terminal does.
struct Answers<'a>(&'a World);

impl Ask for Answers<'_> {
    fn secret(&mut self, prompt: &SecretPrompt) -> Result<SecretString, AskError> {
        loop {
            self.0.asked.borrow_mut().push(prompt.line());
            let answer = self
                .0
                .answers
                .borrow_mut()
                .pop()
                .ok_or(AskError::NoTerminal)?;
            if prompt.check(answer).is_ok() {
                return Ok(SecretString::from(answer));
            }
        }
    }

    fn confirm(&mut self, _question: &str) -> Result<bool, AskError> {
        unreachable!("secrets are not confirmed")
    }

    fn typed_name(&mut self, _question: &str, _name: &str) -> Result<bool, AskError> {
        unreachable!("secrets have no names to type")
    }
}

fn value(resolved: &Resolved, name: &str, key: &str) -> Option<String> {
    let manifest = resolved
        .manifests
        .iter()
        .find(|manifest| manifest["metadata"]["name"] == name)
        .expect("the Secret");
    let bytes = STANDARD
        .decode(manifest["data"].get(key)?.as_str()?)
        .expect("base64");
    Some(String::from_utf8(bytes).expect("text"))
}

const SHOP: &str = r#"
- name: postgres
  data: {username: {value: shop}, password: {generate: {length: 20}}}
- name: api
  data:
    stripe-key: {prompt: Stripe secret key, pattern: "^sk_"}
    sentry-dsn: {prompt: Sentry DSN, optional: true}
    database-url: {template: "postgres://${postgres/username}:${postgres/password|percent}@${host|percent}:${port}/shop"}
"#;

#[test]
fn a_first_run_generates_asks_and_composes() {
    let world = World::new(SHOP).answers(&["wrong", "sk_1", ""]);
    let needs = world.needs().expect("needs");
    assert_eq!(
        needs.describe(),
        [
            "Secret values: 2 from the plan, 1 to be generated, 2 to be asked for:",
            "  api/stripe-key: Stripe secret key",
            "  api/sentry-dsn: Sentry DSN (optional)",
        ]
    );
    let resolved = world.resolve().expect("resolved");
    let password = value(&resolved, "postgres", "password").expect("a password");
    assert_eq!(password.len(), 20);
    assert_eq!(
        value(&resolved, "api", "database-url"),
        Some(format!("postgres://shop:{password}@db.test:5432/shop"))
    );
    assert_eq!(
        value(&resolved, "api", "stripe-key").as_deref(),
        Some("sk_1")
    );
    assert_eq!(value(&resolved, "api", "sentry-dsn"), None, "left empty");
    let stripe = "Stripe secret key (api/stripe-key)".to_owned();
    assert_eq!(
        world.asked(),
        [
            stripe.clone(),
            stripe,
            "Sentry DSN (api/sentry-dsn, optional: Enter leaves it out)".to_owned()
        ]
    );
    assert_eq!(
        resolved.manifests[0],
        json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "postgres", "namespace": "shop"}, "type": "Opaque",
            "data": {"username": STANDARD.encode("shop"), "password": STANDARD.encode(&password)},
        })
    );
}

#[test]
fn a_second_run_keeps_everything_and_asks_nothing() {
    let first = World::new(SHOP)
        .answers(&["sk_1", ""])
        .resolve()
        .expect("resolved");
    let world = World::new(SHOP).applied(&first);
    assert_eq!(
        world.needs().expect("needs").describe(),
        ["Secret values: 2 kept from the cluster, 2 from the plan, 1 left out"]
    );
    assert!(world.needs().expect("needs").missing_error(false).is_none());
    assert_eq!(
        world.resolve().expect("resolved").manifests,
        first.manifests
    );
    assert!(world.asked().is_empty());
}

#[test]
fn a_rotation_flows_through_templates_and_touches_nothing_else() {
    let first = World::new(SHOP)
        .answers(&["sk_1", "dsn"])
        .resolve()
        .expect("resolved");
    let second = World::new(SHOP)
        .applied(&first)
        .rotate("postgres/password")
        .resolve()
        .expect("resolved");
    let (before, after) = (
        value(&first, "postgres", "password"),
        value(&second, "postgres", "password").expect("a password"),
    );
    assert_ne!(before.as_deref(), Some(after.as_str()));
    assert_eq!(
        value(&second, "api", "database-url"),
        Some(format!("postgres://shop:{after}@db.test:5432/shop"))
    );
    assert_eq!(value(&second, "api", "stripe-key").as_deref(), Some("sk_1"));
    let third = World::new(SHOP)
        .applied(&first)
        .rotate("api/stripe-key")
        .answers(&["sk_2"])
        .resolve()
        .expect("resolved");
    assert_eq!(value(&third, "api", "stripe-key").as_deref(), Some("sk_2"));
    assert_eq!(value(&third, "api", "sentry-dsn").as_deref(), Some("dsn"));
}

#[test]
fn what_has_come_into_the_cluster_since_is_kept_and_the_rest_stays_as_it_was() {
    let first = World::new(SHOP)
        .answers(&["sk_1", "dsn"])
        .resolve()
        .expect("resolved");
    let world = World::new(SHOP).opaque("shop", "postgres", &[("password", "of-the-other-run")]);
    let second = world.resolve_again(&first.known).expect("resolved");
    assert_eq!(
        value(&second, "postgres", "password").as_deref(),
        Some("of-the-other-run")
    );
    assert_eq!(
        value(&second, "api", "database-url").as_deref(),
        Some("postgres://shop:of-the-other-run@db.test:5432/shop")
    );
    assert_eq!(value(&second, "api", "stripe-key").as_deref(), Some("sk_1"));
    assert_eq!(value(&second, "api", "sentry-dsn").as_deref(), Some("dsn"));
    assert!(world.asked().is_empty(), "nobody is asked twice");

    let unchanged = World::new(SHOP)
        .resolve_again(&first.known)
        .expect("resolved");
    assert_eq!(
        unchanged.manifests, first.manifests,
        "nothing is generated twice"
    );
    let rotated = World::new(SHOP)
        .applied(&second)
        .rotate("postgres/password")
        .resolve_again(&first.known)
        .expect("resolved");
    assert_eq!(
        value(&rotated, "postgres", "password"),
        value(&first, "postgres", "password"),
        "who rotates wants no other value"
    );
}

#[test]
fn rotations_of_nothing_are_refused() {
    assert!(
        World::new(SHOP)
            .rotate("postgres/pasword")
            .error()
            .contains("did you mean `postgres/password`?")
    );
    assert!(
        World::new(SHOP)
            .rotate("postgres")
            .error()
            .contains("must be written `NAME/KEY`")
    );
    assert!(
        World::new(SHOP)
            .rotate("api/database-url")
            .error()
            .contains("follows its `template`")
    );
    assert!(
        World::new(SHOP)
            .rotate("postgres/username")
            .error()
            .contains("follows its `value`")
    );
}

#[test]
fn without_a_terminal_all_that_is_missing_is_listed() {
    let declarations = "
- {name: api, data: {stripe-key: {prompt: Stripe secret key}, dsn: {prompt: Sentry DSN, optional: true}, token: {env: API_TOKEN}}}
- {name: mail, data: {password: {prompt: Mail password}}}
";
    let world = World::new(declarations);
    let error = world
        .needs()
        .expect("needs")
        .missing_error(false)
        .expect("something is missing");
    assert_eq!(error.exit, ExitCode::Usage);
    assert_eq!(
        error.render(),
        "Error: 3 secret values are missing, and there is no terminal to ask at:
  api/token (the variable `API_TOKEN` is not set): `--secret api/token=@FILE` or the variable `DEPLOYCTL_SECRET_API__TOKEN`
  api/stripe-key (Stripe secret key): `--secret api/stripe-key=@FILE` or the variable `DEPLOYCTL_SECRET_API__STRIPE_KEY`
  mail/password (Mail password): `--secret mail/password=@FILE` or the variable `DEPLOYCTL_SECRET_MAIL__PASSWORD`
Hint: supply each by its flag or variable, or all in one file by `--secrets-file FILE` (YAML: `name: {key: value}`)
"
    );
    let error = world
        .needs()
        .expect("needs")
        .missing_error(true)
        .expect("the variable is missing");
    assert!(
        error.message.starts_with("1 secret value is missing:"),
        "{}",
        error.message
    );
    let supplied = World::new(declarations)
        .variable("API_TOKEN", "t")
        .variable("DEPLOYCTL_SECRET_MAIL__PASSWORD", "m")
        .flag("api/stripe-key", "s\n");
    assert!(
        supplied
            .needs()
            .expect("needs")
            .missing_error(false)
            .is_none()
    );
    let resolved = supplied.resolve().expect("resolved");
    assert_eq!(value(&resolved, "api", "token").as_deref(), Some("t"));
    assert_eq!(value(&resolved, "api", "stripe-key").as_deref(), Some("s"));
    assert_eq!(value(&resolved, "mail", "password").as_deref(), Some("m"));
    assert_eq!(value(&resolved, "api", "dsn"), None);
}

#[test]
fn a_file_that_is_not_there_is_listed_with_what_is_missing() {
    let declarations = "
- {name: api, data: {key: {file: absent.json}, spare: {file: absent.txt, optional: true}, token: {env: API_TOKEN}}}
";
    let folder = std::env::temp_dir();
    let mut needs = World::new(declarations).needs().expect("needs");
    needs.note_absent_files(&folder);
    let error = needs
        .missing_error(true)
        .expect("something is missing")
        .render();
    assert!(error.contains("2 secret values are missing"), "{error}");
    let line = format!(
        "api/key (there is no file `{}`): `--secret api/key=@FILE`",
        folder.join("absent.json").display()
    );
    assert!(error.contains(&line), "{error}");
    assert!(!error.contains("api/spare"), "{error}");

    let mut supplied = World::new(declarations)
        .variable("API_TOKEN", "t")
        .flag("api/key", "{}")
        .needs()
        .expect("needs");
    supplied.note_absent_files(&folder);
    assert!(supplied.missing_error(false).is_none());
}

#[test]
fn rotating_an_optional_value_without_a_terminal_does_not_drop_it() {
    let world = World::new("[{name: api, data: {dsn: {prompt: Sentry DSN, optional: true}}}]")
        .opaque("shop", "api", &[("dsn", "d")]);
    assert!(world.needs().expect("needs").missing_error(false).is_none());
    assert!(
        world
            .rotate("api/dsn")
            .needs()
            .expect("needs")
            .missing_error(false)
            .is_some()
    );
}

#[test]
fn flags_and_files_replace_and_variables_only_fill() {
    let declarations = "[{name: api, data: {a: {prompt: A}, b: {generate: {}}, c: {prompt: C}}}]";
    let live = [("a", "old-a"), ("b", "old-b")];
    let world = || {
        World::new(declarations)
            .opaque("shop", "api", &live)
            .variable("DEPLOYCTL_SECRET_API__C", "new-c")
    };
    let resolved = world()
        .variable("DEPLOYCTL_SECRET_API__A", "new-a")
        .flag("api/b", "new-b")
        .resolve()
        .expect("resolved");
    let values = ["a", "b", "c"].map(|key| value(&resolved, "api", key).expect("a value"));
    assert_eq!(values, ["old-a", "new-b", "new-c"]);
    assert_eq!(
        resolved.warnings,
        [
            "`api/a` is kept from the cluster; the other value in `DEPLOYCTL_SECRET_API__A` is used with `--rotate api/a`"
        ]
    );
    let resolved = world()
        .secrets_file("s.yaml", "api: {a: file-a, b: file-b}")
        .flag("api/b", "flag-b")
        .resolve()
        .expect("resolved");
    let values = ["a", "b"].map(|key| value(&resolved, "api", key).expect("a value"));
    assert_eq!(values, ["file-a", "flag-b"]);
    let rotated = world()
        .variable("DEPLOYCTL_SECRET_API__A", "new-a")
        .rotate("api/a")
        .resolve()
        .expect("resolved");
    assert_eq!(value(&rotated, "api", "a").as_deref(), Some("new-a"));
}

#[test]
fn secrets_files_are_yaml_or_lines() {
    let declarations = "[{name: api, data: {a: {prompt: A}, b.c: {prompt: B}}}]";
    let lines = "# a comment\n\napi/a=x=y \napi/b.c = \"q # r\"\n";
    for (name, content) in [
        ("s", lines),
        ("s.env", lines),
        ("s.yaml", "api:\n  a: x=y\n  b.c: 'q # r'\n"),
        ("s.json", r#"{"api": {"a": "x=y", "b.c": "q # r"}}"#),
    ] {
        let resolved = World::new(declarations)
            .secrets_file(name, content)
            .resolve()
            .expect("resolved");
        let values = ["a", "b.c"].map(|key| value(&resolved, "api", key).expect("a value"));
        assert_eq!(values, ["x=y", "q # r"], "{name}");
    }
    let wrong =
        |name: &str, content: &str| World::new(declarations).secrets_file(name, content).error();
    assert!(
        wrong("s.env", &format!("api/a=1\n{SENTINEL}\n"))
            .contains("s.env:2: a line must be written")
    );
    assert!(
        wrong("s.env", "api/x=1\n").contains(
            "s.env:1 names `api/x`, which the plan does not declare; did you mean `api/a`?"
        )
    );
    assert!(
        wrong("s.yaml", "api:\n  a: 0123\n")
            .contains("s.yaml:2: a value must be text; put it in quotes")
    );
    assert!(
        wrong("s.yaml", &format!("api:\n  a: [{SENTINEL}\n")).contains("the file must be YAML")
    );
    assert!(wrong("s.yaml", SENTINEL).contains("s.yaml:1: the file must be YAML"));
    assert!(wrong("s.yaml", "apo: {a: x}\n").contains("names `apo/a`"));
    let mut missing = World::new(declarations);
    missing.file = Some("/no/such/file".to_owned());
    assert!(
        missing
            .error()
            .contains("cannot read `/no/such/file` for `--secrets-file`: No such file")
    );
}

#[test]
fn literal_values_in_arguments_are_refused_without_being_shown() {
    let world = || World::new(SHOP);
    assert!(
        world()
            .raw_flag(&format!("api/stripe-key={SENTINEL}"))
            .error()
            .contains("which everybody on this machine can read")
    );
    assert!(
        world()
            .raw_flag(SENTINEL)
            .error()
            .contains("must be written `NAME/KEY=@FILE`")
    );
    assert!(
        world()
            .raw_flag("api/stripe-key=@")
            .error()
            .contains("`--secret api/stripe-key=@FILE`")
    );
    assert!(
        world()
            .raw_flag("api/stripe=@x")
            .error()
            .contains("did you mean `api/stripe-key`?")
    );
    assert!(
        world()
            .raw_flag("api/stripe-key=@/no/such/file")
            .error()
            .contains("cannot read `/no/such/file`")
    );
    assert!(
        world()
            .flag("api/stripe-key", "sk_1")
            .flag("api/stripe-key", "sk_1")
            .error()
            .contains("supplied twice")
    );
    assert!(
        world()
            .flag("api/database-url", SENTINEL)
            .error()
            .contains("follows its `template`")
    );
    assert!(
        world()
            .variable("DEPLOYCTL_SECRET_POSTGRES__USERNAME", SENTINEL)
            .error()
            .contains("follows its `value`")
    );
    let several = world()
        .raw_flag(SENTINEL)
        .raw_flag(&format!("api/stripe-key={SENTINEL}"))
        .rotate("x/y");
    assert!(
        several.error().starts_with("Error: 2 problems"),
        "what is wrong comes at once"
    );
}

#[test]
fn standard_input_is_read_once() {
    let mut world =
        World::new("[{name: api, data: {a: {prompt: A}, b: {prompt: B}}}]").raw_flag("api/a=@-");
    world.stdin = "typed\n".to_owned();
    let world = world.variable("DEPLOYCTL_SECRET_API__B", "b");
    assert_eq!(
        value(&world.resolve().expect("resolved"), "api", "a").as_deref(),
        Some("typed")
    );
    assert!(
        world
            .raw_flag("api/b=@-")
            .error()
            .contains("is the second one that reads standard input")
    );
}

#[test]
fn a_value_goes_to_every_namespace_and_comes_from_any() {
    let declarations = "[{name: mongo, namespaces: [data, core, data], labels: {app: mongo}, annotations: {note: x}, data: {password: {generate: {}}}}]";
    let resolved = World::new(declarations)
        .opaque("core", "mongo", &[("password", "old")])
        .resolve()
        .expect("resolved");
    let namespaces: Vec<_> = resolved
        .manifests
        .iter()
        .map(|manifest| manifest["metadata"]["namespace"].clone())
        .collect();
    assert_eq!(namespaces, ["data", "core"]);
    for manifest in &resolved.manifests {
        assert_eq!(manifest["data"]["password"], STANDARD.encode("old"));
        assert_eq!(manifest["metadata"]["labels"], json!({"app": "mongo"}));
        assert_eq!(manifest["metadata"]["annotations"], json!({"note": "x"}));
    }
    let diverged = || {
        World::new(declarations)
            .opaque("core", "mongo", &[("password", SENTINEL)])
            .opaque("data", "mongo", &[("password", "b")])
    };
    assert!(
        diverged().error().contains(
            "Secret/data/mongo and Secret/core/mongo hold different values for `password`"
        )
    );
    assert_eq!(
        diverged()
            .rotate("mongo/password")
            .resolve()
            .expect("resolved")
            .manifests
            .len(),
        2
    );
    let resolved = diverged()
        .flag("mongo/password", "c")
        .resolve()
        .expect("resolved");
    assert_eq!(value(&resolved, "mongo", "password").as_deref(), Some("c"));
}

#[test]
fn a_type_that_cannot_be_changed_is_said() {
    let world = World::new("[{name: api, data: {a: {value: x}}}]").live(
        "shop",
        "api",
        "kubernetes.io/basic-auth",
        &[("a", "x")],
    );
    assert!(world.error().contains(
        "Secret/shop/api has type `kubernetes.io/basic-auth` and the plan says `Opaque`"
    ));
}

#[test]
fn files_are_read_as_they_are_and_checked() {
    let declarations = "[{name: api, data: {account: {file: account.json, format: json}, note: {file: note, optional: true}}}]";
    let world = World::new(declarations).with_file("account.json", "{\"a\": 1}\n");
    let resolved = world.resolve().expect("resolved");
    assert_eq!(
        value(&resolved, "api", "account").as_deref(),
        Some("{\"a\": 1}\n")
    );
    assert_eq!(value(&resolved, "api", "note"), None);
    let edited = World::new(declarations)
        .with_file("account.json", "{\"a\": 2}\n")
        .applied(&resolved);
    let second = edited.resolve().expect("resolved");
    assert_eq!(second.manifests, resolved.manifests);
    assert_eq!(
        second.warnings,
        [
            "`api/account` is kept from the cluster; `account.json` holds another value, which `--rotate api/account` brings in"
        ]
    );
    let rotated = edited.rotate("api/account").resolve().expect("resolved");
    assert_eq!(
        value(&rotated, "api", "account").as_deref(),
        Some("{\"a\": 2}\n")
    );
    assert!(
        World::new(declarations)
            .error()
            .contains("account.json` for `api/account`: No such file")
    );
    let broken = World::new(declarations).with_file("account.json", &format!("{{{SENTINEL}}}"));
    assert!(broken.error().contains("the value of `api/account` from `account.json` is refused: it is not JSON (line 1, column 2)"));
    assert!(
        World::new(declarations)
            .with_file("account.json", "")
            .error()
            .contains("is refused: it is empty")
    );
}

#[test]
fn commands_and_sops_are_run_without_a_shell() {
    let printed =
        World::new("[{name: api, data: {a: {command: [printf, '%s\\n\\n', '$HOME ${host}']}}}]")
            .resolve()
            .expect("resolved");
    assert_eq!(
        value(&printed, "api", "a").as_deref(),
        Some("$HOME ${host}\n")
    );
    let failed = World::new(&format!(
        "[{{name: api, data: {{a: {{command: [sh, -c, 'echo {SENTINEL}; echo sealed >&2; exit 1']}}}}}}]"
    ));
    let text = failed.error();
    assert!(
        text.contains("`sh` failed (exit status: 1) while it was run for `api/a`")
            && text.contains("Hint: `sh` said: sealed"),
        "{text}"
    );
    assert_eq!(
        command_error(&failed.resolve().expect_err("fails")).exit,
        ExitCode::Failed
    );
    let missing = World::new("[{name: api, data: {a: {command: [no-such-program]}}}]").error();
    assert!(
        missing.contains("`no-such-program` is needed for `api/a` and was not found"),
        "{missing}"
    );
    let sops = World::new("[{name: api, data: {a: {sops: {file: s.yaml}}}}]").error();
    assert!(sops.contains("s.yaml` for `api/a`: "), "{sops}");
}

#[test]
fn prompts_come_last_so_that_nobody_types_in_vain() {
    let world = World::new("[{name: api, data: {a: {prompt: A}, b: {file: missing}, c: {template: '${x/y}'}, d: {template: '${hots}'}}}]")
        .answers(&["x"]);
    let text = world.error();
    assert!(
        text.starts_with("Error: 3 problems with secret values:"),
        "{text}"
    );
    assert!(
        text.contains("refers to `x/y`, which the plan does not declare"),
        "{text}"
    );
    assert!(
        text.contains(
            "refers to the variable `hots`, which the plan does not declare; did you mean `host`?"
        ),
        "{text}"
    );
    assert!(world.asked().is_empty());
    let circle =
        World::new("[{name: api, data: {a: {template: '${api/b}'}, b: {template: '${api/a}'}}}]");
    assert!(circle.error().contains("refers to itself"));
}

#[test]
fn patterns_hold_for_every_source() {
    let cases = [
        "value: hunter2-sentinel",
        "generate: {charset: {custom: ab}}",
        "file: f",
        "command: [echo, hunter2-sentinel]",
        "template: '${api/k}'",
        "env: TOKEN",
    ];
    for source in cases {
        let declarations = format!(
            "[{{name: api, data: {{k: {{value: {SENTINEL}}}, a: {{{source}, pattern: '^sk_'}}}}}}]"
        );
        let world = World::new(&declarations)
            .with_file("f", SENTINEL)
            .variable("TOKEN", SENTINEL);
        let text = world.error();
        assert!(
            text.contains("`api/a`") && text.contains("it does not match the pattern `^sk_`"),
            "{text}"
        );
    }
    let prompt = "[{name: api, data: {a: {prompt: A, pattern: '^sk_'}}}]";
    assert!(
        World::new(prompt)
            .flag("api/a", SENTINEL)
            .error()
            .contains("from `--secret api/a` is refused")
    );
    assert!(
        World::new(prompt)
            .opaque("shop", "api", &[("a", SENTINEL)])
            .error()
            .contains("replace it by `--rotate api/a`")
    );
    assert!(
        World::new("[{name: api, data: {a: {prompt: A, pattern: '('}}}]")
            .error()
            .contains("is not a regular expression")
    );
}

#[test]
fn templates_with_what_was_left_out() {
    let with = |optional: bool| {
        format!(
            "[{{name: api, data: {{a: {{prompt: A, optional: true}}, b: {{template: 'x${{api/a}}', optional: {optional}}}}}}}]"
        )
    };
    assert_eq!(
        value(
            &World::new(&with(true))
                .answers(&[""])
                .resolve()
                .expect("resolved"),
            "api",
            "b"
        ),
        None
    );
    assert!(
        World::new(&with(false))
            .answers(&[""])
            .error()
            .contains("refers to `api/a`, which is left empty")
    );
    assert_eq!(
        value(
            &World::new(&with(false))
                .answers(&["y"])
                .resolve()
                .expect("resolved"),
            "api",
            "b"
        )
        .as_deref(),
        Some("xy")
    );
}

#[test]
fn key_pairs_stay_together() {
    let declarations = "[{name: jwt, data: {private.pem: {generate: {privateKey: ed25519}}, public.pem: {generate: {publicKeyOf: private.pem}}}}, {name: copy, data: {key: {generate: {publicKeyOf: jwt/private.pem}}}}]";
    let first = World::new(declarations).resolve().expect("resolved");
    assert!(
        value(&first, "jwt", "private.pem")
            .expect("a key")
            .contains("PRIVATE KEY")
    );
    assert_eq!(
        value(&first, "jwt", "public.pem"),
        value(&first, "copy", "key")
    );
    assert_eq!(
        World::new(declarations)
            .applied(&first)
            .resolve()
            .expect("resolved")
            .manifests,
        first.manifests
    );
    let rotated = World::new(declarations)
        .applied(&first)
        .rotate("jwt/private.pem")
        .resolve()
        .expect("resolved");
    assert_ne!(value(&rotated, "copy", "key"), value(&first, "copy", "key"));
    let no_key = World::new(
        "[{name: jwt, data: {a: {value: hunter2-sentinel}, b: {generate: {publicKeyOf: a}}}}]",
    )
    .error();
    assert!(
        no_key.contains("needs a private key in PKCS #8 PEM"),
        "{no_key}"
    );
}

const TLS: &str = "[{name: web, type: kubernetes.io/tls, data: {tls.crt: {generate: {selfSigned: {hosts: [db.test, 10.0.0.1], days: 90}}}}}]";

#[test]
fn self_signed_certificates_are_made_kept_and_rotated_with_their_keys() {
    let first = World::new(TLS).resolve().expect("resolved");
    assert_eq!(first.manifests[0]["type"], "kubernetes.io/tls");
    assert!(
        value(&first, "web", "tls.crt")
            .expect("a certificate")
            .contains("BEGIN CERTIFICATE")
    );
    let kept = World::new(TLS).applied(&first);
    assert_eq!(kept.resolve().expect("resolved").manifests, first.manifests);
    for key in ["web/tls.crt", "web/tls.key"] {
        let rotated = World::new(TLS)
            .applied(&first)
            .rotate(key)
            .resolve()
            .expect("resolved");
        for key in ["tls.crt", "tls.key"] {
            assert_ne!(value(&rotated, "web", key), value(&first, "web", key));
        }
    }
    let other = World::new(TLS).resolve().expect("resolved");
    let key = value(&other, "web", "tls.key").expect("a key");
    assert!(
        World::new(TLS)
            .flag("web/tls.key", &key)
            .error()
            .contains("`web/tls.key` is supplied without `web/tls.crt`")
    );
    let certificate = value(&first, "web", "tls.crt").expect("a certificate");
    let mixed = World::new(TLS)
        .flag("web/tls.key", &key)
        .flag("web/tls.crt", &certificate);
    assert!(
        mixed
            .error()
            .contains("`web/tls.key` is not the private key of the certificate in `web/tls.crt`")
    );
}

#[test]
fn a_certificate_near_its_end_is_said() {
    let pair =
        super::certificate::self_signed(&["a.test".to_owned()], Some(20), jiff::Timestamp::now())
            .expect("a pair");
    let text = |bytes: &super::value::SecretBytes| bytes.expose_text().expect("text").to_owned();
    let (certificate, key) = (text(&pair.certificate), text(&pair.key));
    let world = World::new(TLS).live(
        "shop",
        "web",
        "kubernetes.io/tls",
        &[("tls.crt", &certificate), ("tls.key", &key)],
    );
    let warnings = world.resolve().expect("resolved").warnings;
    assert!(
        matches!(warnings.as_slice(), [one] if one.contains("the certificate in `web/tls.crt` expires on 20") && one.contains("--rotate web/tls.crt")),
        "{warnings:?}"
    );
}

#[test]
fn types_get_what_they_need() {
    let pull = "[{name: pull, type: kubernetes.io/dockerconfigjson, data: {registry: {value: registry.test}, username: {value: robot}, password: {prompt: Registry password}}}]";
    let first = World::new(pull)
        .answers(&["pw"])
        .resolve()
        .expect("resolved");
    let config: Value =
        serde_json::from_str(&value(&first, "pull", ".dockerconfigjson").expect("a configuration"))
            .expect("JSON");
    assert_eq!(config["auths"]["registry.test"]["password"], "pw");
    assert_eq!(
        value(&first, "pull", "password"),
        None,
        "only the configuration is sent"
    );
    let second = World::new(pull).applied(&first);
    assert_eq!(
        second.resolve().expect("resolved").manifests,
        first.manifests
    );
    assert!(second.asked().is_empty());
    let ready = "[{name: pull, type: kubernetes.io/dockerconfigjson, data: {.dockerconfigjson: {prompt: Configuration}}}]";
    assert!(
        World::new(ready)
            .answers(&[SENTINEL])
            .error()
            .contains("it is not a Docker configuration")
    );
    let half = "[{name: login, type: kubernetes.io/basic-auth, data: {username: {value: a}}}]";
    assert!(
        World::new(half)
            .error()
            .contains("Secret `login` of type `kubernetes.io/basic-auth` needs the key `password`")
    );
    let tls = "[{name: web, type: kubernetes.io/tls, data: {tls.crt: {prompt: C}, tls.key: {prompt: K}}}]";
    assert!(
        World::new(tls)
            .answers(&[SENTINEL, SENTINEL])
            .error()
            .contains("there is no certificate in it")
    );
    let pem =
        World::new("[{name: web, data: {a: {prompt: A, format: pem}}}]").flag("web/a", SENTINEL);
    assert!(
        pem.error()
            .contains("it is not PEM: there is no `-----BEGIN …-----` block")
    );
}

#[test]
fn what_is_too_large_for_a_secret_is_refused() {
    let large = "x".repeat(1024 * 1024 + 1);
    assert!(
        World::new("[{name: a, data: {b: {file: f}}}]")
            .with_file("f", &large)
            .error()
            .contains("larger than the 1 MiB")
    );
    let half = "x".repeat(600 * 1024);
    let two = World::new("[{name: a, data: {b: {file: f}, c: {file: f}}}]").with_file("f", &half);
    assert!(two.error().contains("all keys together"));
}

#[test]
fn an_interruption_ends_with_130_and_silences_the_rest() {
    let error = command_error(&[
        SecretError::MalformedFlag,
        SecretError::Ask(AskError::Interrupted),
    ]);
    assert_eq!(
        (error.exit, error.message.as_str()),
        (ExitCode::Interrupted, "interrupted at a prompt")
    );
    let failed = command_error(&[SecretError::Ask(AskError::Terminal(io::Error::other(
        "gone",
    )))]);
    assert_eq!(
        (failed.exit, failed.message.as_str()),
        (ExitCode::Failed, "cannot ask at the terminal: gone")
    );
}

#[test]
fn nothing_that_holds_values_shows_them() {
    let world = World::new(SHOP)
        .opaque("shop", "postgres", &[("password", SENTINEL)])
        .flag("api/stripe-key", &format!("sk_{SENTINEL}"))
        .variable("DEPLOYCTL_SECRET_API__SENTRY_DSN", SENTINEL);
    let needs = world.needs().expect("needs");
    let resolved = world.resolve().expect("resolved");
    assert!(
        value(&resolved, "api", "database-url")
            .expect("a URL")
            .contains(SENTINEL),
        "the value was used"
    );
    for text in [
        format!("{needs:?}"),
        format!("{resolved:?}"),
        needs.describe().join("\n"),
    ] {
        assert!(
            !text.contains(SENTINEL) && !text.contains(&STANDARD.encode(SENTINEL)),
            "{text}"
        );
    }
    assert!(
        !format!("{:?}", Rejection::Empty).is_empty()
            && KeyName::new("a", "b").to_string() == "a/b"
    );
}
