//! Secret values: asked at a real terminal, supplied without one, kept, rotated, and shown nowhere.

mod leaks;

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::pty::Pty;
use crate::support::{Deployctl, get};

/// A plan with secrets in a folder and a namespace of its own. The namespace does not exist before
/// `up`.
struct Shop {
    folder: TempDir,
    name: String,
}

impl Shop {
    fn new(name: &str, secrets: &str) -> Self {
        let shop = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            name: format!("{name}-{}", std::process::id()),
        };
        shop.write(
            "manifests/config.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {level: info}\n",
        );
        let plan = format!(
            "apiVersion: deployctl.dev/v1\nname: {name}\nsources: [../manifests]\nenvironments:\n  default: {{namespace: {name}}}\nsecrets:\n{secrets}",
            name = shop.name
        );
        shop.write(&format!("plans/{}.yaml", shop.name), &plan);
        shop
    }

    fn write(&self, path: &str, content: &str) -> String {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().expect("a folder")).expect("the folder is made");
        fs::write(&file, content).expect("the file is written");
        file.display().to_string()
    }

    fn up(&self, arguments: &[&str]) -> Deployctl {
        Deployctl::in_sandbox()
            .current_dir(self.folder.path())
            .args(["up", &self.name, "--yes"])
            .args(arguments.iter().copied())
    }

    /// The value in the cluster; `None` where there is no such key or Secret.
    fn stored(namespace: &str, secret: &str, key: &str) -> Option<String> {
        let object = get(namespace, &format!("secret/{secret}"));
        let bytes = STANDARD
            .decode(object["data"].get(key)?.as_str()?)
            .expect("data is base64");
        Some(String::from_utf8(bytes).expect("the value is text"))
    }

    fn value(&self, name: &str) -> Option<String> {
        let (secret, key) = name.split_once('/').expect("`secret/key`");
        Self::stored(&self.name, secret, key)
    }

    #[track_caller]
    fn assert_nothing_was_written(&self) {
        let namespace = get(&self.name, &format!("namespace/{}", self.name));
        assert!(namespace.is_null(), "the namespace was created");
    }
}

const PROMPTS: &str = r#"
  - name: postgres
    data: {username: {value: shop}, password: {generate: {length: 24}}}
  - name: api
    data:
      stripe-key: {prompt: Stripe secret key, pattern: "^sk_"}
      master: {prompt: Master password, confirm: true}
      sentry-dsn: {prompt: Sentry DSN, optional: true}
      database-url: {template: "postgres://${postgres/username}:${postgres/password|percent}@postgres/shop"}
"#;

#[test]
fn values_are_listed_first_and_asked_for_in_order_unseen() {
    let shop = Shop::new("asked", PROMPTS);
    let mut terminal = Pty::echoing(shop.up(&[]));
    terminal.expect("to be asked for:");
    terminal.expect("  api/stripe-key: Stripe secret key");
    terminal.expect("  api/master: Master password");
    terminal.expect("  api/sentry-dsn: Sentry DSN (optional)");
    terminal.expect("Stripe secret key (api/stripe-key): ");
    terminal.answer("mistyped-stripe");
    terminal.expect("it does not match the pattern `^sk_`");
    terminal.expect("Stripe secret key (api/stripe-key): ");
    terminal.answer("sk_typed-stripe");
    terminal.expect("Master password (api/master): ");
    terminal.answer("typed-master");
    terminal.expect("Master password (api/master), again: ");
    terminal.answer("mistyped-master");
    terminal.expect("the two differ");
    terminal.expect("Master password (api/master): ");
    terminal.answer("typed-master");
    terminal.expect("Master password (api/master), again: ");
    terminal.answer("typed-master");
    terminal.expect("Sentry DSN (api/sentry-dsn, optional: Enter leaves it out): ");
    terminal.answer("");
    let ended = terminal.end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
    assert!(ended.echoes);
    for typed in ["typed-stripe", "typed-master"] {
        assert!(
            !ended.transcript.contains(typed),
            "`{typed}` was shown:\n{}",
            ended.transcript
        );
    }
    assert_eq!(
        shop.value("api/stripe-key").as_deref(),
        Some("sk_typed-stripe")
    );
    assert_eq!(shop.value("api/master").as_deref(), Some("typed-master"));
    assert_eq!(shop.value("api/sentry-dsn"), None);
    let password = shop.value("postgres/password").expect("it was generated");
    assert_eq!(password.len(), 24);
    assert_eq!(
        shop.value("api/database-url"),
        Some(format!("postgres://shop:{password}@postgres/shop"))
    );

    let again = Pty::echoing(shop.up(&[])).end();
    assert_eq!(again.status, 0, "{}", again.transcript);
    assert!(
        !again.transcript.contains("(api/"),
        "it asked again:\n{}",
        again.transcript
    );
    shop.up(&[]).run().exited(0);
    assert_eq!(shop.value("postgres/password"), Some(password));
}

