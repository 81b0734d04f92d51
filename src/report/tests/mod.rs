//! The reporters and views as a whole, driven by made-up events.

mod diff;
mod emulator;
mod fits;
mod history;
mod logs;
mod terminal;
mod views;

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;

use crate::{
    error::ExitCode,
    event::{
        AccessPoint, Diagnosis, Event, EventKind, ObjectDiagnosis, ObjectNote, PhaseOutcome,
        PhaseSummary, PhaseTiming, Proof, Purpose, RequestCounts, RunOutcome, VerdictDelays,
        WriteResult,
    },
    object::ObjectId,
    plan::{PhaseId, ReleaseId},
    readiness::{State, Verdict},
};

/// The moment at which every made-up run starts.
fn start() -> Timestamp {
    "2026-01-05T12:00:00Z".parse().unwrap()
}

/// A writer that can be looked into.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn release() -> ReleaseId {
    ReleaseId {
        plan: "shop".to_owned(),
        environment: "dev".to_owned(),
    }
}

fn object(kind: &str, name: &str) -> ObjectId {
    ObjectId {
        group: String::new(),
        kind: kind.to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
    }
}

/// Makes events with ascending numbers, each at its second of the run.
#[derive(Default)]
struct Script {
    events: Vec<Event>,
}

impl Script {
    fn at(mut self, second: i64, kind: EventKind) -> Self {
        let at = start() + jiff::SignedDuration::from_secs(second);
        self.events.push(Event {
            at,
            sequence: self.events.len() as u64 + 1,
            kind,
        });
        self
    }

    fn started(self, phases: &[(&str, usize)]) -> Self {
        self.started_to_write(phases, 2)
    }

    fn started_to_write(self, phases: &[(&str, usize)], writes: usize) -> Self {
        let phases = phases
            .iter()
            .map(|(name, objects)| PhaseSummary {
                name: PhaseId::declared(name),
                objects: *objects,
            })
            .collect();
        let deadline = start() + jiff::SignedDuration::from_secs(1800);
        let (context, server) = ("kind-shop".to_owned(), "https://127.0.0.1:6443".to_owned());
        self.at(
            0,
            EventKind::RunStarted {
                release: release(),
                revision: 4,
                context,
                server,
                phases,
                writes,
                purpose: Purpose::Deploy,
                deadline,
            },
        )
    }

    fn phase(self, second: i64, name: &str, objects: usize) -> Self {
        self.at(
            second,
            EventKind::PhaseStarted {
                phase: PhaseId::declared(name),
                objects,
                timeout: Duration::from_mins(5),
            },
        )
    }

    fn phase_end(self, second: i64, name: &str, outcome: PhaseOutcome, took: f64) -> Self {
        self.at(
            second,
            EventKind::PhaseFinished {
                phase: PhaseId::declared(name),
                outcome,
                took: Duration::from_secs_f64(took),
            },
        )
    }

    fn write(self, second: i64, phase: &str, object: &ObjectId, result: WriteResult) -> Self {
        let (phase, object) = (PhaseId::declared(phase), object.clone());
        self.at(
            second,
            EventKind::ObjectWritten {
                phase,
                object,
                result,
                took: Duration::from_millis(40),
            },
        )
    }

    fn verdict(self, second: i64, phase: &str, object: &ObjectId, to: Verdict) -> Self {
        let (phase, object) = (PhaseId::declared(phase), object.clone());
        self.at(
            second,
            EventKind::VerdictChanged {
                phase,
                object,
                from: None,
                to,
            },
        )
    }

    fn warned(self, second: i64, text: &str) -> Self {
        let text = text.to_owned();
        self.at(
            second,
            EventKind::ServerWarned {
                text,
                is_told: false,
            },
        )
    }

