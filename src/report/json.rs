//! A run for programs: each event as a line of JSON, or one document at the end.

use std::io::{self, Write};

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use super::{reporter::Reporter, text::escape_json};
use crate::{
    error::{CommandError, ExitCode},
    event::{
        AccessPoint, Diagnosis, Event, EventKind, PhaseTiming, Proof, RequestCounts, RunOutcome,
        VerdictDelays, WriteResult, seconds,
    },
    object::ObjectId,
    plan::PhaseId,
};

/// Writes each event as one line of JSON.
pub(super) struct JsonLinesReporter {
    stdout: Box<dyn Write + Send>,
}

impl JsonLinesReporter {
    pub(super) fn new(stdout: Box<dyn Write + Send>) -> Self {
        Self { stdout }
    }
}

impl Reporter for JsonLinesReporter {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        let exit_status = match &event.kind {
            EventKind::RunFinished { exit, .. } => Some(exit.status()),
            _ => None,
        };
        write_document(
            &mut self.stdout,
            &serde_json::to_string(&EventLine { event, exit_status })?,
        )
    }
}

/// An event with the number that scripts compare.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct EventLine<'a> {
    #[serde(flatten)]
    event: &'a Event,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<u8>,
}

/// Writes one document when the run has ended.
pub(super) struct JsonReporter {
    stdout: Box<dyn Write + Send>,
    document: Document,
}

/// What `-o json` says about a run.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    release: Option<String>,
    revision: Option<u64>,
    context: Option<String>,
    server: Option<String>,
    started: Option<Timestamp>,
    finished: Option<Timestamp>,
    took: Option<f64>,
    outcome: Option<RunOutcome>,
    exit: Option<ExitCode>,
    exit_status: Option<u8>,
    failure: Option<Diagnosis>,
    /// What the way back came to, where there was one.
    rollback: Option<Proof>,
    notes: Vec<String>,
    phases: Vec<PhaseTiming>,
    skipped: Vec<Skipped>,
    /// What was written; objects that were as wanted are only counted, by phase.
    written: Vec<Written>,
    warnings: Vec<String>,
    requests: RequestCounts,
    verdicts: VerdictDelays,
    access: Vec<AccessPoint>,
}

#[derive(Debug, Serialize)]
struct Written {
    phase: PhaseId,
    object: ObjectId,
    result: WriteResult,
}

#[derive(Debug, Serialize)]
struct Skipped {
    #[serde(skip_serializing_if = "Option::is_none")]
    phase: Option<PhaseId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<String>,
    why: String,
}

impl Skipped {
    fn phase(phase: &PhaseId, why: &str) -> Self {
        Self {
            phase: Some(phase.clone()),
            part: None,
            why: why.to_owned(),
        }
    }

    fn part(part: &str, why: &str) -> Self {
        Self {
            phase: None,
            part: Some(part.to_owned()),
            why: why.to_owned(),
        }
    }
}

impl JsonReporter {
    pub(super) fn new(stdout: Box<dyn Write + Send>) -> Self {
        Self {
            stdout,
            document: Document::default(),
        }
    }

    fn collect(&mut self, event: &Event) {
        let document = &mut self.document;
        document.started.get_or_insert(event.at);
        match &event.kind {
            EventKind::RunStarted {
                release,
                revision,
                context,
                server,
                ..
            } => {
                document.release = Some(release.to_string());
                document.revision = Some(*revision);
                document.context = Some(context.clone());
                document.server = Some(server.clone());
            }
            EventKind::ObjectWritten {
                phase,
                object,
                result,
                ..
            } if *result != WriteResult::Unchanged => {
                document.written.push(Written {
                    phase: phase.clone(),
                    object: object.clone(),
                    result: *result,
                });
            }
            EventKind::PhaseSkipped { phase, why } => {
                document.skipped.push(Skipped::phase(phase, why));
            }
            EventKind::PartSkipped { part, why } => document.skipped.push(Skipped::part(part, why)),
            EventKind::ServerWarned { text, .. } if !document.warnings.contains(text) => {
                document.warnings.push(text.clone());
            }
            EventKind::FailureExplained { diagnosis } => document.failure = Some(diagnosis.clone()),
            EventKind::RollbackProved { proof } => document.prove(proof),
            EventKind::Noted { text } => document.notes.push(text.clone()),
            EventKind::RunFinished {
                outcome,
                exit,
                took,
                phases,
                requests,
                verdicts,
                access,
            } => {
                document.finished = Some(event.at);
                document.took = Some(seconds(*took));
                document.outcome = Some(*outcome);
                document.exit = Some(*exit);
                document.exit_status = Some(exit.status());
                document.phases.clone_from(phases);
                document.requests = *requests;
                document.verdicts = *verdicts;
                document.access.clone_from(access);
            }
            _ => {}
        }
    }
}

impl Document {
    fn prove(&mut self, proof: &Proof) {
        self.rollback = Some(proof.clone());
        // The pods that they ask for are gone.
        if let Some(failure) = &mut self.failure {
            failure.more.clear();
        }
    }
}

impl Reporter for JsonReporter {
    fn report(&mut self, event: &Event) -> io::Result<()> {
        self.collect(event);
        if !matches!(event.kind, EventKind::RunFinished { .. }) {
            return Ok(());
        }
        write_document(
            &mut self.stdout,
            &serde_json::to_string_pretty(&self.document)?,
        )
    }
}

/// Writes `json` and a line break. A reader that went away is no error: the run goes on.
/// What a command says to programs that failed before it did anything.
pub(crate) fn failure_json(error: &CommandError) -> Value {
    json!({
        "event": "command-failed",
        "exit": error.exit,
        "exitStatus": error.exit.status(),
        "message": error.message,
        "causes": error.causes,
        "hints": error.hints,
    })
}

fn write_document(stdout: &mut dyn Write, json: &str) -> io::Result<()> {
    let text = escape_json(json) + "\n";
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
