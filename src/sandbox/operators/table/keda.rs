//! KEDA: what it scales gets a `HorizontalPodAutoscaler`.
//!
//! See <https://keda.sh/docs/latest/reference/scaledobject-spec/>.

use serde_json::{Value, json};

use crate::sandbox::operators::{
    kind::{Absence, PlayedKind, Reference, played},
    subject::{NOW, Subject, condition, entries, namespace, text_or},
};

const GROUP: &str = "keda.sh";
const OPERATOR: &str = "keda";

/// The fields in which scalers are told how much is enough for one pod.
const THRESHOLDS: [&str; 12] = [
    "threshold",
    "targetValue",
    "value",
    "listLength",
    "lagThreshold",
    "queueLength",
    "targetQueryValue",
    "streamLength",
    "pendingEntriesCount",
    "messageCount",
    "desiredReplicas",
    "targetAverageValue",
];

pub(super) const KINDS: &[PlayedKind] = &[
    played(OPERATOR, (GROUP, "ScaledObject"), scaled_object)
        .making(autoscalers)
        .referring(target),
    played(OPERATOR, (GROUP, "ScaledJob"), scaled_job),
];

fn conditions(subject: &Subject<'_>, well: (&str, &str), badly: (&str, &str)) -> Vec<Value> {
    let active = subject.either(
        condition(
            "Active",
            "True",
            (
                "ScalerActive",
                "Scaling is performed because triggers are active",
            ),
        ),
        condition(
            "Active",
            "Unknown",
            ("UnknownState", "ScaledObject check failed"),
        ),
    );
    let paused = match subject.annotation("autoscaling.keda.sh/paused") {
        Some("true") => condition(
            "Paused",
            "True",
            ("ScaledObjectPaused", "ScaledObject is paused"),
        ),
        _ => condition(
            "Paused",
            "False",
            (
                "ScaledObjectUnpaused",
                "pause annotation removed for ScaledObject",
            ),
        ),
    };
    let fallback = (
        "NoFallbackFound",
        "No fallbacks are active on this scaled object",
    );
    let all = [
        subject.condition("Ready", well, badly),
        active,
        condition("Fallback", "False", fallback),
        paused,
    ];
    all.into_iter().map(untimed).collect()
}

/// KEDA's conditions do not tell since when they hold.
fn untimed(mut condition: Value) -> Value {
    if let Some(fields) = condition.as_object_mut() {
        fields.remove("lastTransitionTime");
    }
    condition
}

fn scaled_object(subject: &Subject<'_>) -> Value {
    let well = (
        "ScaledObjectReady",
        "ScaledObject is defined correctly and is ready for scaling",
    );
    let badly = (
        "ScaledObjectCheckFailed",
        "ScaledObject doesn't have correct scaleTargetRef specification",
    );
    let mut status = json!({"conditions": conditions(subject, well, badly)});
    if subject.fault.is_none() {
        let (api_version, kind, _) = scaled(subject);
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let names = |kind: &str| -> Vec<Value> {
            let metrics = metrics(subject);
            let of_kind = metrics.iter().filter(|metric| metric["type"] == kind);
            let name = |metric: &Value| match kind {
                "External" => metric["external"]["metric"]["name"].clone(),
                _ => metric["resource"]["name"].clone(),
            };
            of_kind.map(name).collect()
        };
        status["hpaName"] = autoscaler_name(subject).into();
        status["scaleTargetKind"] = format!("{api_version}.{kind}").into();
        status["scaleTargetGVKR"] = json!({"group": group, "version": version, "kind": kind, "resource": format!("{}s", kind.to_lowercase())});
        status["externalMetricNames"] = names("External").into();
        status["resourceMetricNames"] = names("Resource").into();
        status["lastActiveTime"] = NOW.into();
    }
    status
}

fn scaled_job(subject: &Subject<'_>) -> Value {
    let well = (
        "ScaledJobReady",
        "ScaledJob is defined correctly and is ready to scaling",
    );
    let badly = (
        "ScaledJobCheckFailed",
        "Failed to ensure ScaledJob is correctly created",
    );
    json!({"conditions": conditions(subject, well, badly)})
}

/// API version, kind and name of what is scaled.
fn scaled<'a>(subject: &Subject<'a>) -> (&'a str, &'a str, &'a str) {
    of_target(&subject.spec()["scaleTargetRef"])
}

fn of_target(target: &Value) -> (&str, &str, &str) {
    (
        text_or(&target["apiVersion"], "apps/v1"),
        text_or(&target["kind"], "Deployment"),
        text_or(&target["name"], ""),
    )
}

fn target(object: &Value) -> Vec<Reference> {
    let (api_version, kind, name) = of_target(&object["spec"]["scaleTargetRef"]);
    vec![Reference::to(
        (api_version, kind),
        namespace(object),
        name,
        Absence::Fails,
    )]
}