    fn end(
        self,
        second: i64,
        outcome: RunOutcome,
        exit: ExitCode,
        phases: Vec<PhaseTiming>,
    ) -> Self {
        let took = Duration::from_secs(second.unsigned_abs());
        let requests = RequestCounts {
            list: 12,
            watch: 6,
            patch: 15,
            get: 2,
            retried: 1,
            ..RequestCounts::default()
        };
        let access = vec![AccessPoint {
            name: "shop".to_owned(),
            how: "https://shop.example".to_owned(),
        }];
        let verdicts = VerdictDelays::of(&[1, 1, 2, 9].map(Duration::from_millis));
        self.at(
            second,
            EventKind::RunFinished {
                outcome,
                exit,
                took,
                phases,
                requests,
                verdicts,
                access,
            },
        )
    }
}

fn timing(
    name: &str,
    outcome: Option<PhaseOutcome>,
    numbers: [usize; 4],
    took: f64,
) -> PhaseTiming {
    let [objects, created, changed, unchanged] = numbers;
    PhaseTiming {
        name: PhaseId::declared(name),
        outcome,
        objects,
        created,
        changed,
        unchanged,
        deleted: 0,
        took: Duration::from_secs_f64(took),
    }
}

fn ready(message: &str) -> Verdict {
    Verdict::new(State::Ready, "", message)
}

fn progressing(message: &str) -> Verdict {
    Verdict::new(State::InProgress, "Progressing", message)
}

fn crash_looping() -> Verdict {
    Verdict::new(
        State::Failed,
        "CrashLoopBackOff",
        "0 of 3 replicas are ready",
    )
}

/// A run of two phases that comes to a good end.
fn good_run() -> Script {
    let settings = object("ConfigMap", "settings");
    let (api, web) = (object("Deployment", "api"), object("Deployment", "web"));
    Script::default()
        .started(&[("foundation", 1), ("apps", 2)])
        .phase(0, "foundation", 1)
        .write(0, "foundation", &settings, WriteResult::Unchanged)
        .verdict(0, "foundation", &settings, ready(""))
        .phase_end(1, "foundation", PhaseOutcome::Ready, 0.3)
        .at(
            1,
            EventKind::PhaseSkipped {
                phase: PhaseId::declared("monitoring"),
                why: "`monitoring.coreos.com` is not served".to_owned(),
            },
        )
        .phase(1, "apps", 2)
        .warned(1, "spec.x: unknown\u{1b}[2J field")
        .warned(1, "spec.x: unknown\u{1b}[2J field")
        .at(
            1,
            EventKind::RequestRetried {
                verb: "patch".to_owned(),
                object: Some(api.clone()),
                attempt: 2,
                delay: Duration::from_millis(500),
                why: "429 Too Many Requests".to_owned(),
            },
        )
        .write(2, "apps", &api, WriteResult::Created)
        .write(2, "apps", &web, WriteResult::Changed)
        .verdict(3, "apps", &api, progressing("2 of 3 replicas are ready"))
        .verdict(4, "apps", &web, ready(""))
        .verdict(
            36,
            "apps",
            &api,
            progressing("2 of 3 replicas are available"),
        )
        .verdict(40, "apps", &api, ready(""))
        .phase_end(40, "apps", PhaseOutcome::Ready, 39.2)
        .end(
            41,
            RunOutcome::Succeeded,
            ExitCode::Done,
            vec![
                timing("foundation", Some(PhaseOutcome::Ready), [1, 0, 0, 1], 0.3),
                timing("apps", Some(PhaseOutcome::Ready), [2, 1, 1, 0], 39.2),
            ],
        )
}

