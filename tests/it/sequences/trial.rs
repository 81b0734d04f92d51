use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::Value;

use super::{
    draft::{Draft, Piece},
    model::{Model, there},
    starts::Starts,
    step::{Command, Step},
};
use crate::support::{
    Outcome,
    dump::{Dump, Scope},
    eventually, get,
    project::Project,
    proxy::{Fault, Proxy, Requests, Rule},
    try_kubectl,
};

/// One sequence, tried on a release of its own.
pub(super) struct Trial {
    project: Project,
    proxy: Proxy,
    random: StdRng,
    model: Model,
    starts: Starts,
    /// What was done, a line for each command.
    told: Vec<String>,
    /// Whether something was ever wanted that somebody has to free.
    holds: bool,
    tally: Tally,
}

/// What was tried.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) commands: usize,
    pub(super) killed: usize,
    pub(super) rolled_back: usize,
}

/// What `status` says of the newest revision.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Status {
    number: u64,
    standing: String,
}

/// Exit status of what was killed.
const KILLED: i32 = 128 + 9;

impl Trial {
    /// The sequence that is drawn from `seed`.
    pub(super) fn new(name: &str, seed: u64) -> Self {
        let proxy = Proxy::start();
        proxy.inject([]);
        let project = Project::new(&format!("sequence-{name}-{seed}"));
        Self {
            starts: Starts::of(&project.name),
            project,
            proxy,
            random: StdRng::seed_from_u64(seed),
            model: Model::default(),
            told: Vec::new(),
            holds: false,
            tally: Tally::default(),
        }
    }

