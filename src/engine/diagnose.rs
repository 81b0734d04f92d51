//! Why a run stopped: the object, its pod and container, the last log lines, what to look at next.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use futures::future::join_all;
use jiff::Timestamp;
use serde_json::Value;

use crate::engine::{
    execute::policy::StopReason, observe::webhooks::find_webhooks, watch::cache::ResourceCache,
};
use crate::{
    cluster::{Cluster, RequestError},
    diagnosis::{self, Explanation, LogRequest},
    event::{Diagnosis, ObjectDiagnosis},
    object::ObjectId,
    plan::PhaseId,
    preflight,
    readiness::{Budget, State, Verdict},
    release::StoreError,
};

/// Objects that one diagnosis looks into; the others are named in the summary of their phase.
const OBJECTS: usize = 10;

/// Objects that a summary names.
const NAMES: usize = 3;

/// Says why a run stopped: the object, the pod and container, the last log lines, and the command
/// that shows more. `broken`: why its journal could not be written.
pub(crate) async fn explain(
    stop: &StopReason,
    broken: Option<&StoreError>,
    cluster: &Cluster,
    cache: &mut ResourceCache,
) -> Diagnosis {
    match stop {
        StopReason::Refused {
            phase,
            object,
            error,
        } => Diagnosis {
            summary: format!("{object} could not be written: {}", why(error)),
            phase: Some(phase.clone()),
            objects: blocked_by_webhook(object, error, cluster).await,
            ..Diagnosis::default()
        },
        StopReason::Failed {
            phase,
            objects,
            open,
        } => {
            let objects = with_faulty(objects, open, cache).await;
            look_into(listed(&objects), Some(phase), &objects, cluster, cache).await
        }
        StopReason::TimedOut {
            phase,
            after,
            whole_run,
            objects,
        } => {
            let what = if *whole_run {
                "the run timed out"
            } else {
                "timed out"
            };
            let summary = format!(
                "{what} after {}: {}",
                duration(*after),
                not_defined(objects, phase, cache).unwrap_or_else(|| listed(objects))
            );
            look_into(summary, Some(phase), objects, cluster, cache).await
        }
        StopReason::Fenced => Diagnosis {
            summary: format!(
                "{}; nothing was done after that",
                fence(broken, cluster).await
            ),
            ..Diagnosis::default()
        },
        StopReason::Interrupted => Diagnosis {
            summary: "the run was interrupted".to_owned(),
            interrupted: true,
            ..Diagnosis::default()
        },
    }
}

/// `failed`, and those of `open` with which something is wrong too, although that was still tolerated
/// when the run ended: whoever fixes one fixes all.
async fn with_faulty(
    failed: &[(ObjectId, Verdict)],
    open: &[(ObjectId, Verdict)],
    cache: &mut ResourceCache,
) -> Vec<(ObjectId, Verdict)> {
    list_around(open, cache).await;
    let now = Timestamp::now();
    let faulty = open.iter().filter(|(id, verdict)| {
        let has_fault = |object: &Arc<Value>| {
            cache.around(object, now, |around| diagnosis::has_fault(object, around))
        };
        let is_spent = cache.judge_within(id, now, Budget::NONE).state == State::Failed;
        !verdict.passes() && (is_spent || cache.object(id).is_some_and(has_fault))
    });
    failed.iter().chain(faulty).cloned().collect()
}

/// Lists what belongs to `objects`. What cannot be listed now cannot be told; the verdict itself is
/// known.
async fn list_around(objects: &[(ObjectId, Verdict)], cache: &mut ResourceCache) {
    let namespaces: BTreeSet<&str> = objects
        .iter()
        .filter_map(|(id, _)| id.namespace.as_deref())
        .collect();
    for namespace in namespaces {
        let _ = cache.list_children(namespace).await;
    }
}

/// Why nothing may be written any more, and who has the release now where another run has taken it
/// over.
pub(crate) async fn fence(broken: Option<&StoreError>, cluster: &Cluster) -> String {
    let why = if let Some(error) = broken.filter(|error| !error.is_lock_lost()) {
        let error = with_causes(error);
        format!("what was done could not be recorded: {error}")
    } else {
        let last_error = cluster.last_error();
        let last_error = last_error.map_or_else(String::new, |error| format!(": {error}"));
        format!("the lock of the release was lost{last_error}")
    };
    let is_lost = broken.is_none_or(StoreError::is_lost_to_another);
    let holder = if is_lost {
        cluster.lock_holder().await
    } else {
        None
    };
    match holder {
        Some(holder) => format!("{why}; {holder}"),
        None => why,
    }
}

/// `error` with what caused it.
pub(crate) fn with_causes(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", with_causes(source)),
        None => error.to_string(),
    }
}

fn why(error: &RequestError) -> String {
    match error {
        RequestError::Refused(refusal) => preflight::described(refusal),
        other => other.to_string(),
    }
}