#[test]
fn ctrl_c_and_sigterm_at_a_prompt_leave_the_terminal_and_the_cluster_as_they_were() {
    let shop = Shop::new("interrupted", PROMPTS);
    // The signal from outside may overtake what is on its way through the terminal, so that nothing
    // is typed before it.
    let interruptions: [fn(&mut Pty); 2] = [
        |terminal| {
            terminal.type_unfinished("sk_half-typed");
            terminal.press_ctrl_c();
        },
        |terminal| {
            terminal.type_unfinished("");
            terminal.terminate();
        },
    ];
    for interrupt in interruptions {
        let mut terminal = Pty::echoing(shop.up(&[]));
        terminal.expect("Stripe secret key (api/stripe-key): ");
        interrupt(&mut terminal);
        let ended = terminal.end();
        assert_eq!(ended.status, 130, "{}", ended.transcript);
        assert!(ended.echoes, "echo is off after the end");
        assert!(
            !ended.transcript.contains("half-typed"),
            "{}",
            ended.transcript
        );
        assert!(
            ended.transcript.rfind("\u{1b}[?25l") <= ended.transcript.rfind("\u{1b}[?25h"),
            "the cursor is hidden after the end"
        );
        shop.assert_nothing_was_written();
    }
}

#[test]
fn a_secret_for_a_namespace_that_nobody_creates_is_refused_before_the_first_write() {
    let shop = Shop::new(
        "elsewhere",
        "  - {name: api, namespaces: [nobody-creates-this], data: {key: {prompt: API key}}}\n",
    );
    let outcome = shop.up(&[]).run().exited(2);
    for text in [
        "Secret/nobody-creates-this/api",
        "namespace `nobody-creates-this` does not exist",
        "add a Namespace",
    ] {
        assert!(
            outcome.stderr.contains(text),
            "`{text}` is missing:\n{}",
            outcome.stderr
        );
    }
    shop.assert_nothing_was_written();
}

#[test]
fn without_a_terminal_everything_missing_is_listed_at_once() {
    let secrets =
        format!("{PROMPTS}  - {{name: mail, data: {{token: {{env: SHOP_MAIL_TOKEN}}}}}}\n");
    let shop = Shop::new("missing", &secrets);
    let outcome = shop.up(&[]).run().exited(2);
    assert!(outcome.stdout.is_empty());
    assert!(
        outcome.stderr.contains("3 secret values are missing"),
        "{}",
        outcome.stderr
    );
    for (flag, variable) in [
        (
            "--secret api/stripe-key=@FILE",
            "DEPLOYCTL_SECRET_API__STRIPE_KEY",
        ),
        ("--secret api/master=@FILE", "DEPLOYCTL_SECRET_API__MASTER"),
        ("--secret mail/token=@FILE", "DEPLOYCTL_SECRET_MAIL__TOKEN"),
    ] {
        let line = outcome.stderr.lines().find(|line| line.contains(flag));
        assert!(
            line.is_some_and(|line| line.contains(variable)),
            "{flag}:\n{}",
            outcome.stderr
        );
    }
    assert!(outcome.stderr.contains("--secrets-file"));
    assert!(
        !outcome.stderr.contains("sentry-dsn"),
        "an optional value is not missing"
    );
    shop.assert_nothing_was_written();
}

