//! What `deployctl status` shows of a release, out of what is known of it.

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    cli::{
        session::Session,
        tabular::{DataFormat, print},
    },
    engine::{Drift, ObjectOverview, Overview, address, forward},
    event::{AccessPoint, RunOutcome},
    object::{
        HasKind as _, ManifestView,
        field::{integer, list, part, text},
    },
    plan::Address,
    release::{Found, Presence, Revision},
    report::{Output, RevisionInfo, SOMEBODY, Standing, StatusObject, StatusPhase, StatusView},
};

/// The run that holds `lock`, where it may be alive.
fn holder(lock: Option<&Found>) -> Option<String> {
    lock.filter(|lock| !lock.is_dead())
        .map(|lock| lock.holder().to_string())
}

/// How things stand with `last`, the newest revision, while a run holds the lock or none does.
fn standing(last: Option<&Revision>, is_locked: bool) -> Standing {
    let Some(last) = last else {
        return Standing::Nothing;
    };
    match last.outcome {
        _ if is_locked => Standing::Running,
        RunOutcome::Running | RunOutcome::Interrupted => Standing::Interrupted,
        RunOutcome::Failed => Standing::Failed,
        RunOutcome::RollingBack => Standing::HalfRolledBack,
        RunOutcome::RolledBack => Standing::RolledBack,
        RunOutcome::Succeeded if last.is_taken_down() => Standing::TakenDown,
        RunOutcome::Succeeded => Standing::Deployed,
    }
}

pub(super) fn show(format: DataFormat, view: &StatusView, output: &mut Output) {
    let text = view.text(output.stdout_width(), Timestamp::now());
    print(format, view, &text, output);
}

pub(super) fn view(
    address: &Address,
    session: &Session,
    overview: Option<&Overview>,
    last: Option<&Revision>,
    lock: Option<&Found>,
) -> StatusView {
    let locked_by = holder(lock);
    // Of a process of another machine only its heartbeat tells.
    let unseen = lock.filter(|lock| lock.presence() == Presence::Unknown && !lock.is_dead());
    let phases = overview.map(Overview::phases).unwrap_or_default();
    StatusView {
        release: address.release.clone(),
        environment: address.release.environment.clone(),
        context: session.cluster.context().to_owned(),
        revision: overview.map(|overview| revision_info(overview.revision())),
        last_run: last
            .filter(|last| {
                overview.is_none_or(|overview| overview.revision().number != last.number)
            })
            .map(revision_info),
        standing: standing(last, locked_by.is_some()),
        forward: last.map_or("up", |last| forward(last.by.operation)),
        locked_by,
        last_sign_of_life: unseen.and_then(Found::last_sign_of_life),
        phases: phases
            .into_iter()
            .map(|phase| StatusPhase {
                name: phase.name,
                objects: phase.objects.into_iter().map(status_object).collect(),
            })
            .collect(),
        access: last.map(access).unwrap_or_default(),
        deployed_environments: Vec::new(),
    }
}

fn access(revision: &Revision) -> Vec<AccessPoint> {
    revision
        .access
        .iter()
        .map(|(name, how)| AccessPoint {
            name: name.clone(),
            how: how.clone(),
        })
        .collect()
}

/// What is shown of a revision.
pub(in crate::cli) fn revision_info(revision: &Revision) -> RevisionInfo {
    RevisionInfo {
        number: revision.number,
        outcome: revision.outcome,
        cause: revision.cause.clone(),
        failure: revision.present_failure(),
        started: revision.started,
        finished: revision.finished,
        by: revision.by.who.clone(),
        taken_down: revision.is_taken_down(),
    }
}

fn status_object(object: ObjectOverview) -> StatusObject {
    let ObjectOverview {
        id,
        verdict,
        live,
        claims,
        drift,
        unfinished,
        kept,
    } = object;
    let live = live.as_deref();
    StatusObject {
        replicas: live.and_then(replicas),
        autoscaling: live
            .filter(|_| id.kind == "HorizontalPodAutoscaler")
            .map(autoscaling),
        storage: storage(live.filter(|_| id.is_claim()).into_iter().chain(&claims)),
        address: live.and_then(address),
        changed_by: drift.as_ref().and_then(changed_by),
        deleted: drift == Some(Drift::Deleted),
        unfinished_revision: unfinished,
        kept,
        verdict,
        id,
    }
}