/// Who set up the webhook that refused to have `object` written, and what to do; nothing where it
/// was none.
async fn blocked_by_webhook(
    object: &ObjectId,
    error: &RequestError,
    cluster: &Cluster,
) -> Vec<ObjectDiagnosis> {
    let RequestError::Refused(refusal) = error else {
        return Vec::new();
    };
    let Some(webhook) = preflight::webhook_refusal(refusal) else {
        return Vec::new();
    };
    let found = find_webhooks(cluster, BTreeSet::from([webhook.name])).await;
    let explained = found
        .get(webhook.name)
        .map(|found| preflight::explained(webhook, found, cluster.kubectl()));
    let diagnosed = explained.map(|(who, remedy)| ObjectDiagnosis {
        object: object.clone(),
        verdict: Verdict::new(State::Failed, "Refused", who.clone()),
        pod: None,
        container: None,
        cause: Some(format!("{who}; {remedy}")),
        log: Vec::new(),
        further: Vec::new(),
    });
    diagnosed.into_iter().collect()
}

fn duration(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds < 120 => format!("{seconds} s"),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

/// That nothing but definitions is missing that controllers of `phase` were expected to create.
fn not_defined(
    objects: &[(ObjectId, Verdict)],
    phase: &PhaseId,
    cache: &ResourceCache,
) -> Option<String> {
    let is_missing = |(id, verdict): &(ObjectId, Verdict)| {
        cache.is_expected(id) && verdict.state == State::Missing
    };
    if objects.is_empty() || !objects.iter().all(is_missing) {
        return None;
    }
    let names: Vec<&str> = objects.iter().map(|(id, _)| id.name.as_str()).collect();
    let (noun, have) = match names.len() {
        1 => ("CustomResourceDefinition", "has"),
        _ => ("CustomResourceDefinitions", "have"),
    };
    Some(format!(
        "{noun} {}, which the plan expects after phase `{phase}`, {have} not come up",
        names.join(", ")
    ))
}

/// `Deployment/shop/api is failed` or `3 objects are not ready: …`.
fn listed(objects: &[(ObjectId, Verdict)]) -> String {
    match objects {
        [] => "objects were still being written".to_owned(),
        [(id, verdict)] if verdict.state == State::Failed => format!("{id} cannot become ready"),
        [(id, verdict)] if verdict.is_absent() => format!("{id} is gone"),
        [(id, _)] => format!("{id} is not ready"),
        many => {
            let names: Vec<String> = many
                .iter()
                .take(NAMES)
                .map(|(id, _)| id.to_string())
                .collect();
            let more = if many.len() > NAMES {
                format!(" and {} more", many.len() - NAMES)
            } else {
                String::new()
            };
            format!(
                "{} objects are not ready: {}{more}",
                many.len(),
                names.join(", ")
            )
        }
    }
}

/// Says why `objects` are not ready, the first ones in detail, as far as what belongs to them can
/// be listed.
pub(crate) async fn look_into(
    summary: String,
    phase: Option<&PhaseId>,
    objects: &[(ObjectId, Verdict)],
    cluster: &Cluster,
    cache: &mut ResourceCache,
) -> Diagnosis {
    let first = &objects[..objects.len().min(OBJECTS)];
    list_around(first, cache).await;
    let now = Timestamp::now();
    let explained: Vec<(ObjectId, Verdict, Explanation)> = first
        .iter()
        .map(|(id, verdict)| {
            let object: Option<Arc<Value>> = cache.object(id).cloned();
            let explain = |object: Arc<Value>| {
                cache.around(&object, now, |around| {
                    diagnosis::explain(&object, verdict, around)
                })
            };
            (
                id.clone(),
                verdict.clone(),
                object.map(explain).unwrap_or_default(),
            )
        })
        .collect();
    let logs = join_all(explained.iter().map(|(_, _, explanation)| {
        let logs = explanation.logs().into_iter();
        join_all(logs.map(|log| log_of(cluster, log)))
    }))
    .await;
    let commands = in_turn(
        explained
            .iter()
            .map(|(_, _, explanation)| &explanation.more),
    );
    let more = commands
        .iter()
        .map(|command| command.replacen("kubectl", cluster.kubectl(), 1))
        .collect();
    let objects = explained
        .into_iter()
        .zip(logs)
        .map(|((object, verdict, explanation), log)| {
            explanation.into_diagnosis(object, verdict, &log)
        });
    Diagnosis {
        summary,
        phase: phase.cloned(),
        objects: objects.collect(),
        more,
        interrupted: false,
    }
}

/// The first of each list, then the second of each, and so on: one object's commands do not keep
/// those of another out.
fn in_turn<'a>(lists: impl Iterator<Item = &'a Vec<String>>) -> Vec<&'a String> {
    let mut all: Vec<(usize, &String)> = lists.flat_map(|list| list.iter().enumerate()).collect();
    all.sort_by_key(|(position, _)| *position);
    all.into_iter().map(|(_, command)| command).collect()
}

/// So long somebody who waits to be told what failed is kept waiting for a log.
const PATIENCE: Duration = Duration::from_secs(3);

/// The last lines of the log that shows the cause; none where it cannot be read, or not soon.
async fn log_of(cluster: &Cluster, log: Option<&LogRequest>) -> String {
    let Some(log) = log else {
        return String::new();
    };
    let tail = cluster.log_tail(
        &log.namespace,
        &log.pod,
        &log.container,
        log.previous,
        log.tail,
    );
    tokio::time::timeout(PATIENCE, tail)
        .await
        .map(Result::unwrap_or_default)
        .unwrap_or_default()
}
