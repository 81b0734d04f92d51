//! Kubeconfigs, proxies and login programs, as kubectl has them.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Write as _, copy},
    net::{TcpListener, TcpStream},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use rustix::process::Signal;

use super::{manifests::config_map, project::Project, running::Running, user::User};
use crate::support::{
    Deployctl, eventually,
    proxy::{Answer, Fault, Proxy, Requests, Rule},
    sandbox,
};

/// A kubeconfig of the shared sandbox that a test changes, in a folder of its own.
struct Kubeconfig {
    folder: tempfile::TempDir,
    content: Value,
}

impl Kubeconfig {
    /// That of an administrator who shows a token, which is returned too.
    fn with_token() -> (Self, String) {
        let user = User::administrator();
        let mut own = Self::of(&user.kubeconfig);
        let token = own.user()["token"].as_str().unwrap().to_owned();
        (own, token)
    }

    fn of(path: &Path) -> Self {
        let mut content: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let current = content["current-context"].clone();
        for (list, part) in [("clusters", "cluster"), ("users", "user")] {
            let contexts = content["contexts"].as_array().unwrap();
            let context = contexts.iter().find(|named| named["name"] == current);
            let name = context.unwrap()["context"][part].clone();
            let entries = content[list].as_array_mut().unwrap();
            entries.retain(|entry| entry["name"] == name);
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            content,
        }
    }

    fn cluster(&mut self) -> &mut Value {
        &mut self.content["clusters"][0]["cluster"]
    }

    fn user(&mut self) -> &mut Value {
        &mut self.content["users"][0]["user"]
    }

    /// Writes `content` beside it, and returns its path.
    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// Writes it, and returns its path.
    fn path(&self) -> PathBuf {
        self.write("kubeconfig", self.content.to_string())
    }
}

fn project(name: &str) -> Project {
    Project::new(name).manifest("apps/settings.yaml", &config_map("settings", "1"))
}

#[track_caller]
fn reaches(project: &Project, what: &str, variables: &[(&str, &str)]) {
    let mut run = project.up(&[]);
    for (name, value) in variables {
        run = run.env(name, *value);
    }
    let outcome = run.run();
    assert_eq!(outcome.status, 0, "{what}: {}", outcome.stderr);
}

/// <https://github.com/kdash-rs/kdash/issues/89>
#[test]
fn a_list_of_kubeconfigs_may_have_absent_and_empty_files() {
    let project = project("kubeconfig-list");
    let mut own = Kubeconfig::of(&sandbox().kubeconfig);
    // Paths are relative to the file that they stand in.
    let data = own.cluster()["certificate-authority-data"].take();
    if let Some(data) = data.as_str() {
        own.write("ca.crt", STANDARD.decode(data).unwrap());
        *own.cluster() =
            json!({"server": own.cluster()["server"], "certificate-authority": "ca.crt"});
    }
    let (mut clusters, mut users) = (own.content.clone(), own.content.clone());
    clusters.as_object_mut().unwrap().remove("users");
    clusters["current-context"] = json!("");
    for key in ["clusters", "contexts"] {
        users.as_object_mut().unwrap().remove(key);
    }
    let clusters = own.write("clusters", clusters.to_string());
    let users = own.write("users", users.to_string());
    let (empty, absent) = (own.write("empty", ""), own.folder.path().join("absent"));
    let (good, nothing) = (own.path(), PathBuf::new());
    for list in [
        &[&good][..],
        &[&good, &absent],
        &[&absent, &good],
        &[&empty, &good],
        &[&nothing, &good, &nothing],
        &[&clusters, &users],
        &[&users, &absent, &clusters],
    ] {
        let joined = env::join_paths(list).unwrap();
        let joined = joined.to_str().unwrap();
        reaches(&project, joined, &[("KUBECONFIG", joined)]);
    }
    let joined = env::join_paths([&absent, &empty]).unwrap();
    let outcome = project.up(&[]).env("KUBECONFIG", joined).run().exited(2);
    assert!(
        outcome.stderr.contains("no current context"),
        "{}",
        outcome.stderr
    );
}

/// A proxy that opens ways to anywhere, and counts them.
fn proxy() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let opened = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&opened);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let count = Arc::clone(&count);
            thread::spawn(move || tunnel(client, &count));
        }
    });
    (address, opened)
}

