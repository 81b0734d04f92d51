use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::{
    Global,
    plan_arguments::{ClusterArguments, PlanArguments},
    session::{Session, block_on},
    tabular::{DataFormat, print},
    unsettled::forward,
};
use crate::{
    engine::{Drift, Intention, ObjectOverview, Overview, address},
    error::{CommandError, ExitCode},
    event::{AccessPoint, RunOutcome},
    plan::Address,
    release::{Lock, Presence, Revision, Store},
    report::{Output, RevisionInfo, Standing, StatusObject, StatusPhase, StatusView},
};

/// Show a release: its phases, its objects, and what they are waiting for
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  deployctl status --env dev
  deployctl status shop --env prod -o json --exit-code
  deployctl status --watch")]
#[command(mut_arg("state_namespace", |argument| argument.hide(false)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    plan: PlanArguments,
    #[command(flatten)]
    cluster: ClusterArguments,
    /// End with exit code 6 where not everything is deployed and ready
    #[arg(long)]
    exit_code: bool,
    /// Show it again whenever something changes, until interrupted
    #[arg(short, long, conflicts_with = "exit_code")]
    watch: bool,
    /// Form of the data
    #[arg(short, long, value_enum, default_value_t, env = "DEPLOYCTL_OUTPUT")]
    output: DataFormat,
}

pub(crate) fn run(arguments: &Arguments, _global: &Global, output: &mut Output) -> Result<ExitCode, CommandError> {
    let (address, missing) = arguments.plan.address_or_name()?;
    block_on(status(arguments, &address, missing, output))
}

async fn status(
    arguments: &Arguments,
    address: &Address,
    missing: Option<CommandError>,
    output: &mut Output,
) -> Result<ExitCode, CommandError> {
    let session = Session::open(&arguments.cluster, Some(address)).await?;
    let (overview, last) = session.unless_interrupted(look(address, &session)).await??;
    if let (None, Some(missing)) = (&last, missing) {
        return Err(session.no_revisions(address, Some(missing)));
    }
    let lock = session.unless_interrupted(locked(address, &session)).await?;
    let view = view(address, &session, overview.as_ref(), last.as_ref(), lock);
    let is_as_wanted = |object: &StatusObject| object.verdict.passes() && object.changed_by.is_none() && !object.deleted;
    let as_wanted = view.phases.iter().flat_map(|phase| &phase.objects).all(is_as_wanted)
        && last.as_ref().is_some_and(|last| last.outcome == RunOutcome::Succeeded && !last.is_taken_down());
    match overview.zip(last).filter(|_| arguments.watch) {
        Some(seen) => {
            if !is_screen(arguments, output) {
                show(arguments, &view, output);
            }
            watch(arguments, address, &session, seen, output).await?;
        }
        None => show(arguments, &view, output),
    }
    Ok(if arguments.exit_code && !as_wanted { ExitCode::Differences } else { ExitCode::Done })
}

/// What the last revision left, and the last revision.
async fn look(address: &Address, session: &Session) -> Result<(Option<Overview>, Option<Revision>), CommandError> {
    let store = Store::new(&session.cluster, &session.served, &address.state_namespace, &address.release);
    let heads = store.heads().await.map_err(|error| session.store_error(&error))?;
    let Some(newest) = heads.last() else { return Ok((None, None)) };
    let records = store.records(newest).await.map_err(|error| session.store_error(&error))?;
    // What was rolled back left things as the last one before it that succeeded.
    let good = heads.iter().rev().find(|head| head.revision.outcome == RunOutcome::Succeeded);
    let head = good.filter(|_| newest.revision.outcome == RunOutcome::RolledBack).unwrap_or(newest);
    let overview = Overview::of(&session.cluster, &session.served, head.revision.clone(), records).await;
    let mut overview = overview.map_err(|error| session.request_error("cannot look at the release", &error))?;
    if overview.has_drifted() {
        overview.set_sent(Intention::read(&store, head).await.map_err(|error| session.store_error(&error))?);
    }
    Ok((Some(overview), Some(newest.revision.clone())))
}

/// Who holds the lock of the release, and what can be said of that run from here. Where the user may not look at it nothing is known.
async fn locked(address: &Address, session: &Session) -> Option<(String, Presence)> {
    let found = Lock::find(&session.cluster, &session.served, &address.state_namespace, &address.release).await;
    found.ok().flatten().map(|found| (found.holder().to_string(), found.presence()))
}

/// How things stand with `last`, the newest revision, while the lock is held as `lock` says.
fn standing(last: Option<&Revision>, lock: Option<&(String, Presence)>) -> Standing {
    let Some(last) = last else { return Standing::Nothing };
    let is_held = lock.is_some_and(|(_, presence)| *presence != Presence::Gone);
    match last.outcome {
        _ if is_held => Standing::Running,
        RunOutcome::Running | RunOutcome::Interrupted => Standing::Interrupted,
        RunOutcome::Failed => Standing::Failed,
        RunOutcome::RollingBack => Standing::HalfRolledBack,
        RunOutcome::RolledBack => Standing::RolledBack,
        RunOutcome::Succeeded if last.is_taken_down() => Standing::TakenDown,
        RunOutcome::Succeeded => Standing::Deployed,
    }
}