fn autoscaler_name(subject: &Subject<'_>) -> String {
    let settings = &subject.spec()["advanced"]["horizontalPodAutoscalerConfig"];
    let default = format!("keda-hpa-{}", subject.name());
    text_or(&settings["name"], &default).to_owned()
}

fn autoscalers(subject: &Subject<'_>) -> Vec<Value> {
    let spec = subject.spec();
    let (api_version, kind, name) = scaled(subject);
    let mut metadata = json!({
        "namespace": subject.namespace(),
        "name": autoscaler_name(subject),
        "annotations": subject.object["metadata"]["annotations"],
        "labels": subject.object["metadata"]["labels"].as_object().map_or_else(|| json!({}), |labels| json!(labels)),
    });
    metadata["labels"]["app.kubernetes.io/managed-by"] = "keda-operator".into();
    metadata["labels"]["scaledobject.keda.sh/name"] = subject.name().into();
    let mut autoscaler = json!({
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": metadata,
        "spec": {
            "scaleTargetRef": {"apiVersion": api_version, "kind": kind, "name": name},
            // An autoscaler never scales to nothing; KEDA itself does.
            "minReplicas": spec["minReplicaCount"].as_u64().unwrap_or(1).max(1),
            "maxReplicas": spec["maxReplicaCount"].as_u64().unwrap_or(100),
            "metrics": metrics(subject),
        },
    });
    let behavior = &spec["advanced"]["horizontalPodAutoscalerConfig"]["behavior"];
    if !behavior.is_null() {
        autoscaler["spec"]["behavior"] = behavior.clone();
    }
    vec![autoscaler]
}

/// The metrics that the triggers stand for.
fn metrics(subject: &Subject<'_>) -> Vec<Value> {
    let triggers = entries(&subject.spec()["triggers"]).iter().enumerate();
    triggers
        .map(|(index, trigger)| match trigger["type"].as_str() {
            Some(name @ ("cpu" | "memory")) => of_resource(name, trigger),
            name => of_trigger(
                subject,
                &format!("s{index}-{}", name.unwrap_or_default()),
                trigger,
            ),
        })
        .collect()
}

fn of_resource(name: &str, trigger: &Value) -> Value {
    let wanted = text_or(&trigger["metadata"]["value"], "");
    let target = match trigger["metricType"].as_str() {
        Some("AverageValue") => json!({"type": "AverageValue", "averageValue": wanted}),
        _ => json!({"type": "Utilization", "averageUtilization": wanted.parse().unwrap_or(80)}),
    };
    json!({"type": "Resource", "resource": {"name": name, "target": target}})
}

fn of_trigger(subject: &Subject<'_>, name: &str, trigger: &Value) -> Value {
    let metadata = &trigger["metadata"];
    let threshold = THRESHOLDS
        .iter()
        .filter_map(|key| metadata[*key].as_str())
        .find(|value| value.parse::<f64>().is_ok())
        .unwrap_or("1");
    let target = match trigger["metricType"].as_str() {
        Some("Value") => json!({"type": "Value", "value": threshold}),
        _ => json!({"type": "AverageValue", "averageValue": threshold}),
    };
    let selector = json!({"matchLabels": {"scaledobject.keda.sh/name": subject.name()}});
    json!({"type": "External", "external": {"metric": {"name": name, "selector": selector}, "target": target}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn triggers_become_metrics_as_they_are_written() {
        let object = json!({"metadata": {"name": "jobs"}, "spec": {"triggers": [
            {"type": "prometheus", "metricType": "Value", "metadata": {"query": "up", "threshold": "0.5"}},
            {"type": "memory", "metricType": "AverageValue", "metadata": {"value": "1Gi"}},
            {"type": "cron", "metadata": {"start": "0 6 * * *"}},
        ]}});
        let metrics = metrics(&Subject::of(&object));
        assert_eq!(
            metrics[0]["external"]["target"],
            json!({"type": "Value", "value": "0.5"})
        );
        assert_eq!(
            metrics[1]["resource"]["target"],
            json!({"type": "AverageValue", "averageValue": "1Gi"})
        );
        assert_eq!(metrics[2]["external"]["metric"]["name"], "s2-cron");
        assert_eq!(metrics[2]["external"]["target"]["averageValue"], "1");
    }

    #[test]
    fn the_autoscaler_is_called_as_the_specification_says() {
        let object = json!({"metadata": {"name": "jobs"}, "spec": {"advanced": {"horizontalPodAutoscalerConfig": {
            "name": "own", "behavior": {"scaleDown": {"stabilizationWindowSeconds": 60}}}}}});
        let autoscaler = &autoscalers(&Subject::of(&object))[0];
        assert_eq!(autoscaler["metadata"]["name"], "own");
        assert_eq!(
            autoscaler["spec"]["behavior"]["scaleDown"]["stabilizationWindowSeconds"],
            60
        );
        assert_eq!(autoscaler["spec"]["scaleTargetRef"]["kind"], "Deployment");
    }
}