/// Answers one `CONNECT HOST:PORT`, and carries what follows.
fn tunnel(mut client: TcpStream, count: &AtomicUsize) -> Option<()> {
    let mut reader = BufReader::new(client.try_clone().ok()?);
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        if line.trim().is_empty() {
            break;
        }
        lines.push(line);
    }
    let mut server = TcpStream::connect(lines.first()?.split(' ').nth(1)?).ok()?;
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n").ok()?;
    count.fetch_add(1, Ordering::SeqCst);
    let (mut to, mut back) = (server.try_clone().ok()?, client.try_clone().ok()?);
    thread::spawn(move || copy(&mut reader, &mut to));
    copy(&mut server, &mut back).ok()?;
    Some(())
}

#[test]
fn proxies_are_those_of_kubectl() {
    let project = project("proxies");
    let (address, opened) = proxy();
    // The sandbox listens on this machine, where the environment's proxies do not count, whatever
    // they and their exceptions are.
    for (proxy, exceptions) in [
        ("http://127.0.0.1:1", ""),
        ("http://127.0.0.1:1", "127.0.0.1,"),
        (
            "proxy.invalid:3128",
            ",, 10.0.0.0/8,[::1]:80,*.internal,%%%",
        ),
        ("::nonsense::", "::"),
        (&address, ""),
    ] {
        let variables = [("HTTPS_PROXY", proxy), ("NO_PROXY", exceptions)];
        reaches(&project, proxy, &variables);
    }
    assert_eq!(opened.load(Ordering::SeqCst), 0);

    // That of the kubeconfig counts for every server, and is no matter of exceptions.
    let mut own = Kubeconfig::of(&sandbox().kubeconfig);
    own.cluster()["proxy-url"] = json!(address);
    let path = own.path();
    let variables = [
        ("KUBECONFIG", path.to_str().unwrap()),
        ("NO_PROXY", "*"),
        ("HTTPS_PROXY", "http://127.0.0.1:1"),
    ];
    reaches(&project, "proxy-url", &variables);
    assert_ne!(opened.load(Ordering::SeqCst), 0);

    own.cluster()["proxy-url"] = json!("ftp://me:hunter2@proxy.test");
    let run = project.up(&[]).env("KUBECONFIG", own.path());
    let outcome = run.run();
    assert!(
        outcome.status != 0 && outcome.stderr.contains("`proxy-url`"),
        "{}",
        outcome.stderr
    );
    assert!(!outcome.stderr.contains("hunter2"), "{}", outcome.stderr);
}

/// A login program that says what it was told wrongly, counts its runs, and gives what lies beside it.
const LOGIN: &str = r#"#!/bin/sh
case $KUBERNETES_EXEC_INFO in *'"interactive":false'*) ;; *) echo "asks: $KUBERNETES_EXEC_INFO" >&2; exit 7;; esac
case $KUBERNETES_EXEC_INFO in *'"server":"https://'*) ;; *) echo "no server" >&2; exit 8;; esac
[ "$REGION $1" = "eu login" ] || exit 9
echo run >>"$0.runs"
cat "$0.answer"
"#;