fn diagnosis() -> Diagnosis {
    let diagnosed = |name: &str, cause: Option<&str>, log: Vec<String>| ObjectDiagnosis {
        object: object("Deployment", name),
        verdict: crash_looping(),
        pod: Some(format!("{name}-7c9f8d-x2x7p")),
        container: Some("server".to_owned()),
        cause: cause.map(str::to_owned),
        log,
        further: Vec::new(),
    };
    let log = (1..=9)
        .map(|number| format!("line {number} of the log\u{1b}[31m, which is rather long: connection refused by database:5432"))
        .collect();
    let cause = "exited with 1 after 0.4 s, 5 times; the last time 12 s ago, because the database at `database:5432` refused the connection";
    Diagnosis {
        summary: "`Deployment/shop/api` cannot become ready".to_owned(),
        phase: Some(PhaseId::declared("apps")),
        objects: vec![
            diagnosed("api", Some(cause), log),
            diagnosed(
                "web",
                Some("image `shop/web:2` cannot be pulled"),
                Vec::new(),
            ),
            diagnosed("mail", None, Vec::new()),
            diagnosed("search", None, Vec::new()),
        ],
        more: vec![
            "kubectl --context kind-shop logs -n shop api-7c9f8d-x2x7p -c server -p".to_owned(),
        ],
        interrupted: false,
    }
}

/// The proof of a rollback of three objects, of which the Deployment `api` has `differences`.
fn proof(differences: &[&str]) -> Proof {
    let note = |kind: &str, name: &str, what: &str| ObjectNote {
        object: object(kind, name),
        what: what.to_owned(),
    };
    let changed_by_others = "data.level was changed outside deployctl by kubectl-edit";
    Proof {
        same: 3 - differences.len(),
        differences: differences
            .iter()
            .map(|what| note("Deployment", "api", what))
            .collect(),
        kept: vec![note("PersistentVolumeClaim", "data", "it holds data")],
        stays: vec![note("Job", "migrate", "is not restored: it has completed")],
        by_others: vec![note("ConfigMap", "settings", changed_by_others)],
    }
}

/// A run that fails and is rolled back: all of it, or but for what differs.
fn rolled_back(differences: &[&str]) -> Script {
    let (api, settings) = (object("Deployment", "api"), object("ConfigMap", "settings"));
    let failed = bad_run();
    let forward = Script {
        events: failed.events[..failed.events.len() - 1].to_vec(),
    };
    let cause = "phase `apps` failed: `Deployment/shop/api` cannot become ready".to_owned();
    let timeout = Duration::from_mins(30);
    let (outcome, exit) = match differences {
        [] => (RunOutcome::RolledBack, ExitCode::Failed),
        _ => (RunOutcome::Failed, ExitCode::Changed),
    };
    forward
        .at(
            10,
            EventKind::RollbackStarted {
                cause,
                objects: 3,
                deletes: 1,
                timeout,
            },
        )
        .phase(10, "apps", 3)
        .write(11, "apps", &settings, WriteResult::Restored)
        .write(11, "apps", &api, WriteResult::Restored)
        .verdict(11, "apps", &api, progressing("2 of 3 replicas are ready"))
        .verdict(12, "apps", &api, ready("3 of 3 replicas are ready"))
        .write(12, "apps", &object("Service", "api"), WriteResult::Deleted)
        .phase_end(12, "apps", PhaseOutcome::Ready, 2.0)
        .at(
            13,
            EventKind::RollbackProved {
                proof: proof(differences),
            },
        )
        .end(13, outcome, exit, failed_timings())
}

/// The phases of [`bad_run`], of which the second never started.
fn failed_timings() -> Vec<PhaseTiming> {
    vec![
        timing("apps", Some(PhaseOutcome::Failed), [4, 1, 0, 0], 9.1),
        timing("edge", None, [1, 0, 0, 0], 0.0),
    ]
}

/// A run whose first phase fails.
fn bad_run() -> Script {
    let api = object("Deployment", "api");
    Script::default()
        .started(&[("apps", 4), ("edge", 1)])
        .phase(0, "apps", 4)
        .write(1, "apps", &api, WriteResult::Created)
        .verdict(2, "apps", &api, progressing("0 of 3 replicas are ready"))
        .verdict(9, "apps", &api, crash_looping())
        .verdict(9, "apps", &api, crash_looping())
        .phase_end(9, "apps", PhaseOutcome::Failed, 9.1)
        .at(
            9,
            EventKind::FailureExplained {
                diagnosis: diagnosis(),
            },
        )
        .end(10, RunOutcome::Failed, ExitCode::Changed, failed_timings())
}