/// The managers that changed an object, as people read them.
fn changed_by(drift: &Drift) -> Option<String> {
    match drift {
        Drift::Deleted => None,
        Drift::Changed(managers) if managers.is_empty() => Some(SOMEBODY.to_owned()),
        Drift::Changed(managers) => Some(
            managers
                .iter()
                .map(String::as_str)
                .collect::<Vec<_>>()
                .join(", "),
        ),
    }
}

/// `2/3`: replicas that are ready, and wanted.
fn replicas(object: &Value) -> Option<String> {
    let number = |path| integer(object, path);
    match ManifestView(object).kind() {
        "Deployment" | "StatefulSet" | "ReplicaSet" => Some(format!(
            "{}/{}",
            number("/status/readyReplicas").unwrap_or(0),
            number("/spec/replicas").unwrap_or(1)
        )),
        "DaemonSet" => Some(format!(
            "{}/{}",
            number("/status/numberReady").unwrap_or(0),
            number("/status/desiredNumberScheduled").unwrap_or(0)
        )),
        "Job" => Some(format!(
            "{}/{}",
            number("/status/succeeded").unwrap_or(0),
            number("/spec/completions").unwrap_or(1)
        )),
        _ => None,
    }
}

/// `cpu 41%/70%, memory ?/80%, 3 of 3–10`: measured and wanted for each resource, replicas, and
/// what may be.
fn autoscaling(autoscaler: &Value) -> String {
    let resources = |path| {
        list(autoscaler, path)
            .iter()
            .filter_map(|metric| part(metric, "/resource"))
    };
    let measured = |name| {
        resources("/status/currentMetrics")
            .find(|resource| text(resource, "/name") == Some(name))
            .and_then(|resource| integer(resource, "/current/averageUtilization"))
    };
    let mut parts: Vec<String> = resources("/spec/metrics")
        .filter_map(|resource| {
            let name = text(resource, "/name")?;
            let wanted = integer(resource, "/target/averageUtilization")?;
            Some(format!(
                "{name} {}/{wanted}%",
                measured(name).map_or_else(|| "?".to_owned(), |percent| format!("{percent}%"))
            ))
        })
        .collect();
    let number = |path, otherwise| integer(autoscaler, path).unwrap_or(otherwise);
    let replicas = number("/status/currentReplicas", 0);
    parts.push(format!(
        "{replicas} of {}–{}",
        number("/spec/minReplicas", 1),
        number("/spec/maxReplicas", 1)
    ));
    parts.join(", ")
}

/// `50Gi standard Bound` for each claim.
fn storage<'a>(claims: impl Iterator<Item = &'a Value>) -> Option<String> {
    let claims: Vec<String> = claims
        .map(|claim| {
            let size = text(claim, "/status/capacity/storage")
                .or_else(|| text(claim, "/spec/resources/requests/storage"));
            let class = text(claim, "/spec/storageClassName");
            let parts = [size, class, text(claim, "/status/phase")];
            parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
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
        assert_eq!(
            autoscaling(&autoscaler),
            "cpu 41%/70%, memory ?/80%, 3 of 3–10"
        );
    }

    #[test]
    fn claims_show_size_class_and_phase() {
        let claim = json!({"spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "50Gi"}}}, "status": {"phase": "Bound"}});
        assert_eq!(
            storage([&claim].into_iter()).as_deref(),
            Some("50Gi fast Bound")
        );
        assert_eq!(storage(std::iter::empty()), None);
    }

    #[test]
    fn replicas_are_ready_of_wanted() {
        let deployment =
            json!({"kind": "Deployment", "spec": {"replicas": 3}, "status": {"readyReplicas": 2}});
        assert_eq!(replicas(&deployment).as_deref(), Some("2/3"));
        assert_eq!(replicas(&json!({"kind": "ConfigMap"})), None);
    }
}