#[test]
fn token_files_are_those_of_kubectl() {
    let project = project("token-files");
    let (mut own, token) = Kubeconfig::with_token();
    // Files of tokens end with a line end; blank texts beside them say nothing.
    let file = own.write("token", format!("{token}\n"));
    *own.user() = json!({"tokenFile": "token", "token": "", "username": "", "password": ""});
    let path = own.path();
    reaches(
        &project,
        "a token file",
        &[("KUBECONFIG", path.to_str().unwrap())],
    );
    fs::write(&file, "\n").unwrap();
    let run = project.up(&[]).env("KUBECONFIG", &path);
    let outcome = run.run();
    assert!(
        outcome.status != 0 && outcome.stderr.contains("holds no token"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn login_programs_are_those_of_kubectl() {
    let project = project("logins");
    let (mut own, token) = Kubeconfig::with_token();
    // The program lies beside its kubeconfig, is told of the cluster, and that nobody answers.
    fs::create_dir(own.folder.path().join("bin")).unwrap();
    let program = own.write("bin/login", LOGIN);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let exec = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "command": "./bin/login", "args": ["login"],
        "env": [{"name": "REGION", "value": "eu"}], "interactiveMode": "IfAvailable", "provideClusterInfo": true,
        "installHint": "install it by `brew install login`",
    });
    let answer = json!({
        "apiVersion": exec["apiVersion"], "kind": "ExecCredential", "status": {"token": token},
    });
    own.write("bin/login.answer", answer.to_string());
    *own.user() = json!({"exec": exec.clone()});
    let path = own.path();
    reaches(
        &project,
        "a login program",
        &[("KUBECONFIG", path.to_str().unwrap())],
    );
    // Whoever is asked something is asked once.
    let runs = fs::read_to_string(own.folder.path().join("bin/login.runs")).unwrap();
    assert_eq!(runs, "run\n");

    shows_what_it_waits_for(&project, &mut own, &exec, &program);
    for (key, value, said) in [
        ("command", "no-such-login", "brew install login"),
        ("interactiveMode", "Always", "no terminal"),
    ] {
        let mut other = exec.clone();
        other[key] = json!(value);
        *own.user() = json!({"exec": other});
        let outcome = project.up(&[]).env("KUBECONFIG", own.path()).run();
        assert!(
            outcome.status != 0 && outcome.stderr.contains(said),
            "{said}: {}",
            outcome.stderr
        );
        assert!(!outcome.stderr.contains(&token), "{}", outcome.stderr);
    }
}

/// A code that somebody is to enter is shown while `program` waits for that, and a signal ends the
/// waiting.
#[track_caller]
fn shows_what_it_waits_for(project: &Project, own: &mut Kubeconfig, exec: &Value, program: &Path) {
    let mut waits = exec.clone();
    waits["command"] = json!("sh");
    waits["args"] = json!([
        "-c",
        "printf 'enter 1234' >&2; touch \"$0.waits\"; exec sleep 1000",
        program
    ]);
    *own.user() = json!({"exec": waits});
    let run = Running::start(project.up(&[]).env("KUBECONFIG", own.path()));
    let waits = own.folder.path().join("bin/login.waits");
    eventually("the login program waits", || waits.exists().then_some(()));
    run.signal(Signal::TERM);
    let (status, _, said) = run.end();
    assert_eq!(status, Some(130), "{said}");
    assert!(said.contains("enter 1234"), "{said}");
}

/// Requests of every sort that a run makes.
const SORTS: [fn() -> Requests; 5] = [
    || Requests::reads().about("configmaps"),
    || Requests::all().about("dryRun=All"),
    || Requests::mutating().about("/leases"),
    || Requests::mutating().about("/secrets"),
    || Requests::mutating().about("/configmaps/settings"),
];

/// Whoever is not accepted any more is told so before anything is done, whatever was asked.
#[test]
fn a_token_that_is_not_accepted_any_more_is_asked_for_again_during_a_run() {
    let project = project("renewed-tokens");
    project.up(&[]).run().exited(0);
    let (mut direct, token) = Kubeconfig::with_token();
    *direct.user() = json!({"token": token});
    let proxy = Proxy::for_kubeconfig(&direct.path());
    let mut own = Kubeconfig::of(proxy.kubeconfig());
    let program = own.write(
        "login",
        "#!/bin/sh\necho run >>\"$0.runs\"\ncat \"$0.answer\"\n",
    );
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let answer = json!({
        "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {"token": token},
    });
    own.write("login.answer", answer.to_string());
    let exec =
        json!({"apiVersion": answer["apiVersion"], "command": program, "interactiveMode": "Never"});
    let file = own.write("token", &token);
    for (value, user) in [
        ("2", json!({"tokenFile": file})),
        ("3", json!({"exec": exec})),
    ] {
        *own.user() = user;
        project.rewrite("apps/settings.yaml", &config_map("settings", value));
        let refused = || Fault::Answer(Answer::without_reason(401));
        proxy.inject(SORTS.map(|requests| Rule::new(requests(), refused()).times(1)));
        proxy.run(up(&own, &project)).exited(0);
        let answers = proxy.requests();
        let refused = answers.iter().filter(|request| request.status == Some(401));
        assert_eq!(refused.count(), SORTS.len(), "{answers:?}");
    }
    let runs = fs::read_to_string(own.folder.path().join("login.runs")).unwrap();
    assert_eq!(runs.lines().count(), 1 + SORTS.len());

    // What is written down does not change: the user is told.
    *own.user() = json!({"token": token});
    project.rewrite("apps/settings.yaml", &config_map("settings", "4"));
    let dry_runs = Requests::all().about("dryRun=All");
    proxy.inject([Rule::new(
        dry_runs,
        Fault::Answer(Answer::without_reason(401)),
    )]);
    let outcome = proxy.run(up(&own, &project)).exited(1);
    assert!(
        outcome.stderr.contains("log in again"),
        "{}",
        outcome.stderr
    );
}

fn up(own: &Kubeconfig, project: &Project) -> Deployctl {
    project.up(&["--kubeconfig", own.path().to_str().unwrap()])
}