/// Pause between two screens, so that a rollout does not make it flicker.
const PAUSE: Duration = Duration::from_millis(500);
/// How often the screen is drawn where nothing changed: ages grow, and the terminal may have got another size.
const REDRAW: Duration = Duration::from_secs(1);

async fn watch(
    arguments: &Arguments,
    address: &Address,
    session: &Session,
    (mut overview, mut last): (Overview, Revision),
    output: &mut Output,
) -> Result<(), CommandError> {
    overview.follow(&session.served).await;
    let screen = is_screen(arguments, output);
    let mut redraw = tokio::time::interval(REDRAW);
    if screen {
        output.data(CLEAR);
    }
    loop {
        if screen {
            draw(&view(address, session, Some(&overview), Some(&last), locked(address, session).await), output);
        }
        let changed = tokio::select! {
            () = session.stops.interrupt.cancelled() => return Ok(()),
            () = overview.changed() => true,
            _ = redraw.tick() => false,
        };
        // That a run has ended is seen in its revision alone, after the last change of an object.
        if (changed || last.outcome == RunOutcome::Running)
            && let Some(newer) = newer(address, session, &last).await?
        {
            (overview, last) = newer;
            overview.follow(&session.served).await;
        } else if !changed {
            continue;
        }
        tokio::select! {
            () = session.stops.interrupt.cancelled() => return Ok(()),
            () = tokio::time::sleep(PAUSE) => {}
        }
        if !screen {
            show(arguments, &view(address, session, Some(&overview), Some(&last), locked(address, session).await), output);
        }
    }
}

/// What is there now, where the release has a newer revision than `last`, or that has ended since.
async fn newer(address: &Address, session: &Session, last: &Revision) -> Result<Option<(Overview, Revision)>, CommandError> {
    let store = Store::new(&session.cluster, &session.served, &address.state_namespace, &address.release);
    let newest = store.heads().await.map_err(|error| session.store_error(&error))?.pop();
    if newest.is_none_or(|newest| (newest.revision.number, newest.revision.outcome) == (last.number, last.outcome)) {
        return Ok(None);
    }
    let (overview, last) = look(address, session).await?;
    Ok(overview.zip(last))
}

/// Whether the view is drawn on a terminal again and again.
fn is_screen(arguments: &Arguments, output: &Output) -> bool {
    arguments.output == DataFormat::Text && output.stdout_is_terminal()
}

/// Clears what is seen of the terminal, not its history.
const CLEAR: &str = "\u{1b}[H\u{1b}[2J";