    /// So many commands, and at last `down`; an error says what is not as it should be, and what
    /// was done.
    pub(super) fn run(mut self, length: usize) -> Result<Tally, String> {
        for _ in 0..length {
            let step = Step::draw(&mut self.random);
            self.step(&step)?;
        }
        self.step(&Step::whole(Command::Down))?;
        // The history is in the namespace that all share.
        let purged = self.project.command("down", &["--yes", "--purge"]).run();
        if purged.status == 0 {
            Ok(self.tally)
        } else {
            Err(self.wrong(&[format!("`down --purge` ended with {}", purged.status)]))
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let before = self.status()?;
        let outcome = self.carry_out(step);
        let after = self.status()?;
        self.told.push(format!(
            "{step}: exit {}, then {} {}",
            outcome.status, after.standing, after.number
        ));
        self.tally.commands += 1;
        self.tally.killed += usize::from(outcome.status == KILLED);
        let wrong = self.check(step, &before, &outcome, &after);
        if wrong.is_empty() {
            return Ok(());
        }
        let said = outcome
            .stderr
            .trim_end()
            .lines()
            .rev()
            .take(12)
            .collect::<Vec<_>>();
        self.told
            .extend(said.into_iter().rev().map(|line| format!("  {line}")));
        Err(self.wrong(&wrong))
    }

    /// Runs a command to its end, or until it is killed. Meanwhile what is held is freed, a little
    /// later than it is deleted.
    fn carry_out(&mut self, step: &Step) -> Outcome {
        if let Command::Up(draft) = &step.command {
            self.holds |= draft.holds(Piece::Held);
        }
        let run = step.command.of(&self.project);
        self.proxy.inject(
            step.kill.map(|(number, when)| {
                Rule::new(Requests::mutating(), Fault::Kill(when)).only(number)
            }),
        );
        let is_over = AtomicBool::new(false);
        let outcome = thread::scope(|scope| {
            if self.holds {
                scope.spawn(|| free_what_goes(&self.project.name, &is_over));
            }
            let outcome = self.proxy.run(run);
            is_over.store(true, Ordering::Relaxed);
            outcome
        });
        self.proxy.inject([]);
        outcome
    }

    /// What is not as it should be after `step`.
    fn check(
        &mut self,
        step: &Step,
        before: &Status,
        outcome: &Outcome,
        after: &Status,
    ) -> Vec<String> {
        if !after.is_settled() {
            let is_killed = outcome.status == KILLED;
            return if is_killed {
                Vec::new()
            } else {
                vec![format!(
                    "it ended with {} and left something half done",
                    outcome.status
                )]
            };
        }
        let now = self.dump();
        let name = &self.project.name;
        let mut wrong = match (&step.command, outcome.status, after.standing.as_str()) {
            (Command::Up(draft), 0, _) => self.model.not_wanted(draft, name, &now),
            (Command::Down, 0, _) | (_, _, "taken-down") => there(&now),
            (_, _, "nothing" | "rolled-back") => self.model.changed(&now),
            // It was killed before it began, or has refused, or there was nothing to do.
            _ if before == after => self.model.changed(&now),
            // It was killed when its outcome was stored.
            (Command::Up(draft), _, _) => self.model.not_wanted(draft, name, &now),
            (Command::Rollback, _, _) => match self.went_back_to(after.number) {
                Some(number) => self.model.not_as_left(number, name, &now),
                None => vec!["its revision does not say what it went back to".to_owned()],
            },
            (Command::Down, _, _) => vec!["it ended, and the release is not taken down".to_owned()],
        };
        wrong.extend(self.starts.stale());
        self.tally.rolled_back += usize::from(after.standing == "rolled-back");
        let expected: &[i32] = match &step.command {
            Command::Up(Draft {
                is_broken: true, ..
            }) => &[1, KILLED],
            // There may be nothing to go back to.
            Command::Rollback if before.is_settled() && before == after => &[0, 2, KILLED],
            Command::Up(_) | Command::Rollback | Command::Down => &[0, KILLED],
        };
        if !expected.contains(&outcome.status) {
            return [wrong, vec![format!("it ended with {}", outcome.status)]].concat();
        }
        let is_good = matches!(after.standing.as_str(), "deployed" | "taken-down");
        self.model.settle(now, is_good.then_some(after.number));
        wrong
    }

    fn went_back_to(&self, number: u64) -> Option<u64> {
        let revisions = self.project.revisions();
        revisions
            .iter()
            .find(|revision| revision["number"] == number)?["backTo"]
            .as_u64()
    }

    /// All that is there of the release, but for what is kept about its revisions.
    fn dump(&self) -> Dump {
        let name = &self.project.name;
        // The namespace's own objects come a little later than itself.
        if is_active(&get("default", &format!("namespace/{name}"))) {
            for object in ["configmap/kube-root-ca.crt", "serviceaccount/default"] {
                eventually("the namespace is complete", || {
                    (!self.project.get(object).is_null()).then_some(())
                });
            }
        }
        Dump::of(
            &Scope::namespaces(&[name])
                .and_cluster_objects(&format!("{name}-"))
                .and_cluster_objects(&format!("widgets.{name}.")),
        )
    }

    fn status(&self) -> Result<Status, String> {
        let outcome = self.project.command("status", &["-o", "json"]).run();
        if outcome.status != 0 {
            return Err(self.wrong(&[format!(
                "status ended with {}: {}",
                outcome.status, outcome.stderr
            )]));
        }
        let status = outcome.json();
        let number = |revision: &str| status[revision]["number"].as_u64();
        let standing = status["standing"].as_str().unwrap_or_default().to_owned();
        Ok(Status {
            number: number("lastRun").or(number("revision")).unwrap_or_default(),
            standing,
        })
    }

    /// What is not as it should be, after what was done.
    fn wrong(&self, wrong: &[String]) -> String {
        format!(
            "\n    {}\n  and then:\n    {}",
            self.told.join("\n    "),
            wrong.join("\n    ")
        )
    }
}

impl Status {
    /// Whether everything is as some plan wants it, or as it was.
    fn is_settled(&self) -> bool {
        ["nothing", "deployed", "rolled-back", "taken-down"].contains(&self.standing.as_str())
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.commands += other.commands;
        self.killed += other.killed;
        self.rolled_back += other.rolled_back;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} commands, {} of them killed, {} states put back",
            self.commands, self.killed, self.rolled_back
        )
    }
}

/// Frees the `ConfigMap` that is held, whenever it is being deleted. Nobody else does, so that it
/// is the same until then.
fn free_what_goes(namespace: &str, is_over: &AtomicBool) {
    while !is_over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(700));
        if get(namespace, "configmap/held")["metadata"]["deletionTimestamp"].is_string() {
            try_kubectl(
                &[
                    "patch",
                    "configmap",
                    "held",
                    "-n",
                    namespace,
                    "--type=merge",
                    "-p",
                    r#"{"metadata":{"finalizers":null}}"#,
                ],
                "",
            );
        }
    }
}

fn is_active(namespace: &Value) -> bool {
    namespace["status"]["phase"] == "Active"
}
