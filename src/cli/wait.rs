//! `deployctl wait`: the readiness of `up`, for scripts.

use std::time::Duration;

use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::{
    Global,
    plan_arguments::ClusterArguments,
    rule_arguments::RuleArguments,
    session::{Session, block_on},
};
use crate::{
    cluster::Resource,
    engine::{Awaited, Awaiting, Emitter, await_objects},
    error::{CommandError, ExitCode},
    event::{Diagnosis, Event, EventKind},
    object::ObjectId,
    plan,
    readiness::Verdict,
    report::{Output, diagnosis_block, neutralise},
};

/// Wait until objects are ready, or say why they are not
///
/// Judges by the same rules as `up`, and watches: nothing is polled. Ends as soon as all objects
/// are ready, or one of them has failed, or the time is up; then it says why, and the exit code is
/// 1. An object that does not exist yet is waited for.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl wait deployment/api statefulset/postgres -n shop
  deployctl wait certificate.cert-manager.io/shop/web-tls --timeout 2m
  deployctl wait widget/main -n shop --rules shop --env dev
  deployctl wait job/migrate -n shop --for gone")]
pub(crate) struct Arguments {
    /// Objects: `KIND/NAME` or `KIND/NAMESPACE/NAME`; a kind may be given by its plural, singular
    /// or short name, with `.GROUP`
    #[arg(required = true, value_name = "KIND/NAME")]
    objects: Vec<String>,
    /// What to wait for
    #[arg(long = "for", value_enum, default_value_t, value_name = "STATE")]
    until: Until,
    /// How long to wait, for example `90s` or `10m`
    #[arg(long, value_name = "DURATION", default_value = "5m", env = "DEPLOYCTL_TIMEOUT", value_parser = plan::parse_duration)]
    timeout: Duration,
    /// Namespace of the objects; by default that of the context
    #[arg(short, long)]
    namespace: Option<String>,
    /// How to print the last verdicts on standard output
    #[arg(short, long, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    rules: RuleArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Until {
    /// Working, as its manifest says
    #[default]
    Ready,
    /// Does not exist
    Gone,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Nothing: what happens is told on standard error
    #[default]
    None,
    /// One JSON document
    Json,
}

/// What `-o json` prints.
#[derive(Debug, Serialize)]
struct Document<'a> {
    reached: bool,
    objects: Vec<Entry<'a>>,
    failure: Option<&'a Diagnosis>,
}

#[derive(Debug, Serialize)]
struct Entry<'a> {
    object: &'a ObjectId,
    verdict: &'a Verdict,
}

pub(crate) fn run(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    block_on(wait(arguments, global, output))
}

async fn wait(
    arguments: &Arguments,
    global: &Global,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let (rules, budget) = arguments.rules.compile()?;
    let session = Session::open(&arguments.cluster, None).await?;
    let objects = arguments
        .objects
        .iter()
        .map(|name| object(name, arguments, &session))
        .collect::<Result<Vec<_>, _>>()?;
    let awaited = Awaited {
        objects,
        gone: arguments.until == Until::Gone,
        timeout: arguments.timeout,
        rules,
        budget,
    };
    let (sender, mut events) = unbounded_channel();
    let emitter = Emitter::new(sender);
    let work = await_objects(
        &session.cluster,
        &session.served,
        awaited,
        &emitter,
        &session.stops.interrupt,
    );
    let ended = tell(work, &mut events, output)
        .await
        .map_err(|error| session.request_error("cannot read the objects", &error))?;
    let Some(ended) = ended else {
        return Err(CommandError::new(ExitCode::Interrupted, "interrupted"));
    };
    if global.verbose > 0 {
        let counts = session.cluster.counts();
        output.note(&format!(
            "Requests: {} get, {} list, {} watch",
            counts.get, counts.list, counts.watch
        ));
    }
    show(arguments, &ended, output);
    Ok(if ended.diagnosis.is_none() {
        ExitCode::Done
    } else {
        ExitCode::Failed
    })
}

/// Awaits `work` and tells of each new verdict meanwhile.
async fn tell<T>(
    work: impl Future<Output = T>,
    events: &mut UnboundedReceiver<Event>,
    output: &mut Output,
) -> T {
    tokio::pin!(work);
    let result = loop {
        tokio::select! {
            biased;
            Some(event) = events.recv() => note(&event, output),
            result = &mut work => break result,
        }
    };
    while let Ok(event) = events.try_recv() {
        note(&event, output);
    }
    result
}

fn note(event: &Event, output: &mut Output) {
    if let EventKind::VerdictChanged { object, to, .. } = &event.kind {
        let message = if to.message.is_empty() {
            String::new()
        } else {
            format!("  {}", to.message)
        };
        output.note(&neutralise(&format!("{object}  {}{message}", to.state)));
    }
}

fn show(arguments: &Arguments, ended: &Awaiting, output: &mut Output) {
    if let Some(diagnosis) = &ended.diagnosis {
        let width = output.stderr_width();
        for line in diagnosis_block(diagnosis, width) {
            output.note(&line);
        }
    }
    if arguments.output == Format::Json {
        let objects = ended
            .objects
            .iter()
            .map(|(object, verdict)| Entry { object, verdict })
            .collect();
        let document = Document {
            reached: ended.diagnosis.is_none(),
            objects,
            failure: ended.diagnosis.as_ref(),
        };
        let document = serde_json::to_value(&document).expect("text and numbers are valid JSON");
        output.json(&document);
    }
}

/// The object that a user calls `name`, with its kind as the cluster serves it.
fn object(
    name: &str,
    arguments: &Arguments,
    session: &Session,
) -> Result<(ObjectId, Resource), CommandError> {
    let parts: Vec<&str> = name.split('/').collect();
    let (kind, namespace, object) = match parts.as_slice() {
        [kind, object] if !kind.is_empty() && !object.is_empty() => (kind, None, object),
        [kind, namespace, object] if parts.iter().all(|part| !part.is_empty()) => {
            (kind, Some(*namespace), object)
        }
        _ => {
            let message = format!("`{name}` names no object");
            return Err(CommandError::usage(message)
                .hint("write `KIND/NAME` or `KIND/NAMESPACE/NAME`, for example `deployment/api`"));
        }
    };
    let Some(resource) = session.served.called(kind) else {
        let message = format!(
            "the cluster of context `{}` serves no kind `{kind}`",
            session.cluster.context()
        );
        return Err(CommandError::usage(message)
            .hint("`kubectl api-resources` lists the kinds that it serves"));
    };
    let default = || {
        arguments
            .namespace
            .as_deref()
            .unwrap_or(session.cluster.namespace())
    };
    let namespace = resource
        .namespaced
        .then(|| namespace.unwrap_or_else(default).to_owned());
    let id = ObjectId {
        group: resource.group.clone(),
        kind: resource.kind.clone(),
        namespace,
        name: (*object).to_owned(),
    };
    Ok((id, resource.clone()))
}