#[test]
fn values_come_from_flag_file_standard_input_and_variable() {
    let secrets = r"
  - name: api
    data: {a: {prompt: A}, b: {prompt: B}, c: {prompt: C}, d: {prompt: D}, e: {env: SHOP_E}, f: {file: account.json, format: json}}
";
    let shop = Shop::new("supplied", secrets);
    let flag = format!("api/a=@{}", shop.write("a.txt", "from-flag\n"));
    let file = shop.write("secrets.yaml", "api: {b: from-file}\n");
    shop.write("plans/account.json", "{}\n");
    let supplied = || {
        let run = shop.up(&[
            "--secret",
            &flag,
            "--secret",
            "api/c=@-",
            "--secrets-file",
            &file,
        ]);
        run.env("DEPLOYCTL_SECRET_API__D", "from-variable")
            .env("SHOP_E", "from-env")
            .stdin("from-stdin\n")
    };
    supplied().run().exited(0);
    let values = ["a", "b", "c", "d", "e", "f"]
        .map(|key| shop.value(&format!("api/{key}")).expect("it is there"));
    assert_eq!(
        values,
        [
            "from-flag",
            "from-file",
            "from-stdin",
            "from-variable",
            "from-env",
            "{}\n"
        ]
    );

    let replaced = shop.write("b.txt", "replaced");
    let outcome = shop
        .up(&["--secret", &format!("api/a=@{replaced}")])
        .env("DEPLOYCTL_SECRET_API__D", "ignored")
        .run()
        .exited(0);
    assert_eq!(shop.value("api/a").as_deref(), Some("replaced"));
    assert_eq!(
        shop.value("api/d").as_deref(),
        Some("from-variable"),
        "a variable replaces nothing"
    );
    assert!(
        outcome.stderr.contains("`api/d` is kept from the cluster"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn sops_decrypts_and_is_said_to_be_missing() {
    let secrets = r#"
  - name: api
    data: {whole: {sops: {file: enc.yaml}}, one: {sops: {file: enc.yaml, extract: '["a"]["b"]'}}}
"#;
    let shop = Shop::new("sops", secrets);
    shop.write("plans/enc.yaml", "encrypted\n");
    shop.write("empty/nothing", "");
    let path = |folder: &str| {
        format!(
            "{}:/usr/bin:/bin",
            shop.folder.path().join(folder).display()
        )
    };
    if !["/usr/bin/sops", "/bin/sops"]
        .iter()
        .any(|file| Path::new(file).exists())
    {
        let outcome = shop.up(&[]).env("PATH", path("empty")).run().exited(2);
        assert!(
            outcome.stderr.contains("`sops` is needed for `api/whole`"),
            "{}",
            outcome.stderr
        );
        assert!(
            outcome
                .stderr
                .contains("https://github.com/getsops/sops/releases"),
            "{}",
            outcome.stderr
        );
        shop.assert_nothing_was_written();
    }
    let sops = shop.write(
        "bin/sops",
        "#!/bin/sh\nfor last; do :; done\necho \"$*: $(cat \"$last\")\"\n",
    );
    fs::set_permissions(&sops, fs::Permissions::from_mode(0o755)).expect("the script can be run");
    shop.up(&[]).env("PATH", path("bin")).run().exited(0);
    assert_eq!(
        shop.value("api/whole").as_deref(),
        Some("-d enc.yaml: encrypted\n")
    );
    assert_eq!(
        shop.value("api/one").as_deref(),
        Some("-d --extract [\"a\"][\"b\"] enc.yaml: encrypted\n")
    );
}

#[test]
fn slips_are_refused_before_anything_is_done() {
    let shop = Shop::new("slips", PROMPTS);
    for (arguments, said) in [
        (
            ["--secret", "api/stripe-key=literal-value"],
            "everybody on this machine can read",
        ),
        (
            ["--secret", "api/stripekey=@/dev/null"],
            "did you mean `api/stripe-key`?",
        ),
        (
            ["--secret", "api/stripe-key=@/no/such/file"],
            "cannot read `/no/such/file`",
        ),
        (
            ["--rotate", "postgres/pasword"],
            "did you mean `postgres/password`?",
        ),
        (["--rotate", "api/database-url"], "follows its `template`"),
    ] {
        let outcome = shop.up(&arguments).run().exited(2);
        assert!(
            outcome.stderr.contains(said) && !outcome.stderr.contains("literal-value"),
            "{}",
            outcome.stderr
        );
    }
    shop.assert_nothing_was_written();
}

#[test]
fn a_rotation_replaces_one_value_in_every_namespace_and_what_is_composed_of_it() {
    let other = format!("rotated-other-{}", std::process::id());
    crate::support::kubectl(&["create", "namespace", &other]);
    let name = format!("rotated-{}", std::process::id());
    let secrets = format!(
        "
  - {{name: mongo, namespaces: [{name}, {other}], data: {{password: {{generate: {{}}}}, keyfile: {{generate: {{bytes: 756}}}}}}}}
  - {{name: api, data: {{url: {{template: 'mongodb://root:${{mongo/password|percent}}@mongo'}}}}}}
"
    );
    let shop = Shop::new("rotated", &secrets);
    shop.up(&[]).run().exited(0);
    let before = ["password", "keyfile"]
        .map(|key| Shop::stored(&other, "mongo", key).expect("it was generated"));
    shop.up(&["--rotate", "mongo/password"]).run().exited(0);
    let after =
        ["password", "keyfile"].map(|key| Shop::stored(&other, "mongo", key).expect("it is there"));
    assert_ne!(before[0], after[0]);
    assert_eq!(before[1], after[1]);
    assert_eq!(
        shop.value("mongo/password").as_deref(),
        Some(after[0].as_str())
    );
    assert_eq!(
        shop.value("api/url"),
        Some(format!("mongodb://root:{}@mongo", after[0]))
    );
    // One namespace lost it, the other still has it: nothing new is generated.
    crate::support::kubectl(&["delete", "secret", "mongo", "--namespace", &other]);
    shop.up(&[]).run().exited(0);
    assert_eq!(
        Shop::stored(&other, "mongo", "password").as_deref(),
        Some(after[0].as_str())
    );
}

#[test]
fn nobody_is_asked_for_a_cluster_that_cannot_be_reached() {
    let shop = Shop::new("unreachable", PROMPTS);
    let kubeconfig = shop.write(
        "kubeconfig",
        "apiVersion: v1\nkind: Config\ncurrent-context: c\ncontexts: [{name: c, context: {cluster: c, user: u}}]\nusers: [{name: u}]\nclusters: [{name: c, cluster: {server: 'http://127.0.0.1:9'}}]\n",
    );
    let ended = Pty::echoing(shop.up(&[]).env("KUBECONFIG", kubeconfig)).end();
    assert!(
        [1, 2].contains(&ended.status),
        "{}: {}",
        ended.status,
        ended.transcript
    );
    assert!(
        !ended.transcript.contains("(api/stripe-key)"),
        "{}",
        ended.transcript
    );
}

/// A Secret with values of every origin.
const EVERY_ORIGIN: &str = r#"
  - name: api
    data:
      typed: {prompt: Typed, pattern: "^sentinel"}
      flag: {prompt: Flag}
      variable: {prompt: Variable}
      file: {file: ../inputs/file.txt}
      generated: {generate: {length: 40}}
      url: {template: "https://x:${api/typed|percent}@${api/flag|base64}.test"}
"#;

/// What a command that ends by itself says, on both of its outputs.
fn outputs(command: Deployctl) -> [String; 2] {
    let outcome = command.run();
    [outcome.stdout, outcome.stderr]
}

/// What commands say that only look at the release.
fn outputs_of_looking(shop: &Shop) -> Vec<String> {
    let commands: [&[&str]; 5] = [
        &["status", &shop.name, "-o", "json"],
        &["status", &shop.name, "-o", "yaml"],
        &["list", "-o", "json"],
        &["render", &shop.name, "-o", "yaml"],
        &["validate", &shop.name, "-vv"],
    ];
    let commands = commands.into_iter().map(|arguments| {
        Deployctl::in_sandbox()
            .current_dir(shop.folder.path())
            .args(arguments.iter().copied())
    });
    commands.flat_map(outputs).collect()
}

/// Asserts that `value` is in the cluster only where it belongs: in the Secret `api` and in stored
/// revisions.
#[track_caller]
fn assert_is_only_in_its_secret_and_in_revisions(shop: &Shop, objects: &[Value], value: &str) {
    let mut places = leaks::places(objects, value);
    assert!(
        places.remove(&format!("Secret/{}/api", shop.name)),
        "the search does not find `{value}` where it belongs"
    );
    let (revisions, leaked): (Vec<String>, Vec<String>) = places
        .into_iter()
        .partition(|place| place.starts_with("revision "));
    assert!(
        !revisions.is_empty(),
        "the search does not find `{value}` in the stored revisions"
    );
    assert!(leaked.is_empty(), "`{value}` is in {leaked:?}");
}

#[test]
fn values_are_nowhere_but_in_their_secret_and_in_revisions() {
    let [typed, flag, variable, file] = ["typed", "flag", "variable", "file"]
        .map(|what| format!("sentinel{what}{}", std::process::id()));
    let shop = Shop::new("leaks", EVERY_ORIGIN);
    shop.write("inputs/file.txt", &file);
    let from_flag = format!("api/flag=@{}", shop.write("inputs/flag.txt", &flag));
    let run = |arguments: &[&str]| {
        shop.up(arguments)
            .args(["-vv", "--secret", &from_flag])
            .env("DEPLOYCTL_SECRET_API__VARIABLE", &variable)
    };

    let mut terminal = Pty::echoing(run(&["-o", "jsonl"]));
    terminal.expect("Typed (api/typed): ");
    terminal.answer(&typed);
    let first = terminal.end();
    assert_eq!(first.status, 0, "{}", first.transcript);
    let generated = shop.value("api/generated").expect("it was generated");
    let rotate = ["--rotate", "api/flag", "--secret", "api/typed=@/dev/null"];
    let mut said = vec![first.transcript];
    said.extend(outputs(run(&[])));
    said.extend(outputs(run(&["-o", "json"])));
    said.extend(outputs(run(&rotate)));
    said.extend(outputs_of_looking(&shop));

    let objects = leaks::reachable(&shop.name, &format!("{}.default", shop.name));
    let files = [
        "manifests/config.yaml",
        &format!("plans/{}.yaml", shop.name),
    ]
    .map(|file| fs::read(shop.folder.path().join(file)).expect("the file is there"));
    for value in [typed, flag, variable, file, generated] {
        for output in &said {
            assert!(
                !leaks::holds(output.as_bytes(), &value),
                "`{value}` is in an output:\n{output}"
            );
        }
        assert_is_only_in_its_secret_and_in_revisions(&shop, &objects, &value);
        assert!(files.iter().all(|file| !leaks::holds(file, &value)));
    }
}
