//! What `up` shows at a terminal of a certain size: bars that come and go, lines that fit, and a
//! cursor that comes back.

mod screen;

use std::{fs, path::Path, thread, time::Duration};

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{
    Deployctl, eventually,
    manifests::{config_map, faulty_deployment},
    project::Project,
    proxy::Proxy,
    pty::Pty,
    running::Running,
};
use screen::Screen;

/// A plan with one Deployment whose pod behaves as `fault` says; its name is also that of its
/// namespace.
struct Shop {
    folder: TempDir,
    name: String,
}

impl Shop {
    fn new(name: &str, fault: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let shop = Self {
            folder,
            name: format!("{name}-{}", std::process::id() % 1000),
        };
        let name = &shop.name;
        let plan = format!(
            "apiVersion: deployctl.dev/v1\nname: {name}\nsources: [../manifests]\nnamespace: {name}\n"
        );
        shop.write(&format!("plans/{name}.yaml"), &plan);
        let labels = format!("{{app: web, sandbox.deployctl.dev/fault: {fault}}}");
        let deployment = format!(
            "apiVersion: apps/v1
kind: Deployment
metadata: {{name: web}}
spec:
  selector: {{matchLabels: {{app: web}}}}
  template:
    metadata: {{labels: {labels}, annotations: {{sandbox.deployctl.dev/seconds: \"1\"}}}}
    spec: {{containers: [{{name: main, image: \"web:v1\"}}]}}
"
        );
        shop.write("manifests/web.yaml", &deployment);
        shop
    }

    fn write(&self, path: &str, content: &str) {
        let file = self.folder.path().join(path);
        fs::create_dir_all(file.parent().unwrap_or(Path::new("/"))).expect("the folder is made");
        fs::write(file, content).expect("the file is written");
    }

    fn up(&self) -> Deployctl {
        Deployctl::in_sandbox()
            .current_dir(self.folder.path())
            .args(["up", &self.name])
    }
}

/// Everything that holds however a run ends: nothing was wider than the terminal, no bar is left,
/// and the cursor is seen.
#[track_caller]
fn assert_tidy(transcript: &str, columns: usize) -> Screen {
    let screen = Screen::showing(transcript, columns);
    assert_eq!(
        screen.wrapped,
        Vec::<String>::new(),
        "wider than {columns} columns"
    );
    assert!(screen.shows_cursor, "the cursor is hidden");
    let text = screen.text();
    assert!(!text.contains(['█', '░']), "a bar is left behind:\n{text}");
    assert_eq!(
        screen.below_cursor(),
        "",
        "something is left below the cursor"
    );
    screen
}

#[test]
fn bars_come_and_go_and_nothing_is_wider_than_the_terminal() {
    for columns in [80, 120] {
        let shop = Shop::new(&format!("bars-{columns}"), "slow");
        let mut pty = Pty::run(shop.up(), columns);
        pty.expect(&format!("Deploy {}.default to context", shop.name));
        pty.type_line("y");
        let ended = pty.end();
        assert_eq!(ended.status, 0, "{}", ended.transcript);
        assert!(
            ended.transcript.contains('░'),
            "there was no bar:\n{}",
            ended.transcript
        );
        let text = assert_tidy(&ended.transcript, columns).text();
        let last = text.trim_end().lines().last().unwrap_or_default();
        assert!(
            last.starts_with(&format!("✓ {}.default revision 1 is deployed", shop.name)),
            "{text}"
        );

        let again = Pty::run(shop.up(), columns).end();
        let text = assert_tidy(&again.transcript, columns).text();
        assert_eq!(again.status, 0, "{text}");
        assert!(
            text.starts_with(&format!(
                "✓ {}.default is up to date: 2 objects, revision 1, nothing to change",
                shop.name
            )),
            "{text}"
        );
        assert_eq!(text.trim_end().lines().count(), 2, "{text}");
    }
}

#[test]
fn a_failure_ends_with_what_to_do_next() {
    let shop = Shop::new("failing", "crash-loop");
    let ended = Pty::run(shop.up().args(["--yes"]), 80).end();
    assert_eq!(ended.status, 1, "{}", ended.transcript);
    let text = assert_tidy(&ended.transcript, 80).text();
    assert!(
        text.contains("✓ rolled back: 2 objects as before, 0 differences"),
        "{text}"
    );
    let block = text.split("✗ phase apps: ").nth(1).unwrap_or_default();
    let again = format!("`deployctl up {} --env default` again", shop.name);
    for part in [
        "CrashLoopBackOff",
        "│ ",
        "more: deployctl history show 1 ",
        "next: fix the cause",
        &again,
    ] {
        let found = block.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(
            found.contains(part.trim_end()),
            "`{part}` is missing at the end:\n{text}"
        );
    }
}

#[test]
fn ctrl_c_leaves_a_tidy_terminal() {
    let shop = Shop::new("stopped", "never-ready");
    let mut pty = Pty::run(shop.up().args(["--yes"]), 80);
    pty.expect("in-progress");
    pty.press_ctrl_c();
    let ended = pty.end();
    assert_eq!(ended.status, 130, "{}", ended.transcript);
    let text = assert_tidy(&ended.transcript, 80).text();
    assert!(
        text.contains("was interrupted and rolled back after"),
        "{text}"
    );
}

#[test]
fn a_terminal_that_cannot_draw_gets_plain_lines() {
    let shop = Shop::new("dumb", "slow");
    let ended = Pty::run(
        shop.up()
            .args(["--yes"])
            .env("TERM", "dumb")
            .env("NO_COLOR", "1"),
        80,
    )
    .end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
    assert!(
        !ended.transcript.contains('\u{1b}'),
        "{:?}",
        ended.transcript
    );
    assert!(
        ended.transcript.contains("apps: created Deployment/"),
        "{}",
        ended.transcript
    );
}

#[test]
fn without_a_terminal_there_are_plain_lines_and_json() {
    let shop = Shop::new("piped", "slow");
    let outcome = shop.up().args(["--yes", "-o", "jsonl"]).run().exited(0);
    let events: Vec<Value> = outcome
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("each line is JSON"))
        .collect();
    assert_eq!(
        (&events[0]["event"], &events[0]["writes"]),
        (&"run-started".into(), &2.into()),
        "{}",
        outcome.stdout
    );
    assert_eq!(
        events.last().map(|event| &event["exitStatus"]),
        Some(&0.into())
    );
    assert!(!outcome.stderr.contains('\u{1b}'), "{:?}", outcome.stderr);

    let shop = Shop::new("logged", "slow");
    let outcome = shop.up().args(["--yes"]).run().exited(0);
    assert_eq!(outcome.stdout, "");
    assert!(
        !(outcome.stderr.contains('\u{1b}') || outcome.stderr.contains('░')),
        "{:?}",
        outcome.stderr
    );
    assert!(
        outcome
            .stderr
            .contains("▸ apps  1 object, timeout 10 min\n"),
        "{}",
        outcome.stderr
    );
}

#[test]
fn a_release_that_is_watched_shows_what_others_do_and_is_not_asked_about_otherwise() {
    let project =
        Project::new("watched").manifest("apps/settings.yaml", &config_map("settings", "1"));
    project.deploy(&[]);
    let proxy = Proxy::start();
    proxy.inject([]);
    let mut pty = Pty::run(proxy.through(project.command("status", &["--watch"])), 80);
    pty.expect("revision 1");
    eventually("nothing is asked for in three seconds", || {
        let asked = proxy.requests().len();
        thread::sleep(Duration::from_secs(3));
        (asked > 0 && proxy.requests().len() == asked).then_some(())
    });

    project.rewrite("apps/settings.yaml", &config_map("settings", "2"));
    project.deploy(&[]);
    pty.expect("revision 2");
    project.rewrite("apps/web.yaml", &faulty_deployment("web", "never-ready"));
    let mut run = Running::start(project.up(&[]));
    pty.expect("a run is under way");
    run.until(|event| event["event"] == "object-written");
    run.kill();
    pty.expect("restores what was there before");
    run.end();
    pty.press_ctrl_c();
    let ended = pty.end();
    assert_eq!(ended.status, 0, "{}", ended.transcript);
}