/// Draws the view over the one before: line by line, so that nothing flickers.
fn draw(view: &StatusView, output: &mut Output) {
    let (rows, columns) = Output::stdout_size();
    // The last row is the cursor's, which would scroll the screen otherwise.
    let lines = view.screen(rows.saturating_sub(1), columns, Timestamp::now());
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\u{1b}[K\n");
    output.data(&format!("\u{1b}[H{text}\u{1b}[J"));
}

fn show(arguments: &Arguments, view: &StatusView, output: &mut Output) {
    let text = view.text(output.stdout_width(), Timestamp::now());
    print(arguments.output, view, &text, output);
}

fn view(
    address: &Address,
    session: &Session,
    overview: Option<&Overview>,
    last: Option<&Revision>,
    lock: Option<(String, Presence)>,
) -> StatusView {
    let phases = overview.map(Overview::phases).unwrap_or_default();
    StatusView {
        release: address.release.clone(),
        environment: address.release.environment.clone(),
        context: session.cluster.context().to_owned(),
        revision: overview.map(|overview| revision_info(overview.revision())),
        last_run: last.filter(|last| overview.is_none_or(|overview| overview.revision().number != last.number)).map(revision_info),
        standing: standing(last, lock.as_ref()),
        forward: last.map_or("up", |last| forward(&last.by.command)),
        locked_by: lock.filter(|(_, presence)| *presence != Presence::Gone).map(|(holder, _)| holder),
        phases: phases
            .into_iter()
            .map(|phase| StatusPhase { name: phase.name, objects: phase.objects.into_iter().map(status_object).collect() })
            .collect(),
        access: last.map(access).unwrap_or_default(),
    }
}

fn access(revision: &Revision) -> Vec<AccessPoint> {
    revision.access.iter().map(|(name, how)| AccessPoint { name: name.clone(), how: how.clone() }).collect()
}

/// What is shown of a revision.
pub(super) fn revision_info(revision: &Revision) -> RevisionInfo {
    RevisionInfo {
        number: revision.number,
        outcome: revision.outcome,
        cause: revision.cause.clone(),
        started: revision.started,
        finished: revision.finished,
        by: revision.by.who.clone(),
        taken_down: revision.is_taken_down(),
    }
}

fn status_object(object: ObjectOverview) -> StatusObject {
    let ObjectOverview { id, verdict, live, claims, drift } = object;
    let live = live.as_deref();
    StatusObject {
        replicas: live.and_then(replicas),
        autoscaling: live.filter(|_| id.kind == "HorizontalPodAutoscaler").map(autoscaling),
        storage: storage(live.filter(|_| id.kind == "PersistentVolumeClaim").into_iter().chain(&claims)),
        address: live.and_then(address),
        changed_by: drift.as_ref().and_then(changed_by),
        deleted: drift == Some(Drift::Deleted),
        verdict,
        id,
    }
}

/// The managers that changed an object, as people read them.
fn changed_by(drift: &Drift) -> Option<String> {
    match drift {
        Drift::Deleted => None,
        Drift::Changed(managers) if managers.is_empty() => Some("somebody".to_owned()),
        Drift::Changed(managers) => Some(managers.iter().map(String::as_str).collect::<Vec<_>>().join(", ")),
    }
}

/// `2/3`: replicas that are ready, and wanted.
fn replicas(object: &Value) -> Option<String> {
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    match object.get("kind")?.as_str()? {
        "Deployment" | "StatefulSet" | "ReplicaSet" => {
            Some(format!("{}/{}", number("/status/readyReplicas").unwrap_or(0), number("/spec/replicas").unwrap_or(1)))
        }
        "DaemonSet" => {
            Some(format!("{}/{}", number("/status/numberReady").unwrap_or(0), number("/status/desiredNumberScheduled").unwrap_or(0)))
        }
        "Job" => Some(format!("{}/{}", number("/status/succeeded").unwrap_or(0), number("/spec/completions").unwrap_or(1))),
        _ => None,
    }
}

/// `cpu 41%/70%, memory ?/80%, 3 of 3–10`: measured and wanted for each resource, replicas, and what may be.
fn autoscaling(autoscaler: &Value) -> String {
    let metrics = autoscaler.pointer("/spec/metrics").and_then(Value::as_array).into_iter().flatten();
    let measured = |name: &str| {
        let current = autoscaler.pointer("/status/currentMetrics").and_then(Value::as_array).into_iter().flatten();
        let of_name = current.filter_map(|metric| metric.get("resource")).find(|resource| resource["name"] == name);
        of_name.and_then(|resource| resource.pointer("/current/averageUtilization")).and_then(Value::as_i64)
    };
    let mut parts: Vec<String> = metrics
        .filter_map(|metric| metric.get("resource"))
        .filter_map(|resource| {
            let name = resource.get("name")?.as_str()?;
            let wanted = resource.pointer("/target/averageUtilization")?.as_i64()?;
            Some(format!("{name} {}/{wanted}%", measured(name).map_or_else(|| "?".to_owned(), |percent| format!("{percent}%"))))
        })
        .collect();
    let number = |pointer: &str, otherwise: i64| autoscaler.pointer(pointer).and_then(Value::as_i64).unwrap_or(otherwise);
    let replicas = number("/status/currentReplicas", 0);
    parts.push(format!("{replicas} of {}–{}", number("/spec/minReplicas", 1), number("/spec/maxReplicas", 1)));
    parts.join(", ")
}

/// `50Gi standard Bound` for each claim.
fn storage<'a>(claims: impl Iterator<Item = &'a Value>) -> Option<String> {
    let text = |claim: &Value, pointer: &str| claim.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let claims: Vec<String> = claims
        .map(|claim| {
            let size = claim.pointer("/status/capacity/storage").or_else(|| claim.pointer("/spec/resources/requests/storage"));
            let parts = [
                size.and_then(Value::as_str).unwrap_or_default().to_owned(),
                text(claim, "/spec/storageClassName"),
                text(claim, "/status/phase"),
            ];
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
        })
        .collect();
    (!claims.is_empty()).then(|| claims.join(", "))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_autoscaler_shows_measured_and_wanted() {
        let autoscaler = json!({
            "spec": {"minReplicas": 3, "maxReplicas": 10, "metrics": [
                {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 70}}},
                {"type": "Resource", "resource": {"name": "memory", "target": {"averageUtilization": 80}}},
            ]},
            "status": {"currentReplicas": 3, "currentMetrics": [{"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 41}}}]},
        });
        assert_eq!(autoscaling(&autoscaler), "cpu 41%/70%, memory ?/80%, 3 of 3–10");
    }

    #[test]
    fn claims_show_size_class_and_phase() {
        let claim =
            json!({"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "50Gi"}}}, "status": {"phase": "Bound"}});
        assert_eq!(storage([&claim].into_iter()).as_deref(), Some("50Gi fast Bound"));
        assert_eq!(storage(std::iter::empty()), None);
    }

    #[test]
    fn replicas_are_ready_of_wanted() {
        let deployment = json!({"kind": "Deployment", "spec": {"replicas": 3}, "status": {"readyReplicas": 2}});
        assert_eq!(replicas(&deployment).as_deref(), Some("2/3"));
        assert_eq!(replicas(&json!({"kind": "ConfigMap"})), None);
    }
}
